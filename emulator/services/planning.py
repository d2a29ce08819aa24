"""Owns reading what a filter wants: by `_id`, by an index, by distance, or by looking at all.

Not here: the choice of an index (`core.planner`), the slow ways (`services.reading`), permission
and projection (`services.database`). The one idea: a read is a generator that stops between slices;
who may yield to the loop does so there (`read`), and a write runs it through (`read_now`). From its
first look at the documents on it holds a list of its own, so it does not see what others write
meanwhile.
"""

import asyncio
from collections.abc import Generator
from itertools import islice
from typing import Final, TypeVar

from emulator.ambient import Clock
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.planner import Demands, Plan, choose, could_serve, demands_of
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Document, Filter, Value
from emulator.services.advisor import Advisor, advise
from emulator.services.equality import exact_reach, one_equality
from emulator.services.nearest import nearest_slices
from emulator.services.reading import (
    WALK_MAX_DOCUMENTS,
    Projection,
    Question,
    Reading,
    project_slices,
    select_slices,
    sort_slices,
    walk_some,
)
from emulator.services.recorder import ReadRecord, Recorder
from emulator.stores.base import Collection, Index
from emulator.stores.collector import paused

BUILD_SLICE_DOCUMENTS: Final = 500
FIRST_LOOK_DOCUMENTS: Final = 200
NARROW_DOCUMENTS: Final = 4_000
SCAN_ADVANTAGE: Final = 8
"""Looking at a document costs about this share of finding it by an index."""
NO_QUERY_PLAN: Final = 291
"""MongoDB's number for a query that needs an index which is not there."""

Steps = Generator[None, None, None]
_Result = TypeVar("_Result")


class Reader:
    """Reads of one environment; `scan_max_documents` bounds what is read without an index."""

    def __init__(
        self,
        *,
        clock: Clock,
        advisor: Advisor,
        recorder: Recorder | None = None,
        scan_max_documents: int | None = None,
    ) -> None:
        self.advisor = advisor
        self._recorder = recorder
        self._clock = clock
        self._scan_max_documents = scan_max_documents

    async def read(self, question: Question) -> Reading:
        """Return what is wanted, letting the loop breathe.

        Raises:
            DatabaseRequestFailed: it needs an index (291): the nearest are wanted, or it would look
                at more documents than are allowed without one.
        """
        return await unhurried(self.slices(question))

    async def project(self, documents: list[Document], change: Projection) -> list[Document]:
        """Return each document changed, letting the loop breathe."""
        return await unhurried(project_slices(documents, change, self._clock))

    def equal(
        self, name: str, collection: Collection, filter_: Filter, wanted: int | None, cause: str
    ) -> list[Document] | None:
        """Return the documents of which one field equals one value, oldest first.

        None means that the filter says something else, or that no index gives them at once.
        """
        said = one_equality(filter_)
        found = None if said is None else exact_reach(collection, *said)
        if found is None:
            return None
        index, reach = found
        most = index.count(reach) if wanted is None else wanted
        if most > WALK_MAX_DOCUMENTS:
            return None
        documents = list(islice(index.walk(reach), wanted))
        count = len(documents)
        reading = Reading(
            documents=documents,
            stage="IXSCAN",
            indexes=(index.definition.name,),
            keys_examined=count,
            documents_examined=count,
        )
        self._record(name, cause, reading)
        return documents

    def equal_count(
        self, name: str, collection: Collection, filter_: Filter, cause: str
    ) -> int | None:
        """Return of how many documents one field equals one value; None as for `equal`."""
        said = one_equality(filter_)
        found = None if said is None else exact_reach(collection, *said)
        if found is None:
            return None
        index, reach = found
        count = index.count(reach)
        names = (index.definition.name,)
        self._record(name, cause, Reading(stage="COUNT_SCAN", indexes=names, keys_examined=count))
        return count

    def read_now(self, question: Question) -> Reading:
        """Return what is wanted without a pause, as a write needs it; raises as `read`."""
        return at_once(self.slices(question))

    def slices(self, question: Question) -> Generator[None, None, Reading]:
        """Return what is wanted, with a stop after each slice; raises as `read`."""
        reading = Reading()
        yield from self._steps(question, reading)
        self._record(question.name, question.cause, reading)
        return reading

    def scan(self, question: Question) -> "Scan | None":
        """Return what tells of a look at all documents; None where an index may do better.

        Raises:
            DatabaseRequestFailed: that would be more documents than are allowed (291).
        """
        matcher = question.matcher
        if matcher.document_id is not MISSING or matcher.document_ids is not None:
            return None
        indexes = question.collection.indexes()
        definitions = [index.definition for index in indexes]
        if could_serve(definitions, demands_of(matcher.node), question.sort):
            return None
        if indexes:
            self._refuse_long(question)
        return Scan(self, question, Reading(lacks_index=bool(indexes)))

    def scanned(self, question: Question, reading: Reading) -> None:
        """Take note of a scan that somebody else has done."""
        if reading.lacks_index:
            self.advisor.heard(question, reading)
        self._record(question.name, question.cause, reading)

    def _record(self, name: str, cause: str, reading: Reading) -> None:
        if self._recorder is not None:
            self._recorder.read(
                ReadRecord(
                    self._clock.now_ms(),
                    name,
                    cause,
                    reading.stage,
                    reading.indexes,
                    reading.keys_examined,
                    reading.documents_examined,
                    reading.returned,
                )
            )

    def _steps(self, question: Question, reading: Reading) -> Steps:
        matcher = question.matcher
        if matcher.document_id is not MISSING and matcher.near is None:
            _read_by_id(question, reading)
        elif matcher.near is not None:
            yield from self._nearest(question, reading)
        else:
            candidates = yield from self._candidates(question, reading)
            if candidates is not None:
                found = yield from select_slices(candidates, question, reading, self._clock)
                yield from self._sorted(question, reading, found)
            if reading.lacks_index:
                self.advisor.heard(question, reading)

    def _candidates(
        self, question: Question, reading: Reading
    ) -> Generator[None, None, list[Document] | None]:
        """Return the documents to look at, None when a look at few has given the answer."""
        if question.matcher.document_ids is not None:
            return _with_ids(question.matcher.document_ids, question, reading)
        plan, indexes = yield from _planned(question)
        if plan is None:
            # A store without any, such as one in memory, has nothing to advise about.
            if question.collection.indexes():
                self._refuse_long(question)
                reading.lacks_index = True
            return _everything(question, reading)
        names = tuple(indexes[use.place].definition.name for use in plan.uses)
        if _walked(question, reading, plan, indexes):
            reading.stage, reading.indexes = "IXSCAN", names
            return None
        if not _is_narrow(question, plan, indexes):
            return _everything(question, reading)
        reading.stage, reading.indexes = "IXSCAN", names
        candidates = _in_reach(plan, indexes)
        reading.keys_examined += len(candidates)
        return candidates

    def _sorted(self, question: Question, reading: Reading, found: list[Document]) -> Steps:
        reading.documents = yield from sort_slices(
            found, question.sort, question.wanted, self._clock
        )

    def _nearest(self, question: Question, reading: Reading) -> Steps:
        near = question.matcher.near
        assert near is not None, "asked for the nearest"
        index = question.places.get(near.path)
        if index is None:
            raise DatabaseRequestFailed(
                "unable to find index for $geoNear query",
                mongo_code=NO_QUERY_PLAN,
                hint=f"make a 2dsphere index on {question.name}.{near.path}",
            )
        reading.stage, reading.indexes = "GEO_NEAR", (index,)
        reading.documents = yield from nearest_slices(question, reading, near, self._clock)

    def _refuse_long(self, question: Question) -> None:
        most, count = self._scan_max_documents, len(question.collection)
        if most is None or count <= most or question.wants_all:
            return
        index = advise(question).proposal
        keys = "" if index is None else f": {dict(index.keys)!r}"
        raise DatabaseRequestFailed(
            f"the query on {question.name} has no index and would read {count} documents, "
            f"{most} are allowed",
            mongo_code=NO_QUERY_PLAN,
            hint=f"create an index{keys}, or raise --require-indexes",
        )


@dataclass(frozen=True, slots=True)
class Scan:
    """A look at all documents that somebody else takes, piece by piece."""

    _reader: Reader
    _question: Question
    _reading: Reading

    def looked_at(self, examined: int, found: int) -> None:
        """Count documents that were looked at, and those that matched."""
        self._reading.documents_examined += examined
        self._reading.found += found

    def ended(self) -> None:
        """Take note of it."""
        self._reader.scanned(self._question, self._reading)


async def unhurried(steps: Generator[None, None, _Result]) -> _Result:
    """Return what steps come to, with a turn of the loop between them.

    Documents on their way hold no cycles, and a look for some keeps the loop for long.
    """
    try:
        next(steps)
    except StopIteration as end:
        result: _Result = end.value
        return result
    with paused():
        while True:
            await asyncio.sleep(0)
            try:
                next(steps)
            except StopIteration as end:
                last: _Result = end.value
                return last


def at_once(steps: Generator[None, None, _Result]) -> _Result:
    """Return what steps come to, without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: _Result = end.value
            return result


def _read_by_id(question: Question, reading: Reading) -> None:
    reading.stage, reading.indexes = "IDHACK", ("_id_",)
    found = question.collection.by_id(question.matcher.document_id)
    if found is None:
        return
    reading.keys_examined = reading.documents_examined = 1
    if question.wanted != 0 and question.matcher.matches(found):
        reading.documents = [found]


def _with_ids(ids: tuple[Value, ...], question: Question, reading: Reading) -> list[Document]:
    found = question.collection.numbered(ids)
    reading.stage, reading.indexes, reading.keys_examined = "IXSCAN", ("_id_",), len(found)
    return list(found.values())


def _planned(question: Question) -> Generator[None, None, tuple[Plan | None, dict[int, Index]]]:
    """Return the plan and the indexes it is among, by place; the last one where it still holds."""
    collection, known = question.collection, question.known
    order = (question.sort, question.wanted is not None)
    last = None if known is None else known.planned(collection, order)
    if last is not None:
        return last
    demands = demands_of(question.matcher.node)
    indexes = yield from _built(question, demands)
    plan = choose(indexes, demands, question.sort, limited=question.wanted is not None)
    if known is not None:
        known.remember(plan, indexes, collection, order)
    return plan, indexes


def _built(question: Question, demands: Demands) -> Generator[None, None, dict[int, Index]]:
    """Return the indexes that may serve by place; the first to want one after a start builds it."""
    while True:
        # Asked again each time: while the loop had its turn, indexes may have gone.
        indexes = question.collection.indexes()
        definitions = [index.definition for index in indexes]
        places = could_serve(definitions, demands, question.sort)
        if all(indexes[place].build(BUILD_SLICE_DOCUMENTS) for place in places):
            return {place: indexes[place] for place in places}
        yield


def _walked(question: Question, reading: Reading, plan: Plan, indexes: dict[int, Index]) -> bool:
    """Read an index in order, or as documents came in, and tell whether enough was found soon."""
    index, reach = indexes[plan.uses[0].place], plan.uses[0].reach
    if not plan.ordered and not _may_walk(question, plan, index):
        return False
    found = walk_some(index.walk(reach), question, reading)
    if found is None:
        return False
    reading.documents, reading.sorted_by_index = found, bool(question.sort)
    return True


def _may_walk(question: Question, plan: Plan, index: Index) -> bool:
    """Tell whether documents can be taken out of an index one by one as they came in."""
    if question.sort or question.wanted is None or not index.walks or len(plan.uses) > 1:
        return False
    reach = plan.uses[0].reach
    if len(reach.points) == 1 and not reach.spans:
        return True
    # With arrays a document may lie in several rows, and many rows take time to put in order.
    return not any(index.arrays) and index.count(reach) <= WALK_MAX_DOCUMENTS


def _everything(question: Question, reading: Reading) -> list[Document] | None:
    """Return all documents, None when enough was found among the first few of many."""
    wanted, collection = question.wanted, question.collection
    if wanted is None or question.sort or len(collection) < WALK_MAX_DOCUMENTS:
        return collection.snapshot()
    piece = list(islice(collection.scan(_all), FIRST_LOOK_DOCUMENTS))
    found = question.matcher.select(piece)
    if len(found) < wanted:
        return collection.snapshot()
    reading.documents = found[:wanted]
    reading.documents_examined = len(piece)
    return None


def _all(_document: Document) -> bool:
    return True


def _is_narrow(question: Question, plan: Plan, indexes: dict[int, Index]) -> bool:
    """Tell whether reading by the plan costs less than looking at everything."""
    if not plan.uses[0].bound:
        return False
    reached = sum(indexes[use.place].count(use.reach) for use in plan.uses)
    return reached <= max(NARROW_DOCUMENTS, len(question.collection) // SCAN_ADVANTAGE)


def _in_reach(plan: Plan, indexes: dict[int, Index]) -> list[Document]:
    """Return the documents that the plan reaches, each once and oldest first."""
    first, *others = (indexes[use.place].find(use.reach) for use in plan.uses)
    if not others:
        return list(first.values())
    for other in others:
        first |= other
    return [first[number] for number in sorted(first)]
