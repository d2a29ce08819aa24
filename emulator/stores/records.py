"""Owns the bytes of documents on disk: Extended JSON, and records that prove themselves.

Not here: which records there are (`stores.journal`). The one idea: a record is a line of its
length, its checksum and JSON, so a reader knows a torn or damaged one without knowing what is in
it, and a person can read it.
"""

from typing import Final
from zlib import crc32

import orjson

from emulator.core import ejson
from emulator.core.errors import InvalidParam
from emulator.core.values import Missing, Value

_OPTIONS: Final = (
    orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)
_MISSING_TEXT: Final = f'"{Missing.MISSING.value}"'.encode()


def encode(value: Value) -> bytes:
    """Return a value as Extended JSON on one line.

    Raises:
        InvalidParam: something inside is no value of a document.
    """
    try:
        data = orjson.dumps(value, default=ejson.tag, option=_OPTIONS)
        # orjson writes NaN as null and a member of an enumeration as its plain value.
        if (b"null" in data and ejson.holds_non_finite(value)) or _MISSING_TEXT in data:
            data = orjson.dumps(ejson.encode(value), option=_OPTIONS)
    except TypeError as fault:
        raise InvalidParam(f"a document cannot be stored: {fault}") from fault
    return data


def decode(data: bytes) -> Value:
    """Return the value of Extended JSON.

    Raises:
        ValueError: the bytes are no JSON.
        InvalidParam: a tagged object inside is not of its tag's form.
    """
    value = orjson.loads(data)
    return ejson.decode(value) if ejson.TAG_MARK in data else value


def record(value: Value) -> bytes:
    """Return the line that keeps a value: length, checksum, JSON.

    Raises:
        InvalidParam: something inside is no value of a document.
    """
    body = encode(value)
    return b"%d %08x %b\n" % (len(body), crc32(body), body)


def read_record(line: bytes) -> Value:
    """Return the value that a line keeps.

    Raises:
        ValueError: the line is torn or damaged.
    """
    length, checksum, body = line.split(b" ", 2)
    body = body[:-1]
    if line[-1:] != b"\n" or int(length) != len(body) or int(checksum, 16) != crc32(body):
        raise ValueError("length or checksum differs")
    try:
        return decode(body)
    except InvalidParam as fault:
        raise ValueError(fault.message) from fault
