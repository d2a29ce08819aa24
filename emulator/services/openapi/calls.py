"""Owns what passes between a dialect and the open APIs: a call, its answer, its refusals.

Not here: what any API does, and the records that user code's calls travel as (`core.openapi`).
"""

from collections.abc import Mapping
from typing import Any

from emulator.core.errors import EmulatorError
from emulator.core.openapi import Media
from emulator.core.openapi import OpenApiAnswer as Answer
from emulator.core.records import dataclass
from emulator.core.values import Value

__all__ = [
    "Answer",
    "Call",
    "Media",
    "OpenApiDenied",
    "OpenApiNotFound",
    "done",
    "picture",
    "refused",
    "text_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call: the dotted name after `openapi.`, its data, and who asks."""

    api: str
    data: Mapping[str, Any]
    openid: str = ""
    request_id: str = ""


class OpenApiNotFound(EmulatorError):
    """WeChat has no such open API, or this version no answer and the project no mock for it."""

    code = "OPENAPI_NOT_FOUND"
    number = -604100


class OpenApiDenied(EmulatorError):
    """The function's `config.json` does not list the API under `permissions.openapi`."""

    code = "OPENAPI_NO_PERMISSION"
    number = -604101


def done(**fields: Value) -> Answer:
    """Return the answer of a call that went well."""
    return Answer(data={"errcode": 0, "errmsg": "ok", **fields})


def refused(errcode: int, errmsg: str) -> Answer:
    """Return the answer of a call that WeChat refuses."""
    return Answer(data={"errcode": errcode, "errmsg": errmsg})


def picture(content: bytes, content_type: str) -> Answer:
    """Return the answer that is a file."""
    return Answer(content=content, content_type=content_type)


def text_of(call: Call, name: str) -> str:
    """Return a text of the data, empty when it is absent or something else."""
    value = call.data.get(name)
    return value if isinstance(value, str) else ""
