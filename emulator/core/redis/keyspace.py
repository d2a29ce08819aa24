"""Owns the keys of a Redis: values of five kinds, and the moments at which keys are gone.

Not here: what commands do (the tables beside this module), the time (it is handed in before each
command). The one idea: a key that is past its moment is dropped by whoever looks at it next, so
nothing has to wake up for it.

Facts: redis.io/commands; doc.dcloud.net.cn/uniCloud/redis.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

KEYS_MAX: Final = 1_000_000
INTEGER_MIN: Final = -(2**63)
INTEGER_MAX: Final = 2**63 - 1
WHOLE_MAX: Final = 1e17
"""Numbers from there on are written with an exponent."""

Reply = int | str | None | list["Reply"]
"""What a command answers: a number, a text, nothing, or a list of those."""


class Hash(dict[str, str]):
    """Texts by field."""


class Members(dict[str, None]):
    """A set, in the order in which members came."""


class Scores(dict[str, float]):
    """A sorted set: scores by member."""

    def ranked(self) -> list[tuple[str, float]]:
        """Return members with their scores, the lowest first, equal ones by name."""
        return sorted(self.items(), key=lambda item: (item[1], item[0]))


Kept = str | list[str] | Hash | Members | Scores
Kind = TypeVar("Kind", str, list[str], Hash, Members, Scores)

KIND_NAMES: Final[dict[type, str]] = {
    str: "string",
    list: "list",
    Hash: "hash",
    Members: "set",
    Scores: "zset",
}


class RedisError(Exception):
    """A command was refused; the text is Redis' own, and nothing was changed."""


class Keyspace:
    """The keys of one environment; `now_ms` is set before each command.

    `pick` returns one of so many, for commands that answer anything they hold.
    """

    def __init__(self, pick: Callable[[int], int]) -> None:
        self._values: dict[str, Kept] = {}
        self._deadlines_ms: dict[str, int] = {}
        self._pick = pick
        self.now_ms = 0

    def value(self, key: str) -> Kept | None:
        """Return what a key holds."""
        deadline = self._deadlines_ms.get(key)
        if deadline is not None and deadline <= self.now_ms:
            self.drop(key)
        return self._values.get(key)

    def of_kind(self, key: str, kind: type[Kind]) -> Kind | None:
        """Return what a key holds, which must be of a kind."""
        found = self.value(key)
        if found is None or isinstance(found, kind):
            return found
        raise RedisError("WRONGTYPE Operation against a key holding the wrong kind of value")

    def made(self, key: str, kind: type[Kind]) -> Kind:
        """Return what a key holds, an empty value when there was none."""
        found = self.of_kind(key, kind)
        if found is None:
            found = kind()
            self.put(key, found)
        return found

    def put(self, key: str, value: Kept) -> None:
        """Have a key hold a value, for as long as it was to live already."""
        if key not in self._values and len(self._values) >= KEYS_MAX:
            raise RedisError("OOM command not allowed when used memory > 'maxmemory'.")
        self._values[key] = value

    def tidy(self, key: str) -> None:
        """Drop a key whose value has become empty."""
        if not self._values.get(key):
            self.drop(key)

    def drop(self, key: str) -> bool:
        """Drop a key; tell whether it was there."""
        self._deadlines_ms.pop(key, None)
        return self._values.pop(key, None) is not None

    def clear(self) -> None:
        """Drop every key."""
        self._values.clear()
        self._deadlines_ms.clear()

    def deadline_ms(self, key: str) -> int | None:
        """Return the moment at which a key goes."""
        return self._deadlines_ms.get(key)

    def live_until(self, key: str, moment_ms: int | None) -> None:
        """Have a key go at a moment, or stay."""
        if moment_ms is None:
            self._deadlines_ms.pop(key, None)
        elif moment_ms <= self.now_ms:
            self.drop(key)
        else:
            self._deadlines_ms[key] = moment_ms

    def names(self) -> Iterator[str]:
        """Yield the names of the keys that are there."""
        return (key for key in list(self._values) if self.value(key) is not None)

    def any_of(self, found: Sequence[str]) -> str:
        """Return one of some texts."""
        return found[self._pick(len(found))]


def integer(text: str, *, what: str = "value is not an integer or out of range") -> int:
    """Return the whole number that a text is."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > len(str(INTEGER_MAX)):
        raise RedisError(f"ERR {what}")
    return bounded(int(text))


def bounded(number: int) -> int:
    """Return a number that 64 bits hold."""
    if not INTEGER_MIN <= number <= INTEGER_MAX:
        raise RedisError("ERR increment or decrement would overflow")
    return number


def decimal(text: str, *, what: str = "value is not a valid float") -> float:
    """Return the number that a text is; infinities are numbers, NaN is none."""
    try:
        found = float(text) if text.strip() == text and "_" not in text else math.nan
    except ValueError:
        found = math.nan
    if math.isnan(found):
        raise RedisError(f"ERR {what}")
    return found


def require_finite(number: float) -> None:
    """Refuse what no command may leave as a value."""
    if not math.isfinite(number):
        raise RedisError("ERR increment would produce NaN or Infinity")


def decimal_text(number: float) -> str:
    """Return a number as Redis writes it."""
    is_whole = abs(number) < WHOLE_MAX and number == int(number)
    return str(int(number)) if is_whole else repr(number)


def cut(length: int, start: str, stop: str) -> slice:
    """Return the places between two, both included, negative ones from the end."""
    first, last = integer(start), integer(stop)
    first = max(first + length, 0) if first < 0 else first
    last = last + length if last < 0 else last
    return slice(first, max(last + 1, 0))


def paired(words: Sequence[str], command: str) -> list[tuple[str, str]]:
    """Return words two by two."""
    if len(words) % 2:
        raise RedisError(f"ERR wrong number of arguments for '{command}' command")
    return list(zip(words[::2], words[1::2], strict=True))


def page(found: Sequence[str], words: Sequence[str], matches: Callable[[str, str], bool]) -> Reply:
    """Return one page of texts, as the commands that scan answer: the next cursor, then the texts.

    `words` are the cursor and `MATCH pattern`, `COUNT number`.
    """
    options = {name.lower(): value for name, value in paired(words[1:], "scan")}
    if options.keys() - {"match", "count", "type"}:
        raise RedisError("ERR syntax error")
    at, size = integer(words[0], what="invalid cursor"), integer(options.get("count", "10"))
    if size < 1:
        raise RedisError("ERR syntax error")
    shown = [text for text in found[at : at + size] if matches(options.get("match", "*"), text)]
    return [str(at + size) if at + size < len(found) else "0", list(shown)]
