"""Owns the rules of one collection or bucket: a JSON object to a rule for each operation.

Not here: the language (`core.rules.parser`) and who asks (`services.access`). The one idea: an
operation without a rule of its own takes the wider one's, and what nobody allows is refused; an
expression that is none refuses its operation and is told, the others go on.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Final, Literal

from emulator.core.errors import RuleInvalid
from emulator.core.records import dataclass
from emulator.core.rules.evaluate import Scope, compile_rule
from emulator.core.rules.nodes import Fetch, Matches, Name, Node, Place, doc_paths, walk
from emulator.core.rules.nodes import Literal as Constant
from emulator.core.rules.parser import parse
from emulator.core.values import Value

Operation = Literal["read", "create", "update", "delete"]
Preset = Literal["READONLY", "PRIVATE", "ADMINWRITE", "ADMINONLY"]

KEYS: Final = ("read", "write", "create", "update", "delete")
_WIDER: Final[Mapping[str, str]] = {"create": "write", "update": "write", "delete": "write"}

_OWN: Final = "auth != null && doc._openid == auth.openid"
_SIGNED_IN: Final = "auth != null"
PRESETS: Final[Mapping[Preset, Mapping[str, bool | str]]] = {
    "READONLY": {"read": True, "create": _SIGNED_IN, "update": _OWN, "delete": _OWN},
    "PRIVATE": {"read": _OWN, "create": _SIGNED_IN, "update": _OWN, "delete": _OWN},
    "ADMINWRITE": {"read": True, "write": False},
    "ADMINONLY": {"read": False, "write": False},
}
"""The permissions that the console offers by name, widest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One expression, ready to be asked."""

    key: str
    text: str
    node: Node
    allows: Callable[[Scope], bool]
    doc_paths: frozenset[str] | None
    """The fields of the document that it speaks of; None when it needs the whole document."""
    looks_up: bool
    """Whether it reads other documents."""
    is_steady: bool
    """Whether caller and document alone decide: it knows no time, request or other documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An expression that is none: under which key, at which character, and why."""

    key: str
    position: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """A rule for each operation, and what could not be read."""

    rules: Mapping[str, Rule]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def rule(self, operation: str) -> Rule:
        """Return the rule that decides an operation."""
        return self.rules[operation]


def compile_rules(source: Value) -> RuleSet:
    """Return the rules of a JSON object with the keys of `KEYS`, or of the name of a preset.

    `create`, `update` and `delete` take the rule of `write` where they have none. A value is true,
    false (also as text) or an expression. What cannot be read refuses its operation.
    """
    if isinstance(source, str) and source in PRESETS:
        source = PRESETS[source]  # type: ignore[index]  # told by the `in` above
    if not isinstance(source, Mapping):
        fault = Fault(key="", position=0, message=f"rules are a JSON object, not {_named(source)}")
        return RuleSet(rules={key: _constant(key, value=False) for key in KEYS}, faults=(fault,))
    faults: list[Fault] = []
    rules: dict[str, Rule] = {}
    for key in ("read", "write"):
        rules[key] = _read(key, source.get(key, False), faults)
    for key, wider in _WIDER.items():
        rules[key] = _read(key, source[key], faults) if key in source else rules[wider]
    notes = tuple(
        f"{key!r} is no operation ({', '.join(KEYS)}) and is ignored"
        for key in source
        if key not in KEYS
    )
    return RuleSet(rules=rules, faults=tuple(faults), notes=notes)


def _read(key: str, value: Value, faults: list[Fault]) -> Rule:
    if isinstance(value, bool):
        return _constant(key, value=value)
    if not isinstance(value, str):
        message = f"true, false or an expression in quotes is expected, not {_named(value)}"
        faults.append(Fault(key=key, position=0, message=message))
        return _constant(key, value=False)
    try:
        node = parse(value)
    except RuleInvalid as fault:
        faults.append(Fault(key=key, position=fault.position, message=fault.message))
        return _constant(key, value=False)
    return _rule(key, value, node)


def _constant(key: str, *, value: bool) -> Rule:
    text = "true" if value else "false"
    return _rule(key, text, Constant(Place(at=0, end=len(text)), value))


def _rule(key: str, text: str, node: Node) -> Rule:
    inside = list(walk(node))
    looks_up = any(isinstance(each, (Fetch, Matches)) for each in inside)
    passing = any(isinstance(each, Name) and each.name in ("now", "request") for each in inside)
    return Rule(
        key=key,
        text=text,
        node=node,
        allows=compile_rule(node),
        doc_paths=doc_paths(node),
        looks_up=looks_up,
        is_steady=not looks_up and not passing,
    )


def _named(value: Any) -> str:
    return f"{json.dumps(value, default=str, ensure_ascii=False):.60}"
