"""Owns the kinds of value a document can hold that Python has no type of its own for.

Not here: order and equality (`core.ordering`), tagged JSON (`core.ejson`). The one idea: a stored
value keeps the type the wire gave it. `int` is int32 when it fits and int64 beyond, `Int64` is a
long that would fit an int32, `float` is a double, `datetime` never occurs (dates are `Date`).
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, TypeAlias

from emulator.core.records import dataclass

INT32_MIN: Final = -(2**31)
INT32_MAX: Final = 2**31 - 1
INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

Value: TypeAlias = Any
"""Any kind below, or None, bool, int, float, str, list of values, dict of str to value.

A recursive alias would say it to the type checker, at the price of a cast on every read.
"""

Document: TypeAlias = dict[str, Value]
Filter: TypeAlias = Mapping[str, Value]


class Missing(Enum):
    """The kind of a field that is not there; differs from null in expressions and sorts."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING


class Int64(int):
    """A long whose size alone would not tell: the wire said int64."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, order=True)
class Date:
    """A moment: milliseconds since 1970-01-01 UTC, any int64."""

    ms: int


@dataclass(frozen=True, slots=True, order=True)
class ObjectId:
    """MongoDB's twelve-byte id as 24 lower-case hexadecimal digits."""

    hex: str


@dataclass(frozen=True, slots=True, order=True)
class Regex:
    """A pattern and its options out of `imsx`, sorted."""

    pattern: str
    options: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Binary:
    """Bytes and MongoDB's subtype number."""

    data: bytes
    subtype: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """MongoDB's internal timestamp: seconds and a counter."""

    seconds: int
    counter: int


@dataclass(frozen=True, slots=True)
class Edge:
    """MinKey or MaxKey: below or above every other value."""

    sign: int


MIN_KEY: Final = Edge(-1)
MAX_KEY: Final = Edge(1)


@dataclass(frozen=True, slots=True)
class ServerDate:
    """A marker in data on its way in; the database puts its one `now` plus the offset there."""

    offset_ms: int = 0
