"""Owns packages that were installed for one Python function: where they lie, and whose they are.

Not here: installing (`cli.fn_install`), a function's own modules (`python_modules`). The one idea:
packages expect their own names, and a process has each name once. So the first function to bring a
package has it, another that brings the same version shares it, one that brings another version
needs a process of its own, and one that brings none does not see it.

They lie in the function's folder (`pip install -t`), or in the function's part of the data folder,
whose file `current` names the installation that counts.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Final

from emulator.core.records import dataclass
from emulator.functions.base import PACKAGES_POINTER

REQUIREMENTS_FILE: Final = "requirements.txt"
TAKEN_FROM_FILE: Final = ".requirements"
"""The requirements that an installation was made from, as text."""
REQUIREMENTS_MAX_BYTES: Final = 1024 * 1024

_REQUIREMENT: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*([^;#]*)")
_RUNS: Final = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What stands behind a top-level name: the distribution, its version, where it lies."""

    distribution: str
    version: str
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What one function's requirements ask for; `has_changed` since they were installed."""

    folder: Path
    requirements: tuple[str, ...]
    missing: tuple[str, ...]
    has_changed: bool

    @property
    def is_met(self) -> bool:
        """Tell whether nothing need be installed."""
        return not self.missing and not self.has_changed

    def cure(self) -> str:
        """Return what to run for what is missing."""
        return f"run: cloud-emu fn install {self.folder.name}"


class PackageConflict(Exception):
    """A package of another version is in the process already; the message says which."""


class Installed:
    """The packages of one function as they lie on disk now."""

    def __init__(self, folder: Path, home: Path | None = None) -> None:
        current = None if home is None else current_of(home)
        self.pointer = None if home is None else home / PACKAGES_POINTER
        self.folders = (folder,) if current is None else (folder, current)
        self.names: Mapping[str, Package] = {
            name: package for each in reversed(self.folders) for name, package in _packages(each)
        }


class PackageClaims:
    """Whose packages a process has under their names; `alone` for a process of one function."""

    def __init__(self, *, alone: bool = False) -> None:
        self._alone = alone
        self._lock = Lock()
        self._claimed: dict[str, Package] = {}
        self._holders: dict[str, int] = {}

    def claim(self, installed: Installed) -> None:
        """Make the packages importable for as long as they are not released.

        Raises:
            PackageConflict: another version of one is here, of the suite or another function.
        """
        with self._lock:
            fresh = {
                name: package
                for name, package in installed.names.items()
                if not self._is_here(name, package)
            }
            self._claimed.update(fresh)
            for folder in {str(package.folder) for package in installed.names.values()}:
                held = self._holders.get(folder, 0)
                self._holders[folder] = held + 1
                if not held:
                    sys.path.insert(0 if self._alone else len(sys.path), folder)

    def release(self, installed: Installed) -> None:
        """Let go of them; what was imported stays, as modules do."""
        with self._lock:
            for folder in {str(package.folder) for package in installed.names.values()}:
                self._holders[folder] -= 1
                if not self._holders[folder]:
                    del self._holders[folder]
                    if folder in sys.path:
                        sys.path.remove(folder)
            for name, package in list(self._claimed.items()):
                if name not in sys.modules and str(package.folder) not in self._holders:
                    del self._claimed[name]

    def hides(self, name: str, installed: Installed) -> bool:
        """Tell whether a name is another function's package."""
        return name in self._claimed and name not in installed.names

    def _is_here(self, name: str, package: Package) -> bool:
        taken = self._claimed.get(name)
        if taken is None:
            version = _version_around(name, package)
            if version is None:
                return False
            if self._alone:
                _forget(name, package.folder)
                return False
            taken = Package(
                distribution=package.distribution, version=version, folder=Path(sys.prefix)
            )
        if taken.version != package.version:
            raise PackageConflict(
                f"it brings {package.distribution} {package.version}, and the suite's process has "
                f"{taken.version} from {taken.folder}"
            )
        return True


def current_of(home: Path) -> Path | None:
    """Return the installation that counts, None when there is none."""
    try:
        name = (home / PACKAGES_POINTER).read_text("utf-8").strip()
    except OSError:
        return None
    return home / name if name else None


def needs_of(folder: Path, home: Path | None) -> Needs | None:
    """Return what a function's `requirements.txt` asks for, None when there is none."""
    text = requirements_of(folder)
    if text is None:
        return None
    current = None if home is None else current_of(home)
    folders = [folder] if current is None else [folder, current]
    present = {_plain(name) for each in folders for name, _ in _distributions(each)}
    asked = [match for line in text.splitlines() if (match := _REQUIREMENT.match(line))]
    missing = [
        match[1]
        for match in asked
        if ";" not in match.string and _plain(match[1]) not in present and not _is_around(match[1])
    ]
    return Needs(
        folder=folder,
        requirements=tuple(match[1] for match in asked),
        missing=tuple(missing),
        has_changed=current is not None and _taken_from(current) != text,
    )


def requirements_of(folder: Path) -> str | None:
    """Return the text of a function's requirements; what cannot be read is pip's to complain of."""
    file = folder / REQUIREMENTS_FILE
    try:
        if file.stat().st_size > REQUIREMENTS_MAX_BYTES:
            return None
        return file.read_text("utf-8", "replace")
    except OSError:
        return None


def _taken_from(folder: Path) -> str | None:
    try:
        return (folder / TAKEN_FROM_FILE).read_text("utf-8")
    except OSError:
        return None


def _packages(folder: Path) -> Iterator[tuple[str, Package]]:
    """Yield the top-level names that pip put into a folder."""
    for distribution, record in _distributions(folder):
        version = record.parent.name.removesuffix(".dist-info").partition("-")[2]
        package = Package(distribution=distribution, version=version, folder=folder)
        try:
            lines = record.read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        for line in lines:
            head = line.partition(",")[0].split("/")[0]
            if not head.endswith(".dist-info") and head not in ("..", "__pycache__", "bin"):
                yield head.partition(".")[0], package


def _distributions(folder: Path) -> Iterator[tuple[str, Path]]:
    for record in sorted(folder.glob("*.dist-info/RECORD")):
        yield record.parent.name.partition("-")[0], record


def _version_around(name: str, package: Package) -> str | None:
    """Return the version that the suite itself has of a package, None if it has none."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or _lies_in(spec.origin, package.folder):
        return None
    # Slow to import, and most functions bring no packages.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package.distribution)
    except PackageNotFoundError:
        # Of the standard library, or somebody's own module: what came first stays.
        return package.version


def _is_around(distribution: str) -> bool:
    from importlib.metadata import PackageNotFoundError, version  # slow, as above

    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def _lies_in(origin: str | None, folder: Path) -> bool:
    return origin is not None and Path(origin).is_relative_to(folder)


def _forget(name: str, folder: Path) -> None:
    """Have a package imported again, from the function's own folder; who has it keeps it."""
    module = sys.modules.get(name)
    if module is None or _lies_in(getattr(module, "__file__", None), folder):
        return
    for known in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
        del sys.modules[known]


def _plain(name: str) -> str:
    """Return the name of a distribution as all its spellings have it."""
    return _RUNS.sub("-", name).lower()
