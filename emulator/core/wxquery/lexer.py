"""Owns the words of a statement: text to tokens with their places.

Not here: what may follow what (`core.wxquery.parser`). The one idea: one regular expression knows
every kind of token; whether a slash begins a pattern or divides is told by the token before it.
The subset is ECMAScript's: numbers, strings, templates without substitution, patterns, names,
punctuation, comments.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, Literal, NoReturn

from emulator.core.errors import InvalidParam, RequestTooLarge
from emulator.core.records import dataclass
from emulator.core.values import INT64_MAX, INT64_MIN, Value

TEXT_LENGTH_MAX: Final = 1024 * 1024
"""Characters of one statement; the platform's own bound is not documented."""
SHOWN_LENGTH_MAX: Final = 40

Kind = Literal["number", "text", "pattern", "name", "sign", "end"]


class MalformedStatement(InvalidParam):
    """The text is not of the subset; the message names line and column."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word; `value` is a number, the text of a string, a name, a sign, (pattern, flags)."""

    kind: Kind
    value: Value
    at: int
    after_newline: bool


def tokens(text: str) -> list[Token]:
    """Return the words of a statement, an `end` last.

    Raises:
        MalformedStatement: a character, number, string or template is not of the subset.
        RequestTooLarge: the text is longer than `TEXT_LENGTH_MAX`.
    """
    if len(text) > TEXT_LENGTH_MAX:
        raise RequestTooLarge(
            f"the query has {len(text):,} characters; {TEXT_LENGTH_MAX:,} are allowed",
            hint="add documents in several requests, or import a file",
        )
    found: list[Token] = []
    at, newline = 0, False
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            refuse(text, at, _why_no_token(text, at))
        kind = match.lastgroup or ""
        if kind == "slash" and text.startswith("/*", at):
            refuse(text, at, "the comment has no end")
        if kind == "blank":
            newline = newline or "\n" in match[0]
        elif kind == "slash" and _begins_pattern(found):
            match, token = _pattern(text, at, newline=newline)
            found.append(token)
            newline = False
        else:
            name, read = _READERS[kind]
            found.append(Token(name, read(text, match), at, newline))
            newline = False
        at = match.end()
    found.append(Token("end", "", at, newline))
    return found


def refuse(text: str, at: int, why: str) -> NoReturn:
    """Raise the error for a place of the text."""
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    near = " ".join(text[at : at + SHOWN_LENGTH_MAX].split())
    shown = f" at {near!r}" if near else " at the end"
    raise MalformedStatement(f"query, line {line}, column {column}{shown}: {why}")


_TOKEN: Final = re.compile(
    r"""
    (?P<blank> (?: \s | \ufeff | //[^\n]* | /\*[^*]*+\*++(?:[^/*][^*]*+\*++)*+/ )++ )
  | (?P<radix> 0[xX][0-9a-fA-F]+ | 0[oO][0-7]+ | 0[bB][01]+ ) (?![\w$])
  | (?P<number> (?: [0-9]+ (?: \.[0-9]* )? | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? ) (?![\w$])
  | (?P<name> [^\W\d]\w*\$?[\w$]* | \$[\w$]* )
  | (?P<text> "(?: [^"\\\n]++ | \\(?s:.) )*+" | '(?: [^'\\\n]++ | \\(?s:.) )*+' )
  | (?P<template> `(?: [^`\\$]++ | \\(?s:.) | \$(?!\{) )*+` )
  | (?P<slash> / )
  | (?P<sign> => | \.\.\. | \?\. | [-+*%(){}\[\],.:;=!?<>&|] )
    """,
    re.VERBOSE,
)
_PATTERN: Final = re.compile(
    r"/((?:[^/\\\[\n]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n])*\])+)/([A-Za-z]*)(?![\w$])"
)
_ESCAPE: Final = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|(?s:.)))"
)
_ESCAPED: Final = {
    **{"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"},
    **{"\n": "", "\r\n": "", "\u2028": "", "\u2029": ""},
}
_CODE_POINT_MAX: Final = 0x10FFFF


def _begins_pattern(before: list[Token]) -> bool:
    if not before:
        return True
    last = before[-1]
    return last.kind == "sign" and last.value not in (")", "]", "}")


def _pattern(text: str, at: int, *, newline: bool) -> tuple[re.Match[str], Token]:
    match = _PATTERN.match(text, at)
    if match is None:
        refuse(text, at, "the regular expression has no end on its line")
    return match, Token("pattern", (match[1], match[2]), at, newline)


def _why_no_token(text: str, at: int) -> str:
    first = text[at]
    if first in "\"'":
        return "the string has no end on its line"
    if first == "`":
        return "a template must have an end and no ${substitution}"
    if first.isdigit():
        return "this is no number"
    return f"unexpected character {first!r}"


def _number(text: str, match: re.Match[str]) -> Value:
    """Return the number that JavaScript would hold: a double, whole ones as integers."""
    del text
    value = float(match[0])
    if value.is_integer() and INT64_MIN <= value <= INT64_MAX:
        return int(value)
    return value


def _radix(text: str, match: re.Match[str]) -> Value:
    value = int(match[0], 0)
    if value.bit_length() > _DOUBLE_MAX_BITS:
        refuse(text, match.start(), "the number is too large")
    whole = int(float(value))
    return whole if whole <= INT64_MAX else float(whole)


_DOUBLE_MAX_BITS: Final = 1000


def _text(text: str, match: re.Match[str]) -> str:
    inner = match[0][1:-1]
    if "\\" not in inner:
        return inner

    def character(escape: re.Match[str]) -> str:
        code = escape[1] or escape[2] or escape[3]
        if code is None:
            if escape[4] in "xu":
                refuse(text, match.start() + 1 + escape.start(), "this is no escape sequence")
            return _ESCAPED.get(escape[4], escape[4])
        if int(code, 16) > _CODE_POINT_MAX:
            refuse(text, match.start() + 1 + escape.start(), "there is no such character")
        return chr(int(code, 16))

    # Two escapes may be the halves of one character, as Python's and Java's JSON writers spell it.
    halves = _ESCAPE.sub(character, inner).encode("utf-16-le", "surrogatepass")
    return halves.decode("utf-16-le", "replace")


def _same(text: str, match: re.Match[str]) -> str:
    del text
    return match[0]


_READERS: Final[Mapping[str, tuple[Kind, Callable[[str, re.Match[str]], Value]]]] = {
    "number": ("number", _number),
    "radix": ("number", _radix),
    "text": ("text", _text),
    "template": ("text", _text),
    "name": ("name", _same),
    "sign": ("sign", _same),
    "slash": ("sign", _same),
}
