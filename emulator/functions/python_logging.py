"""Owns the `logging` that user code imports: the standard one with a hierarchy of its own.

Not here: records of libraries (`python_ambience`). The one idea: the module's functions are made
again over a namespace with another root, so levels and handlers that a function sets stay with
that generation, and a reload does not double its handlers. Classes are the standard ones.
"""

import logging
from types import FunctionType, ModuleType
from typing import Any, Final
from weakref import WeakValueDictionary

from emulator.functions.python_ambience import PrivateLogger

_SHORTCUTS: Final = (
    "debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log",
)  # fmt: skip


def private_logging(name: str) -> ModuleType:
    """Return a module like `logging` whose root logger passes INFO and above into the run's log."""
    module = ModuleType(name)
    space = module.__dict__
    own = {key: value for key, value in vars(logging).items() if not key.startswith("__")}
    space.update(own, __path__=list(logging.__path__), __doc__=logging.__doc__)
    # What `dictConfig` empties and `shutdown` closes must not be the process's own.
    space.update(_handlers=WeakValueDictionary(), _handlerList=[])
    for key, value in own.items():
        if isinstance(value, FunctionType) and value.__module__ == logging.__name__:
            space[key] = _over(value, space)
    root = PrivateLogger("root", logging.INFO)
    manager = logging.Manager(root)  # type: ignore[arg-type]  # it only needs a logger on top
    manager.loggerClass = type("Logger", (PrivateLogger,), {"root": root, "manager": manager})
    vars(root).update(root=root, manager=manager)
    space.update(root=root, Logger=manager.loggerClass, shutdown=_keep_open)
    # The module's own versions would first give the root a handler that writes another format.
    space.update((key, getattr(root, key)) for key in _SHORTCUTS)
    return module


def _over(function: FunctionType, space: dict[str, Any]) -> FunctionType:
    again = FunctionType(
        function.__code__, space, function.__name__, function.__defaults__, function.__closure__
    )
    again.__kwdefaults__ = function.__kwdefaults__
    return again


def _keep_open(handlers: object = None) -> None:
    """Do nothing where the standard module closes every handler of the process."""
    del handlers
