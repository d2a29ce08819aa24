"""Owns what is doubtful about rules that can be read: too open, out of reach, out of dialect.

Not here: what cannot be read (`core.rules.ruleset` tells it as a fault). The one idea: a table of
questions to a rule; each finding names key, character and what to write instead.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal

from emulator.core.records import dataclass
from emulator.core.rules.evaluate import Scope, compiled, truth
from emulator.core.rules.nodes import (
    Binary,
    Logical,
    Matches,
    Member,
    Name,
    Node,
    Text,
    walk,
)
from emulator.core.rules.nodes import Literal as Constant
from emulator.core.rules.ruleset import KEYS, PRESETS, Rule, compile_rules
from emulator.core.values import Value

Severity = Literal["error", "warning", "note"]

AUTH_MEMBERS: Final = ("openid", "uid", "loginType")
LOGIN_TYPES: Final = (
    "WECHAT_PUBLIC", "WECHAT_OPEN", "WECHAT", "ANONYMOUS", "EMAIL", "CUSTOM", "USERNAME", "PHONE",
)  # fmt: skip
_NAMES: Final[Mapping[str, str]] = {
    "newData": "request.data",
    "root": "get('database.…')",
    "data": "doc",
    "resource": "doc (resource is for files)",
    "user": "auth",
    "uid": "auth.uid",
    "openid": "auth.openid",
}
_UNKNOWN: Final = re.compile(r"there is no '(\w+)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One doubt: under which key, at which character from 0, and what to do."""

    key: str
    position: int
    severity: Severity
    message: str

    def told(self) -> dict[str, Value]:
        """Return it as JSON data."""
        return {
            "key": self.key,
            "position": self.position,
            "severity": self.severity,
            "message": self.message,
        }


def lint(source: Value) -> list[Finding]:
    """Return everything wrong or doubtful about the rules of one collection."""
    if isinstance(source, str) and source in PRESETS:
        return []
    compiled_rules = compile_rules(source)
    found = [
        Finding(
            key=fault.key,
            position=fault.position,
            severity="error",
            message=_guessed(fault.message),
        )
        for fault in compiled_rules.faults
    ]
    found += [
        Finding(key="", position=0, severity="warning", message=note)
        for note in compiled_rules.notes
    ]
    if not isinstance(source, Mapping):
        return found
    broken = {fault.key for fault in compiled_rules.faults}
    for key in KEYS:
        if key in source and key not in broken:
            rule = compiled_rules.rules[key]
            found += [
                Finding(key=key, position=at, severity=severity, message=message)
                for severity, at, message in _doubts(rule)
            ]
    if "write" in source and all(key in source for key in ("create", "update", "delete")):
        message = "create, update and delete have rules of their own; this one is never asked"
        found.append(Finding(key="write", position=0, severity="warning", message=message))
    return found


_Doubt = tuple[Severity, int, str]


def _doubts(rule: Rule) -> Iterator[_Doubt]:
    yield from _too_open(rule)
    for node in walk(rule.node):
        for ask in _QUESTIONS.get(type(node), ()):
            yield from ask(node, rule)


def _too_open(rule: Rule) -> Iterator[_Doubt]:
    if rule.key == "read" or rule.doc_paths != frozenset():
        return
    if rule.looks_up or any(_speaks_of(node, "request") for node in walk(rule.node)):
        return
    if rule.allows(Scope(auth=None)):
        yield "warning", 0, "anyone may do this, signed in or not, to every document"
    elif rule.key != "create" and rule.allows(Scope(auth={"openid": "o", "uid": "u"})):
        message = "whoever is signed in may do this to everybody's documents"
        yield "warning", 0, f"{message}; add doc._openid == auth.openid"


def _speaks_of(node: Node, name: str) -> bool:
    return isinstance(node, Name) and node.name == name


def _logical(node: Logical, rule: Rule) -> Iterator[_Doubt]:
    for side, other in ((node.left, node.right), (node.right, node.left)):
        if not _is_constant(side):
            continue
        value = truth(compiled(side)(Scope()))
        if value is (node.operator == "||"):
            text = rule.text[other.place.at : other.place.end]
            message = f"{text!r} makes no difference: the other side decides"
            yield "warning", other.place.at, message


def _is_constant(node: Node) -> bool:
    return not any(isinstance(each, (Name, Matches)) for each in walk(node)) and isinstance(
        node, (Constant, Binary, Logical)
    )


def _binary(node: Binary, rule: Rule) -> Iterator[_Doubt]:
    left, right = (rule.text[each.place.at : each.place.end] for each in (node.left, node.right))
    if left == right or _is_constant(node):
        yield "warning", node.place.at, "both sides are always the same; this decides nothing"
    for side, other in ((node.left, node.right), (node.right, node.left)):
        if not (isinstance(side, Member) and isinstance(other, Constant)):
            continue
        is_type = isinstance(side.key, Constant) and side.key.value == "loginType"
        value = other.value
        if is_type and isinstance(value, str) and value not in LOGIN_TYPES:
            known = ", ".join(LOGIN_TYPES)
            yield "warning", other.place.at, f"there is no login type {value!r}: {known}"


def _member(node: Member, rule: Rule) -> Iterator[_Doubt]:
    del rule
    key = node.key.value if isinstance(node.key, Constant) else None
    if not isinstance(key, str) or not isinstance(node.object, Name):
        return
    if node.object.name == "auth" and key not in AUTH_MEMBERS:
        near = difflib.get_close_matches(key, AUTH_MEMBERS, n=1)
        guess = f"; did you mean auth.{near[0]}?" if near else ""
        known = ", ".join(AUTH_MEMBERS)
        yield "error", node.place.at, f"auth has no {key}, only {known}: always undefined{guess}"
    if node.object.name == "request" and key != "data":
        yield "error", node.place.at, f"request has no {key}, only data"


def _name(node: Name, rule: Rule) -> Iterator[_Doubt]:
    if node.name == "resource":
        yield "error", node.place.at, "resource is for files; a document is doc"
    if node.name == "request" and rule.key in ("read", "delete"):
        yield "warning", node.place.at, f"a {rule.key} writes nothing: request.data is undefined"


def _matches(node: Matches, rule: Rule) -> Iterator[_Doubt]:
    del rule
    message = "the cloud has no get(…).where(…): it works here only; use get('database.name.id')"
    yield "warning", node.place.at, message


def _text(node: Text, rule: Rule) -> Iterator[_Doubt]:
    del rule
    if len(node.pieces) == 1:
        yield "note", node.place.at, "a template without ${…} is a plain text"


_QUESTIONS: Final[Mapping[type, tuple[Callable[..., Iterator[_Doubt]], ...]]] = {
    Logical: (_logical,),
    Binary: (_binary,),
    Member: (_member,),
    Name: (_name,),
    Matches: (_matches,),
    Text: (_text,),
}


def _guessed(message: str) -> str:
    """Return a fault with the name that people mean who write the one of another product."""
    found = _UNKNOWN.search(message)
    if found is None or found[1] not in _NAMES:
        return message
    return f"{message}; {_NAMES[found[1]]} is what it is called here"
