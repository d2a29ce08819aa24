"""Owns the functions that `framework.plugins` of a `cloudbaserc.json` deploy.

Not here: the website plugin (`config.hosting`). The one idea: the inputs of the plugin have the
names that the file itself has, so they are put in its place and read as it is. Facts: the README
of @cloudbase/framework-plugin-function.
"""

from collections.abc import Mapping
from typing import Any, Final

FUNCTION_PLUGIN: Final = "framework-plugin-function"
FUNCTION_FOLDER_DEFAULT: Final = "cloudfunctions"


def with_plugin_functions(data: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Return the data with what the function plugin says in its place, and whether it says it."""
    inputs = _inputs(data)
    if inputs is None:
        return data, False
    told: dict[str, Any] = {"functionRoot": FUNCTION_FOLDER_DEFAULT, **data}
    if isinstance(inputs.get("functionRootPath"), str):
        told["functionRoot"] = inputs["functionRootPath"]
    for name in ("functions", "functionDefaultConfig"):
        if inputs.get(name):
            told[name] = inputs[name]
    paths = inputs.get("servicePaths")
    if isinstance(paths, dict):
        told["functions"] = _reached(told.get("functions"), paths)
    return told, True


def _inputs(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    framework = data.get("framework")
    plugins = framework.get("plugins") if isinstance(framework, dict) else None
    for plugin in plugins.values() if isinstance(plugins, dict) else ():
        if isinstance(plugin, dict) and str(plugin.get("use", "")).endswith(FUNCTION_PLUGIN):
            inputs = plugin.get("inputs")
            return inputs if isinstance(inputs, dict) else {}
    return None


def _reached(functions: Any, paths: Mapping[str, Any]) -> list[Any]:
    """Return the functions, each with an HTTP trigger for its path."""
    known = list(functions) if isinstance(functions, list) else []
    names = {each.get("name") for each in known if isinstance(each, dict)}
    known += [{"name": name} for name in paths if name not in names]
    return [_with_path(each, paths) for each in known]


def _with_path(function: Any, paths: Mapping[str, Any]) -> Any:
    path = paths.get(str(function.get("name"))) if isinstance(function, dict) else None
    if not isinstance(path, str) or not path:
        return function
    triggers = function.get("triggers")
    route = {"name": "servicePath", "type": "http", "config": {"path": f"/{path.lstrip('/')}"}}
    return {**function, "triggers": [*(triggers if isinstance(triggers, list) else ()), route]}
