"""Owns reading the requests of WeChat's server HTTP API, with WeChat's own refusals.

Not here: which fields an interface has (`wire.wechat`, `wire.wechat_files`). The one idea: what
WeChat's own pages show as a request is read as they show it, line breaks in a text included.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from emulator.core.errors import InvalidParam
from emulator.core.values import Value
from emulator.wire import fields, json_text
from emulator.wire.exchange import read_body
from emulator.wire.fields import Body
from emulator.wire.wechat_errors import Refused

COUNT_DIGITS_MAX: Final = 18
REQUEST_MAX_BYTES: Final = 16 * 1024 * 1024
_TEXT: Final = re.compile(rb'"(?:[^"\\]++|\\(?s:.))*+(?:"|\\?\Z)')
_LOOSE: Final = re.compile(rb"\\'|\\(?s:.)|[\x00-\x1f]")


async def read_object(request: web.Request) -> Body:
    """Return the JSON object of a request, empty without a body."""
    raw = await read_body(request, max_bytes=REQUEST_MAX_BYTES)
    if not raw.strip():
        return {}
    data = read_json(raw)
    if type(data) is not dict:
        raise Refused(47001, "data format error: the body must be a JSON object")
    return data


def read_json(raw: bytes) -> Value:
    """Return JSON data, whose texts may have bare line breaks and escaped apostrophes in them."""
    try:
        return json_text.read(raw)
    except orjson.JSONDecodeError as fault:
        strict = _TEXT.sub(_strictly, raw)
        if strict == raw:
            raise Refused(47001, f"data format error: {fault}") from fault
    try:
        return json_text.read(strict)
    except orjson.JSONDecodeError as fault:
        raise Refused(47001, f"data format error: {fault}") from fault


def text_of(body: Body, name: str) -> str:
    """Return a text that must be there."""
    value = body.get(name)
    if value is None or value == "":
        raise missing(name)
    if type(value) is not str:
        raise Refused(40097, f"invalid args. {name} must be a text")
    return fields.text(body, name)


def count_of(body: Body, name: str) -> int | None:
    """Return a whole number from 0 on or its digits, None when absent or null."""
    value = body.get(name)
    if type(value) is str and value.isascii() and value.isdigit():
        body = {name: int(value[:COUNT_DIGITS_MAX])}
    try:
        return fields.count(body, name)
    except InvalidParam as fault:
        raise Refused(40097, f"invalid args. {fault.message}") from fault


def list_of(body: Body, name: str) -> list[Value]:
    """Return a list that must be there."""
    if body.get(name) is None:
        raise missing(name)
    if type(body[name]) is not list:
        raise Refused(40097, f"invalid args. {name} must be a list")
    return fields.items(body, name)


def object_of(value: Value) -> Body:
    """Return an item of a list that must be an object."""
    if type(value) is not dict:
        raise Refused(40097, "invalid args. an item of a list must be an object")
    return value


def choice_of(body: Body, name: str, choices: Mapping[int, Any]) -> Any:
    """Return what a number of a field stands for."""
    number = count_of(body, name)
    if number is None:
        raise missing(name)
    if number not in choices:
        known = " or ".join(map(str, choices))
        raise Refused(40097, f"invalid args. {name} must be {known}, not {number}")
    return choices[number]


def missing(name: str) -> Refused:
    """Return the refusal of a request that lacks a field."""
    return Refused(40101, f"missing parameter: {name}")


def _strictly(text: re.Match[bytes]) -> bytes:
    return _LOOSE.sub(_escaped, text[0])


def _escaped(found: re.Match[bytes]) -> bytes:
    if found[0] == b"\\'":
        return b"'"
    return found[0] if found[0][0] == _BACKSLASH else b"\\u%04x" % found[0][0]


_BACKSLASH: Final = ord("\\")
