"""Owns the words for a query that a rule refuses: a counter-example, and what would have been seen.

Not here: the verdict (`services.access`). It runs after a refusal, for the developer alone.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

from emulator.core.aggregate.filters import compile_request_filter
from emulator.core.errors import EmulatorError
from emulator.core.rules.evaluate import Scope
from emulator.core.rules.implies import Refusal
from emulator.core.rules.ruleset import Rule
from emulator.core.values import Document
from emulator.services.access_look_ups import Ask

MATCHED_MAX: Final = 1_000
"""Documents that are looked at to say how many the rule would have shown."""


def refused(refusal: Refusal, rule: Rule) -> Iterator[str]:
    """Yield why a query is refused: the reason, and a document as the example."""
    example = refusal.example
    if example is None:
        yield refusal.reason
        return
    fields = ", ".join(f"{name} = {value!r:.60}" for name, value in example.items())
    wanted = rule.doc_paths or ()
    absent = [path for path in sorted(wanted) if path.split(".")[0] not in example]
    missing = f"without {', '.join(absent)}" if absent else ""
    shape = " and ".join(filter(None, (fields, missing))) or "an empty document"
    yield f"{shape} is allowed by your query and refused by the rule"


def visible(ask: Ask, rule: Rule, filter_: Document, scope: Scope) -> Iterator[str]:
    """Yield how many stored documents match, and how many of them the rule allows."""
    collection = ask.store.collection(ask.collection)
    if collection is None:
        return
    try:
        matcher = compile_request_filter(filter_, now_ms=ask.now_ms)
        matched = list(islice(collection.scan(matcher.matches), MATCHED_MAX))
    except EmulatorError:
        # The query itself is refused; permission comes first, as on the platform.
        return
    allowed = sum(rule.allows(replace(scope, doc=document)) for document in matched)
    more = "at least " if len(matched) == MATCHED_MAX else ""
    yield f"{more}{len(matched)} matched, {allowed} visible"
