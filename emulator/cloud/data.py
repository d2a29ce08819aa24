"""Owns what `add`, `set` and `update` accept as data, and how they refuse the rest.

The texts are those of wx-server-sdk 2.6.3 and 4.0.2, which agree here.
"""

from collections.abc import Mapping
from typing import Final

from emulator.cloud.command import UpdateOperator
from emulator.cloud.conditions import encode_update
from emulator.cloud.encode import encode, passed
from emulator.cloud.errors import cloud_error, sdk_error
from emulator.core.values import Document, Value

PLACE: Final = "data"


def new_documents(api: str, data: Value) -> tuple[Document, ...]:
    """Return the documents of `add`: one, or those of a list.

    Raises:
        CloudError: there is none, or one is no dict or holds what documents cannot.
    """
    if isinstance(data, list | tuple):
        if not data:
            raise sdk_error(api, "options.data must not be empty")
        return tuple(_document(api, each, f"{PLACE}[{index}]") for index, each in enumerate(data))
    return (_document(api, data, PLACE),)


def whole_document(api: str, data: Value) -> Document:
    """Return the document of `set`, which names no `_id` and no operators.

    Raises:
        CloudError: it is empty, no dict, or holds what a whole document cannot.
    """
    _require_changes(api, data)
    if _holds_operator(data):
        raise cloud_error(api, "DATABASE_REQUEST_FAILED", "update operator complicit")
    return _document(api, data, PLACE)


def update_operators(api: str, data: Value) -> Document:
    """Return the update operators of `update`: `$set` by dotted path, or what a command says.

    Raises:
        CloudError: the data is empty, no dict, names `_id` or holds what cannot be sent.
    """
    _require_changes(api, data)
    update: Document = passed(api, PLACE, encode_update, data)
    if not update:  # `{"a": {}}` has no path that ends anywhere: nothing changes
        return {"$set": {}}
    return update


def _document(api: str, data: Value, place: str) -> Document:
    _require_dict(api, data, place)
    document: Document = passed(api, place, encode, data)
    return document


def _require_dict(api: str, data: Value, place: str) -> None:
    if data is None:
        raise sdk_error(api, f"parameter.{place} must be given: data={{...}}")
    if not isinstance(data, Mapping):
        raise sdk_error(api, f"parameter.{place} should be dict instead of {type(data).__name__}")


def _require_changes(api: str, data: Value) -> None:
    _require_dict(api, data, PLACE)
    if not data:
        raise sdk_error(api, "options.data must not be empty")
    if "_id" in data:
        raise cloud_error(api, "INVALID_PARAM", "不能更新_id的值")


def _holds_operator(value: Value) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_operator(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_operator(item) for item in value)
    return isinstance(value, UpdateOperator)
