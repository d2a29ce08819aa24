"""Owns what a PCRE pattern is made of: the nodes of its tree, and sets of characters.

Not here: named sets (`core.regex_classes`), reading the pattern (`core.regex_parser`), judging it
(`core.regex_risk`). The one idea: every node carries the same pattern in the words of Python's
`re`, and every set its ranges.
"""

from typing import Final, TypeAlias

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.records import dataclass

REPEAT_MAX: Final = 65535
GROUP_DEPTH_MAX: Final = 100
_LAST_CHARACTER: Final = 0x10FFFF

Ranges: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of a set of ranges."""

    text: str
    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    text: str
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these."""

    text: str
    branches: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """Some times the same; `most` is None where there is no end, `gives_back` False for `a++`."""

    text: str
    item: "Node"
    least: int
    most: int | None
    gives_back: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """Brackets that match what is inside them."""

    text: str
    item: "Node"


@dataclass(frozen=True, slots=True)
class Look:
    """Brackets that look and take nothing."""

    text: str
    item: "Node"


@dataclass(frozen=True, slots=True)
class Point:
    """A place between characters: anchors and word boundaries."""

    text: str
    is_start: bool = False


@dataclass(frozen=True, slots=True)
class Echo:
    """What a group has matched, once more."""

    text: str


Node: TypeAlias = Chars | Sequence | Choice | Repeat | Group | Look | Point | Echo


def refusal(pattern: str, reason: str) -> DatabaseRequestFailed:
    """Return the refusal of a pattern."""
    return DatabaseRequestFailed(
        f"Regular expression is invalid: {reason}: /{pattern:.200}/", mongo_code=51091
    )


def complement(ranges: Ranges) -> Ranges:
    """Return the characters that are in none of the ranges."""
    rest: list[tuple[int, int]] = []
    start = 0
    for low, high in sorted(ranges):
        if low > start:
            rest.append((start, low - 1))
        start = max(start, high + 1)
    if start <= _LAST_CHARACTER:
        rest.append((start, _LAST_CHARACTER))
    return tuple(rest)


def merged(ranges: Ranges) -> Ranges:
    """Return the ranges in order, those that touch as one."""
    result: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if result and low <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(result[-1][1], high))
        else:
            result.append((low, high))
    return tuple(result)


def overlap(a: Ranges, b: Ranges) -> bool:
    """Tell whether two sets share a character; both must be merged."""
    place_a = place_b = 0
    while place_a < len(a) and place_b < len(b):
        if a[place_a][1] < b[place_b][0]:
            place_a += 1
        elif b[place_b][1] < a[place_a][0]:
            place_b += 1
        else:
            return True
    return False


def both_cases(ranges: Ranges) -> Ranges:
    """Return the ranges with the other case of their ASCII letters."""
    extra: list[tuple[int, int]] = []
    for low, high in ranges:
        for start, end, shift in ((0x41, 0x5A, 32), (0x61, 0x7A, -32)):
            if max(low, start) <= min(high, end):
                extra.append((max(low, start) + shift, min(high, end) + shift))
    return ranges + tuple(extra)


def class_text(ranges: Ranges, *, negated: bool = False) -> str:
    """Return a character class for Python's `re`."""
    bounds = (
        _code_text(low) if low == high else f"{_code_text(low)}-{_code_text(high)}"
        for low, high in ranges
    )
    return f"[{'^' if negated else ''}{''.join(bounds)}]"


def _code_text(code: int) -> str:
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return chr(code) if chr(code).isalnum() and code < 128 else f"\\u{code:04x}"


ANY: Final[Ranges] = ((0, _LAST_CHARACTER),)
NEWLINE: Final[Ranges] = ((10, 10),)

SINGLE_ESCAPES: Final = {"a": 7, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9}
POINTS: Final = {
    "b": Point(r"(?a:\b)"),
    "B": Point(r"(?a:\B)"),
    "A": Point(r"\A", is_start=True),
    "Z": Point(r"(?=\n?\Z)"),
    "z": Point(r"\Z"),
}
UNSUPPORTED: Final = {
    **dict.fromkeys("luLU", "PCRE does not support \\L, \\l, \\N{name}, \\U, or \\u"),
    **dict.fromkeys("KGXC", "the emulator does not support \\K, \\G, \\X and \\C"),
}
BREAK: Final = Choice(
    r"(?:\r\n|[\n-\r\x85\u2028\u2029])",
    (
        Sequence(r"\r\n", (Chars(r"\r", ((13, 13),)), Chars(r"\n", NEWLINE))),
        Chars("", ((10, 13), (0x85, 0x85), (0x2028, 0x2029))),
    ),
)
