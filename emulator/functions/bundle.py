"""Owns what a function is on disk: its folder, entry file, settings and triggers.

Not here: running or importing any of it, watching it (`reload`), what a trigger means (the kinds in
`triggers`). The one idea: everything is found by looking at files, so that a broken function is
still found, with its problems pointing at file and line.
"""

import hashlib
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from emulator.core.records import dataclass
from emulator.functions.base import PACKAGES_POINTER, Bundle, Problem, TriggerConfig
from emulator.functions.bundle_config import (
    LANGUAGES,
    OwnSettings,
    Settings,
    Shared,
    SharedSettings,
)
from emulator.functions.uni_modules import functions_of_modules

DIGEST_FILES_MAX: Final = 5_000
"""A folder with more files than that is told apart by the first ones only."""

EXCLUDED_FOLDERS: Final = frozenset({"node_modules", "__pycache__", "venv"})

INSTALL_MARKERS: Final = (".package-lock.json", ".yarn-integrity", ".modules.yaml")
"""What npm, yarn and pnpm write into `node_modules` once an installation is complete."""

_UNBUILT: Final = ("index.ts", "src/index.ts", "index.mts", "src/main.ts")
"""What is JavaScript only after a build."""

_FUNCTION_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The functions below a root, and folders that look like one but cannot be."""

    bundles: tuple[Bundle, ...]
    problems: tuple[Problem, ...]


def is_excluded(name: str) -> bool:
    """Tell whether a folder is never looked into."""
    return name.startswith(".") or name in EXCLUDED_FOLDERS


def discover(
    root: Path,
    *,
    defaults: SharedSettings | None = None,
    overrides: Mapping[str, OwnSettings] | None = None,
    packages: Path | None = None,
    apart: Collection[str] = (),
) -> list[Bundle]:
    """Return the functions below a root by name; none when it does not exist.

    `packages` is where packages are installed, a folder for each Python function. `apart` are files
    and folders below the root that are not code of functions, such as the site's pages.
    """
    found = scan(root, defaults=defaults, overrides=overrides, packages=packages, apart=apart)
    return list(found.bundles)


def scan(
    root: Path,
    *,
    defaults: SharedSettings | None = None,
    overrides: Mapping[str, OwnSettings] | None = None,
    packages: Path | None = None,
    apart: Collection[str] = (),
) -> Found:
    """Return the functions below a root, and what keeps other folders from being one."""
    laid = functions_of_modules(root)
    bundles, problems = [], list(laid.problems)
    look = _Look(
        root=root,
        laid=laid.folders,
        defaults=defaults or Shared(),
        overrides=overrides or {},
        shared_digest=_shared_digest(root, apart),
        packages=packages,
    )
    for name, folder in sorted({**laid.folders, **_places(root, look.overrides)}.items()):
        bundle = look.read(name, folder)
        if bundle is None:
            problems.append(_no_function(folder))
        elif _FUNCTION_NAME.match(name):
            bundles.append(bundle)
        else:
            problems.append(_misnamed(folder))
    return Found(bundles=tuple(bundles), problems=tuple(problems))


def find(
    root: Path,
    name: str,
    *,
    defaults: SharedSettings | None = None,
    overrides: Mapping[str, OwnSettings] | None = None,
    packages: Path | None = None,
    apart: Collection[str] = (),
) -> Bundle | None:
    """Return one function, None when there is none of that name; others are not looked at."""
    own = (overrides or {}).get(name)
    folder = (own and own.folder) or root / name
    if not _FUNCTION_NAME.match(name):
        return None
    laid = functions_of_modules(root).folders
    if not folder.is_dir() and name not in laid:
        return None
    look = _Look(
        root=root,
        laid=laid,
        defaults=defaults or Shared(),
        overrides=overrides or {},
        shared_digest=_shared_digest(root, apart),
        packages=packages,
    )
    return look.read(name, folder)


def _places(root: Path, overrides: Mapping[str, OwnSettings]) -> dict[str, Path]:
    """Return the folder of each function by name: that of its name, or the one it was said to have.

    A folder that is another function's is none by its own name.
    """
    said = {name: own.folder for name, own in overrides.items() if own.folder is not None}
    others = {folder.resolve() for folder in said.values()}
    found = {
        folder.name: folder
        for folder in _folders(root)
        if not others or folder.resolve() not in others
    }
    return {**found, **{name: folder for name, folder in said.items() if folder.is_dir()}}


def _folders(root: Path) -> list[Path]:
    try:
        found = [entry.name for entry in os.scandir(root) if entry.is_dir()]
    except OSError:
        return []
    return [
        root / name for name in sorted(found) if not is_excluded(name) and not name.startswith("_")
    ]


def _no_function(folder: Path) -> Problem:
    entries = ", ".join(f"index{suffix}" for suffix in LANGUAGES)
    message = f"{folder.name} is not a function: there is none of {entries} in it"
    for source in _UNBUILT:
        if (folder / source).is_file():
            message = (
                f"{folder.name} is not built: there is {source}, but no JavaScript made of it; run "
                "its build, and name what it makes in cloudbaserc.json: "
                '"handler": "dist/index.main"'
            )
            return Problem(file=str(folder), line=0, message=message, severity="warning")
    return Problem(file=str(folder), line=0, message=message, severity="note")


def _misnamed(folder: Path) -> Problem:
    return Problem(
        file=str(folder),
        line=0,
        message=f"{folder.name} cannot be a function: a name begins with a letter and has up to 60 "
        "letters, digits, _ or -; rename the folder",
        severity="warning",
    )


def _unlike_there(name: str, folder: Path, entry: Path) -> Iterator[Problem]:
    """Yield what runs here and not on the platform, which requires an `index.js`."""
    file, says = entry, entry.suffix == ".mjs"
    if entry.suffix == ".js":
        file = folder / "package.json"
        with suppress(OSError, ValueError):
            found = json.loads(file.read_bytes())
            says = isinstance(found, dict) and found.get("type") == "module"
    if says:
        message = (
            f"{name} is an ES module, which the platform does not load: let index.js be CommonJS, "
            "and its exports.main await import('./entry.mjs')"
        )
        yield Problem(file=str(file), line=0, message=message, severity="warning")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One look at a project: what applies to each of its functions."""

    root: Path
    laid: Mapping[str, Path]
    defaults: SharedSettings
    overrides: Mapping[str, OwnSettings]
    shared_digest: str
    packages: Path | None

    def read(self, name: str, folder: Path) -> Bundle | None:
        """Return the function of a folder, a module's of that name when there is none in it."""
        settings = Settings(folder, self.defaults, self.overrides.get(name))
        entry, laid = settings.entry(), self.laid.get(name)
        if entry is None and laid is not None and laid != folder:
            return self.read(name, laid)
        if entry is None:
            return None
        # What has no suffix is a start file that is a program in Node itself.
        language, web = LANGUAGES.get(entry.suffix, "node"), settings.web()
        own = self.packages / name if self.packages and language == "python" else None
        unlike = _unlike_there(name, folder, entry) if web is None else ()
        return Bundle(
            name=name,
            folder=folder,
            language=language,
            entry=entry,
            handlers=settings.handlers(),
            runtime="process" if web is not None else settings.runtime(),
            timeout_s=settings.timeout_s(),
            memory_mb=settings.memory_mb(),
            variables=settings.variables(),
            triggers=settings.triggers() if web is None else _with_path(name, settings.triggers()),
            openapi=settings.openapi(),
            problems=(*settings.problems, *unlike),
            packages=own,
            digest=_digest(folder, self.shared_digest, own),
            web=web,
            home=self.root if folder == laid else None,
        )


def _with_path(name: str, triggers: tuple[TriggerConfig, ...]) -> tuple[TriggerConfig, ...]:
    """Return the triggers of a function that listens: it is reached by its name if by no path."""
    if any(each.kind == "http" for each in triggers):
        return triggers
    return (*triggers, TriggerConfig(name="web", kind="http", config={"path": f"/{name}"}))


def _digest(folder: Path, shared_digest: str, packages: Path | None) -> str:
    """Return what changes when a file of the function, its packages or the shared code does."""
    installed = "" if packages is None else _state(str(packages / PACKAGES_POINTER))
    return _hash([*_states(folder), *_installed(folder), installed, shared_digest])


def _installed(folder: Path) -> Iterator[str]:
    """Yield the state of the packages in `node_modules`, which is not looked into."""
    for name in INSTALL_MARKERS:
        state = _state(os.path.join(folder, "node_modules", name))  # noqa: PTH118  # as in `_states`
        if state:
            yield state


def _shared_digest(root: Path, apart: Collection[str]) -> str:
    """Return what changes when code beside the functions does, in folders named `_…`."""
    try:
        found = sorted(entry.path for entry in os.scandir(root) if entry.name.startswith("_"))
    except OSError:
        return ""
    folders = [path for path in found if path not in apart and not is_excluded(Path(path).name)]
    return _hash(state for folder in folders for state in _states(folder, apart))


def _hash(states: Iterable[str]) -> str:
    return hashlib.blake2s("\n".join(states).encode("utf-8", "surrogateescape")).hexdigest()


def _states(folder: str | Path, apart: Collection[str] = ()) -> Iterator[str]:
    """Yield path, time of change and size of the files below a folder, in a fixed order."""
    left = DIGEST_FILES_MAX
    join = os.path.join  # thousands of times at start
    for path, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not is_excluded(name) and join(path, name) not in apart
        )
        for name in sorted(files):
            file = join(path, name)
            if file in apart:
                continue
            if left == 0:
                return
            left -= 1
            state = _state(file)
            if state:
                yield state


def _state(file: str) -> str:
    """Return path, time of change and size, nothing for a file that is not there."""
    try:
        status = os.stat(file)  # noqa: PTH116  # thousands of times at start
    except OSError:
        return ""
    return f"{file}\0{status.st_mtime_ns}\0{status.st_size}"
