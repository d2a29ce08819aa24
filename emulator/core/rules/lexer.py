"""Owns the words of a rule: text to tokens with their positions.

Not here: how words make a sentence (`core.rules.parser`). The one idea: one pattern per kind of
token, tried in order at each position; a template literal comes out as one token whose expressions
are still text, with the place where each begins.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal

from emulator.core.errors import RuleInvalid
from emulator.core.records import dataclass

EXPRESSION_CHARACTERS_MAX: Final = 1024
"""The platform's bound on the text of one rule."""

Kind = Literal["space", "number", "text", "template", "name", "sign", "end"]

_SIGNS: Final = (
    "===", "!==", "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "+", "-", "*", "/", "%", "(",
    ")", "[", "]", "{", "}", ",", ".", ":", "?",
)  # fmt: skip
_PATTERNS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("space", re.compile(r"\s+")),
    ("number", re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w$])")),
    ("name", re.compile(r"[^\W\d][\w$]*|\$[\w$]*")),
    ("text", re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', re.DOTALL)),
    ("sign", re.compile("|".join(map(re.escape, _SIGNS)))),
)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word: its kind, its text or value, and where it stands."""

    kind: Kind
    text: str
    at: int
    end: int
    pieces: tuple[tuple[str, int], ...] = ()
    """Of a template: text, expression, text, …, each with its position."""


def tokens(text: str, base: int = 0) -> list[Token]:
    """Return the words of a rule, the last of kind `end`; positions count from `base`.

    Raises:
        RuleInvalid: a character that begins no word, a text or template without its end, or more
            than `EXPRESSION_CHARACTERS_MAX` characters.
    """
    if len(text) > EXPRESSION_CHARACTERS_MAX:
        raise RuleInvalid(
            f"the expression has {len(text)} characters, at most {EXPRESSION_CHARACTERS_MAX} "
            "are allowed",
            position=base + EXPRESSION_CHARACTERS_MAX,
        )
    end = base + len(text)
    return [*_words(text, base), Token("end", "", end, end)]


def _words(text: str, base: int) -> Iterator[Token]:
    at = 0
    while at < len(text):
        if text[at] == "`":
            token = _template(text, at, base)
            yield token
            at = token.end - base
            continue
        kind, end = _word(text, at)
        if kind == "end":
            raise RuleInvalid(_unknown(text, at), position=base + at)
        word = text[at:end]
        if kind == "text":
            yield Token("text", unescaped(word[1:-1]), base + at, base + end)
        elif kind != "space":
            yield Token(kind, word, base + at, base + end)
        at = end


def _word(text: str, at: int) -> tuple[Kind, int]:
    for kind, pattern in _PATTERNS:
        found = pattern.match(text, at)
        if found is not None:
            return kind, found.end()
    return "end", at


def _template(text: str, start: int, base: int) -> Token:
    pieces: list[tuple[str, int]] = []
    at = begun = start + 1
    while at < len(text):
        if text[at] == "`":
            pieces.append((unescaped(text[begun:at]), base + begun))
            return Token(
                "template", text[start : at + 1], base + start, base + at + 1, tuple(pieces)
            )
        if text.startswith("${", at):
            end = text.find("}", at)
            if end < 0:
                break
            pieces.append((unescaped(text[begun:at]), base + begun))
            pieces.append((text[at + 2 : end], base + at + 2))
            at = begun = end + 1
        else:
            at += 2 if text[at] == "\\" else 1
    raise RuleInvalid("the template literal has no end", position=base + start)


def unescaped(text: str) -> str:
    """Return text with its escapes replaced, as JavaScript does."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    if code:
        return chr(int(code, 16))
    return _ESCAPED.get(found[3], found[3])


def _unknown(text: str, at: int) -> str:
    if text[at] in "'\"":
        return "the text has no closing quote"
    if text[at].isdigit():
        return "a number may not run into a name"
    return f"{text[at]!r} has no meaning in a rule"
