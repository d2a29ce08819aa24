"""Owns storage triggers: which stored files they react to, and the event a function gets.

Not here: files (`services.storage`) and calls (`services.dispatcher`). The platform has no such
trigger; the shape follows the seed's and the database trigger's.
"""

from collections.abc import Mapping
from typing import Final

from emulator.core.ejson import date_text
from emulator.core.errors import ConfigurationError
from emulator.core.records import dataclass
from emulator.core.values import Date, Value
from emulator.functions.base import (
    TRIGGER_RETRIES_DEFAULT,
    TRIGGER_RETRIES_MAX,
    StoredFile,
    TriggerConfig,
)
from emulator.functions.triggers.numbers import retries_of

SCHEMA: Final[Mapping[str, Value]] = {
    "type": "object",
    "properties": {
        "prefix": {"type": "string"},
        "operations": {
            "type": "array",
            "minItems": 1,
            "items": {"enum": ["put", "delete", "upload", "remove"]},
        },
        "events": {"$ref": "#/properties/operations"},
        "retries": {"type": "integer", "minimum": 0, "maximum": TRIGGER_RETRIES_MAX},
    },
    "additionalProperties": False,
}

_OPERATIONS: Final[Mapping[str, str]] = {
    "put": "put",
    "upload": "put",
    "delete": "delete",
    "remove": "delete",
}


@dataclass(frozen=True, slots=True)
class CompiledStorageTrigger:
    """A storage trigger, ready to be asked."""

    name: str
    prefix: str
    operations: frozenset[str]
    retries: int = TRIGGER_RETRIES_DEFAULT

    def matches(self, file: StoredFile) -> bool:
        """Tell whether the path and operation are the trigger's."""
        return file.operation in self.operations and file.cloud_path.startswith(self.prefix)

    def event(self, file: StoredFile, *, env_id: str, moment_ms: int) -> dict[str, Value]:
        """Return the event of a stored file."""
        return {
            "type": "storage",
            "triggerName": self.name,
            "envId": env_id,
            "time": date_text(Date(moment_ms)),
            "operation": file.operation,
            "fileID": file.file_id,
            "cloudPath": file.cloud_path,
            "path": file.cloud_path,
            "size": file.size_bytes,
            "contentType": file.content_type,
        }


def compile_storage(trigger: TriggerConfig) -> CompiledStorageTrigger:
    """Return the trigger, ready to be asked.

    Raises:
        ConfigurationError: its configuration is not an object of prefix and operations.
    """
    config = {} if trigger.config is None else trigger.config
    if not isinstance(config, dict):
        raise ConfigurationError(
            f"storage trigger {trigger.name}: config must be an object",
            hint='{"prefix": "images/", "operations": ["put"]}',
        )
    operations = config.get("operations", config.get("events", ["put", "delete"]))
    unknown = [each for each in operations if each not in _OPERATIONS]
    if unknown or not operations:
        raise ConfigurationError(
            f"storage trigger {trigger.name}: {unknown[0] if unknown else 'nothing'!r} is no "
            "operation",
            hint="operations are put and delete",
        )
    return CompiledStorageTrigger(
        trigger.name,
        str(config.get("prefix", "")).removeprefix("/"),
        frozenset(_OPERATIONS[each] for each in operations),
        retries_of(trigger),
    )
