"""Owns the modules of one generation: found in the function's folder, known to nobody else.

Not here: which generation serves, or where its code runs (`python_inline`). The one idea: each
generation is a package with a name of its own in `sys.modules`, and its code is given an
`__import__` that looks into that package first. So two functions may both have a `utils.py`, a
reload starts from nothing, and pickling, data classes and relative imports work as they always do.

Packages that were installed for the function are imported under their own names, once for the
process (`python_packages`): they expect that, and nobody edits them.
"""

import builtins
import importlib
import itertools
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import decode_source, find_spec, spec_from_file_location
from pathlib import Path
from threading import Event
from types import CodeType, ModuleType
from typing import Any, Final, Self

from emulator.functions.base import Bundle
from emulator.functions.python_logging import private_logging
from emulator.functions.python_packages import (
    REQUIREMENTS_FILE,
    Installed,
    PackageClaims,
    needs_of,
)
from emulator.functions.python_path import OwnPath
from emulator.functions.python_web import WebProgram

CHECKED_FILES_MAX: Final = 32
"""Files looked at before each call; changes of further ones are left to the folder watcher."""

EMPTY_LOOKS_MAX: Final = 50
EMPTY_LOOK_S: Final = 0.002
"""So often, each time after so long, an empty module is looked at before it counts as one."""

Stamp = tuple[int, int]
"""Time of change in nanoseconds and size in bytes: what tells a changed file from an unchanged."""


def _is_there(name: str) -> bool:
    # Unlike a `stat` that fails, this makes no exception: it is asked before each call.
    return os.access(name, os.F_OK)


class ModuleSpace:
    """The modules of one generation, as a package in `sys.modules`."""

    def __init__(
        self,
        name: str,
        folder: Path,
        packages: Path | None = None,
        claims: PackageClaims | None = None,
    ) -> None:
        self.folder = folder
        self.installed = Installed(folder, packages)
        self.package = _claim(name)
        self.sources: dict[str, str] = {}
        self._stamps: dict[str, Stamp] = {}
        self._absent: set[str] = set()
        self._local: dict[str, bool] = {}
        self._claims = claims or PackageClaims()
        self._has_claimed = False
        self.streams: dict[str, Any] = {}
        """What its code has put in the place of the standard streams, by name."""
        self._path = OwnPath(folder, self.streams)
        self._twins: dict[str, ModuleType] = {"sys": self._path.module}
        self._builtins = {**vars(builtins), "__import__": self._import}
        package = sys.modules[self.package]
        package.__path__ = [str(folder)]
        package.__spec__ = ModuleSpec(self.package, None, is_package=True)
        if not (folder / "logging.py").exists():
            self._twins["logging"] = private_logging(f"{self.package}.logging")
        if not (folder / "importlib.py").exists():
            self._twins["importlib"] = _ImportlibTwin(self._import_module)
        _Finder.add(self)

    def load(self, entry: Path) -> ModuleType:
        """Run the entry file and whatever it imports; returns its module.

        Raises:
            PackageConflict: packages of the function cannot be had in this process.
        """
        self.check(self.folder / "config.json")
        self._check_packages()
        dotted = ".".join(entry.relative_to(self.folder).with_suffix("").parts)
        return importlib.import_module(f"{self.package}.{dotted}")

    def start(self, bundle: Bundle) -> WebProgram:
        """Start the program that listens on a port; raises LoadFailed."""
        for path in (self.folder / "config.json", *sorted(self.folder.rglob("*.py"))):
            self.check(path)
        self._check_packages()
        return WebProgram(bundle, self.installed.folders)

    def check(self, path: Path) -> None:
        """Count a file, there or not, among those the generation was made from."""
        name = str(path)
        if len(self._stamps) < CHECKED_FILES_MAX and self._is_own(path):
            self._note(name, path)

    def _check_packages(self) -> None:
        if self.installed.pointer is not None and (
            self.installed.pointer.exists() or (self.folder / REQUIREMENTS_FILE).exists()
        ):
            self._note(str(self.installed.pointer), self.installed.pointer)
        if self.installed.names:
            self._claims.claim(self.installed)
            self._has_claimed = True

    def _note(self, name: str, path: Path) -> None:
        if name in self._stamps:
            return
        try:
            status = path.stat()
        except OSError:
            self._absent.add(name)
        else:
            self._stamps[name] = (status.st_mtime_ns, status.st_size)

    def is_current(self) -> bool:
        """Tell whether every file it was made from is as it was; asked before each call."""
        try:
            for name, (changed_ns, size_bytes) in self._stamps.items():
                status = os.stat(name)  # noqa: PTH116  # a Path costs more than the call
                if status.st_mtime_ns != changed_ns or status.st_size != size_bytes:
                    # A file saved in place is empty for a moment; one that stays so is reloaded
                    # when the watcher says it.
                    if size_bytes and not status.st_size:
                        continue
                    return False
        except OSError:
            return False
        return not any(map(_is_there, self._absent))

    def files(self) -> list[tuple[str, int, int | None]]:
        """Return path, time of change and size of what it was made from, None for no such file."""
        absent = [(name, 0, None) for name in self._absent]
        return [*((name, *stamp) for name, stamp in self._stamps.items()), *absent]

    def close(self) -> None:
        """Forget every module; code that still runs keeps what it has."""
        _Finder.remove(self)
        if self._has_claimed:
            self._has_claimed = False
            self._claims.release(self.installed)
        prefix = f"{self.package}."
        # Copied at one step: other threads import meanwhile.
        for name in [name for name in tuple(sys.modules) if name.startswith(prefix)]:
            del sys.modules[name]
        sys.modules.pop(self.package, None)

    def shown(self, text: str) -> str:
        """Return text with the package's own name taken out of it."""
        return text.replace(f"{self.package}.", "").replace(self.package, self.folder.name)

    def cure(self) -> str:
        """Return what would install packages that are required and missing, empty without any."""
        pointer = self.installed.pointer
        needs = needs_of(self.folder, None if pointer is None else pointer.parent)
        return "" if needs is None or needs.is_met else needs.cure()

    # What the import system finds

    def find(self, fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
        """Find a module of this generation."""
        dotted = fullname.partition(".")[2]
        twin = self._twins.get(dotted)
        if twin is not None:
            return ModuleSpec(fullname, _TwinLoader(twin), is_package=hasattr(twin, "__path__"))
        folders = [Path(folder) for folder in path or ()]
        if "." not in dotted:
            folders = [*self._path.before, *folders, *self._path.after]
        for folder in folders:
            spec = self._find_in(folder, fullname)
            if spec is not None:
                return spec
        return self._find_shared(fullname, dotted)

    def _find_shared(self, fullname: str, dotted: str) -> ModuleSpec | None:
        """Find a folder of shared code: beside the function, its name begins with `_`."""
        if dotted.startswith("_") and "." not in dotted:
            return self._find_in(self.folder.parent, fullname)
        return None

    def _find_in(self, folder: Path, fullname: str) -> ModuleSpec | None:
        name = fullname.rpartition(".")[2]
        inside = folder / name
        for file in (inside / "__init__.py", folder / f"{name}.py"):
            if file.is_file():
                loader = _FunctionLoader(fullname, str(file), self)
                return spec_from_file_location(fullname, file, loader=loader)
        if not inside.is_dir():
            return None
        spec = ModuleSpec(fullname, None, is_package=True)
        spec.submodule_search_locations = [str(inside)]
        return spec

    # As `__import__` of its code

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002  # the builtin's own name
        locals: Mapping[str, object] | None = None,  # noqa: A002  # the builtin's own name
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        head, _, rest = name.partition(".")
        if level != 0 or not self._is_local(head):
            self._refuse_others(head if level == 0 else "")
            return __import__(name, globals, locals, fromlist or (), level)
        if rest and head in self._twins and head == "importlib":
            module = __import__(name, globals, locals, fromlist or (), 0)
            return module if fromlist else self._twins[head]
        inner = f"{self.package}.{name}"
        if fromlist:
            return __import__(inner, globals, locals, fromlist, 0)
        importlib.import_module(inner)
        return sys.modules[f"{self.package}.{head}"]

    def _import_module(self, name: str, package: str | None = None) -> ModuleType:
        head = name.partition(".")[0]
        if head not in self._twins and self._is_local(head):
            name = f"{self.package}.{name}"
        else:
            self._refuse_others(head)
        return importlib.import_module(name, package)

    def _refuse_others(self, head: str) -> None:
        if self._claims.hides(head, self.installed):
            raise ModuleNotFoundError(f"No module named {head!r}", name=head)

    def _is_local(self, head: str) -> bool:
        if self._path.has_changed():
            self._local.clear()
        known = self._local.get(head)
        if known is None:
            known = self._local[head] = head in self._twins or (
                head not in self.installed.names and self._exists(head)
            )
        return known

    def _exists(self, head: str) -> bool:
        """Tell whether a file or folder of the function answers to a top-level name."""
        if not head or head in sys.builtin_module_names:
            return False
        if any(_has_module(folder, head) for folder in (*self._path.before, self.folder)):
            return True
        if head.startswith("_") and (self.folder.parent / head).is_dir():
            return True
        # A plain folder is a package only if nothing else has the name, as always in Python.
        plain = any(
            (folder / head).is_dir() or _has_module(folder, head)
            for folder in (*self._path.before, self.folder, *self._path.after)
        )
        return plain and find_spec(head) is None

    def _is_own(self, path: Path) -> bool:
        return path.is_relative_to(self.folder.parent)

    def execute(self, module: ModuleType, code: CodeType) -> None:
        """Run a module's code with this generation's builtins."""
        module.__dict__["__builtins__"] = self._builtins
        exec(code, module.__dict__)

    def read(self, path: str, data: bytes) -> str:
        """Return the source text of a file, kept for tracebacks if it is the user's own."""
        source = decode_source(data)
        if self._is_own(Path(path)):
            self.sources[path] = source
        return source


def _has_module(folder: Path, head: str) -> bool:
    return (folder / f"{head}.py").is_file() or (folder / head / "__init__.py").is_file()


class _Finder(MetaPathFinder):
    """The one entry of `sys.meta_path` that all generations share, found there by its type."""

    def __init__(self) -> None:
        self._spaces: dict[str, ModuleSpace] = {}

    @classmethod
    def present(cls) -> Self | None:
        return next((finder for finder in sys.meta_path if isinstance(finder, cls)), None)

    @classmethod
    def add(cls, space: ModuleSpace) -> None:
        finder = cls.present()
        if finder is None:
            finder = cls()
            sys.meta_path.insert(0, finder)
        finder._spaces[space.package] = space

    @classmethod
    def remove(cls, space: ModuleSpace) -> None:
        finder = cls.present()
        if finder is not None:
            finder._spaces.pop(space.package, None)
            if not finder._spaces:
                sys.meta_path.remove(finder)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        space = self._spaces.get(fullname.partition(".")[0])
        return None if space is None else space.find(fullname, path)


class _FunctionLoader(SourceFileLoader):
    """Loads from source always: a cached `.pyc` knows seconds, and two saves fit into one."""

    def __init__(self, fullname: str, path: str, space: ModuleSpace) -> None:
        super().__init__(fullname, path)
        self._space = space

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        self._space.check(Path(path))
        source = self._space.read(path, self._content(path))
        code: CodeType = compile(source, path, "exec", dont_inherit=True)
        return code

    def _content(self, path: str) -> bytes:
        """Return what is in the module; while an editor saves it in place, it is empty."""
        data = self.get_data(path)
        for _ in range(EMPTY_LOOKS_MAX):
            if data or path.endswith("__init__.py"):
                break
            Event().wait(EMPTY_LOOK_S)
            data = self.get_data(path)
        return data

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        self._space.execute(module, self.get_code(module.__spec__.name))


class _TwinLoader(Loader):
    """Hands out a module that exists already."""

    def __init__(self, twin: ModuleType) -> None:
        self._twin = twin

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._twin

    def exec_module(self, module: ModuleType) -> None:
        return


class _ImportlibTwin(ModuleType):
    """`importlib`, but `import_module` finds the function's own modules."""

    def __init__(self, import_module: Callable[..., ModuleType]) -> None:
        super().__init__("importlib")
        self.import_module = import_module

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib, name)


def _claim(name: str) -> str:
    """Return a package name nobody has in this process, and take it."""
    plain = re.sub(r"\W", "_", name)
    for number in itertools.count(1):
        package = f"_cloud_function_{plain}_{number}"
        module = ModuleType(package)
        if sys.modules.setdefault(package, module) is module:
            return package
    raise AssertionError("numbers do not end")
