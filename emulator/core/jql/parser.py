"""Owns reading JQL: conditions (`age > 18 && name == "x"`), lists of fields, orders.

Not here: words (those of `core.wxquery.lexer`, both are parts of JavaScript), meaning
(`core.jql.filters`). The one idea: nothing is evaluated; what is beyond the language is refused
with the place where it stands.

Facts: doc.dcloud.net.cn/uniCloud/jql.
"""

import re
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from emulator.core.errors import EmulatorError
from emulator.core.jql.nodes import (
    Call,
    Column,
    Compared,
    Constant,
    Items,
    Joined,
    JqlSyntax,
    Negated,
    Node,
    Path,
    Tested,
)
from emulator.core.records import dataclass
from emulator.core.values import Date
from emulator.core.wxquery.lexer import Token, tokens

DEPTH_MAX: Final = 50
"""Brackets inside brackets."""
DATE_MAX_MS: Final = 8_640_000_000_000_000
"""As JavaScript has it."""

_CONSTANTS: Final = {"true": True, "false": False, "null": None, "undefined": None}
_COMPARISONS: Final = {
    "==": "==", "===": "==", "!=": "!=", "!==": "!=", ">": ">", ">=": ">=", "<": "<", "<=": "<=",
}  # fmt: skip
_LONG_SIGNS: Final = ("===", "!==", "==", "!=", ">=", "<=", "&&", "||")
_FLAGS: Final = frozenset("imsxguy")
_PLACE: Final = re.compile(r"\.[0-9]+")
_ORDER: Final = re.compile(r"\s*([^\s,]+)(?:\s+(asc|desc))?\s*\Z", re.IGNORECASE)


def parse_condition(text: str, *, now_ms: int) -> Node:
    """Return the tree of a condition.

    Raises:
        JqlSyntax: the text is none; the place is told.
    """
    return _Parser(text, now_ms).whole_condition()


def parse_columns(text: str, *, now_ms: int) -> tuple[Column, ...]:
    """Return the fields that a text lists, as in `a,b.c as d,add(e,1) as f`.

    Raises:
        JqlSyntax: the text is no such list; the place is told.
    """
    return _Parser(text, now_ms).whole_columns()


def parse_order(text: str) -> list[tuple[str, int]]:
    """Return the fields to sort by, with 1 or -1, as in `a desc, b`.

    Raises:
        JqlSyntax: a part is not a field with `asc` or `desc`.
    """
    found = []
    for part in text.split(","):
        match = _ORDER.match(part)
        if match is None:
            raise JqlSyntax(f"orderBy {text!r:.100}: {part.strip()!r} is no field with asc or desc")
        found.append((match[1], -1 if (match[2] or "").lower() == "desc" else 1))
    return found


@dataclass(frozen=True, slots=True)
class _Word:
    """A token, with signs of several characters as one."""

    kind: str
    value: Any
    at: int


class _Parser:
    def __init__(self, text: str, now_ms: int) -> None:
        self._text = text
        self._now_ms = now_ms
        self._at = 0
        self._depth = 0
        try:
            self._words = _words(tokens(text))
        except EmulatorError as fault:
            raise JqlSyntax(fault.message) from fault

    def whole_condition(self) -> Node:
        node = self._condition()
        self._expect_end()
        return node

    def whole_columns(self) -> tuple[Column, ...]:
        found = self._columns()
        self._expect_end()
        return found

    def _columns(self) -> tuple[Column, ...]:
        found = [self._column()]
        while self._skip(","):
            found.append(self._column())
        return tuple(found)

    def _column(self) -> Column:
        self._deeper()
        node = self._comparison()
        alias = ""
        inner: tuple[Column, ...] = ()
        if self._skip("{"):
            inner = self._columns()
            self._expect("}")
        if self._word.value == "as" and self._word.kind == "name":
            self._at += 1
            alias = self._dotted()
        self._depth -= 1
        if not alias and not isinstance(node, Path):
            self._refuse("what is computed needs a name: write `as name` after it")
        return Column(node=node, alias=alias, inner=inner)

    def _condition(self) -> Node:
        self._deeper()
        parts = [self._conjunction()]
        while self._skip("||"):
            parts.append(self._conjunction())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Joined("||", tuple(parts))

    def _conjunction(self) -> Node:
        parts = [self._negation()]
        while self._skip("&&"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else Joined("&&", tuple(parts))

    def _negation(self) -> Node:
        if not self._skip("!"):
            return self._comparison()
        self._deeper()
        inner = self._negation()
        self._depth -= 1
        return Negated(inner)

    def _comparison(self) -> Node:
        left = self._operand()
        word = self._word
        sign = _COMPARISONS.get(str(word.value)) if word.kind == "sign" else None
        if word.kind == "name" and word.value == "in":
            sign = "in"
        if sign is None:
            return left
        self._at += 1
        return Compared(sign, left, self._operand())

    def _operand(self) -> Node:
        word = self._take()
        if word.kind in {"number", "text"}:
            return Constant(word.value)
        if word.kind == "pattern":
            return self._pattern_test(word)
        if word.kind == "name":
            return self._named(word)
        if word.value == "(":
            inner = self._condition()
            self._expect(")")
            return inner
        if word.value == "[":
            return Items(self._list("]"))
        if word.value == "-" and self._word.kind == "number":
            number = self._take().value
            assert isinstance(number, int | float)
            return Constant(-number)
        self._at -= 1
        raise self._refusal("a field, a value or an operator is expected here")

    def _list(self, end: str) -> tuple[Node, ...]:
        if self._skip(end):
            return ()
        found = [self._argument()]
        while self._skip(","):
            found.append(self._argument())
        self._expect(end)
        return tuple(found)

    def _argument(self) -> Node:
        return Constant(1) if self._skip("*") else self._condition()

    def _named(self, word: _Word) -> Node:
        name = str(word.value)
        if name in _CONSTANTS:
            return Constant(_CONSTANTS[name])
        if name == "new":
            return self._made()
        self._at -= 1
        path = self._dotted()
        return Call(path, self._list(")")) if self._skip("(") else Path(path)

    def _dotted(self) -> str:
        word = self._take()
        if word.kind != "name":
            self._at -= 1
            self._refuse("the name of a field is expected here")
        name = str(word.value)
        while True:
            place = _PLACE.match(self._text, self._word.at)
            if place is not None:
                # `.0` is read as a number; here it is a place in a list.
                self._at += 1
                name += place[0]
            elif self._skip("."):
                if self._word.kind != "name":
                    self._refuse("the name of a field is expected after the dot")
                name += f".{self._take().value}"
            else:
                return name

    def _made(self) -> Node:
        kind = self._take()
        if kind.value not in {"Date", "RegExp"}:
            self._at -= 1
            self._refuse("only new Date() and new RegExp() may stand here")
        self._expect("(")
        given = self._list(")")
        if kind.value == "RegExp":
            words = [each.value for each in given if isinstance(each, Constant)]
            if not (1 <= len(words) == len(given) <= 2 and all(type(w) is str for w in words)):
                self._refuse("new RegExp() takes a text and flags")
            pattern, flags = str(words[0]), str(words[1]) if len(words) > 1 else ""
            return self._pattern_test(_Word("pattern", (pattern, flags), kind.at))
        moment = self._moment(given)
        if self._skip("."):
            if self._take().value != "getTime":
                self._at -= 1
                self._refuse("only getTime() may be asked of a date")
            self._expect("(")
            self._expect(")")
            return Constant(moment)
        return Constant(Date(moment))

    def _moment(self, given: tuple[Node, ...]) -> int:
        if not given:
            return self._now_ms
        value = given[0].value if len(given) == 1 and isinstance(given[0], Constant) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not -DATE_MAX_MS <= value <= DATE_MAX_MS:
                self._refuse("a date lies within 100,000,000 days of 1970")
            return int(value)
        if isinstance(value, str):
            try:
                read = datetime.fromisoformat(value.replace("/", "-"))
            except ValueError:
                self._refuse("new Date() takes milliseconds or a text such as 2026-01-31T08:00:00Z")
            return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1000)
        raise self._refusal("new Date() takes nothing, milliseconds or a text")

    def _pattern_test(self, word: _Word) -> Node:
        assert isinstance(word.value, tuple)
        pattern, flags = map(str, word.value)
        if set(flags) - _FLAGS:
            self._refuse(f"a regular expression has no flags {flags!r}")
        self._expect(".")
        if self._take().value != "test":
            self._at -= 1
            self._refuse("a regular expression is followed by .test(field)")
        self._expect("(")
        path = self._dotted()
        self._expect(")")
        return Tested(pattern, "".join(sorted(set(flags) & set("imsx"))), path)

    @property
    def _word(self) -> _Word:
        return self._words[self._at]

    def _take(self) -> _Word:
        word = self._word
        if word.kind == "end":
            self._refuse("the text ends too early")
        self._at += 1
        return word

    def _skip(self, sign: str) -> bool:
        found = self._word.kind == "sign" and self._word.value == sign
        self._at += found
        return found

    def _expect(self, sign: str) -> None:
        if not self._skip(sign):
            self._refuse(f"{sign!r} is expected here")

    def _expect_end(self) -> None:
        if self._word.kind != "end":
            self._refuse("this is not expected here")

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            self._refuse(f"more than {DEPTH_MAX} brackets inside each other")

    def _refuse(self, why: str) -> NoReturn:
        raise self._refusal(why)

    def _refusal(self, why: str) -> JqlSyntax:
        at = self._word.at
        near = self._text[at : at + 40]
        shown = f"at {near!r}" if near else "at the end"
        return JqlSyntax(f"JQL {self._text!r:.100}, character {at + 1}, {shown}: {why}")


def _words(found: list[Token]) -> list[_Word]:
    """Return the tokens, signs that stand together as one."""
    words: list[_Word] = []
    at = 0
    while at < len(found):
        token = found[at]
        run = token.value if token.kind == "sign" else ""
        long = next((sign for sign in _LONG_SIGNS if _stands(found, at, sign)), None)
        value = long if run and long else token.value
        words.append(_Word(token.kind, value, token.at))
        at += len(long) if run and long else 1
    return words


def _stands(found: list[Token], at: int, sign: str) -> bool:
    """Tell whether the characters of a sign stand at a place, one token each."""
    here = found[at : at + len(sign)]
    return len(here) == len(sign) and all(
        token.kind == "sign" and token.value == each and token.at == here[0].at + place
        for place, (token, each) in enumerate(zip(here, sign, strict=True))
    )
