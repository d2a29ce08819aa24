"""Owns what a compiled expression is, and how operators are turned into one.

Not here: the operators (`expressions_*`) nor their table (`expressions`). The one idea: an operator
is a plain function of values; arity is checked and constants are folded here, once for all of them.
A constant that fails is left alone, so that its error is raised only where it is reached.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Final, TypeAlias

from emulator.core.aggregate.columns import Columnar, values_of
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.query_types import type_name
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Document, Value

Variables: TypeAlias = tuple[Value, ...]
"""The values of the variables in scope, by slot."""

Run: TypeAlias = Callable[[Document, Variables], Value]

Watch: TypeAlias = Callable[[], None]
"""Raises a refusal where the work has taken too long; asked now and then."""

EXPRESSION_DEPTH_MAX: Final = 200
"""Levels an expression may be nested; an operator counts as two, for mostly it takes an array."""
TEXT_LENGTH_MAX: Final = 16 * 1024 * 1024
ARRAY_LENGTH_MAX: Final = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expression:
    """A compiled expression: `run` gives its value for a document, MISSING for none.

    `parts` is set where the expression is just a path of the document, `constant` where
    `is_constant`, `columns` where there is a short way for many documents.
    """

    run: Run
    is_constant: bool = False
    constant: Value = MISSING
    parts: tuple[str, ...] = ()
    columns: "Columns | None" = None

    def column(self, documents: Sequence[Document], variables: Variables) -> list[Value]:
        """Return the values for many documents."""
        if self.is_constant:
            return [self.constant] * len(documents)
        if self.parts and isinstance(documents, Columnar):
            return documents.column(self.parts, lambda some: self._read(some, variables))
        return self._read(documents, variables)

    def kinds(self, documents: Sequence[Document], values: list[Value]) -> frozenset[type]:
        """Return the types of its values for many documents, or more where that is known."""
        if self.parts and isinstance(documents, Columnar):
            known = documents.kinds(self.parts)
            if known is not None:
                return known
        return frozenset(map(type, values))

    def _read(self, documents: Sequence[Document], variables: Variables) -> list[Value]:
        """Return the values by looking into each document."""
        found = values_of(documents, self.parts)
        if found is not None:
            return found
        run = self.run
        if self.columns is not None:
            try:
                return self.columns(documents, variables)
            except DatabaseRequestFailed:
                # Document by document the refusal is that of the first one that is refused.
                pass
        return [run(document, variables) for document in documents]


Columns: TypeAlias = Callable[[Sequence[Document], Variables], list[Value]]
"""Gives an expression's values for many documents."""

ColumnKinds: TypeAlias = tuple[frozenset[type], frozenset[type]]

Pairs: TypeAlias = Callable[[list[Value], list[Value], ColumnKinds], list[Value] | None]
"""Gives what comes of two columns and their types, None where there is no short way for them."""


def unwatched() -> None:
    """Let the work take as long as it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What an operator needs to compile its operands: the compiler and the names in scope.

    `slots` says where a variable lies among `Variables`, `width` how many there are. `constants`
    are variables of fixed value.
    """

    compile: Callable[[Value, "Scope"], Expression]
    now_ms: int
    slots: Mapping[str, int] = field(default_factory=dict)
    width: int = 0
    constants: Mapping[str, Value] = field(default_factory=dict)
    depth: int = 0
    watch: Watch = unwatched

    def bind(self, *names: str) -> "Scope":
        """Return the scope in which these variables follow those already there."""
        slots = {name: self.width + place for place, name in enumerate(names)}
        return replace(self, slots={**self.slots, **slots}, width=self.width + len(names))

    def expression(self, operand: Value) -> Expression:
        """Return an operand compiled in this scope."""
        return self.compile(operand, self)

    def optional(self, operands: Mapping[str, Value], name: str) -> Expression | None:
        """Return a named operand compiled, None where it is not given."""
        return self.compile(operands[name], self) if name in operands else None


Build: TypeAlias = Callable[[str, Value, Scope], Expression]
"""Takes an operator's name, its operand as written, and the scope."""

ANY_NUMBER: Final = "[x, ...]"


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator: how it is compiled, and the form of its operand as people write it.

    A `?` marks what may be left out.
    """

    build: Build
    form: str


def constant(value: Value) -> Expression:
    """Return the expression of a fixed value."""
    return Expression(run=lambda _document, _variables: value, is_constant=True, constant=value)


def is_nullish(value: Value) -> bool:
    """Tell whether a value is null or missing."""
    return value is None or value is MISSING


def is_true(value: Value) -> bool:
    """Tell whether a value counts as true: all but false, null, missing and zero do."""
    if value is True:
        return True
    if value is False or value is None or value is MISSING:
        return False
    return bool(value != 0)


def refusal(message: str, code: int, *, hint: str = "") -> DatabaseRequestFailed:
    """Return MongoDB's refusal with its number."""
    return DatabaseRequestFailed(message, mongo_code=code, hint=hint)


def wrong_type(message: str, code: int, value: Value) -> DatabaseRequestFailed:
    """Return the refusal of a value's type; `{type}` in the message is the type's name."""
    return refusal(message.format(type=type_name(value)), code)


# --- operators as functions ----------------------------------------------------------------------


def operands_of(operand: Value) -> list[Value]:
    """Return the operands of an operator: an array's elements, else the one operand itself."""
    return operand if type(operand) is list else [operand]


def fixed(count: int, call: Callable[..., Value], pairs: Pairs | None = None) -> Operator:
    """Return the operator that is a function of so many values; `pairs` as for `variadic`."""

    def build(name: str, operand: Value, scope: Scope) -> Expression:
        operands = operands_of(operand)
        if len(operands) != count:
            raise refusal(
                f"Expression {name} takes exactly {count} arguments."
                f" {len(operands)} were passed in.",
                16020,
            )
        arguments = [scope.expression(each) for each in operands]
        return apply(call, arguments) if pairs is None else apply_two(call, arguments, pairs)

    return Operator(build, _form(count, count))


def ranged(least: int, most: int, call: Callable[..., Value]) -> Operator:
    """Return the operator that is a function of a number of values within limits."""

    def build(name: str, operand: Value, scope: Scope) -> Expression:
        operands = operands_of(operand)
        if not least <= len(operands) <= most:
            raise refusal(
                f"Expression {name} takes at least {least} arguments, and at most {most},"
                f" but {len(operands)} were passed in.",
                28667,
            )
        return apply(call, [scope.expression(each) for each in operands])

    return Operator(build, _form(least, most))


def _form(least: int, most: int) -> str:
    names = [f"x{place}" if place <= least else f"x{place}?" for place in range(1, most + 1)]
    return "x" if most == 1 else f"[{', '.join(names)}]"


def variadic(
    call: Callable[[list[Value]], Value],
    pair: Callable[[Value, Value], Value] | None = None,
    pairs: Pairs | None = None,
) -> Operator:
    """Return the operator that is a function of a list of values.

    `pair` is a short way for two, `pairs` a shorter one for two of many documents.
    """

    def build(_name: str, operand: Value, scope: Scope) -> Expression:
        arguments = [scope.expression(each) for each in operands_of(operand)]
        if pair is not None and len(arguments) == 2:
            return apply(pair, arguments) if pairs is None else apply_two(pair, arguments, pairs)
        runs = [argument.run for argument in arguments]
        return folded(
            lambda document, variables: call([run(document, variables) for run in runs]), arguments
        )

    return Operator(build, ANY_NUMBER)


def apply(call: Callable[..., Value], arguments: Sequence[Expression]) -> Expression:
    """Return the expression that calls a function with the arguments' values."""
    made = folded(_APPLY.get(len(arguments), _apply_many)(call, arguments), arguments)
    if made.is_constant or not arguments:
        return made

    def columns(documents: Sequence[Document], variables: Variables) -> list[Value]:
        return list(map(call, *[each.column(documents, variables) for each in arguments]))

    return replace(made, columns=columns)


def apply_two(
    call: Callable[[Value, Value], Value], arguments: Sequence[Expression], pairs: Pairs
) -> Expression:
    """Return the expression that calls a function of two values, with a short way for columns."""
    first, second = arguments

    def columns(documents: Sequence[Document], variables: Variables) -> list[Value]:
        left = first.column(documents, variables)
        right = second.column(documents, variables)
        kinds = first.kinds(documents, left), second.kinds(documents, right)
        found = pairs(left, right, kinds)
        return list(map(call, left, right)) if found is None else found

    return replace(apply(call, arguments), columns=columns)


def _apply_one(call: Callable[..., Value], arguments: Sequence[Expression]) -> Run:
    first = arguments[0].run
    return lambda document, variables: call(first(document, variables))


def _apply_two(call: Callable[..., Value], arguments: Sequence[Expression]) -> Run:
    first, second = arguments[0].run, arguments[1].run
    if arguments[1].is_constant:
        value = arguments[1].constant
        return lambda document, variables: call(first(document, variables), value)
    return lambda document, variables: call(first(document, variables), second(document, variables))


def _apply_many(call: Callable[..., Value], arguments: Sequence[Expression]) -> Run:
    runs = [argument.run for argument in arguments]
    return lambda document, variables: call(*[run(document, variables) for run in runs])


_APPLY: Final[Mapping[int, Callable[[Callable[..., Value], Sequence[Expression]], Run]]] = {
    1: _apply_one,
    2: _apply_two,
}


def folded(run: Run, arguments: Sequence[Expression | None]) -> Expression:
    """Return the expression, its value computed already where all arguments are constant."""
    if all(argument is None or argument.is_constant for argument in arguments):
        try:
            return constant(run({}, ()))
        except DatabaseRequestFailed:
            return Expression(run=run)
    return Expression(run=run)


# --- operators with named operands ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The operands an operator takes by name, and the numbers of its refusals."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    not_object: int
    unknown: int
    missing: int | Mapping[str, int]

    @property
    def form(self) -> str:
        """Return the operand's form as people write it."""
        return "{" + ", ".join([*self.required, *[f"{name}?" for name in self.optional]]) + "}"

    def read(self, name: str, operand: Value) -> Mapping[str, Value]:
        """Return the operands.

        Raises:
            DatabaseRequestFailed: it is no object, one is missing, or one is not known.
        """
        if type(operand) is not dict:
            raise refusal(
                f"{name} only supports an object as its argument, not {operand!r:.60}",
                self.not_object,
            )
        known = (*self.required, *self.optional)
        for given in operand:
            if given not in known:
                raise refusal(f"Unrecognized argument to {name}: {given}", self.unknown)
        for required in self.required:
            if required not in operand:
                code = self.missing if isinstance(self.missing, int) else self.missing[required]
                raise refusal(f"Missing '{required}' parameter to {name}", code)
        return operand
