"""Owns `cloud-emu fn install`: npm or pip, run wherever functions lack packages.

Not here: which do (`functions.node_packages`, `functions.python_packages`), how they are installed
(`cli.npm`, `cli.pip`). The one idea: what only needs an SDK of Node is installed once, in the data
folder; nothing is installed that is there already, and one failure does not stop the others.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulator.cli.options import project_option
from emulator.cli.output import (
    EXIT_DONE,
    EXIT_FAILED,
    Failed,
    colored,
    json_option,
    say,
    say_json,
    tell,
)
from emulator.core.records import dataclass

if TYPE_CHECKING:
    from emulator.cli.npm import Installation
    from emulator.functions.base import Bundle
    from emulator.functions.node_packages import Plan
    from emulator.functions.python_packages import Needs as PythonNeeds

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One run of a package manager: for whom, where, what is said, what it complained about."""

    name: str
    folder: Path
    said: str
    run: Callable[[Progress], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a step; `fault` is what was complained about, nothing when all went well."""

    step: Step
    fault: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {"name": self.step.name, "folder": str(self.step.folder), "fault": self.fault}


@click.command("install", short_help="Install the packages of functions.")
@click.argument("names", nargs=-1)
@project_option
@json_option
def install(names: tuple[str, ...], *, project: Path, as_json: bool) -> int:
    """Install the packages that functions lack, all of them or those named.

    package.json of Node functions, requirements.txt of Python functions. Node functions that only
    need an SDK share one installation in the data folder; a Python function's packages go into a
    folder there of its own.
    """
    from emulator.functions.node_packages import all_needs, plan
    from emulator.suite.plugins import PACKAGES_FOLDER

    bundles, data_dir = _bundles(project, names)
    needs = all_needs(bundles, data_dir / PACKAGES_FOLDER)
    todo = plan(needs)
    requiring = _requiring(bundles)
    steps = [*_node_steps(todo, data_dir / PACKAGES_FOLDER), *_python_steps(requiring)]
    done = []
    for number, step in enumerate(steps, 1):
        if not as_json:
            say(f"[{number}/{len(steps)}] {step.name}: {step.said}")
        done.append(Done(step=step, fault=step.run(_ignored if as_json else _told)))
        if done[-1].fault and not as_json:
            tell(f"{colored('failed', 'red')}: {step.name}\n{done[-1].fault}")
    failed = [each for each in done if each.fault] or todo.left
    if as_json:
        say_json(
            {
                "installed": [each.as_json() for each in done],
                "left": [{"name": each.bundle.name, "missing": each.missing} for each in todo.left],
            }
        )
    else:
        _conclude(done, todo, len(needs), len(requiring))
    return EXIT_FAILED if failed else EXIT_DONE


def _told(line: str) -> None:
    say(f"  {line}")


def _ignored(line: str) -> None:
    del line


def _bundles(project: Path, names: tuple[str, ...]) -> "tuple[list[Bundle], Path]":
    from emulator.config import load_config
    from emulator.suite.project import Project

    config = load_config(project)
    bundles = {bundle.name: bundle for bundle in Project(config).discover()}
    unknown = [name for name in names if name not in bundles]
    if unknown:
        raise Failed(
            f"no function {', '.join(unknown)}", hint="cloud-emu fn list shows those there are"
        )
    return [bundles[name] for name in names or bundles], config.data_dir


def _node_steps(todo: "Plan", shared: Path) -> Iterator[Step]:
    from emulator.cli.npm import install_own, install_shared

    if todo.shared:
        wanted = tuple(f"{name}@{version}" for name, version in todo.shared.items())
        yield _node_step("shared packages", shared, install_shared(shared, wanted))
    for needs in todo.own:
        installation = install_own(needs.bundle.folder, needs.packages.values())
        yield _node_step(needs.bundle.name, needs.bundle.folder, installation)


def _node_step(name: str, folder: Path, installation: "Installation") -> Step:
    return Step(name=name, folder=folder, said=installation.said, run=lambda _: installation.run())


def _requiring(bundles: "list[Bundle]") -> "list[tuple[Bundle, PythonNeeds]]":
    from emulator.functions.python_packages import needs_of

    found = [
        (bundle, needs_of(bundle.folder, bundle.packages))
        for bundle in bundles
        if bundle.language == "python"
    ]
    return [(bundle, needs) for bundle, needs in found if needs is not None]


def _python_steps(requiring: "list[tuple[Bundle, PythonNeeds]]") -> Iterator[Step]:
    from emulator.cli.pip import install_requirements, pip_command

    for bundle, needs in requiring:
        home = bundle.packages
        if needs.is_met or home is None:
            continue
        yield Step(
            name=bundle.name,
            folder=home,
            said="pip install -r requirements.txt",
            run=partial(install_requirements, pip_command(), bundle.folder, home),
        )


def _conclude(done: list[Done], todo: "Plan", node: int, python: int) -> None:
    for needs in todo.left:
        tell(
            f"{colored('left out', 'yellow')}: {needs.bundle.name} needs "
            f"{', '.join(needs.missing)}, but has no package.json to say which versions"
        )
        tell(f"  run npm install {' '.join(needs.missing)} in {needs.bundle.folder}")
    if not done and not todo.left:
        say(f"nothing to install: {node} Node and {python} Python functions have their packages")
    elif not any(each.fault for each in done):
        say(f"{len(done)} installed")
