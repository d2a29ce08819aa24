"""Bounds of filters, rows of documents and the choice of an index, by table."""

import pytest

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.indexes import (
    BEYOND,
    IndexDefinition,
    compile_order,
    compile_rows,
    default_name,
    descending,
    described,
    from_document,
    key_of,
    row_bytes,
    to_document,
    with_definitions,
)
from emulator.core.ordering import sort_key
from emulator.core.planner import Reach, choose, could_serve, demands_of, equal_reach
from emulator.core.query import compile_filter
from emulator.core.values import Binary, Date, Edge, ObjectId, Regex, Timestamp

IN_ORDER = [
    Edge(-1),
    None,
    float("nan"),
    -5,
    1,
    2.5,
    "",
    "a",
    "b",
    {},
    {"a": 1},
    [],
    [1],
    Binary(b"a", 0),
    ObjectId("0" * 24),
    ObjectId("1" * 24),
    False,
    True,
    Date(-1),
    Date(1),
    Timestamp(1, 2),
    Regex("a", ""),
    Edge(1),
]


def test_descending_keys_are_ascending_ones_the_other_way_round():
    up = [key_of(value, 1) for value in IN_ORDER]
    down = [key_of(value, -1) for value in IN_ORDER]
    assert sorted(up) == up
    assert sorted(down) == down[::-1]
    assert all(
        hash(descending(sort_key(value))) == hash(key)
        for value, key in zip(IN_ORDER, down, strict=True)
    )
    assert all(key < BEYOND for key in (*up, *down))


def index(*keys, **options):
    return IndexDefinition(name=default_name(keys), keys=keys, **options)


@pytest.mark.parametrize(
    ("keys", "document", "rows"),
    [
        pytest.param([("a", 1)], {"a": 1}, [(1,)], id="a value"),
        pytest.param([("a", 1)], {}, [(None,)], id="nothing"),
        pytest.param([("a", 1)], {"a": [1, 2, 1.0]}, [(1,), (2,)], id="each element once"),
        pytest.param([("a", 1), ("b", 1)], {"a": [1, 2], "b": 3}, [(1, 3), (2, 3)], id="two keys"),
        pytest.param(
            [("a.x", 1), ("a.y", 1)],
            {"a": [{"x": 1, "y": 2}, {"x": 3}]},
            [(1, 2), (3, None)],
            id="elements together",
        ),
    ],
)
def test_rows(keys, document, rows):
    found = compile_rows(index(*keys))(document)
    assert found == [tuple(map(sort_key, row)) for row in rows]


def test_a_sparse_index_leaves_out_documents_without_its_fields():
    rows_of = compile_rows(index(("a.b", 1), ("c", 1), sparse=True))
    assert rows_of({"a": {"x": 1}}) == rows_of({"a": 5}) == rows_of({"a": [{}]}) == []
    for document in ({"a": {"b": None}}, {"c": 1}, {"a": [{"b": 1}]}, {"a": [0, {"b": 1}]}):
        assert len(rows_of(document)) >= 1
    assert compile_rows(index(("a.0", 1), sparse=True))({"a": [1]}) != []


def test_parallel_arrays_have_no_rows():
    with pytest.raises(DatabaseRequestFailed, match="cannot index parallel arrays") as refused:
        compile_rows(index(("a", 1), ("b", 1)))({"a": [1], "b": [2]})
    assert refused.value.mongo_code == 171
    with pytest.raises(DatabaseRequestFailed) as refused:
        compile_order([("a", 1), ("b", 1)])({"a": [1], "b": [2]})
    assert refused.value.mongo_code == 2


def test_a_definition_is_remembered():
    definition = index(("a", 1), ("b", -1), unique=True, sparse=True, expire_after_s=5)
    assert from_document(to_document(definition)) == definition
    description = with_definitions({"rule": "x"}, [definition, index(("p", "2dsphere"))])
    assert described(description) == (definition, index(("p", "2dsphere")))
    assert description["rule"] == "x"
    assert described({"indexes": 5}) == described({}) == described({"indexes": [1]}) == ()


@pytest.mark.parametrize(
    ("values", "size"),
    [
        (["a" * 10], 19),
        (["字"], 12),
        ([1], 9),
        ([None, Date(1)], 18),
        ([Binary(b"ab", 0)], 11),
        ([1, "a"], 19),
    ],
)
def test_the_size_of_a_key(values, size):
    for direction in (1, -1):
        assert row_bytes(tuple(key_of(value, direction) for value in values)) == size
    nested = row_bytes((key_of({"name": ["x" * 100, 1]}, 1),))
    assert 113 <= nested < 200


# --- choice --------------------------------------------------------------------------------------


class Planned:
    def __init__(self, definition, arrays=None, count=0, walks=True):
        self.definition = definition
        self.walks = walks
        self.arrays = arrays or [False] * len(definition.keys)
        self._count = count

    def count(self, reach):
        return self._count


def plan(filter_, *indexes, sort=(), limited=True):
    chosen = choose(
        dict(enumerate(indexes)), demands_of(compile_filter(filter_).node), sort, limited=limited
    )
    return None if chosen is None else [(use.place, use.bound) for use in chosen.uses]


A, B, AB = (Planned(index(*keys)) for keys in ([("a", 1)], [("b", 1)], [("a", 1), ("b", -1)]))


@pytest.mark.parametrize(
    ("filter_", "indexes", "sort", "chosen"),
    [
        pytest.param({"a": 1}, [B, A], (), [(1, 1)], id="the one that knows the path"),
        pytest.param({"c": 1}, [A, B], (), None, id="none knows it"),
        pytest.param({"a": 1, "b": 2}, [A, AB], (), [(1, 2)], id="more keys fixed"),
        pytest.param({"a": 1, "b": {"$gt": 2}}, [A, AB], (), [(1, 2)], id="a range behind"),
        pytest.param({"b": 1}, [AB], (), None, id="no prefix"),
        pytest.param({"a": 1}, [A, AB], (("b", 1),), [(1, 1)], id="in order"),
        pytest.param({}, [B, AB], (("a", -1), ("b", 1)), [(1, 0)], id="order alone, reversed"),
        pytest.param({}, [AB], (("a", 1), ("b", 1)), None, id="directions that do not fit"),
        pytest.param({}, [AB], (("a", 1), ("c", 1)), None, id="an order that goes on elsewhere"),
        pytest.param({}, [Planned(index(("a", 1)), [True])], (("a", 1),), None, id="arrays"),
        pytest.param(
            {}, [Planned(index(("a", 1), sparse=True))], (("a", 1),), None, id="sparse order"
        ),
        pytest.param(
            {}, [Planned(index(("a", 1)), walks=False)], (("a", 1),), None, id="cannot be walked"
        ),
        pytest.param(
            {"a": None}, [Planned(index(("a", 1), sparse=True))], (), None, id="sparse null"
        ),
        pytest.param({"p": 1}, [Planned(index(("p", "2dsphere")))], (), None, id="places"),
        pytest.param({"a.0": 1}, [Planned(index(("a.0", 1)))], (), None, id="a numeric part"),
        pytest.param({"$or": [{"a": 1}, {"b": 1}]}, [A, B], (), [(0, 1), (1, 1)], id="or"),
        pytest.param({"$or": [{"a": 1}, {"c": 1}]}, [A, B], (), None, id="a branch without"),
        pytest.param({"a": {"$in": []}}, [A], (), [(0, 1)], id="nothing wanted"),
        pytest.param(
            {"a": 1, "b": 1},
            [Planned(index(("a", 1)), count=9), Planned(index(("b", 1)), count=3)],
            (),
            [(1, 1)],
            id="fewer documents",
        ),
        pytest.param(
            {"a": {"$in": list(range(40))}, "b": {"$in": list(range(40))}},
            [AB],
            (),
            [(0, 1)],
            id="too many combinations",
        ),
    ],
)
def test_choose(filter_, indexes, sort, chosen):
    assert plan(filter_, *indexes, sort=sort) == chosen


def test_an_order_without_a_limit_needs_no_index():
    assert plan({}, A, sort=(("a", 1),), limited=False) is None


def test_two_keys_through_arrays_are_not_bound_together():
    both = Planned(index(("a.x", 1), ("a.y", 1)), [True, True])
    assert plan({"a.x": 1, "a.y": 1}, both) == [(0, 1)]
    one = Planned(index(("a.x", 1), ("a.y", 1)), [True, False])
    assert plan({"a.x": 1, "a.y": 1}, one) == [(0, 2)]


def test_could_serve_looks_at_first_keys_only():
    definitions = [index(("a", 1)), index(("b", 1), ("a", 1)), index(("c", "2dsphere"))]
    demands = demands_of(compile_filter({"$or": [{"a": 1}, {"c": 1}]}).node)
    assert could_serve(definitions, demands, ()) == [0]
    assert could_serve(definitions, demands_of(compile_filter({}).node), (("b", 1),)) == [1]


@pytest.mark.parametrize(
    ("definition", "value", "reach"),
    [
        (index(("a", 1)), 5, Reach(points=(((4, 5),),))),
        (index(("a", -1)), 5, Reach(points=(((-4, -5),),))),
        (index(("a", 1)), None, Reach(points=(((2,),),))),
        (index(("a", 1), sparse=True), None, None),
        (index(("a", 1)), [5], None),
        (index(("a.0", 1)), 5, None),
        (index(("a", 1), ("b", 1)), 5, Reach(spans=((((4, 5),), ((4, 5), BEYOND)),))),
    ],
)
def test_where_one_value_is(definition, value, reach):
    assert equal_reach(definition, value) == reach
