"""Owns the `sys` that user code imports: the standard one with a path and streams of its own.

Not here: how modules are found along the path (`python_modules`), who writes to the streams
(`python_ambience`). The one idea: people write
`sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))` and
`sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")`, and the process has one of
each for all functions; so each generation changes its own. Its path begins with the function's
folder as on the platform, and what it adds is looked into for that generation alone.
"""

import os
import sys
from collections.abc import Iterable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from emulator.functions.python_ambience import RoutedBytes

_STREAMS: Final = ("stdout", "stderr")
_CHANGING: Final = frozenset({"path", "stdin", "argv", *_STREAMS})
"""What others replace while the process runs; the rest is copied, so that reading it is cheap."""


class PrivateSys(ModuleType):
    """`sys`, whose `path` and streams are one function's; what else is set is the process's."""

    def __init__(self, folder: Path, streams: dict[str, Any]) -> None:
        super().__init__("sys", sys.__doc__)
        copied = {name: value for name, value in vars(sys).items() if name not in _CHANGING}
        own = vars(self)
        own.update((name, value) for name, value in copied.items() if not name.startswith("__"))
        own["path"] = [str(folder), *sys.path]
        own.update(setrecursionlimit=_raise_recursion_limit, setswitchinterval=_switch_no_rarer)
        own["__streams__"] = streams

    def __getattr__(self, name: str) -> Any:
        if name in _STREAMS and name in self.__streams__:
            return self.__streams__[name]
        return getattr(sys, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _STREAMS:
            self._put(name, value)
        elif name == "path" or (name.startswith("__") and name.endswith("__")):
            # The import system marks every module that it hands out.
            super().__setattr__(name, value)
        else:
            setattr(sys, name, value)
            if name not in _CHANGING:
                vars(self)[name] = value

    def __dir__(self) -> Iterable[str]:
        return dir(sys)

    def _put(self, name: str, stream: Any) -> None:
        """Have what the function prints go to a stream of its own, or where it always went."""
        below = getattr(stream, "buffer", None) or getattr(stream, "stream", None)
        standard = (getattr(sys, name), getattr(sys, f"__{name}__"))
        # Wrapped to take UTF-8, the standard stream is none but itself, which takes that at once.
        if isinstance(below, RoutedBytes) or any(stream is each for each in standard):
            self.__streams__.pop(name, None)
        else:
            self.__streams__[name] = _SILENT if stream is None else stream


def _raise_recursion_limit(limit: int, /) -> None:
    """Set the limit of the process, which must not fall below what the suite needs."""
    if limit > sys.getrecursionlimit():
        sys.setrecursionlimit(limit)


def _switch_no_rarer(interval_s: float, /) -> None:
    """Set how often threads take turns, which must not become rarer for the suite's own."""
    if interval_s < sys.getswitchinterval():
        sys.setswitchinterval(interval_s)


class _Silent:
    """What printing to no stream writes to."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        return


_SILENT: Final = _Silent()


class OwnPath:
    """The folders that one generation has added to its path."""

    def __init__(self, folder: Path, streams: dict[str, Any] | None = None) -> None:
        self.module = PrivateSys(folder, {} if streams is None else streams)
        self._folder = folder
        self._given = frozenset(self.module.path)
        self._known: list[Any] = list(self.module.path)
        self.before: tuple[Path, ...] = ()
        """Folders that come before everything else."""
        self.after: tuple[Path, ...] = ()
        """Folders that come after everything else."""

    def has_changed(self) -> bool:
        """Tell whether the path is another than when this was last asked, and read it anew."""
        path = self.module.path
        if path == self._known:
            return False
        self._known = list(path)
        before: list[Path] = []
        after: list[Path] = []
        wanted = before
        for entry in path:
            if entry in self._given:
                wanted = after
            elif isinstance(entry, str | os.PathLike):
                self._sort_in(Path(os.path.normpath(self._folder / entry)), wanted)
        self.before, self.after = tuple(before), tuple(after)
        return True

    def _sort_in(self, folder: Path, wanted: list[Path]) -> None:
        """Take a folder in, unless what lies in it expects its names in the process."""
        if not folder.is_file() and not any(map(_is_of_packages, _names(folder))):
            wanted.append(folder)
        elif str(folder) not in sys.path:
            sys.path.append(str(folder))


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  # names are all that is asked for
    except OSError:
        return []


def _is_of_packages(name: str) -> bool:
    """Tell whether pip or a compiler has put it there."""
    return name.endswith((".dist-info", ".egg-info", *EXTENSION_SUFFIXES))
