"""Owns reading the requests of WeChat's server HTTP API, with WeChat's own refusals.

Not here: which fields an interface has (`wire.wechat`, `wire.wechat_files`).
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from emulator.core.values import Value
from emulator.wire import fields, json_text
from emulator.wire.exchange import read_body
from emulator.wire.fields import Body
from emulator.wire.wechat_errors import Refused

REQUEST_MAX_BYTES: Final = 16 * 1024 * 1024


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
    """Return JSON data."""
    try:
        return json_text.read(raw)
    except orjson.JSONDecodeError as fault:
        raise Refused(47001, f"data format error: {fault}") from fault


def text_of(body: Body, name: str) -> str:
    """Return a text that must be there."""
    value = body.get(name)
    if value is None or value == "":
        raise missing(name)
    return fields.text(body, name)


def list_of(body: Body, name: str) -> list[Value]:
    """Return a list that must be there."""
    if body.get(name) is None:
        raise missing(name)
    return fields.items(body, name)


def object_of(value: Value) -> Body:
    """Return an item of a list that must be an object."""
    if type(value) is not dict:
        raise Refused(40097, "invalid args. an item of a list must be an object")
    return value


def choice_of(body: Body, name: str, choices: Mapping[int, Any]) -> Any:
    """Return what a number of a field stands for."""
    number = fields.count(body, name)
    if number is None:
        raise missing(name)
    if number not in choices:
        known = " or ".join(map(str, choices))
        raise Refused(40097, f"invalid args. {name} must be {known}, not {number}")
    return choices[number]


def missing(name: str) -> Refused:
    """Return the refusal of a request that lacks a field."""
    return Refused(40101, f"missing parameter: {name}")
