"""Functions that a plugin of the CloudBase Framework deploys."""

from typing import Any

import pytest

from emulator.config.framework import with_plugin_functions
from emulator.functions.base import TriggerConfig


def plugin(**inputs: Any) -> dict[str, Any]:
    use = "@cloudbase/framework-plugin-function"
    return {"framework": {"plugins": {"fn": {"use": use, "inputs": inputs}}}}


def test_inputs_take_the_place_of_the_file_s_own():
    inputs = {"functionRootPath": "./api", "functions": [{"name": "f"}]}
    told, said = with_plugin_functions({"functionRoot": "x", "envId": "e", **plugin(**inputs)})
    assert said
    assert (told["functionRoot"], told["functions"], told["envId"]) == (
        "./api",
        [{"name": "f"}],
        "e",
    )


def test_without_inputs_the_file_s_own_stay():
    told, said = with_plugin_functions({"functions": [{"name": "f"}], **plugin()})
    assert said
    assert (told["functionRoot"], told["functions"]) == ("cloudfunctions", [{"name": "f"}])


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"framework": []},
        {"framework": {"plugins": {"a": 5, "b": {"use": "@cloudbase/framework-plugin-node"}}}},
    ],
)
def test_without_the_plugin_nothing_changes(data: dict[str, Any]):
    assert with_plugin_functions(data) == (data, False)


@pytest.mark.parametrize("functions", [None, "all", [5, {"name": "f"}]])
def test_odd_inputs_never_stop_the_start(functions: Any):
    data = plugin(functions=functions, functionRootPath=5, servicePaths={"f": "/f", "g": 5})
    told, _ = with_plugin_functions(data)
    assert {"name": "f", "triggers": [_route("/f")]} in told["functions"]


def _route(path: str) -> dict[str, Any]:
    return {"name": "servicePath", "type": "http", "config": {"path": path}}


def test_a_project_of_the_framework_runs_as_it_is(load, project):
    config = load(
        {
            "server/api/index.js": "",
            "cloudbaserc.json": """{"envId": "e", "framework": {"plugins": {"func": {
  "use": "@cloudbase/framework-plugin-function",
  "inputs": {
    "functionRootPath": "./server", "functionDefaultConfig": {"timeout": 9},
    "functions": [{"name": "api", "envVariables": {"K": "{{env.K}}"}}],
    "servicePaths": {"api": "/api"}
  }}}}}""",
            ".env": "K=v",
        }
    )
    api = config.functions.of("api")
    assert config.functions_root == project / "server"
    assert (api.timeout_s, api.env) == (9, {"K": "v"})
    assert api.triggers == (
        TriggerConfig(name="servicePath", kind="http", config={"path": "/api"}),
    )
    assert config.problems == ()
