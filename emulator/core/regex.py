"""Owns running PCRE patterns, as MongoDB writes them, on Python's `re`, bounded in time.

Not here: reading patterns (`core.regex_parser`). The one idea: `re` cannot be interrupted, so a
pattern is judged before it runs. One that can take exponential time (`(a+)+`, `(a|a)*`) is refused,
one whose cost grows with a power of the text is run on texts up to a length that keeps the steps
below `STEPS_MAX`, and the common `foo.*bar` is run piece by piece, which is linear.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeAlias, TypeGuard

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.regex_parser import PatternReader
from emulator.core.regex_risk import Risk, judge
from emulator.core.regex_tree import Chars, Choice, Group, Node, Point, Repeat, Sequence, refusal
from emulator.core.values import Regex

Search: TypeAlias = Callable[[str], bool]

PATTERN_LENGTH_MAX: Final = 32_764
STEPS_MAX: Final = 100_000_000
_CACHED_PATTERNS: Final = 256
_IGNORED_FLAGS: Final = str.maketrans("", "", "guy")
_PLAIN: Final = re.compile(r"[^\\.^$|?*+()\[\]{}]+")


def compile_regex(regex: Regex) -> Search:
    """Return a function that tells whether the pattern is found in a text.

    JavaScript's flags g, u and y are ignored.

    Raises:
        DatabaseRequestFailed: no such option (51108), no valid pattern, one the emulator lacks,
            or one that could run for ever (51091); from the function: the text is too long for
            this pattern (50).
    """
    options = regex.options.translate(_IGNORED_FLAGS)
    unknown = "".join(sorted(set(options) - set("imsx")))
    if unknown:
        raise DatabaseRequestFailed(f"invalid flag in regex options: {unknown}", mongo_code=51108)
    return _compile(regex.pattern, "".join(sorted(set(options))))


@lru_cache(maxsize=_CACHED_PATTERNS)
def _compile(pattern: str, options: str) -> Search:
    if len(pattern) > PATTERN_LENGTH_MAX:
        raise refusal(pattern, f"pattern is longer than {PATTERN_LENGTH_MAX} characters")
    if "\0" in pattern:
        raise DatabaseRequestFailed("Regular expression cannot contain an embedded null byte")
    if options in ("", "m", "s") and (pattern == "" or _PLAIN.fullmatch(pattern)):
        return lambda text: pattern in text
    reader = PatternReader(pattern, options)
    node = _trimmed(reader.read())
    flags = re.IGNORECASE if reader.ignores_case else re.NOFLAG
    pieces = _pieces(node, flags)
    if pieces is not None:
        return pieces
    search = _engine(pattern, node.text, flags)
    risk = judge(node, anchored=_is_anchored(node))
    return _bounded(pattern, search, risk)


def _engine(pattern: str, text: str, flags: re.RegexFlag) -> Search:
    try:
        find = re.compile(text, flags).search
    except (re.error, OverflowError, RecursionError) as fault:
        raise refusal(pattern, str(fault)) from fault
    return lambda subject: find(subject) is not None


def _bounded(pattern: str, search: Search, risk: Risk) -> Search:
    if risk.reason:
        raise refusal(
            pattern, f"the emulator does not run what could take for ever, and {risk.reason}"
        )
    if risk.degree <= 1:
        return search
    length_max = int((STEPS_MAX / risk.ways) ** (1 / risk.degree))

    def run(text: str) -> bool:
        if len(text) > length_max:
            raise DatabaseRequestFailed(
                f"/{pattern:.200}/ could take too long on a text of {len(text)} characters: "
                f"the emulator runs it on {length_max} at most",
                mongo_code=50,
                hint="start the pattern with ^, or use fewer * and + that can match the same",
            )
        return search(text)

    return run


# --- shapes that need no engine, or less of it ---------------------------------------------------


def _items(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else (node,)


def _is_anchored(node: Node) -> bool:
    """Tell whether the pattern can match at the start of the text only."""
    if isinstance(node, Choice):
        return all(_is_anchored(branch) for branch in node.branches)
    if isinstance(node, Group):
        return _is_anchored(node.item)
    items = _items(node)
    return bool(items) and isinstance(items[0], Point) and items[0].is_start


def _is_any_text(node: Node) -> bool:
    return _is_simple_repeat(node) and node.text in (".*", ".*?", "(?s:.)*", "(?s:.)*?")


def _is_simple_repeat(node: Node) -> TypeGuard[Repeat]:
    return isinstance(node, Repeat) and isinstance(node.item, Chars) and node.gives_back


def _trimmed(node: Node) -> Node:
    """Return the pattern with the least of what it repeats at its ends.

    A text holds `[0-9]+@` exactly when it holds `[0-9]@`, and the latter takes no second look.
    """
    if isinstance(node, Choice):
        branches = tuple(map(_trimmed, node.branches))
        return Choice("|".join(branch.text for branch in branches), branches)
    items = list(_items(node))
    for end in (0, -1):
        while items and _is_simple_repeat(item := items[end]):
            if item.least > 0:
                items[end] = _least(item)
                break
            del items[end]
    return _sequence(tuple(items))


def _least(node: Repeat) -> Repeat:
    count = node.least
    return Repeat(f"{node.item.text}{{{count}}}", node.item, count, count)


def _sequence(items: tuple[Node, ...]) -> Sequence:
    text = "".join(f"(?:{item.text})" if isinstance(item, Choice) else item.text for item in items)
    return Sequence(text, items)


def _pieces(node: Node, flags: re.RegexFlag) -> Search | None:
    """Return the search for literal pieces with `.*` between them, each at its earliest place."""
    items = _items(node)
    gaps = [place for place, item in enumerate(items) if _is_any_text(item)]
    if not gaps or not all(isinstance(item, Chars) or _is_any_text(item) for item in items):
        return None
    kinds = {item.item.text for item in items if isinstance(item, Repeat)}
    by_line = kinds == {"."}
    if len(kinds) > 1 or (by_line and any(map(_takes_newline, items))):
        return None
    edges = [-1, *gaps, len(items)]
    texts = [_sequence(items[low + 1 : high]).text for low, high in pairwise(edges)]
    finds = [re.compile(text, flags).search for text in texts]

    def run(text: str) -> bool:
        lines = text.split("\n") if by_line else [text]
        return any(_in_order(line, finds) for line in lines)

    return run


def _takes_newline(node: Node) -> bool:
    return isinstance(node, Chars) and any(low <= 10 <= high for low, high in node.ranges)


def _in_order(text: str, finds: Iterable[Callable[[str, int], re.Match[str] | None]]) -> bool:
    place = 0
    for find in finds:
        found = find(text, place)
        if found is None:
            return False
        place = found.end()
    return True
