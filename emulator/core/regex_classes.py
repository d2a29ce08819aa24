"""Owns the named sets of characters a PCRE pattern can use: escapes, POSIX classes, properties.

Not here: how they are written in a pattern (`core.regex_parser`), scripts but Chinese
(`core.regex_scripts`). The one idea: without `(*UCP)` the classes are ASCII; general categories are
read from Python's own Unicode data when first asked.
"""

import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Final

from emulator.core.regex_scripts import script_ranges
from emulator.core.regex_tree import ANY, NEWLINE, Ranges, complement, merged


def _set(*bounds: int) -> Ranges:
    return tuple(zip(bounds[::2], bounds[1::2], strict=True))


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

_GROUPS: Final = {
    "C": "cfnos",
    "L": "lmotu",
    "M": "cen",
    "N": "dlo",
    "P": "cdefios",
    "S": "ckmo",
    "Z": "lps",
}
_CATEGORIES: Final = frozenset(
    group + kind for group, kinds in _GROUPS.items() for kind in ("", *kinds)
)
_LAST_CHARACTER: Final = 0x10FFFF


def property_ranges(name: str) -> Ranges | None:
    """Return the characters of a general category, of a known script or of one of PCRE's own names.

    None for other names.
    """
    if name in _CATEGORIES:
        return _category_ranges(name)
    if name in _OWN_NAMES:
        return _OWN_NAMES[name]()
    return HAN if name == "Han" else script_ranges(name)


def _category_ranges(name: str) -> Ranges:
    return merged(
        tuple(item for kind, found in _all_categories() for item in found if kind.startswith(name))
    )


@lru_cache(maxsize=1)
def _all_categories() -> tuple[tuple[str, Ranges], ...]:
    """Return the ranges of each category, out of one look at every character there is."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    codes = ((unicodedata.category(chr(code)), code) for code in range(_LAST_CHARACTER + 1))
    for category, run in groupby(codes, key=itemgetter(0)):
        places = [code for _, code in run]
        ranges.setdefault(category, []).append((places[0], places[-1]))
    return tuple((category, tuple(found)) for category, found in ranges.items())


def _categories(*names: str) -> Ranges:
    return merged(tuple(item for name in names for item in _category_ranges(name)))


_OWN_NAMES: Final[Mapping[str, Callable[[], Ranges]]] = {
    "Any": lambda: ANY,
    "L&": lambda: _categories("Lu", "Ll", "Lt"),
    "Xan": lambda: _categories("L", "N"),
    "Xps": lambda: unicode_escapes()["s"],
    "Xsp": lambda: unicode_escapes()["s"],
    "Xwd": lambda: unicode_escapes()["w"],
}


def unicode_escapes() -> Mapping[str, Ranges]:
    """Return what the class escapes mean under `(*UCP)`."""
    digit, word = _categories("Nd"), merged((*_categories("L", "N"), (0x5F, 0x5F)))
    space = merged((*_categories("Z"), *_HORIZONTAL, *_VERTICAL))
    wide = {"d": digit, "w": word, "s": space}
    wide |= {letter.upper(): complement(ranges) for letter, ranges in wide.items()}
    return {**CLASS_ESCAPES, **wide}


def unicode_posix_classes() -> Mapping[str, Ranges]:
    """Return what the POSIX classes mean under `(*UCP)`."""
    escapes = unicode_escapes()
    return {
        **POSIX_CLASSES,
        "alnum": _categories("L", "N"),
        "alpha": _categories("L"),
        "digit": escapes["d"],
        "lower": _categories("Ll"),
        "space": escapes["s"],
        "upper": _categories("Lu"),
        "word": escapes["w"],
    }
