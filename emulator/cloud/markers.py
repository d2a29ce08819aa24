"""Owns the values that only the database can make something of: `db.server_date()` and its kin.

The one idea: a marker is the JSON object that the JavaScript SDK's own instance turns into, so a
function may return data with markers in it, and one value of `core.values` on its way in.
"""

import re
from collections.abc import Mapping
from typing import Final

from emulator.cloud.errors import CloudError
from emulator.core import values
from emulator.core.values import Value

_HEX_ID: Final = re.compile(r"[0-9a-fA-F]{24}\Z")

_FLAG_LETTERS: Final = (
    (re.IGNORECASE, "i"),
    (re.MULTILINE, "m"),
    (re.DOTALL, "s"),
    (re.VERBOSE, "x"),
)


class ServerDate(dict[str, Value]):
    """The database's time when it carries the command out, plus an offset in milliseconds."""

    __slots__ = ()

    def __init__(self, options: Value = None, *, offset: Value = 0) -> None:
        if isinstance(options, Mapping):
            offset = options.get("offset", offset)
        elif options is not None:
            offset = options
        if isinstance(offset, bool) or not isinstance(offset, int | float):
            raise CloudError(f"serverDate: offset should be milliseconds, not {offset!r:.80}")
        super().__init__(offset=offset)

    def core(self) -> values.ServerDate:
        """Return the marker as the database knows it."""
        return values.ServerDate(int(self["offset"]))


class RegExp(dict[str, Value]):
    """A regular expression to match text with: `db.RegExp(regexp="^a", options="i")`."""

    __slots__ = ()

    def __init__(self, regexp: Value = "", options: str = "") -> None:
        if isinstance(regexp, Mapping):
            regexp, options = regexp.get("regexp"), regexp.get("options", options)
        if isinstance(regexp, re.Pattern):
            regexp, options = regexp.pattern, options or pattern_options(regexp)
        if not isinstance(regexp, str) or not regexp:
            raise CloudError(f"RegExp: regexp must be a string, not {regexp!r:.80}")
        super().__init__({"$regularExpression": {"pattern": regexp, "options": options}})

    def core(self) -> values.Regex:
        """Return the expression as the database knows it; options it lacks are dropped."""
        content = self["$regularExpression"]
        return values.Regex(content["pattern"], known_options(content["options"]))


class ObjectId(dict[str, Value]):
    """MongoDB's own kind of id: `db.ObjectId(id="24 hexadecimal digits")`."""

    __slots__ = ()

    def __init__(self, id: "str | Mapping[str, Value]" = "") -> None:  # noqa: A002  # the SDK's name
        digits = id.get("id", "") if isinstance(id, Mapping) else id
        if not isinstance(digits, str) or _HEX_ID.match(digits) is None:
            raise CloudError(f"ObjectId: id should be 24 hexadecimal digits, not {digits!r:.80}")
        super().__init__(id=digits.lower())

    def core(self) -> values.ObjectId:
        """Return the id as the database knows it."""
        return values.ObjectId(self["id"])


def known_options(options: str) -> str:
    """Return the options that a `core.values.Regex` may have."""
    return "".join(sorted(set(options) & set("imsx")))


def pattern_options(pattern: "re.Pattern[str]") -> str:
    """Return the options that stand for the flags of a compiled pattern."""
    return "".join(letter for flag, letter in _FLAG_LETTERS if pattern.flags & flag)
