"""Owns what a PCRE pattern is made of: the nodes of its tree, and its named sets of characters.

Not here: reading the pattern (`core.regex_parser`) or judging it (`core.regex_risk`). The one
idea: every node carries the same pattern in the words of Python's `re`, and every set its ranges.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from emulator.core.errors import DatabaseRequestFailed

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


def _set(*bounds: int) -> Ranges:
    return tuple(zip(bounds[::2], bounds[1::2], strict=True))


ANY: Final = _set(0, _LAST_CHARACTER)
NEWLINE: Final = _set(10, 10)
_DIGIT: Final = _set(0x30, 0x39)
_WORD: Final = _set(0x30, 0x39, 0x41, 0x5A, 0x5F, 0x5F, 0x61, 0x7A)
_SPACE: Final = _set(9, 13, 0x20, 0x20)
_LOWER: Final = _set(0x61, 0x7A)
_UPPER: Final = _set(0x41, 0x5A)
_PUNCTUATION: Final = _set(0x21, 0x2F, 0x3A, 0x40, 0x5B, 0x60, 0x7B, 0x7E)
_HORIZONTAL: Final = _set(
    *(9, 9, 0x20, 0x20, 0xA0, 0xA0, 0x1680, 0x1680, 0x180E, 0x180E, 0x2000, 0x200A),
    *(0x202F, 0x202F, 0x205F, 0x205F, 0x3000, 0x3000),
)
_VERTICAL: Final = _set(10, 13, 0x85, 0x85, 0x2028, 0x2029)
HAN: Final = _set(
    *(0x2E80, 0x2E99, 0x2E9B, 0x2EF3, 0x2F00, 0x2FD5, 0x3005, 0x3005, 0x3007, 0x3007),
    *(0x3021, 0x3029, 0x3038, 0x303B, 0x3400, 0x4DBF, 0x4E00, 0x9FFF, 0xF900, 0xFA6D),
    *(0xFA70, 0xFAD9, 0x20000, 0x2A6DF, 0x2A700, 0x2EBE0, 0x2F800, 0x2FA1D, 0x30000, 0x3134A),
)

_LOWER_CLASSES: Final[dict[str, Ranges]] = {
    "d": _DIGIT,
    "w": _WORD,
    "s": _SPACE,
    "h": _HORIZONTAL,
    "v": _VERTICAL,
}
CLASS_ESCAPES: Final[dict[str, Ranges]] = {
    **_LOWER_CLASSES,
    **{name.upper(): complement(ranges) for name, ranges in _LOWER_CLASSES.items()},
    "N": complement(NEWLINE),
}
POSIX_CLASSES: Final[dict[str, Ranges]] = {
    "alnum": _DIGIT + _UPPER + _LOWER,
    "alpha": _UPPER + _LOWER,
    "ascii": _set(0, 127),
    "blank": _set(9, 9, 0x20, 0x20),
    "cntrl": _set(0, 31, 127, 127),
    "digit": _DIGIT,
    "graph": _set(0x21, 0x7E),
    "lower": _LOWER,
    "print": _set(0x20, 0x7E),
    "punct": _PUNCTUATION,
    "space": _SPACE,
    "upper": _UPPER,
    "word": _WORD,
    "xdigit": _set(0x30, 0x39, 0x41, 0x46, 0x61, 0x66),
}
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
    (Sequence(r"\r\n", (Chars(r"\r", _set(13, 13)), Chars(r"\n", NEWLINE))), Chars("", _VERTICAL)),
)
