"""A filter put together from its shape is the filter compiled anew."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator.core.ordering import identical
from emulator.core.planner import demands_of
from emulator.core.query import compile_filter, compile_shaped
from emulator.core.query_shapes import CONDITIONS_MAX, TEXT_MAX_CHARACTERS, Shape, split
from emulator.core.values import Date, Int64, ObjectId, Regex

SCALARS = st.one_of(
    st.sampled_from([0, 1, -1, 0.0, 1.0, -0.0, 2.5, Int64(1), Int64(7), 2**53, 2**53 + 1]),
    st.integers(-3, 3),
    st.sampled_from(["", "a", "b", "1", True, False, Date(0), Date(5)]),
)
COMPARED = st.dictionaries(
    st.sampled_from(["$eq", "$gt", "$gte", "$lt", "$lte"]), SCALARS, min_size=1, max_size=3
)
FLAT = st.dictionaries(
    st.sampled_from(["a", "b", "c.d", "a.0", "c.d.e", "0"]),
    st.one_of(SCALARS, COMPARED),
    min_size=1,
    max_size=4,
)
FILTERS = st.one_of(
    FLAT, st.builds(lambda some: {"$and": some}, st.lists(FLAT, min_size=1, max_size=2))
)
VALUES = st.recursive(
    st.one_of(SCALARS, st.none(), st.just(float("nan"))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["d", "e", "0"]), inner, max_size=2),
    ),
    max_leaves=4,
)
DOCUMENTS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c", "0"]), VALUES), max_size=6)


def like(filter_, other):
    """Return the operands of another filter if it has this one's shape, else None."""
    one, two = split(filter_), split(other)
    assert one is not None
    assert two is not None
    return two[1] if one[0] == two[0] else None


@st.composite
def alike(draw):
    """Return two filters of one shape."""

    def another(value):
        if type(value) is dict:
            return {name: another(item) for name, item in value.items()}
        if type(value) is list:
            return [another(item) for item in value]
        kind, is_bit = type(value), value in (0, 1)
        return draw(SCALARS.filter(lambda item: type(item) is kind and (item in (0, 1)) == is_bit))

    sample = draw(FILTERS.filter(lambda each: split(each) is not None))
    return sample, another(sample)


@given(filters=alike(), documents=DOCUMENTS)
@example(filters=({"a": {"$gt": True}}, {"a": {"$gt": False}}), documents=[])
def test_a_shape_with_operands_is_the_filter(filters, documents):
    sample, filter_ = filters
    operands = like(sample, filter_)
    assert operands is not None
    shaped, anew = compile_shaped(Shape(*split(sample)), operands), compile_filter(filter_)
    assert shaped.select(documents) == anew.select(documents)
    for document in documents:
        assert shaped.matches(document) == anew.matches(document)
        assert shaped.matched_index(document) == anew.matched_index(document)
    assert identical(dict(shaped.equalities), dict(anew.equalities))
    assert demands_of(shaped.node) == demands_of(anew.node)
    assert (shaped.document_id, shaped.document_ids) == (anew.document_id, anew.document_ids)
    assert (shaped.near, shaped.is_costly) == (anew.near, anew.is_costly)


@pytest.mark.parametrize(
    "filter_",
    [
        {},
        {"_id": "x"},
        {"a": None},
        {"a": []},
        {"a": {}},
        {"a": {"b": 1}},
        {"a": {"$ne": 1}},
        {"a": {"$gt": 1, "$exists": True}},
        {"a": {"$in": [1]}},
        {"a": Regex("x")},
        {"a": ObjectId("0" * 24)},
        {"a": float("nan")},
        {"a": "x" * (TEXT_MAX_CHARACTERS + 1)},
        {"$or": [{"a": 1}]},
        {"$and": []},
        {"$and": [{"a": 1}, 5]},
        {"$and": [{"a": 1, "$or": [{"b": 1}]}]},
        {"a": 1, "$expr": True},
        {f"p{number}": number for number in range(CONDITIONS_MAX + 1)},
    ],
    ids=lambda each: repr(each)[:40],
)
def test_other_filters_have_no_shape(filter_):
    assert split(filter_) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 2}, {"a": 2.0}),
        ({"a": 2}, {"a": Int64(2)}),
        ({"a": 1}, {"a": True}),
        ({"a": 2}, {"a": "2"}),
        ({"a": 2}, {"b": 2}),
        ({"a": {"$gt": 2}}, {"a": {"$gte": 2}}),
        ({"a": 2, "b": 3}, {"b": 2, "a": 3}),
    ],
    ids=repr,
)
def test_kinds_and_names_make_a_shape(one, other):
    assert like(one, other) is None


def test_one_shape_serves_all_operands():
    assert like({"a": 2, "b": "x"}, {"a": 3, "b": "y"}) == [3, "y"]
    assert like({"a": {"$gt": 2}}, {"$and": [{"a": {"$gt": 5}}]}) == [5]
