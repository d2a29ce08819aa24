"""Owns what is remembered of queries that read a collection without an index, and what would help.

Not here: reading (`services.planning`). The one idea: queries of one shape (the same paths, however
bound, and the same order) are one entry of a bounded table; an index for it has the fixed paths
first, then those of the order, then a range, as MongoDB's own advice goes.
"""

from collections import OrderedDict
from typing import Final

from emulator.ambient import Clock
from emulator.core.bounds import bounds_of
from emulator.core.indexes import IndexDefinition, default_name
from emulator.core.ordering import SortSpecification
from emulator.core.query_nodes import Node, Or
from emulator.core.records import dataclass
from emulator.core.values import Value
from emulator.services.reading import Question, Reading

SHAPES_MAX: Final = 200
SCAN_WORTH_TELLING_DOCUMENTS: Final = 100
"""Reading fewer documents costs less than knowing about it."""


@dataclass(slots=True, kw_only=True)
class Advice:
    """A shape of query that scanned: what it looked for, how often, and the index for it."""

    collection: str
    fixed: tuple[str, ...]
    sort: SortSpecification
    ranges: tuple[str, ...]
    proposal: IndexDefinition | None
    times: int = 0
    documents_examined: int = 0
    documents_examined_max: int = 0
    documents_returned: int = 0
    last_at_ms: int = 0

    def told(self) -> dict[str, Value]:
        """Return the advice as JSON data."""
        proposal = self.proposal
        return {
            "collection": self.collection,
            "equality": list(self.fixed),
            "sort": [[path, direction] for path, direction in self.sort],
            "range": list(self.ranges),
            "times": self.times,
            "documents_examined": self.documents_examined,
            "documents_examined_max": self.documents_examined_max,
            "documents_returned": self.documents_returned,
            "last_at_ms": self.last_at_ms,
            "index": None
            if proposal is None
            else {"name": proposal.name, "keys": dict(proposal.keys)},
        }


class Advisor:
    """The shapes that scanned, the latest last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shapes: OrderedDict[tuple[Value, ...], Advice] = OrderedDict()

    def heard(self, question: Question, reading: Reading) -> None:
        """Take note of a scan."""
        examined = reading.documents_examined
        if examined < SCAN_WORTH_TELLING_DOCUMENTS or question.wants_all:
            return
        advice = advise(question)
        shape = (advice.collection, advice.fixed, tuple(advice.sort), advice.ranges)
        advice = self._shapes.setdefault(shape, advice)
        self._shapes.move_to_end(shape)
        advice.times += 1
        advice.documents_examined += examined
        advice.documents_examined_max = max(advice.documents_examined_max, examined)
        advice.documents_returned += reading.returned
        advice.last_at_ms = self._clock.now_ms()
        if len(self._shapes) > SHAPES_MAX:
            self._shapes.popitem(last=False)

    def advice(self) -> list[Advice]:
        """Return what is known, what cost most first."""
        return sorted(self._shapes.values(), key=lambda each: -each.documents_examined)

    def clear(self) -> None:
        """Forget everything."""
        self._shapes.clear()


def advise(question: Question) -> Advice:
    """Return the advice for a question, as if it had never been asked."""
    sort = tuple(question.sort)
    fixed, ranges = _paths(question.matcher.node)
    free = [pair for pair in sort if pair[0] not in fixed]
    last = [path for path in ranges if path not in {path for path, _ in free}][:1]
    keys = (*((path, 1) for path in fixed), *free, *((path, 1) for path in last))
    proposal = IndexDefinition(name=default_name(keys), keys=keys) if keys else None
    if proposal is not None and not proposal.serves_bounds:
        proposal = None
    return Advice(
        collection=question.name, fixed=fixed, sort=sort, ranges=ranges, proposal=proposal
    )


def _paths(node: Node) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paths a filter fixes and those it bounds; of an `$or` the first branch counts."""
    bounds = bounds_of(node)
    if not bounds and isinstance(node, Or):
        return _paths(node.nodes[0])
    fixed = tuple(path for path, bound in bounds.items() if bound.points is not None)
    ranges = tuple(path for path, bound in bounds.items() if bound.points is None)
    return fixed, ranges
