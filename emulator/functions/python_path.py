"""Owns the `sys` that user code imports: the standard one with a search path of its own.

Not here: how modules are found along it (`python_modules`). The one idea: people write
`sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))`, and the process has one path
for all functions; so each generation changes a list of its own, which begins with the function's
folder as on the platform, and what it adds is looked into for that generation alone.
"""

import os
import sys
from collections.abc import Iterable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType
from typing import Any, Final

_CHANGING: Final = frozenset({"path", "stdin", "stdout", "stderr", "argv"})
"""What others replace while the process runs; the rest is copied, so that reading it is cheap."""


class PrivateSys(ModuleType):
    """`sys`, whose `path` is one function's; everything else that is set is the process's."""

    def __init__(self, folder: Path) -> None:
        super().__init__("sys", sys.__doc__)
        copied = {name: value for name, value in vars(sys).items() if name not in _CHANGING}
        vars(self).update(
            (name, value) for name, value in copied.items() if not name.startswith("__")
        )
        vars(self)["path"] = [str(folder), *sys.path]

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # The import system marks every module that it hands out.
        if name == "path" or (name.startswith("__") and name.endswith("__")):
            super().__setattr__(name, value)
            return
        setattr(sys, name, value)
        if name not in _CHANGING:
            vars(self)[name] = value

    def __dir__(self) -> Iterable[str]:
        return dir(sys)


class OwnPath:
    """The folders that one generation has added to its path."""

    def __init__(self, folder: Path) -> None:
        self.module = PrivateSys(folder)
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
