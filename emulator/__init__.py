"""Cloud Emu: the local emulator suite for Cloud Development.

The public names are looked up when they are used, so that `import emulator` costs nothing and a
function that needs `cloud` alone never loads the server.
"""

from importlib import import_module
from typing import Any

__all__ = ["Config", "Suite", "__version__", "cloud"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Return a public name, importing what it lives in."""
    if name == "cloud":
        return import_module("emulator.cloud")
    if name == "Suite":
        return import_module("emulator.suite").Suite
    if name == "Config":
        return import_module("emulator.config").Config
    raise AttributeError(f"module 'emulator' has no attribute {name!r}")
