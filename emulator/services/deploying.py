"""Owns the deployed files of the hosted site: put there, listed, removed.

Not here: what is answered on a path (`services.hosting`). The one idea: deployed files lie in a
folder as they are, each written aside and put in its place at once, so a running suite serves the
older file or the newer one and needs not be told.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from emulator.core.errors import InvalidName, InvalidParam, StoreError
from emulator.core.records import dataclass
from emulator.services.hosting import NAME_LENGTH_MAX, is_hosted_name

ASIDE: Final = ".deploying"
"""What a name ends in until the file is complete; it begins with a dot, so nobody is served it."""


@dataclass(frozen=True, slots=True)
class HostedFile:
    """A deployed file: its path on the site, its size and when it was deployed."""

    name: str
    size_bytes: int
    updated_ms: int


@dataclass(frozen=True, slots=True)
class Deployed:
    """What came of a deployment: paths on the site, and paths that cannot be hosted."""

    names: tuple[str, ...]
    left_out: tuple[str, ...]


class Deployments:
    """The deployed files below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def deploy(self, source: Path, place: str = "") -> Deployed:
        """Copy a file, or every file of a folder, to a place of the site; the others stay.

        Hidden files and names that no system or the platform takes are left out.

        Raises:
            InvalidParam: there is no such file or folder.
            InvalidName: the place is no path of a site.
            StoreError: the disk refused.
        """
        place = place.replace("\\", "/").strip("/")
        if source.is_file():
            name = place or source.name
            self._copy(source, _checked(name))
            return Deployed((name,), ())
        if not source.is_dir():
            raise InvalidParam(f"there is no file or folder {source}", hint="build the site first")
        if place:
            _checked(place)
        names, left_out = [], []
        for file in _files(source):
            inner = file.relative_to(source).as_posix()
            name = f"{place}/{inner}" if place else inner
            if is_hosted_name(name):
                self._copy(file, name)
                names.append(name)
            else:
                left_out.append(inner)
        return Deployed(tuple(names), tuple(left_out))

    def list(self, prefix: str = "") -> list[HostedFile]:
        """Return the deployed files whose path starts with the prefix, by path."""
        found = []
        for file in _files(self._folder):
            name = file.relative_to(self._folder).as_posix()
            if name.startswith(prefix) and is_hosted_name(name):
                known = file.stat()
                found.append(HostedFile(name, known.st_size, known.st_mtime_ns // 1_000_000))
        return sorted(found, key=lambda each: each.name)

    def known(self, name: str) -> HostedFile | None:
        """Return a deployed file, None when there is none; raises InvalidName."""
        file = self.path(name)
        if not file.is_file():
            return None
        found = file.stat()
        return HostedFile(name, found.st_size, found.st_mtime_ns // 1_000_000)

    def path(self, name: str) -> Path:
        """Return where a deployed file lies; raises InvalidName."""
        return self._folder / _checked(name)

    def delete(self, name: str, *, folder: bool = False) -> int:
        """Remove a file, or with `folder` everything below a path, and return how many there were.

        Raises:
            InvalidName: that is no path of a site.
            StoreError: the disk refused.
        """
        name = name.strip("/")
        if folder:
            place = self._folder / _checked(name) if name else self._folder
            doomed = list(_files(place))
        else:
            place = self._folder / _checked(name)
            doomed = [place] if place.is_file() else []
        try:
            for file in doomed:
                file.unlink(missing_ok=True)
        except OSError as fault:
            raise StoreError(f"{name} could not be removed: {fault}") from fault
        self._tidy(place if folder else place.parent)
        return len(doomed)

    def _copy(self, source: Path, name: str) -> None:
        target = self._folder / name
        aside = target.with_name(f".{target.name[:100]}{ASIDE}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, aside)
            aside.replace(target)
        except OSError as fault:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            raise StoreError(
                f"{name} could not be deployed: {fault}",
                hint="make room on the disk, or delete what is there under that name",
            ) from fault

    def _tidy(self, folder: Path) -> None:
        """Remove folders that nothing is left in."""
        for parent, _, _ in os.walk(folder, topdown=False):
            with suppress(OSError):  # it holds something
                Path(parent).rmdir()
        while folder != self._folder and folder.is_relative_to(self._folder):
            folder = folder.parent
            with suppress(OSError):  # as above
                folder.rmdir()


def _checked(name: str) -> str:
    if not is_hosted_name(name):
        raise InvalidName(
            f"{ascii(name)[:100]} is no path of a site",
            hint=f'give one like "docs/page.html", of at most {NAME_LENGTH_MAX} characters',
        )
    return name


def _files(folder: Path) -> Iterator[Path]:
    """Yield the regular files below a folder; links to folders are not followed."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            file = Path(parent, name)
            if file.is_file():
                yield file
