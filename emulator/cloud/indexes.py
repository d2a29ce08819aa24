"""Owns the calls about indexes, which the JavaScript SDKs do not have.

The platform makes indexes in its console; a project that makes them in code runs here, and there
with the same definitions entered by hand.
"""

from collections.abc import Mapping
from typing import Any, Final

from emulator.cloud.errors import sdk_error
from emulator.core.commands import CreateIndex
from emulator.core.values import Document, Value

CREATE_INDEX: Final = "collection.createIndex"
DROP_INDEX: Final = "collection.dropIndex"
LIST_INDEXES: Final = "collection.listIndexes"

_OPTIONS: Final[Mapping[str, str]] = {
    "keys": "keys",
    "name": "name",
    "unique": "unique",
    "sparse": "sparse",
    "expire_after_seconds": "expire_after_s",
    "expireAfterSeconds": "expire_after_s",
}


def new_index(collection: str, options: Value, others: Mapping[str, Value]) -> CreateIndex:
    """Return the command for options, or for keys alone: `{"userId": 1}`.

    Raises:
        CloudError: they are no dict, without keys, or have an option that is none.
    """
    given = dict(options) if isinstance(options, Mapping) else {}
    if options is not None and not isinstance(options, Mapping):
        raise sdk_error(CREATE_INDEX, f"the options should be a dict: {options!r:.80}")
    if given and "keys" not in given:
        given = {"keys": given}
    given |= others
    unknown = [name for name in given if name not in _OPTIONS]
    if unknown:
        raise sdk_error(CREATE_INDEX, f"no option {unknown[0]!r:.80}; known: {', '.join(_OPTIONS)}")
    said: dict[str, Any] = {_OPTIONS[name]: value for name, value in given.items()}
    keys = said.pop("keys", None)
    if not isinstance(keys, Mapping) or not keys:
        raise sdk_error(CREATE_INDEX, 'keys should be a dict such as {"userId": 1, "time": -1}')
    return CreateIndex(collection=collection, keys=tuple(keys.items()), **said)


def read_created(name: str) -> dict[str, Any]:
    """Return the answer of a created index."""
    return {"name": name, "errMsg": f"{CREATE_INDEX}:ok"}


def read_dropped(_: None) -> dict[str, Any]:
    """Return the answer of a removed index."""
    return {"errMsg": f"{DROP_INDEX}:ok"}


def read_listed(definitions: list[Document]) -> dict[str, Any]:
    """Return the answer of a list: definitions whose keys are a dict in order."""
    indexes = [{**each, "keys": dict(each["keys"])} for each in definitions]
    return {"indexes": indexes, "errMsg": f"{LIST_INDEXES}:ok"}
