"""Owns `cloud-emu fn install`: npm, run wherever Node functions lack packages.

Not here: which do (`functions.node_packages`). The one idea: what only needs an SDK is installed
once, in the data folder; nothing is installed that is there already, and one failure does not stop
the others.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

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

if TYPE_CHECKING:
    from emulator.functions.node_packages import Needs, Plan

NPM_OPTIONS: Final = ("--omit=dev", "--no-audit", "--no-fund", "--loglevel=error")
NPM_TIMEOUT_S: Final = 900.0
COMPLAINT_LINES_MAX: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One run of npm: for whom, where, what."""

    name: str
    folder: Path
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a step; `fault` is what npm said, nothing when all went well."""

    step: Step
    fault: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {"name": self.step.name, "folder": str(self.step.folder), "fault": self.fault}


@click.command("install", short_help="Install the packages of Node functions.")
@click.argument("names", nargs=-1)
@project_option
@json_option
def install(names: tuple[str, ...], *, project: Path, as_json: bool) -> int:
    """Install the npm packages that functions lack, all of them or those named.

    Functions that only need an SDK share one installation in the data folder.
    """
    from emulator.functions.node_packages import plan

    needs, shared = _needs(project, names)
    todo = plan(needs)
    steps = list(_steps(todo, shared))
    npm = _npm() if steps else ""
    done = []
    for number, step in enumerate(steps, 1):
        if not as_json:
            say(f"[{number}/{len(steps)}] {step.name}: npm install {' '.join(step.packages)}")
        done.append(Done(step=step, fault=_run(npm, step)))
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
        _conclude(done, todo, len(needs))
    return EXIT_FAILED if failed else EXIT_DONE


def _needs(project: Path, names: tuple[str, ...]) -> "tuple[list[Needs], Path]":
    from emulator.config import load_config
    from emulator.functions.node_packages import all_needs
    from emulator.suite.assembly import PACKAGES_FOLDER
    from emulator.suite.project import Project

    config = load_config(project)
    bundles = {bundle.name: bundle for bundle in Project(config).discover()}
    unknown = [name for name in names if name not in bundles]
    if unknown:
        raise Failed(
            f"no function {', '.join(unknown)}", hint="cloud-emu fn list shows those there are"
        )
    shared = config.data_dir / PACKAGES_FOLDER
    return all_needs([bundles[name] for name in names or bundles], shared), shared


def _steps(todo: "Plan", shared: Path) -> Iterator[Step]:
    if todo.shared:
        wanted = tuple(f"{name}@{version}" for name, version in todo.shared.items())
        yield Step(name="shared packages", folder=shared, packages=wanted)
    for needs in todo.own:
        yield Step(name=needs.bundle.name, folder=needs.bundle.folder)


def _npm() -> str:
    found = shutil.which("npm")
    if found is None:
        raise Failed(
            "npm was not found", hint="install Node.js 16 or newer (nodejs.org); npm comes with it"
        )
    return found


def _run(npm: str, step: Step) -> str:
    """Return what npm complained about, nothing when it is done."""
    step.folder.mkdir(parents=True, exist_ok=True)
    if step.packages:
        _keep_apart(step.folder)
    try:
        done = subprocess.run(
            [npm, "install", *step.packages, *NPM_OPTIONS],
            cwd=step.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=NPM_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"npm did not finish within {NPM_TIMEOUT_S:g} seconds"
    except OSError as fault:
        return f"npm cannot be started: {fault.strerror}"
    if done.returncode == 0:
        return ""
    lines = (done.stderr or done.stdout).strip().splitlines()
    return "\n".join(lines[:COMPLAINT_LINES_MAX]) or f"npm ended with code {done.returncode}"


def _keep_apart(folder: Path) -> None:
    """Give the folder a manifest of its own, else npm would install into a project above it."""
    manifest = folder / "package.json"
    if not manifest.exists():
        content: Mapping[str, Any] = {"private": True, "description": "Packages of all functions"}
        manifest.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _conclude(done: list[Done], todo: "Plan", count: int) -> None:
    for needs in todo.left:
        tell(
            f"{colored('left out', 'yellow')}: {needs.bundle.name} needs "
            f"{', '.join(needs.missing)}, but has no package.json to say which versions"
        )
        tell(f"  run npm install {' '.join(needs.missing)} in {needs.bundle.folder}")
    if not done and not todo.left:
        say(f"nothing to install: {count} Node functions have their packages")
    elif not any(each.fault for each in done):
        say(f"{len(done)} installed")
