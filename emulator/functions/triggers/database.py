"""Owns database triggers: which changes they react to, and the event a function gets.

Not here: changes (`core.changes`) and calls (`services.dispatcher`). The platform has no such
trigger; the shape is the seed's (`dataList` of `doc`, `docId`, `updateFields`) with what a listener
of `watch` is told. Values are plain JSON: dates ISO text with Z, ids their hexadecimal digits.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from emulator.core.changes import Change, Operation, removed_fields, updated_fields
from emulator.core.ejson import date_text
from emulator.core.errors import ConfigurationError
from emulator.core.records import dataclass
from emulator.core.values import Binary, Date, Missing, ObjectId, Regex, Timestamp, Value
from emulator.functions.base import (
    TRIGGER_BATCH_MAX_CHANGES,
    TRIGGER_RETRIES_DEFAULT,
    TRIGGER_RETRIES_MAX,
    TriggerConfig,
)
from emulator.functions.triggers.numbers import retries_of, whole_number

_OPERATIONS: Final[Mapping[str, frozenset[Operation]]] = {
    "insert": frozenset({"insert"}),
    "add": frozenset({"insert"}),
    "update": frozenset({"update", "replace"}),
    "replace": frozenset({"replace"}),
    "set": frozenset({"replace"}),
    "remove": frozenset({"remove"}),
    "delete": frozenset({"remove"}),
}
_DATA_TYPES: Final[Mapping[Operation, str]] = {
    "insert": "add",
    "update": "update",
    "replace": "replace",
    "remove": "remove",
}

SCHEMA: Final[Mapping[str, Value]] = {
    "type": "object",
    "properties": {
        "collection": {"type": "string", "minLength": 1},
        "operations": {"type": "array", "minItems": 1, "items": {"enum": list(_OPERATIONS)}},
        "events": {"$ref": "#/properties/operations"},
        "batch": {"type": "integer", "minimum": 1, "maximum": TRIGGER_BATCH_MAX_CHANGES},
        "retries": {"type": "integer", "minimum": 0, "maximum": TRIGGER_RETRIES_MAX},
    },
    "required": ["collection"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class CompiledDatabaseTrigger:
    """A database trigger, ready to be asked."""

    name: str
    collection: str
    operations: frozenset[Operation]
    batch: int = 1
    retries: int = TRIGGER_RETRIES_DEFAULT

    def matches(self, change: Change) -> bool:
        """Tell whether the change is of the trigger's collection and operations."""
        return change.collection == self.collection and change.operation in self.operations

    def event(self, changes: Sequence[Change], *, env_id: str, moment_ms: int) -> dict[str, Value]:
        """Return the event of a batch of changes; dates in documents are ISO text."""
        return {
            "type": "database",
            "triggerName": self.name,
            "collection": self.collection,
            "envId": env_id,
            "time": date_text(Date(moment_ms)),
            "dataList": [_told(change) for change in changes],
        }


def compile_database(trigger: TriggerConfig) -> CompiledDatabaseTrigger:
    """Return the trigger, ready to be asked.

    Raises:
        ConfigurationError: no collection, or an operation there is not.
    """
    config = trigger.config
    collection = config.get("collection") if isinstance(config, dict) else None
    if not isinstance(collection, str) or not collection:
        raise ConfigurationError(
            f"database trigger {trigger.name}: config must name a collection",
            hint='{"collection": "orders", "operations": ["insert", "update"]}',
        )
    wished = config.get("operations", config.get("events", ["insert", "update", "remove"]))
    operations: set[Operation] = set()
    for each in wished:
        if each not in _OPERATIONS:
            raise ConfigurationError(
                f"database trigger {trigger.name}: {each!r} is no operation",
                hint="operations are insert, update and remove",
            )
        operations |= _OPERATIONS[each]
    return CompiledDatabaseTrigger(
        trigger.name,
        collection,
        frozenset(operations),
        batch=whole_number(trigger, "batch", 1, range(1, TRIGGER_BATCH_MAX_CHANGES + 1)),
        retries=retries_of(trigger),
    )


def _told(change: Change) -> dict[str, Value]:
    updated = _json(updated_fields(change.before, change.after)) if change.before else {}
    return {
        "docId": _json(change.document_id),
        "doc": _json(change.after if change.after is not None else change.before),
        "dataType": _DATA_TYPES[change.operation],
        "operation": change.operation,
        "updateFields": updated,
        "updatedFields": updated,
        "removedFields": removed_fields(change.before, change.after),
        "before": _json(change.before),
    }


def _json(value: Value) -> Value:
    """Return a value of a document as plain JSON data, a copy of its own."""
    kind = type(value)
    if kind is dict:
        return {key: _json(item) for key, item in value.items()}
    if kind is list:
        return [_json(item) for item in value]
    if value is None or kind in (str, int, float, bool):
        return value
    for known, told in _TOLD:
        if isinstance(value, known):
            return told(value)
    return str(value)


_TOLD: Final[tuple[tuple[type, Callable[[Value], Value]], ...]] = (
    (Date, date_text),
    (ObjectId, lambda value: value.hex),
    (int, int),
    (Missing, lambda _: None),
    (Decimal, str),
    (Regex, lambda value: {"pattern": value.pattern, "options": value.options}),
    (Binary, lambda value: base64.b64encode(value.data).decode()),
    (Timestamp, lambda value: date_text(Date(value.seconds * 1000))),
)
