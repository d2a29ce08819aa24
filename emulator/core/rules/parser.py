"""Owns reading a rule: tokens to a tree, by precedence climbing.

Not here: words (`core.rules.lexer`) and meaning (`core.rules.evaluate`). The one idea: a table says
how tightly each operator binds; whatever the language lacks is refused here, with the character.
"""

from typing import Final

from emulator.core.errors import RuleInvalid
from emulator.core.rules.lexer import Token, tokens
from emulator.core.rules.nodes import (
    Binary,
    Choice,
    Fetch,
    Fields,
    Items,
    Literal,
    Logical,
    Matches,
    Member,
    Name,
    Node,
    Place,
    Text,
    Unary,
    children,
    walk,
)
from emulator.core.values import MISSING

DEPTH_MAX: Final = 50
"""Brackets inside brackets; the text's bound alone would allow a thousand."""
GETS_MAX: Final = 3
"""`get` calls in one expression, as on the platform."""
GETS_DEPTH_MAX: Final = 2
"""`get` calls inside the path of another, as on the platform."""

VARIABLES: Final = ("auth", "doc", "request", "now", "resource")
_CONSTANTS: Final = {"true": True, "false": False, "null": None, "undefined": MISSING}
_BINDING: Final = {
    "||": 1, "&&": 2,
    "==": 3, "!=": 3, "===": 3, "!==": 3,
    "<": 4, "<=": 4, ">": 4, ">=": 4, "in": 4,
    "+": 5, "-": 5,
    "*": 6, "/": 6, "%": 6,
}  # fmt: skip
_LOGICAL: Final = ("||", "&&")
_SIZES: Final = ("size", "count")


def parse(text: str) -> Node:
    """Return the tree of an expression.

    Raises:
        RuleInvalid: the text is no rule; its `position` is the character.
    """
    node = _Parser(tokens(text), depth=0).whole()
    gets = [each for each in walk(node) if isinstance(each, (Fetch, Matches))]
    if len(gets) > GETS_MAX:
        raise RuleInvalid(
            f"an expression may call get at most {GETS_MAX} times", position=gets[GETS_MAX].place.at
        )
    if _gets_depth(node) > GETS_DEPTH_MAX:
        raise RuleInvalid(
            f"get may stand at most {GETS_DEPTH_MAX} deep inside get", position=gets[0].place.at
        )
    return node


def _gets_depth(node: Node) -> int:
    inner = max(map(_gets_depth, children(node)), default=0)
    return inner + isinstance(node, (Fetch, Matches))


class _Parser:
    def __init__(self, words: list[Token], *, depth: int) -> None:
        self._tokens = words
        self._depth = depth
        self._at = 0

    def whole(self) -> Node:
        node = self._expression(0)
        if self._now.kind != "end":
            raise self._refusal(f"{self._now.text!r} is not expected here")
        return node

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _place(self, start: Node | Token) -> Place:
        at = start.at if isinstance(start, Token) else start.place.at
        return Place(at=at, end=self._tokens[self._at - 1].end)

    def _refusal(self, message: str, token: Token | None = None) -> RuleInvalid:
        return RuleInvalid(message, position=(token or self._now).at)

    def _take(self) -> Token:
        token = self._now
        if token.kind == "end":
            raise self._refusal("the expression ends too early")
        self._at += 1
        return token

    def _is(self, sign: str) -> bool:
        return self._now.kind == "sign" and self._now.text == sign

    def _skip(self, sign: str) -> bool:
        if self._is(sign):
            self._at += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._skip(sign):
            found = f", not {self._now.text!r}" if self._now.text else ""
            raise self._refusal(f"{sign!r} is expected here{found}")

    def _expression(self, binding: int) -> Node:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise self._refusal(f"more than {DEPTH_MAX} brackets or signs inside each other")
        left = self._unary()
        while (operator := self._operator(binding)) is not None:
            self._at += 1
            right = self._expression(_BINDING[operator])
            kind = Logical if operator in _LOGICAL else Binary
            left = kind(self._place(left), operator, left, right)
        if binding == 0 and self._skip("?"):
            one = self._expression(0)
            self._expect(":")
            other = self._expression(0)
            left = Choice(self._place(left), left, one, other)
        self._depth -= 1
        return left

    def _operator(self, binding: int) -> str | None:
        token = self._now
        if token.kind == "sign" or (token.kind == "name" and token.text == "in"):
            power = _BINDING.get(token.text)
            if power is not None and power > binding:
                return token.text
        return None

    def _unary(self) -> Node:
        token = self._now
        if token.kind == "sign" and token.text in ("!", "-", "+"):
            self._at += 1
            self._depth += 1
            if self._depth > DEPTH_MAX:
                raise self._refusal(f"more than {DEPTH_MAX} brackets or signs inside each other")
            operand = self._unary()
            self._depth -= 1
            return Unary(self._place(token), token.text, operand)
        return self._postfix()

    def _postfix(self) -> Node:
        node = self._primary()
        while True:
            if self._skip("."):
                name = self._take()
                if name.kind != "name":
                    raise self._refusal("a name is expected after the dot", name)
                if self._is("("):
                    node = self._method(node, name)
                else:
                    node = Member(self._place(node), node, Literal(self._place(name), name.text))
            elif self._skip("["):
                key = self._expression(0)
                self._expect("]")
                node = Member(self._place(node), node, key)
            elif self._is("("):
                raise self._refusal("only get(…) can be called in a rule")
            else:
                return node

    def _method(self, node: Node, name: Token) -> Node:
        """Read `.where(filter).size()` behind `get(path)`: the one chain there is."""
        if name.text != "where" or not isinstance(node, Fetch):
            raise self._refusal(f"{name.text}(…) cannot be called in a rule", name)
        self._expect("(")
        filter_ = self._expression(0)
        self._expect(")")
        self._expect(".")
        size = self._take()
        if size.text not in _SIZES:
            raise self._refusal("get(…).where(…) must be followed by .size()", size)
        self._expect("(")
        self._expect(")")
        return Matches(self._place(node), node.path, filter_)

    def _primary(self) -> Node:
        token = self._take()
        if token.kind == "number":
            value = float(token.text)
            whole = int(value) if value.is_integer() and abs(value) < 2**53 else value
            return Literal(self._place(token), whole)
        if token.kind == "text":
            return Literal(self._place(token), token.text)
        if token.kind == "template":
            return self._template(token)
        if token.kind == "name":
            return self._named(token)
        if token.text == "(":
            node = self._expression(0)
            self._expect(")")
            return node
        if token.text == "[":
            return self._items(token)
        if token.text == "{":
            return self._fields(token)
        raise self._refusal(f"{token.text!r} is not expected here", token)

    def _named(self, token: Token) -> Node:
        if token.text in _CONSTANTS:
            return Literal(self._place(token), _CONSTANTS[token.text])
        if token.text == "get" and self._is("("):
            self._at += 1
            path = self._expression(0)
            self._expect(")")
            return Fetch(self._place(token), path)
        if token.text in VARIABLES:
            return Name(self._place(token), token.text)
        known = ", ".join(VARIABLES)
        raise self._refusal(f"there is no {token.text!r} in a rule, only {known} and get(…)", token)

    def _items(self, start: Token) -> Node:
        items: list[Node] = []
        while not self._skip("]"):
            items.append(self._expression(0))
            if not self._is("]"):
                self._expect(",")
        return Items(self._place(start), tuple(items))

    def _fields(self, start: Token) -> Node:
        fields: list[tuple[str, Node]] = []
        while not self._skip("}"):
            name = self._take()
            if name.kind not in ("name", "text"):
                raise self._refusal("a field name is expected here", name)
            self._expect(":")
            fields.append((name.text, self._expression(0)))
            if not self._is("}"):
                self._expect(",")
        return Fields(self._place(start), tuple(fields))

    def _template(self, token: Token) -> Node:
        pieces: list[Node] = []
        for number, (text, at) in enumerate(token.pieces):
            if number % 2 == 0:
                pieces.append(Literal(Place(at=at, end=at + len(text)), text))
            else:
                pieces.append(_Parser(tokens(text, at), depth=self._depth).whole())
        return Text(self._place(token), tuple(pieces))
