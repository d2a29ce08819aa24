"""Owns the functions that modules of a uniCloud project bring along, in folders of their own.

Not here: what a function is (`bundle`), modules that functions share (`node/uni_modules.js`). The
one idea: HBuilderX lays `uni_modules/NAME/uniCloud` into the project's own folder when it uploads,
so a function found there is one of the project, unless the project has its own of that name.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from emulator.core.records import dataclass
from emulator.functions.base import Problem

MODULES_MAX: Final = 500
"""Modules of a project that are looked into."""

NO_FUNCTIONS: Final = frozenset({"common", "uni-clientDB-actions", "node_modules"})
"""Folders beside functions that are none: shared modules, and actions of pages."""

SETTINGS_FILE: Final = "uni_modules.config.json"
"""Where a project with several providers says to which of them a module belongs."""

_ROOT: Final = re.compile(r"uniCloud-([a-z]+)\Z")
_PROVIDERS: Final[Mapping[str, str]] = {"tencent": "tcb"}
"""Names of providers that mean another in the settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """Functions of modules: their folders by name, and what keeps one out."""

    folders: Mapping[str, Path]
    problems: tuple[Problem, ...]


def functions_of_modules(root: Path) -> Laid:
    """Return what the modules of the project bring whose own functions lie below `root`.

    There is nothing unless `root` is `uniCloud-…/cloudfunctions` of a project. The page:
    https://uniapp.dcloud.net.cn/plugin/uni_modules.html
    """
    found = _ROOT.match(root.parent.name) if root.name == "cloudfunctions" else None
    if found is None:
        return Laid(folders={}, problems=())
    project = root.parent.parent
    folders: dict[str, Path] = {}
    problems = []
    for module in _modules(project, _PROVIDERS.get(found[1], found[1])):
        for folder in _below(module / "uniCloud" / "cloudfunctions"):
            first = folders.setdefault(folder.name, folder)
            if folder.name in NO_FUNCTIONS or folder.name.startswith("."):
                del folders[folder.name]
            elif first != folder:
                problems.append(_twice(project, folder, first))
    return Laid(folders=folders, problems=tuple(problems))


def _modules(project: Path, provider: str) -> Iterator[Path]:
    """Yield the folders of modules that belong to a provider, which all do that nobody assigns."""
    assigned = _assigned(project)
    found = [*_below(project / "uni_modules"), *_below(project / "src" / "uni_modules")]
    for folder in found[:MODULES_MAX]:
        own = assigned.get(folder.name)
        providers = own.get("uniCloud") if isinstance(own, dict) else None
        if not isinstance(providers, list) or provider in providers:
            yield folder


def _assigned(project: Path) -> Mapping[str, Any]:
    try:
        told = json.loads((project / SETTINGS_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    found = told.get("uni_modules") if isinstance(told, dict) else None
    return found if isinstance(found, dict) else {}


def _below(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []


def _twice(project: Path, folder: Path, first: Path) -> Problem:
    kept, left = (path.relative_to(project).as_posix() for path in (first, folder))
    message = f"{folder.name} is in two modules: {kept} is served, {left} is not; rename one"
    return Problem(file=str(folder), line=0, message=message, severity="warning")
