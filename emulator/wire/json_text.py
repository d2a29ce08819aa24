"""Owns the reading of JSON that others wrote.

Not here: what the data mean (`wire.ejson` knows tags). The one idea: JavaScript cuts texts in the
middle of an emoji (`name.slice(0, 10)`) and writes the half that is left as an escape; such a half
is no text to anyone else, so it is read as the platform reads it, as U+FFFD.
"""

import re
from typing import Any, Final

import orjson

_ESCAPED: Final = re.compile(
    rb"(?<!\\)((?:\\\\)*)"
    rb"(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""Both halves of a character, or one; the backslash itself is not escaped."""

_UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}".encode()


def read(raw: bytes | str) -> Any:
    """Return the data; raises orjson.JSONDecodeError."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        text = raw.encode("utf-8", "replace") if isinstance(raw, str) else raw
        whole = _ESCAPED.sub(lambda found: found[1] + (found[2] or _UNKNOWN), text)
        if whole == text:
            raise
    return orjson.loads(whole)
