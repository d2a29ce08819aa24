"""Whatever indexes there are, a query answers as a look at every document would."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.ambient import ManualClock
from emulator.core.errors import DatabaseRequestFailed, TransactionConflict
from emulator.core.indexes import IndexDefinition, default_name, with_definitions
from emulator.core.ordering import sort_documents
from emulator.core.query import compile_filter
from emulator.core.values import Date, Int64, ObjectId
from emulator.services.advisor import Advisor
from emulator.services.filters import Filters
from emulator.services.planning import FIRST_LOOK_DOCUMENTS, Reader
from emulator.services.reading import Question
from emulator.stores.base import Create, Delete, Describe, Put
from emulator.stores.overlay import OverlayStore
from emulator.stores.tiny import SuiteDB, TinyDocumentStore
from emulator.stores.versions import VersionedStore

NUMBERS = st.sampled_from([-1, 0, 1, 1.0, 2, 2.5, Int64(3), float("nan")])
OTHERS = st.sampled_from([None, True, False, Date(0), Date(5), ObjectId("0" * 24), {"x": 1}, {}])
SCALARS = st.one_of(NUMBERS, OTHERS, st.sampled_from(["", "a", "b", "ab"]))
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.lists(st.dictionaries(st.sampled_from("xy"), SCALARS, max_size=2), max_size=3),
    st.dictionaries(st.sampled_from("xy"), st.one_of(SCALARS, st.lists(SCALARS, max_size=2))),
)
DOCUMENTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)
PATHS = st.sampled_from(["a", "b", "c", "a.x", "a.y", "b.x", "_id"])
OPERATORS = st.one_of(
    st.builds(lambda name, value: {name: value}, st.sampled_from(["$eq", "$ne"]), VALUES),
    st.builds(
        lambda name, value: {name: value}, st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), SCALARS
    ),
    st.builds(lambda low, high: {"$gte": low, "$lt": high}, st.integers(-1, 3), st.integers(-1, 3)),
    st.builds(lambda values: {"$in": values}, st.lists(VALUES, max_size=3)),
    st.builds(lambda values: {"$nin": values}, st.lists(SCALARS, max_size=2)),
    st.builds(lambda found: {"$exists": found}, st.booleans()),
    st.builds(lambda value: {"$elemMatch": {"x": value}}, SCALARS),
    st.builds(lambda value: {"$elemMatch": {"$gt": value}}, SCALARS),
    st.builds(lambda value: {"$not": {"$gt": value}}, SCALARS),
    st.builds(lambda values: {"$all": values}, st.lists(SCALARS, max_size=2)),
    st.just({"$size": 1}),
)
PLAIN = st.dictionaries(PATHS, st.one_of(SCALARS, OPERATORS), max_size=3)
FILTERS = st.one_of(
    PLAIN,
    st.builds(lambda branches: {"$or": branches}, st.lists(PLAIN, min_size=1, max_size=3)),
    st.builds(
        lambda plain, branches: {**plain, "$or": branches},
        PLAIN,
        st.lists(PLAIN, min_size=1, max_size=3),
    ),
    st.builds(lambda branches: {"$and": branches}, st.lists(PLAIN, min_size=1, max_size=3)),
)
DIRECTIONS = st.sampled_from([1, -1])
KEYS = st.lists(st.tuples(PATHS, DIRECTIONS), min_size=1, max_size=3, unique_by=lambda key: key[0])
INDEXES = st.lists(st.tuples(KEYS, st.booleans()), max_size=3, unique_by=lambda each: str(each))
SORTS = st.lists(st.tuples(PATHS, DIRECTIONS), max_size=2, unique_by=lambda key: key[0])


def defined(indexes):
    return [
        IndexDefinition(name=f"{place}_{default_name(keys)}", keys=tuple(keys), sparse=sparse)
        for place, (keys, sparse) in enumerate(indexes)
    ]


def answer(ask):
    try:
        return ask()
    except DatabaseRequestFailed as refusal:
        return refusal.mongo_code


def sorted_scan(documents, filter_, sort, wanted):
    found = [each for each in documents if compile_filter(filter_).matches(each)]
    if sort:
        return sort_documents(found, sort, wanted)
    return found if wanted is None else found[:wanted]


class Stored:
    """A collection in a real store, and a reader over it."""

    def __init__(self):
        self.store = TinyDocumentStore(SuiteDB(mode="memory"), mode="memory", clock=ManualClock())
        self.store.commit([Create("c")])
        clock = ManualClock()
        self.reader = Reader(clock=clock, advisor=Advisor(clock))
        self.filters = Filters()

    def try_commit(self, *writes):
        with contextlib.suppress(DatabaseRequestFailed):  # parallel arrays, which no index holds
            self.store.commit(writes)

    def read(self, filter_, sort, wanted, store=None):
        known = self.filters.known("c", filter_, now_ms=0)
        question = Question(
            name="c",
            collection=(store or self.store).collection("c"),
            matcher=known.matcher,
            sort=tuple(sort),
            wanted=wanted,
            known=known,
        )
        return self.reader.read_now(question)

    def equal(self, filter_, wanted):
        collection = self.store.collection("c")
        return self.reader.equal("c", collection, filter_, wanted, "")


@given(
    documents=st.lists(DOCUMENTS, max_size=12),
    changes=st.lists(st.tuples(st.integers(0, 11), st.none() | DOCUMENTS), max_size=6),
    indexes=INDEXES,
    filter_=FILTERS,
    sort=SORTS,
    wanted=st.none() | st.integers(0, 4),
)
@settings(max_examples=400, deadline=None)
def test_index_answer_is_scan_answer(documents, changes, indexes, filter_, sort, wanted):
    stored = Stored()
    definitions = defined(indexes)
    half = len(documents) // 2
    stored.try_commit(*(Put("c", {"_id": n, **each}) for n, each in enumerate(documents[:half])))
    for place in range(len(definitions)):
        stored.try_commit(Describe("c", with_definitions({}, definitions[: place + 1])))
    # What is found out now must not spoil the answer after the changes.
    answer(lambda: stored.read(filter_, sort, wanted).documents)
    for number, document in enumerate(documents[half:], half):
        stored.try_commit(Put("c", {"_id": number, **document}))
    for number, document in changes:
        write = Delete("c", number) if document is None else Put("c", {"_id": number, **document})
        stored.try_commit(write)
    everything = stored.store.collection("c").snapshot()
    expected = answer(lambda: sorted_scan(everything, filter_, sort, wanted))
    got = answer(lambda: stored.read(filter_, sort, wanted).documents)
    assert repr(got) == repr(expected)
    shortly = stored.equal(filter_, wanted)
    if shortly is not None:
        expected = sorted_scan(everything, filter_, (), wanted)
        assert repr(shortly) == repr(expected)
        assert stored.reader.equal_count("c", stored.store.collection("c"), filter_, "") in (
            None,
            len(sorted_scan(everything, filter_, (), None)),
        )


PAIRS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "a.x"]),
    st.one_of(st.integers(0, 3), st.builds(lambda low: {"$gte": low}, st.integers(0, 3))),
    min_size=1,
    max_size=3,
)


@given(
    documents=st.lists(
        st.dictionaries(
            st.sampled_from("abc"),
            st.one_of(st.integers(0, 3), st.lists(st.integers(0, 3), max_size=2)),
        ),
        max_size=12,
    ),
    indexes=INDEXES,
    filter_=PAIRS,
    values=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    later=st.lists(DOCUMENTS, max_size=2),
    sort=SORTS,
    wanted=st.none() | st.integers(0, 4),
)
@settings(max_examples=300, deadline=None)
def test_a_plan_serves_other_values_of_a_shape(
    documents, indexes, filter_, values, later, sort, wanted
):
    stored = Stored()
    for number, document in enumerate(documents):
        stored.try_commit(Put("c", {"_id": number, **document}))
    definitions = defined(indexes)
    for place in range(len(definitions)):
        stored.try_commit(Describe("c", with_definitions({}, definitions[: place + 1])))
    for number, value in enumerate(values):
        if later and number == len(values) // 2:
            stored.try_commit(Put("c", {"_id": 99, **later.pop()}))
        changed = {
            path: {"$gte": value} if type(said) is dict else (value + place) % 4
            for place, (path, said) in enumerate(filter_.items())
        }
        everything = stored.store.collection("c").snapshot()
        expected = answer(lambda now=changed: sorted_scan(everything, now, sort, wanted))  # noqa: B023
        got = answer(lambda now=changed: stored.read(now, sort, wanted).documents)
        assert repr(got) == repr(expected)


CHANGES = st.lists(st.tuples(st.integers(0, 9), st.none() | DOCUMENTS), max_size=4)


@given(
    documents=st.lists(DOCUMENTS, max_size=8),
    keys=KEYS,
    outside=CHANGES,
    own=CHANGES,
    filter_=FILTERS,
    sort=SORTS,
    wanted=st.none() | st.integers(0, 4),
)
@settings(max_examples=300, deadline=None)
def test_a_transaction_reads_by_index_what_it_sees(
    documents, keys, outside, own, filter_, sort, wanted
):
    stored = Stored()
    stored.try_commit(Describe("c", with_definitions({}, defined([(keys, False)]))))
    for number, document in enumerate(documents):
        stored.try_commit(Put("c", {"_id": number, **document}))
    versions = VersionedStore(stored.store)
    overlay = OverlayStore(versions, versions.open())
    for changes, store in ((outside, versions), (own, overlay)):
        for number, document in changes:
            write = Put("c", {"_id": number, **document}) if document else Delete("c", number)
            with contextlib.suppress(DatabaseRequestFailed, TransactionConflict):
                store.commit([write])
    seen = overlay.collection("c").snapshot()
    expected = answer(lambda: sorted_scan(seen, filter_, sort, wanted))
    got = answer(lambda: stored.read(filter_, sort, wanted, overlay).documents)
    assert repr(got) == repr(expected)
    ids = list(range(11))
    assert list(overlay.collection("c").numbered(ids).values()) == seen


LONGITUDES = st.one_of(st.floats(-180, 180), st.floats(-0.2, 0.2), st.sampled_from([-180, 179.999]))
LATITUDES = st.one_of(st.floats(-90, 90), st.floats(-0.2, 0.2), st.sampled_from([-90, 89.99]))
POINTS = st.builds(
    lambda x, y: {"type": "Point", "coordinates": [x, y]},
    LONGITUDES,
    LATITUDES,
)
PLACES = st.one_of(
    POINTS,
    st.lists(POINTS, max_size=2),
    st.none(),
    st.builds(lambda x, y: [x, y], LONGITUDES, LATITUDES),
)


@given(
    places=st.lists(PLACES, max_size=30),
    moved=st.dictionaries(st.integers(0, 29), PLACES, max_size=4),
    here=POINTS,
    most=st.none() | st.sampled_from([10.0, 5_000.0, 3_000_000.0]),
    wanted=st.none() | st.integers(0, 4),
)
@settings(max_examples=200, deadline=None)
def test_the_nearest_are_the_nearest_of_all(places, moved, here, most, wanted):
    stored = Stored()
    description = with_definitions({}, [IndexDefinition(name="at", keys=(("at", "2dsphere"),))])
    stored.store.commit([Describe("c", description)])
    stored.store.collection("c").indexes()[1].build()
    for number, place in enumerate(places):
        stored.store.commit([Put("c", {"_id": number, "at": place, "odd": number % 2})])
    for number, place in moved.items():
        stored.store.commit([Put("c", {"_id": number, "at": place, "odd": 1})])
    near = {"$geometry": here} if most is None else {"$geometry": here, "$maxDistance": most}
    matcher = compile_filter({"at": {"$nearSphere": near}, "odd": 1})
    question = Question(
        name="c",
        collection=stored.store.collection("c"),
        matcher=matcher,
        wanted=wanted,
        places={"at": "at"},
    )
    found = stored.reader.read_now(question).documents
    matching = [each for each in question.collection.snapshot() if matcher.matches(each)]
    expected = sorted(matching, key=matcher.near.distance_m)[:wanted]
    assert [each["_id"] for each in found] == [each["_id"] for each in expected]


def test_few_of_many_are_found_without_a_look_at_all():
    stored = Stored()
    stored.try_commit(*(Put("c", {"_id": n, "a": n % 3, "b": n}) for n in range(5_000)))
    soon = stored.read({"a": 1}, (), 4)
    assert [each["b"] for each in soon.documents] == [1, 4, 7, 10]
    assert soon.documents_examined == FIRST_LOOK_DOCUMENTS
    assert soon.lacks_index
    late = stored.read({"b": {"$gte": 4_990}}, (), 4)
    assert [each["b"] for each in late.documents] == [4_990, 4_991, 4_992, 4_993]
    assert late.documents_examined > FIRST_LOOK_DOCUMENTS
