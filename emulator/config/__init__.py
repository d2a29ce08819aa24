"""Owns the configuration of one suite: the project's files in, frozen values out.

Not here: what any value does. The one idea: flag > environment > file > default, decided once, and
every value remembers where it came from. Only `cli`, `suite` and `server` read a `Config`;
everything else is handed the plain values it needs.
"""

from emulator.config.load import load_config
from emulator.config.sections import (
    Config,
    DatabaseSection,
    EmulatorSection,
    FunctionSettings,
    FunctionsSection,
    HostingSection,
    IndexSettings,
    Only,
    StorageSection,
    TriggersSection,
)

__all__ = [
    "Config",
    "DatabaseSection",
    "EmulatorSection",
    "FunctionSettings",
    "FunctionsSection",
    "HostingSection",
    "IndexSettings",
    "Only",
    "StorageSection",
    "TriggersSection",
    "load_config",
]
