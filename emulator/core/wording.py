"""Owns how a value reads in the text of an error: as MongoDB writes it, cut to a bound.

Not here: the sentences around it. The one idea: applications search these texts, so null is `null`
and text has double quotes, whatever Python calls them (`BSONElement::toString` of MongoDB 4.0).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from emulator.core.values import (
    Binary,
    Date,
    Edge,
    Int64,
    Missing,
    ObjectId,
    Regex,
    ServerDate,
    Timestamp,
    Value,
)

SHOWN_MAX_CHARACTERS: Final = 80
_TEXT_MAX_CHARACTERS: Final = 160


def shown(value: Value, most: int = SHOWN_MAX_CHARACTERS) -> str:
    """Return the value as MongoDB writes it, `most` characters at most with `...` behind a cut."""
    text = ""
    for piece in _pieces(value):
        text += piece
        if len(text) > most:
            return f"{text[: most - 3]}..."
    return text


def _pieces(value: Value) -> Iterator[str]:
    kind = type(value)
    if kind is dict:
        yield "{"
        for place, (name, item) in enumerate(value.items()):
            yield f"{',' if place else ''} {name}: "
            yield from _pieces(item)
        yield " }" if value else "}"
    elif kind is list:
        yield "["
        for place, item in enumerate(value):
            yield ", " if place else " "
            yield from _pieces(item)
        yield " ]" if value else "]"
    else:
        yield _SCALARS.get(kind, repr)(value)


def _text(value: str) -> str:
    return json.dumps(value[:_TEXT_MAX_CHARACTERS], ensure_ascii=False)


_SCALARS: Final[Mapping[type, Callable[[Value], str]]] = {
    Missing: lambda _: "undefined",
    type(None): lambda _: "null",
    bool: lambda value: "true" if value else "false",
    int: str,
    Int64: lambda value: str(int(value)),
    float: repr,
    Decimal: str,
    str: _text,
    Date: lambda value: f"new Date({value.ms})",
    ServerDate: lambda _: "new Date()",
    ObjectId: lambda value: f"ObjectId('{value.hex}')",
    Regex: lambda value: f"/{value.pattern}/{value.options}",
    Binary: lambda value: f"BinData({value.subtype}, {value.data[:_TEXT_MAX_CHARACTERS].hex()})",
    Timestamp: lambda value: f"Timestamp({value.seconds}, {value.counter})",
    Edge: lambda value: "MinKey" if value.sign < 0 else "MaxKey",
}
