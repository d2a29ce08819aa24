r"""Owns reading a PCRE pattern into a tree whose nodes know their text for Python's `re`.

Not here: whether running it is safe (`core.regex_risk`) and who runs it (`core.regex`). The one
idea: options are resolved while reading (`.` under `s`, `^` under `m`, white space under `x`), and
classes are spelt out, so they are ASCII as in PCRE while case folding knows every script.
Refused with a sentence: recursion, conditionals, branch reset, verbs but `(*FAIL)`, settings
that change what ends a line, `\K`, `\G`, `\X`, and scripts that `core.regex_scripts` lacks.
"""

import re
from collections.abc import Mapping
from typing import Final, NoReturn

from emulator.core.regex_classes import (
    CLASS_ESCAPES,
    POSIX_CLASSES,
    property_ranges,
    unicode_escapes,
    unicode_posix_classes,
)
from emulator.core.regex_tree import (
    ANY,
    BREAK,
    GROUP_DEPTH_MAX,
    NEWLINE,
    POINTS,
    REPEAT_MAX,
    SINGLE_ESCAPES,
    UNSUPPORTED,
    Chars,
    Choice,
    Echo,
    Group,
    Look,
    Node,
    Point,
    Ranges,
    Repeat,
    Sequence,
    both_cases,
    class_text,
    complement,
    merged,
    refusal,
)

_QUOTED: Final = re.compile(r"\\(?:Q(.*?)(?:\\E|\Z)|E|(.))", re.DOTALL)
_OPTIONS: Final = re.compile(r"\(\?([imsx]*)(?:-([imsx]+))?(\)|:)")
_QUANTIFIER: Final = re.compile(r"(?:([*+?])|\{(\d+)(,?)(\d*)\})([?+]?)")
_COUNTS: Final = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_LOOKS: Final = re.compile(r"\(\?(<?[=!])")
_NAMED: Final = re.compile(r"\(\?P?[<'](\w+)[>']")
_NAMED_ECHO: Final = re.compile(r"\(\?P=(\w+)\)|\\k[<{'](\w+)[>}']|\\g\{([a-zA-Z_]\w*)\}")
_NUMBER_ECHO: Final = re.compile(r"\\g\{?(\d+)\}?|\\([1-9]\d*)")
_COMMENT: Final = re.compile(r"\(\?#[^)]*\)")
_BLANK: Final = re.compile(r"(?:[ \t-\r]|#[^\n]*)+")
_POSIX: Final = re.compile(r"\[:(\^?)(\w+):\]")
_CODE: Final = re.compile(
    r"\\(?:x\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{0,2})|o\{([0-7]+)\}|(0[0-7]{0,2}))"
)
_OCTAL: Final = re.compile(r"\\([0-7]{1,3})")
_PROPERTY: Final = re.compile(r"\\([pP])(?:\{(\^?)(\w+&?)\}|(\w))")
# Those but UCP say what holds anyway, or how PCRE is to work.
_SETTINGS: Final = re.compile(r"\(\*(UTF8?|UCP|LF|BSR_UNICODE|NO_START_OPT|NO_AUTO_POSSESS)\)")
_FAIL: Final = re.compile(r"\(\*F(?:AIL)?\)")


class PatternReader:
    """Reads one pattern; `options` are letters out of `imsx`."""

    def __init__(self, pattern: str, options: str) -> None:
        self._whole = pattern
        self._source = _QUOTED.sub(_unquote, pattern)
        self._at = 0
        self._depth = 0
        self._groups = 0
        self._escapes: Mapping[str, Ranges] = CLASS_ESCAPES
        self._posix: Mapping[str, Ranges] = POSIX_CLASSES
        self._points = POINTS
        while setting := self._take(_SETTINGS):
            if setting[1] == "UCP":
                self._escapes, self._posix = unicode_escapes(), unicode_posix_classes()
                self._points = POINTS | {"b": Point(r"\b"), "B": Point(r"\B")}
        self._options = frozenset(options)
        leading = _OPTIONS.match(self._source, self._at)
        if leading is not None and leading[3] == ")":
            self._options |= frozenset(leading[1])
        self.ignores_case = "i" in self._options

    def read(self) -> Node:
        """Return the tree.

        Raises:
            DatabaseRequestFailed: the pattern is none, or uses what the emulator lacks (51091).
        """
        node = self._choice()
        if self._at < len(self._source):
            self._refuse("unmatched parentheses")
        return node

    def _refuse(self, reason: str) -> NoReturn:
        raise refusal(self._whole, f"{reason} at offset {self._at}")

    def _peek(self) -> str:
        return self._source[self._at : self._at + 1]

    def _take(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        found = expression.match(self._source, self._at)
        if found is not None:
            self._at = found.end()
        return found

    def _skip(self) -> None:
        while self._take(_COMMENT) or ("x" in self._options and self._take(_BLANK)):
            pass

    # --- structure ---

    def _choice(self) -> Node:
        branches = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            branches.append(self._sequence())
        if len(branches) == 1:
            return branches[0]
        return Choice("|".join(branch.text for branch in branches), tuple(branches))

    def _sequence(self) -> Node:
        items: list[Node] = []
        while True:
            self._skip()
            if self._peek() in ("", "|", ")"):
                break
            atom = self._atom()
            if atom is not None:
                items.append(self._quantified(atom))
        if len(items) == 1:
            return items[0]
        return Sequence("".join(_in_sequence(item) for item in items), tuple(items))

    def _quantified(self, node: Node) -> Node:
        self._skip()
        found = self._take(_QUANTIFIER)
        if found is None:
            return node
        sign, low, comma, high, manner = found.groups()
        least, most = _COUNTS[sign] if sign else _counts(low, comma, high)
        if max(least, most or 0) > REPEAT_MAX or (most is not None and most < least):
            self._refuse("numbers out of order or too big in {} quantifier")
        self._skip()
        if _QUANTIFIER.match(self._source, self._at):
            self._refuse("nothing to repeat")
        count = sign or f"{{{least},{'' if most is None else most}}}"
        return Repeat(_atomic(node) + count + manner, node, least, most, manner != "+")

    def _atom(self) -> Node | None:
        character = self._peek()
        if character == "(":
            return self._group()
        if character == "\\":
            return self._escape()
        if character == "[":
            return self._class()
        if character in "*+?" or _QUANTIFIER.match(self._source, self._at):
            self._refuse("nothing to repeat")
        self._at += 1
        if character == ".":
            dotall = "s" in self._options
            return Chars("(?s:.)", ANY) if dotall else Chars(".", complement(NEWLINE))
        if character == "^":
            return Point(r"(?:\A|(?m:^)(?!\Z))") if self._multiline() else Point("^", is_start=True)
        if character == "$":
            return Point("(?m:$)" if self._multiline() else "$")
        return self._literal(ord(character))

    def _multiline(self) -> bool:
        return "m" in self._options

    # --- brackets ---

    def _group(self) -> Node | None:
        if self._depth >= GROUP_DEPTH_MAX:
            self._refuse("parentheses are too deeply nested")
        echo = self._named_echo()
        if echo is not None:
            return echo
        if self._take(_FAIL):
            return Look("(?!)", Sequence("", ()))
        if options := self._take(_OPTIONS):
            return self._with_options(options)
        if look := self._take(_LOOKS):
            inner = self._inside(self._options)
            return Look(f"(?{look[1]}{inner.text})", inner)
        if named := self._take(_NAMED):
            self._groups += 1
            inner = self._inside(self._options)
            return Group(f"(?P<{named[1]}>{inner.text})", inner)
        opening = next(
            (text for text in ("(?>", "(?", "(*") if self._source.startswith(text, self._at)), "("
        )
        if opening in ("(?", "(*"):
            self._refuse("the emulator does not support this kind of group")
        self._at += len(opening)
        self._groups += opening == "("
        inner = self._inside(self._options)
        return Group(f"{opening}{inner.text})", inner)

    def _with_options(self, found: re.Match[str]) -> Node | None:
        options = (self._options | frozenset(found[1])) - frozenset(found[2] or "")
        if found[3] == ")":
            self._options = options
            return None
        inner = self._inside(options)
        return Group(f"(?:{inner.text})", inner)

    def _inside(self, options: frozenset[str]) -> Node:
        """Read up to the closing bracket; options set inside end with it."""
        outer, self._options = self._options, options
        self._depth += 1
        node = self._choice()
        self._depth -= 1
        self._options = outer
        if self._peek() != ")":
            self._refuse("missing )")
        self._at += 1
        return node

    # --- characters ---

    def _literal(self, code: int) -> Chars:
        if chr(code) in "iI" and "i" in self._options:
            # Python also folds dotted and dotless i of Turkish into it, PCRE does not.
            return Chars("(?-i:[Ii])", ((0x49, 0x49), (0x69, 0x69)))
        return self._cased(re.escape(chr(code)), ((code, code),))

    def _cased(self, text: str, ranges: Ranges, *, negated: bool = False) -> Chars:
        ignores_case = "i" in self._options
        if ignores_case:
            ranges = both_cases(ranges)
        if ignores_case != self.ignores_case:
            text = f"(?{'i' if ignores_case else '-i'}:{text})"
        return Chars(text, complement(ranges) if negated else merged(ranges))

    def _escape(self) -> Node:
        echo = self._named_echo()
        if echo is not None:
            return echo
        letter = self._source[self._at + 1 : self._at + 2]
        if letter in self._points:
            self._at += 2
            return self._points[letter]
        if letter == "R":
            self._at += 2
            return Group(BREAK.text, BREAK)
        number = self._number_echo()
        if number is not None:
            return number
        ranges = self._escaped_set(letter)
        if ranges is not None:
            return Chars(class_text(ranges), ranges)
        return self._literal(self._escaped_code())

    def _named_echo(self) -> Echo | None:
        found = self._take(_NAMED_ECHO)
        if found is None:
            return None
        return Echo(f"(?P={found[1] or found[2] or found[3]})")

    def _number_echo(self) -> Echo | None:
        found = _NUMBER_ECHO.match(self._source, self._at)
        if found is None:
            return None
        number = int(found[1] or found[2])
        if found[2] and number > max(9, self._groups):
            return None
        self._at = found.end()
        return Echo(f"(?:\\{number})")

    def _escaped_set(self, letter: str) -> Ranges | None:
        """Return the set of characters an escape means, None when it means a single one."""
        if letter in self._escapes:
            self._at += 2
            return self._escapes[letter]
        if letter not in ("p", "P"):
            return None
        found = self._take(_PROPERTY)
        ranges = None if found is None else property_ranges(found[3] or found[4])
        if found is None or ranges is None:
            self._refuse(
                "the emulator knows the general categories and some scripts, no other property"
            )
        return complement(ranges) if (found[1] == "P") != (found[2] == "^") else ranges

    def _escaped_code(self) -> int:
        """Return the character an escape means."""
        found = self._take(_CODE)
        if found is not None:
            code = int(found[1] or found[2] or "0", 16) if not found[3] and not found[4] else 0
            return self._checked(code or int(found[3] or found[4] or "0", 8))
        octal = self._take(_OCTAL)
        if octal is not None:
            return int(octal[1], 8)
        letter = self._source[self._at + 1 : self._at + 2]
        if letter in UNSUPPORTED:
            self._refuse(UNSUPPORTED[letter])
        if letter == "":
            self._refuse("\\ at end of pattern")
        self._at += 2
        if letter == "c":
            control = self._peek().upper()
            self._at += 1
            return ord(control or "@") ^ 64
        return SINGLE_ESCAPES.get(letter, ord(letter))

    def _checked(self, code: int) -> int:
        if code > ANY[0][1]:
            self._refuse("character value in \\x{} is too large")
        return code

    # --- classes ---

    def _class(self) -> Chars:
        self._at += 1
        negated = self._peek() == "^"
        self._at += negated
        ranges: list[tuple[int, int]] = []
        first = True
        while first or self._peek() != "]":
            if self._peek() == "":
                self._refuse("missing terminating ] for character class")
            ranges += self._class_item()
            first = False
        self._at += 1
        text = class_text(tuple(ranges), negated=negated)
        return self._cased(text, tuple(ranges), negated=negated)

    def _class_item(self) -> Ranges:
        item = self._class_member()
        if not isinstance(item, int):
            return item
        if self._peek() != "-" or self._source[self._at + 1 : self._at + 2] in ("]", ""):
            return ((item, item),)
        self._at += 1
        high = self._class_member()
        if not isinstance(high, int):
            return ((item, item), (0x2D, 0x2D), *high)
        if high < item:
            self._refuse("range out of order in character class")
        return ((item, high),)

    def _class_member(self) -> int | Ranges:
        posix = self._take(_POSIX)
        if posix is not None:
            if posix[2] not in self._posix:
                self._refuse("unknown POSIX class name")
            ranges = self._posix[posix[2]]
            return complement(ranges) if posix[1] else ranges
        if self._peek() == "\\":
            return self._class_escape()
        self._at += 1
        return ord(self._source[self._at - 1])

    def _class_escape(self) -> int | Ranges:
        letter = self._source[self._at + 1 : self._at + 2]
        if letter == "b":
            self._at += 2
            return 8
        if letter in ("B", "R", "N"):
            self._refuse(f"\\{letter} is not supported in a class")
        ranges = self._escaped_set(letter)
        return self._escaped_code() if ranges is None else ranges


def _unquote(found: re.Match[str]) -> str:
    if found[2] is not None:
        return found[0]
    return "".join(c if c.isalnum() else f"\\{c}" for c in found[1] or "")


def _counts(low: str, comma: str, high: str) -> tuple[int, int | None]:
    least = int(low)
    return least, (int(high) if high else None) if comma else least


def _in_sequence(node: Node) -> str:
    return f"(?:{node.text})" if isinstance(node, Choice) else node.text


def _atomic(node: Node) -> str:
    return node.text if isinstance(node, Chars | Group) else f"(?:{node.text})"
