"""Owns whether a filter implies a rule: is everything it may find allowed?

Not here: what is asked of one document (`core.rules.evaluate`). The one idea: constants of filter
and rule cut the values of each field into a few kinds that both treat alike; one specimen of each
is put into a document, and a document that the filter finds and the rule refuses is the
counter-example. Fields are taken to hold one value, as the platform takes a query's conditions.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from emulator.core.query import compile_filter, demanded_values
from emulator.core.records import dataclass
from emulator.core.rules.domains import Constants, specimens
from emulator.core.rules.evaluate import Scope
from emulator.core.rules.loosen import compared, loosened
from emulator.core.rules.ruleset import Rule
from emulator.core.rules.survey import survey
from emulator.core.values import MISSING, Document, Filter, Value

SPECIMENS_MAX: Final = 50_000
"""Documents tried for one answer; more combinations than that are refused untried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a filter is refused, with a document that it may find and the rule forbids."""

    reason: str
    example: Document | None = None


def refusal(rule: Rule, filter_: Filter, scope: Scope) -> Refusal | None:
    """Return what speaks against the matches of a filter, None when the rule allows them all.

    Conditions other than comparisons, lists and their combinations narrow a filter further and are
    left out of account; a rule cannot lean on them.
    """
    if rule.doc_paths == frozenset():
        if rule.allows(scope):
            return None
        return Refusal(reason="the rule refuses this caller whatever the document holds")
    # `{a: null}` also finds documents without `a`: it fixes nothing.
    pinned = {path: value for path, value in demanded_values(filter_) if value is not None}
    if rule.doc_paths is not None and rule.doc_paths <= pinned.keys():
        # Most queries that a rule is written for fix every field it speaks of.
        fixed = _document((path, pinned[path]) for path in rule.doc_paths)
        if rule.allows(replace(scope, doc=fixed)):
            return None
    return _searched(rule, loosened(filter_), pinned, scope)


def _searched(
    rule: Rule, filter_: Filter, pinned: Mapping[str, Value], scope: Scope
) -> Refusal | None:
    spoken = survey(rule.node, scope)
    loose = sorted(spoken.entangled - pinned.keys())
    if loose or spoken.whole:
        what = f"doc.{loose[0]}" if loose else "the whole document"
        return Refusal(reason=f"the rule calculates with {what}, which the query does not fix")
    constants = dict(spoken.constants)
    for path, others in compared(filter_):
        # A field that is only asked to exist has to be in the specimens too.
        known = constants.setdefault(path, Constants())
        for value in others:
            known.add(value)
    for one, other in spoken.related:
        constants[one].merge(constants[other])
        constants[other].merge(constants[one])
    values = {path: _found(path, filter_, known) for path, known in constants.items()}
    if _product(map(len, values.values())) > SPECIMENS_MAX:
        return Refusal(reason="query and rule together are too complex to be compared")
    example = _counter_example(rule, filter_, values, scope)
    if example is None:
        return None
    return Refusal(reason="the query may find what the rule refuses", example=example)


def _found(path: str, filter_: Filter, constants: Constants) -> list[Value]:
    """Return specimens for a field, without those that the filter's own condition on it rejects."""
    values = specimens(constants)
    if path not in filter_:
        return values
    finds = compile_filter({path: filter_[path]}).matches
    return [value for value in values if finds(_document([(path, value)]))]


def _counter_example(
    rule: Rule, filter_: Filter, values: Mapping[str, list[Value]], scope: Scope
) -> Document | None:
    finds = compile_filter(filter_).matches
    for chosen in itertools.product(*values.values()):
        document = _document(zip(values, chosen, strict=True))
        if finds(document) and not rule.allows(replace(scope, doc=document)):
            return document
    return None


def _product(sizes: Iterator[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


def _document(fields: Iterable[tuple[str, Value]]) -> Document:
    """Return a document with these values behind their paths; what is longer lies deeper."""
    document: Document = {}
    for path, value in sorted(fields, key=lambda pair: pair[0].count(".")):
        if value is MISSING:
            continue
        *above, last = path.split(".")
        place = document
        for part in above:
            inner = place.get(part)
            if not isinstance(inner, dict):
                inner = place[part] = {}
            place = inner
        place[last] = dict(value) if isinstance(value, dict) else value
    return document
