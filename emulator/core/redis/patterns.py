"""Owns the patterns of Redis: `*`, `?`, `[a-z]`, `[^a]`, and a backslash before a sign itself.

Not here: what is looked through. The one idea: a pattern is walked sign by sign, going back to the
last star when one does not fit, so that no pattern takes longer than its length times the text's.
"""

from typing import Final

_ANY: Final = "*"


def matches(pattern: str, text: str) -> bool:
    """Tell whether a text is as a pattern says."""
    at = place = 0
    star = kept = -1
    while place < len(text):
        if at < len(pattern) and pattern[at] == _ANY:
            star, kept, at = at, place, at + 1
            continue
        fits, following = _fits(pattern, at, text[place]) if at < len(pattern) else (False, at)
        if fits:
            at, place = following, place + 1
        elif star >= 0:
            at, kept = star + 1, kept + 1
            place = kept
        else:
            return False
    return all(sign == _ANY for sign in pattern[at:])


def _fits(pattern: str, at: int, sign: str) -> tuple[bool, int]:
    """Tell whether a sign is what stands at a place of a pattern, and where that ends."""
    head = pattern[at]
    if head == "?":
        return True, at + 1
    if head == "\\" and at + 1 < len(pattern):
        return pattern[at + 1] == sign, at + 2
    if head != "[":
        return head == sign, at + 1
    at += 1
    negated = pattern[at : at + 1] == "^"
    at += negated
    found = False
    while at < len(pattern) and pattern[at] != "]":
        if pattern[at] == "\\" and at + 1 < len(pattern):
            at += 1
        first = last = pattern[at]
        if pattern[at + 1 : at + 2] == "-" and at + 2 < len(pattern):
            last, at = pattern[at + 2], at + 2
        found = found or min(first, last) <= sign <= max(first, last)
        at += 1
    return found != negated, at + 1
