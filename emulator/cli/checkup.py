"""Owns looking a project and its machine over: files, functions, runtimes, ports, data, watching.

Not here: how it is said (`cli.doctor`). The one idea: each check yields findings and none can stop
another; every warning and error says what to do.
"""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Literal

from emulator.cli import discovery
from emulator.cli.output import Failed
from emulator.cli.ports import refuse_busy_ports
from emulator.cli.processes import answer_of
from emulator.config import Config, load_config
from emulator.config.project_files import CLOUDBASE_FILE, FUNCTION_ROOTS, WECHAT_FILE
from emulator.config.text_files import shown_path
from emulator.core.errors import ConfigurationError, EmulatorError
from emulator.core.records import dataclass
from emulator.functions.base import Bundle, Problem
from emulator.functions.bundle import is_excluded, scan

PYTHON_MIN: Final = (3, 11)
NODE_MIN_MAJOR: Final = 16
FREE_SPACE_MIN_BYTES: Final = 200 * 1024 * 1024
WATCHES_MIN: Final = 8_192
INSTANCES_MIN: Final = 16
UNICLOUD: Final = "uniCloud-"
INNER_DEPTH_MAX: Final = 3
"""Levels of folders below a project without functions that are searched for projects."""
INNER_FOLDERS_MAX: Final = 200
INNER_SHOWN_MAX: Final = 3

State = Literal["ok", "warning", "error"]
Findings = Iterator["Finding"]
_MARKS: Final = (".emulator.toml", CLOUDBASE_FILE, WECHAT_FILE)
_STATES: Final[Mapping[str, State]] = {"error": "error", "warning": "warning", "note": "ok"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at: what it is about, how it is, what to do."""

    subject: str
    state: State
    message: str
    hint: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the finding for programs."""
        return asdict(self)


def check_up(project: Path) -> list[Finding]:
    """Return everything found, in order of subjects."""
    try:
        config = load_config(project)
    except ConfigurationError as fault:
        lines = fault.message.splitlines()
        wrong = [_finding("Configuration", "error", line, fault.hint) for line in lines]
        return [*wrong, *_runtimes(())]
    bundles = _bundles(config)
    checks: tuple[Callable[[], Findings], ...] = (
        lambda: _configuration(config),
        lambda: _functions(config, bundles),
        lambda: _runtimes(bundles),
        lambda: _packages(config, bundles),
        lambda: _ports(config),
        lambda: _data(config),
        lambda: _watching(config),
    )
    return [finding for check in checks for finding in check()]


def _finding(subject: str, state: State, message: str, hint: str = "") -> Finding:
    return Finding(subject=subject, state=state, message=message, hint=hint)


def _configuration(config: Config) -> Findings:
    about = "Configuration"
    for file in config.files:
        yield _finding(about, "ok", f"{shown_path(file)} is read")
    if not config.files:
        yield _finding(
            about,
            "ok",
            "no configuration file; everything is as it is by default",
            "cloud-emu init writes one",
        )
    for problem in config.problems:
        hint = "" if problem.severity == "note" else "correct the line, or take it out"
        yield _finding(about, _STATES[problem.severity], _pointed(problem), hint)
    sources: Mapping[str, str] = config.sources
    yield _finding(
        about, "ok", f"environment {config.emulator.env} ({sources.get('emulator.env', 'default')})"
    )


def _functions(config: Config, bundles: tuple[Bundle, ...]) -> Findings:
    about, root = "Functions", config.functions_root
    if root is None:
        hint = "cloud-emu fn new hello makes one in functions/, or name their folder in"
        inner = _inner_projects(config.project)
        hint = f"cloud-emu start {shown_path(inner[0])}" if inner else f"{hint} .emulator.toml"
        told = "".join(f"; {shown_path(folder)} has a project of its own" for folder in inner)
        yield _finding(about, "warning", f"no folder of functions{told}", hint)
        return
    origin = config.sources.get("functions.root", "default")
    yield _finding(about, "ok", f"{shown_path(root)} ({origin}): {len(bundles)} functions")
    others = [config.project / name for name in FUNCTION_ROOTS if name.startswith(UNICLOUD)]
    for other in others if root in others else ():
        if other != root and other.is_dir():
            hint = f'to take it instead: root = "{other.relative_to(config.project).as_posix()}"'
            hint += " under [functions] in .emulator.toml"
            yield _finding(about, "ok", f"{shown_path(other)} is not used beside it", hint)
    brought = [each for each in bundles if each.home is not None]
    if brought:
        told = ", ".join(f"{each.name} ({_module_of(config, each)})" for each in brought)
        hint = "a folder of the same name in the project goes before a module's"
        yield _finding(about, "ok", f"{len(brought)} of them of modules: {told}", hint)
    for left, names in _functions_beside(config.project, root, bundles):
        message = f"{shown_path(left)} is not served, only {shown_path(root)} is: {names}"
        hint = "say the folder as root under [functions] in .emulator.toml, or leave it away"
        yield _finding(about, "warning", message, hint)
    for bundle in bundles:
        for problem in bundle.problems:
            hint = "" if problem.severity == "note" else "correct the file; it is reloaded at once"
            state = _STATES[problem.severity]
            yield _finding(about, state, f"{bundle.name}: {_pointed(problem)}", hint)
    settings = config.functions
    for problem in scan(root, defaults=settings, overrides=settings.each).problems:
        yield _finding(about, _STATES[problem.severity], problem.message)
    for name in sorted(settings.each.keys() - {bundle.name for bundle in bundles}):
        yield from _absent(root, name)


def _absent(root: Path, name: str) -> Findings:
    """Tell of a function that the configuration speaks of and that is not there."""
    if not (root / name).is_dir():
        hint = "correct the name, or take what is said of it out of the configuration"
        message = f"{name} is configured, but there is no folder {name} in {shown_path(root)}"
        yield _finding("Functions", "warning", message, hint)


def _module_of(config: Config, bundle: Bundle) -> str:
    """Return the folder of the module that brings a function."""
    return bundle.folder.parents[2].relative_to(config.project).as_posix()


def _functions_beside(
    project: Path, root: Path, served: tuple[Bundle, ...]
) -> Iterator[tuple[Path, str]]:
    """Yield the other usual folders that hold functions which are served from nowhere."""
    folders = {bundle.folder for bundle in served}
    for name in (each for each in FUNCTION_ROOTS if not each.startswith(UNICLOUD)):
        other = project / name
        if not other.is_dir() or other == root or {other, root} & {*other.parents, *root.parents}:
            continue
        left = [each.name for each in scan(other).bundles if each.folder not in folders]
        if left:
            more = [f"{len(left) - INNER_SHOWN_MAX} more"] if len(left) > INNER_SHOWN_MAX else []
            yield other, ", ".join(left[:INNER_SHOWN_MAX] + more)


def _inner_projects(project: Path) -> list[Path]:
    """Return the folders below, but not far, that another tool's file says to be projects."""
    found: list[Path] = []
    level = [project]
    for _ in range(INNER_DEPTH_MAX):
        folders = [folder for each in level for folder in _folders_in(each)]
        found += [each for each in folders if any((each / name).is_file() for name in _MARKS)]
        level = folders[:INNER_FOLDERS_MAX]
    return found[:INNER_SHOWN_MAX]


def _folders_in(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    return [each for each in entries if not is_excluded(each.name) and each.is_dir()]


def _packages(config: Config, bundles: tuple[Bundle, ...]) -> Findings:
    from emulator.functions.node_packages import all_needs
    from emulator.suite.plugins import PACKAGES_FOLDER

    about = "Packages"
    needs = all_needs(bundles, config.data_dir / PACKAGES_FOLDER)
    for each in needs:
        if each.missing:
            message = f"{each.bundle.name} lacks {', '.join(each.missing)}"
            yield _finding(about, "warning", message, each.cure())
    if needs and not any(each.missing for each in needs):
        yield _finding(about, "ok", f"{len(needs)} Node functions have what they need")
    yield from _requirements(bundles)


def _requirements(bundles: tuple[Bundle, ...]) -> Findings:
    from emulator.functions.python_packages import needs_of

    about = "Packages"
    python = [bundle for bundle in bundles if bundle.language == "python"]
    needs = [found for each in python if (found := needs_of(each.folder, each.packages))]
    for each in needs:
        if each.missing:
            message = f"{each.folder.name} lacks {', '.join(each.missing)}"
            yield _finding(about, "warning", message, each.cure())
        elif each.has_changed:
            message = f"requirements.txt of {each.folder.name} is newer than what is installed"
            yield _finding(about, "warning", message, each.cure())
    if needs and all(each.is_met for each in needs):
        yield _finding(about, "ok", f"{len(needs)} Python functions have what they require")


def _runtimes(bundles: tuple[Bundle, ...]) -> Findings:
    about = "Runtimes"
    python = f"Python {platform.python_version()} at {sys.executable}"
    if sys.version_info >= PYTHON_MIN:
        yield _finding(about, "ok", python)
    else:
        needed = ".".join(map(str, PYTHON_MIN))
        yield _finding(about, "error", f"{python} is too old", f"use Python {needed} or newer")
    needs_node = [bundle.name for bundle in bundles if bundle.language == "node"]
    yield _node(needs_node)


def _node(needs_node: list[str]) -> Finding:
    about = "Runtimes"
    path = shutil.which("node")
    if path is None:
        if not needs_node:
            return _finding(about, "ok", "no Node.js, and no function needs it")
        names = ", ".join(needs_node)
        return _finding(
            about,
            "error",
            f"no Node.js on PATH, but these functions need it: {names}",
            f"install Node.js {NODE_MIN_MAJOR} or newer; Python functions run without it",
        )
    version = answer_of(path, "--version").strip()
    major = version.lstrip("v").partition(".")[0]
    if major.isdecimal() and int(major) < NODE_MIN_MAJOR:
        hint = f"install Node.js {NODE_MIN_MAJOR} or newer"
        return _finding(about, "warning", f"Node.js {version} at {path} is old", hint)
    return _finding(about, "ok", f"Node.js {version or '(version unknown)'} at {path}")


def _ports(config: Config) -> Findings:
    about, emulator = "Ports", config.emulator
    own = discovery.find(config.data_dir, config.project)
    if own is not None:
        yield _finding(about, "ok", f"the suite of this project runs at {own.api_url}")
        return
    for port, api_port, site_port in (
        (emulator.port, emulator.port, 0),
        (emulator.site_port, 0, emulator.site_port),
    ):
        try:
            refuse_busy_ports(emulator.host, api_port, site_port)
        except Failed as fault:
            yield _finding(about, "error", fault.message, fault.hint)
        else:
            yield _finding(about, "ok", f"{port} is free" if port else "any free one is taken")


def _data(config: Config) -> Findings:
    about, folder = "Data", config.data_dir
    made = next(each for each in (folder, *folder.parents) if each.exists())
    if made != folder and made.is_dir() and os.access(made, os.W_OK):
        yield _finding(about, "ok", f"{shown_path(folder)} is made at the first start")
    elif not folder.is_dir() or not os.access(folder, os.W_OK):
        hint = "give another with --data-dir, or correct its rights"
        yield _finding(about, "error", f"{shown_path(folder)} cannot be written", hint)
        return
    else:
        files = [file for file in folder.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files)
        yield _finding(
            about, "ok", f"{shown_path(folder)}: {len(files)} files, {size / 1024:.0f} KiB"
        )
    leftover = discovery.read(discovery.kept_file(folder))
    silent = discovery.find_silent(folder, config.project)
    if silent is not None:
        message = f"the suite (pid {silent.pid}) lives but does not answer"
        yield _finding(about, "error", message, "end it: cloud-emu stop")
    elif leftover is not None and not discovery.answers(leftover):
        message = f"a suite (pid {leftover.pid}) was ended without stopping"
        yield _finding(about, "warning", message, "nothing to do: the next start recovers its data")
    free = shutil.disk_usage(_existing(folder)).free
    if free < FREE_SPACE_MIN_BYTES:
        message = f"{free // (1024 * 1024)} MiB are free on the disk"
        yield _finding(about, "warning", message, "make room, or keep nothing with --ephemeral")


def _watching(config: Config) -> Findings:
    about, root = "Watching", config.functions_root
    if root is None or not root.is_dir():
        return
    folders = _folders(root)
    limits = Path("/proc/sys/fs/inotify")
    watches = _number(limits / "max_user_watches")
    instances = _number(limits / "max_user_instances")
    message = f"{folders} folders of functions are watched for changes"
    if watches is not None and (watches < WATCHES_MIN or watches < 2 * folders):
        hint = "sysctl fs.inotify.max_user_watches=524288"
        yield _finding(about, "warning", f"{message}; the system allows {watches}", hint)
    elif instances is not None and instances < INSTANCES_MIN:
        hint = "sysctl fs.inotify.max_user_instances=512"
        message = f"the system allows {instances} programs to watch folders"
        yield _finding(about, "warning", message, hint)
    else:
        yield _finding(about, "ok", message)


def _folders(root: Path) -> int:
    """Return how many folders can hold code, as the watcher counts them."""
    count = 0
    for _, names, _ in os.walk(root):
        names[:] = [name for name in names if not is_excluded(name)]
        count += 1
    return count


def _bundles(config: Config) -> tuple[Bundle, ...]:
    from emulator.suite.project import Project

    try:
        return tuple(Project(config).discover())
    except EmulatorError as fault:
        raise Failed(fault.message, hint=fault.hint) from fault


def _pointed(problem: Problem) -> str:
    return f"{problem.place}: {problem.message}"


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None
