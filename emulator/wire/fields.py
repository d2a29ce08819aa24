"""Owns reading one field of a request body as what it must be.

Not here: which fields an action has (`wire.requests`). The one idea: a field of a wrong type is
refused by name, with what it is and what it should be, so that no service meets a surprise.
"""

from typing import Final

from emulator.core.errors import InvalidParam
from emulator.core.values import Document, Value
from emulator.wire import ejson

Body = dict[str, Value]

_NAMES: Final = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def wrong(name: str, value: Value, wanted: str) -> InvalidParam:
    """Return the error for a field that is not what it must be."""
    if value is None:
        return InvalidParam(f"{name} is missing; it must be {wanted}")
    given = "an empty one" if value == "" else _NAMES.get(type(value), "a tagged value")
    return InvalidParam(f"{name} must be {wanted}, not {given}")


def text(body: Body, name: str) -> str:
    """Return a string that must be there and not empty."""
    value = body.get(name)
    if type(value) is str and value:
        return value
    raise wrong(name, value, "a string that is not empty")


def optional_text(body: Body, name: str) -> str:
    """Return a string, empty when absent or null."""
    value = body.get(name)
    if value is None or type(value) is str:
        return value or ""
    raise wrong(name, value, "a string")


def flag(body: Body, name: str, *, default: bool) -> bool:
    """Return a boolean."""
    value = body.get(name)
    if value is None:
        return default
    if type(value) is bool:
        return value
    raise wrong(name, value, "a boolean")


def count(body: Body, name: str) -> int | None:
    """Return a whole number from 0 on, None when absent or null."""
    value = body.get(name)
    if value is None:
        return None
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise wrong(name, value, "a whole number")
    if value < 0:
        raise InvalidParam(f"{name} must not be negative, not {value}")
    return value


def items(body: Body, name: str) -> list[Value]:
    """Return an array that must be there."""
    value = body.get(name)
    if type(value) is list:
        return value
    raise wrong(name, value, "an array")


def value(data: Value, name: str) -> Value:
    """Return what a field holds in either dialect, None when absent or an empty string."""
    if type(data) is str:
        return ejson.read_text(data, name) if data else None
    if type(data) in (dict, list):
        return ejson.read_plain(data, name)
    return data


def document(data: Value, name: str) -> Document:
    """Return the object that a field must hold."""
    found = optional_document(data, name)
    if found is None:
        raise InvalidParam(f"{name} is missing; it must be an object")
    return found


def optional_document(data: Value, name: str) -> Document | None:
    """Return the object that a field holds, None when absent or an empty string."""
    found = value(data, name)
    if found is None or type(found) is dict:
        return found
    raise wrong(name, found, "an object")
