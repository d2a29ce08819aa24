"""Columns kept between runs: what they give is what a look into the documents gives."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.aggregate.columns import FEW_SHARE, Columns, Piece, values_of
from emulator.core.aggregate.environment import PipelineEnvironment
from emulator.core.aggregate.pipeline import compile_pipeline
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.ordering import identical
from emulator.core.values import MISSING, Date

DOCUMENTS = [{"_id": n, "n": n, "in": {"m": n % 3}} for n in range(10)]


def reads():
    """Return a function that reads a path's values, and the documents it was asked for."""
    asked = []

    def read(documents):
        asked.append([each["_id"] for each in documents])
        return values_of(documents, ("n",))

    return read, asked


def kept(count, room):
    """Return columns that another run has asked for the paths of these tests."""
    columns = Columns(count, room)
    for parts in (("n",), ("m",), ("in", "m")):
        columns.keeps(parts)
    with columns.used():
        return columns


def test_what_one_run_reads_is_not_kept():
    columns, (read, asked) = Columns(10, 100), reads()
    for run in range(1, 4):
        with columns.used():
            for _ in range(2):
                assert Piece(DOCUMENTS, columns, (0, 10)).column(("n",), read) == list(range(10))
        assert len(asked) == (2 if run == 1 else 3)


def test_values_are_read_once():
    columns, (read, asked) = kept(10, 100), reads()
    for _ in range(2):
        for start in (0, 4, 8):
            piece = Piece(DOCUMENTS, columns, (start, min(start + 4, 10)))
            assert piece.column(("n",), read) == list(range(start, min(start + 4, 10)))
    assert asked == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert Piece(DOCUMENTS, columns, (2, 9)).column(("n",), read) == [2, 3, 4, 5, 6, 7, 8]
    assert Piece(DOCUMENTS, columns, (0, 10)).kinds(("n",)) == {int}
    assert len(asked) == 3


def test_gaps_are_filled_in_any_order():
    columns, (read, asked) = kept(10, 100), reads()
    for place in ((6, 8), (0, 2), (1, 7)):
        Piece(DOCUMENTS, columns, place).column(("n",), read)
    assert columns.has(("n",), 0, 8)
    assert not columns.has(("n",), 0, 9)
    assert Piece(DOCUMENTS, columns, (0, 8)).column(("n",), read) == list(range(8))
    assert len(asked) == 3


def test_there_is_room_for_some_columns_only():
    columns, (read, asked) = kept(10, 10), reads()
    piece = Piece(DOCUMENTS, columns, (0, 10))
    for parts in (("n",), ("m",), ("m",)):
        assert piece.column(parts, read) == list(range(10))
    assert len(asked) == 3
    assert [len(each) for each in columns.lists] == [10]


def test_a_choice_takes_its_values_out_of_the_whole():
    columns, (read, asked) = kept(10, 100), reads()
    chosen = Piece(DOCUMENTS, columns, (0, 10)).chosen([n % 2 == 0 for n in range(10)])
    assert [each["_id"] for each in chosen] == [0, 2, 4, 6, 8]
    assert [each["_id"] for each in reversed(chosen)] == [8, 6, 4, 2, 0]
    assert (len(chosen), chosen[1]["_id"], chosen[3:]) == (5, 2, [DOCUMENTS[6], DOCUMENTS[8]])
    assert chosen.column(("n",), read) == [0, 2, 4, 6, 8]
    again = chosen.chosen([True, False, False, False, True])
    assert again.column(("n",), read) == [0, 8]
    assert again.kinds(("n",)) == {int}
    assert asked == [list(range(10))]


def test_of_few_chosen_documents_only_those_are_read():
    columns, (read, asked) = kept(10, 100), reads()
    few = Piece(DOCUMENTS, columns, (0, 10)).chosen([n < 10 // FEW_SHARE for n in range(10)])
    assert few.column(("n",), read) == [0, 1]
    assert few.kinds(("n",)) is None
    assert asked == [[0, 1]]


@pytest.mark.parametrize("most", [1, 3, 4, 20])
def test_parts_are_the_same_documents(most):
    columns, (read, _) = kept(10, 100), reads()
    whole = Piece(DOCUMENTS, columns, (1, 10))
    even = whole.chosen([n % 2 == 0 for n in range(1, 10)])
    large = even.chosen([each["n"] > 3 for each in even])
    for piece in (whole, even, large):
        parts = list(piece.parts(most))
        assert [each for part in parts for each in part] == list(piece)
        assert all(len(part) <= most for part in parts)
        values = [value for part in parts for value in part.column(("n",), read)]
        assert values == [each["n"] for each in piece]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.floats(-2, 2),
    st.just(float("nan")),
    st.sampled_from(["", "a", "b"]),
    st.lists(st.integers(0, 2), max_size=2),
    st.builds(Date, st.integers(0, 2)),
    st.builds(Decimal, st.integers(0, 2)),
    st.just(MISSING),
)
PIPELINES = [
    [{"$match": {"a": {"$gt": 0}}}],
    [{"$match": {"a": 1, "b": {"$lte": 1}}}, {"$group": {"_id": "$a", "n": {"$sum": "$b"}}}],
    [{"$match": {"a": "a"}}, {"$match": {"b": {"$in": [0, 1, 2]}}}, {"$count": "n"}],
    [{"$match": {"a": {"$gte": "a"}}}, {"$sortByCount": "$b"}],
    [{"$match": {"a": {"$gt": -1, "$lt": 2}}}, {"$limit": 3}, {"$project": {"b": 1}}],
    [{"$match": {"a": True}}, {"$skip": 1}, {"$sort": {"b": 1}}],
    [{"$match": {"a": {"$regex": "a|b"}}}, {"$unwind": "$b"}],
    [{"$match": {"a": {"$gt": {"$date": 0}}}}],
    [{"$group": {"_id": "$a", "n": {"$sum": 1}}}],
    [{"$group": {"_id": "$a", "all": {"$push": "$b"}, "n": {"$avg": "$b"}}}],
    [{"$group": {"_id": {"a": "$a", "b": "$b"}, "n": {"$sum": "$a"}, "most": {"$max": "$b"}}}],
    [{"$group": {"_id": {"a": "$a", "b": "$b", "c": "$c.d"}, "n": {"$sum": 1}}}],
    [{"$group": {"_id": "$c.d", "v": {"$sum": {"$multiply": ["$c.d", "$c.d"]}}}}],
    [{"$facet": {"x": [{"$sortByCount": "$a"}], "y": [{"$match": {"b": 1}}, {"$count": "n"}]}}],
    [
        {"$match": {"a": {"$gte": 0}}},
        {"$match": {"b": {"$gte": 0}}},
        {"$facet": {"x": [{"$sortByCount": "$c.d"}], "y": [{"$limit": 2}]}},
    ],
    [{"$group": {"_id": {"$mod": ["$b", 2]}, "least": {"$min": "$a"}, "most": {"$max": "$a"}}}],
    [{"$group": {"_id": {"$concat": ["$a", "x", "$b"]}, "n": {"$sum": "$c.d"}}}],
    [
        {"$addFields": {"x": {"$ifNull": ["$b", "$c"]}}},
        {"$group": {"_id": "$x", "n": {"$sum": "$a"}}},
    ],
    [{"$project": {"a": 1, "b": "$c.d"}}, {"$group": {"_id": "$b", "all": {"$push": "$a"}}}],
    [
        {"$match": {"a": {"$gte": 0}}},
        {"$project": {"b": 0}},
        {"$group": {"_id": "$b", "n": {"$sum": 1}}},
    ],
    [{"$set": {"b": ["$a", "$b"]}}, {"$unwind": "$b"}, {"$sortByCount": "$b"}, {"$unset": "count"}],
    [{"$unwind": "$b"}, {"$sortByCount": "$b"}],
    [{"$unwind": {"path": "$b", "preserveNullAndEmptyArrays": True}}, {"$project": {"a": 0}}],
    [{"$unwind": "$a"}, {"$unwind": "$b"}, {"$group": {"_id": "$a", "all": {"$push": "$b"}}}],
    [
        {"$match": {"a": {"$gte": 0}}},
        {"$unwind": "$b"},
        {"$group": {"_id": "$c.d", "n": {"$sum": "$b"}}},
    ],
    [{"$unwind": "$c.d"}, {"$group": {"_id": "$c.d", "all": {"$push": "$a"}}}],
    [{"$unwind": "$b"}, {"$match": {"b": 1}}, {"$facet": {"x": [{"$sortByCount": "$a"}], "y": []}}],
    [{"$bucketAuto": {"groupBy": "$a", "buckets": 3}}],
    [{"$addFields": {"x": {"$add": [1, 1]}}}, {"$match": {"x": 2, "a": 1}}],
]


def outcome(pipeline, slices):
    environment = PipelineEnvironment(now_ms=0)
    try:
        return [
            each for chunk in compile_pipeline(pipeline, environment).run(slices) for each in chunk
        ]
    except DatabaseRequestFailed as refusal:
        return [refusal.mongo_code]


@pytest.mark.parametrize("pipeline", PIPELINES, ids=str)
@given(
    rows=st.lists(st.tuples(VALUES, VALUES, VALUES), max_size=12),
    sizes=st.lists(st.integers(1, 5), min_size=3, max_size=3),
)
def test_pipelines_over_columns_give_what_they_give_over_documents(pipeline, rows, sizes):
    documents = [
        {"_id": number, "a": a, "b": b, "c": c if number % 3 else {"d": c}}
        for number, (a, b, c) in enumerate(rows)
    ]
    for document in documents:
        for name in [name for name, value in document.items() if value is MISSING]:
            del document[name]
        if type(document.get("c")) is dict and document["c"]["d"] is MISSING:
            document["c"] = {}
    columns, count = Columns(len(documents), 10_000), len(documents)
    expected = outcome(pipeline, iter([documents]))
    for size in sizes:
        places = [(start, min(start + size, count)) for start in range(0, count, size)]
        with columns.used():
            found = outcome(pipeline, (Piece(documents, columns, place) for place in places))
        assert len(found) == len(expected)
        assert all(map(identical, found, expected)), (found, expected)
