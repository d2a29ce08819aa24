"""Laws of order and equality: total, one with equality, the same as the plain model."""

import itertools

import property_models as model
from hypothesis import event, given
from hypothesis import strategies as st
from property_values import DOCUMENTS, SORTS, VALUES

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.indexes import compile_order
from emulator.core.ordering import (
    TopDocuments,
    compare,
    equal,
    hash_key,
    identical,
    sort_documents,
    sort_key,
)
from emulator.core.values import MIN_KEY


@given(VALUES, VALUES)
def test_order_is_the_models_and_antisymmetric(a, b):
    assert compare(a, b) == model.compare(a, b) == -compare(b, a)


@given(st.lists(VALUES, min_size=3, max_size=3))
def test_order_is_transitive(values):
    for a, b, c in itertools.permutations(values):
        if compare(a, b) <= 0 and compare(b, c) <= 0:
            assert compare(a, c) <= 0


@given(VALUES, VALUES)
def test_equality_order_and_hash_key_agree(a, b):
    assert equal(a, b) == (compare(a, b) == 0) == (hash_key(a) == hash_key(b))
    assert equal(a, a)
    assert hash(hash_key(a)) == hash(hash_key(a))
    if identical(a, b):
        assert equal(a, b)
    if equal(a, b):
        assert sort_key(a) == sort_key(b)


def holds_min_key(value):
    inner = value.values() if type(value) is dict else value if type(value) is list else ()
    return value == MIN_KEY or any(map(holds_min_key, inner))


def holds_array(value):
    return type(value) is list or (type(value) is dict and any(map(holds_array, value.values())))


SORTABLE = st.lists(DOCUMENTS.filter(lambda one: not holds_min_key(one)), max_size=12)


@given(SORTABLE, SORTS, st.integers(0, 12))
def test_sorting_is_the_models(documents, sort, limit):
    documents = [{**document, "_id": place} for place, document in enumerate(documents)]
    try:
        found = sort_documents(documents, sort)
    except DatabaseRequestFailed:
        event("parallel arrays")
        found = None
    if found is None:
        assert len(sort) > 1
        return
    if len(sort) == 1 or not any(map(holds_array, documents)):
        assert [one["_id"] for one in found] == [
            one["_id"] for one in model.ordered(documents, sort)
        ]
    top = TopDocuments(sort, limit)
    for document in documents:
        top.add([document])
    assert [id(one) for one in top.result()] == [id(one) for one in found[:limit]]
    cut = sort_documents(documents, sort, limit)
    assert [id(one) for one in cut] == [id(one) for one in found[:limit]]


@given(st.lists(DOCUMENTS, max_size=8), SORTS)
def test_rows_order_documents_as_sorting_does(documents, sort):
    try:
        expected = sort_documents(documents, sort)
    except DatabaseRequestFailed:
        return
    assert sorted(documents, key=compile_order(sort)) == expected
