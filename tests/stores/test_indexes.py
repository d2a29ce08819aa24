"""Indexes over the documents of one collection, kept by writes and built in pieces."""

import pytest

from emulator.core.errors import DatabaseRequestFailed, DuplicateKey
from emulator.core.indexes import BEYOND, IndexDefinition, key_of
from emulator.core.planner import Reach
from emulator.stores.indexes import CollectionIndexes, Index, check_documents


def definition(*keys, **options):
    return IndexDefinition(name="i", keys=keys, **options)


def point(*values):
    return Reach(points=(tuple(key_of(value, 1) for value in values),))


def span(low, high):
    return Reach(spans=(((key_of(low, 1),), (key_of(high, 1), BEYOND)),))


def index_over(documents, *keys, **options):
    made = Index(definition(*keys, **options), documents)
    made.build()
    return made


DOCUMENTS = {1: {"n": 3}, 2: {"n": 1}, 3: {"n": [1, 2]}, 4: {}, 5: {"n": "a"}}


@pytest.mark.parametrize(
    ("reach", "numbers"),
    [
        pytest.param(point(1), [2, 3], id="one value"),
        pytest.param(point(2), [3], id="an element of an array"),
        pytest.param(point(None), [4], id="missing"),
        pytest.param(span(1, 3), [1, 2, 3], id="a span, each document once"),
        pytest.param(point(9), [], id="nobody"),
    ],
)
def test_find(reach, numbers):
    assert list(index_over(DOCUMENTS, ("n", 1)).find(reach)) == numbers


def test_arrays_are_noticed():
    assert index_over(DOCUMENTS, ("n", 1)).arrays == [True]
    assert index_over({1: {"n": [1]}}, ("n", 1)).arrays == [False]


def test_walk_goes_in_order_with_ties_oldest_first():
    documents = {1: {"n": 2}, 2: {"n": 1}, 3: {"n": 2}, 4: {"n": 1}}
    index = index_over(documents, ("n", 1))
    everything = (((), (BEYOND,)),)
    forward = Reach(spans=everything, ordered=True, ties=1)
    assert [each["n"] for each in index.walk(forward)] == [1, 1, 2, 2]
    assert [id(each) for each in index.walk(forward)] == [
        id(documents[number]) for number in (2, 4, 1, 3)
    ]
    backward = Reach(spans=everything, ordered=True, reverse=True, ties=1)
    assert [id(each) for each in index.walk(backward)] == [
        id(documents[number]) for number in (1, 3, 2, 4)
    ]


def test_writes_between_the_pieces_of_a_building_are_seen_once():
    documents = {number: {"n": number % 2} for number in range(1, 11)}
    index = Index(definition(("n", 1)), documents)
    assert not index.build(4)
    for number, document in ((2, {"n": 7}), (9, {"n": 7}), (11, {"n": 7})):
        old = documents.get(number)
        documents[number] = document
        index.put(number, old, document)
    for number in (3, 8):
        index.delete(number, documents.pop(number))
    assert not index.build(2)
    assert index.build(100)
    assert list(index.find(point(7))) == [2, 9, 11]
    assert list(index.find(point(1))) == [1, 5, 7]
    assert list(index.find(point(0))) == [4, 6, 10]


def test_a_number_that_was_free_comes_in_while_building():
    documents = {1: {"n": 1}, 2: {"n": 1}, 5: {"n": 1}, 6: {"n": 1}}
    index = Index(definition(("n", 1)), documents)
    index.build(1)
    documents[4] = {"n": 1}
    index.put(4, None, documents[4])
    assert index.build()
    assert list(index.find(point(1))) == [1, 2, 4, 5, 6]


def test_a_document_that_changes_leaves_its_old_keys():
    documents = {1: {"n": [1, 2]}}
    index = index_over(documents, ("n", 1))
    old, documents[1] = documents[1], {"n": [2, 3]}
    index.put(1, old, documents[1])
    assert [list(index.find(point(n))) for n in (1, 2, 3)] == [[], [1], [1]]


def test_unique_refuses_what_another_has_and_lets_documents_change_places():
    documents = {1: {"n": 1}, 2: {"n": 2}}
    index = index_over(documents, ("n", 1), unique=True)
    with pytest.raises(DuplicateKey, match=r"collection: c index: i dup key: { n: 2 }"):
        index.prepare("c", {3: {"n": 2}}, frozenset())
    with pytest.raises(DuplicateKey):
        index.prepare("c", {3: {"n": 3}, 4: {"n": 3.0}}, frozenset())
    index.prepare("c", {1: {"n": 2}, 2: {"n": 1}}, frozenset())
    index.prepare("c", {3: {"n": 2}}, {2})
    index.prepare("c", {3: {"n": [3, 3]}}, frozenset())


def test_missing_is_null_to_a_unique_index_unless_it_is_sparse():
    documents = {1: {}, 2: {"n": None}}
    with pytest.raises(DuplicateKey, match="n: null"):
        check_documents("c", [definition(("n", 1), unique=True)], documents)
    check_documents("c", [definition(("n", 1), unique=True, sparse=True)], {1: {}, 2: {}})


@pytest.mark.parametrize(
    ("keys", "document", "code"),
    [
        pytest.param([("a", 1)], {"a": "x" * 1100}, 17280, id="a key too long"),
        pytest.param([("a", 1)], {"a": "字" * 400}, 17280, id="its bytes count"),
        pytest.param([("a", 1), ("b", 1)], {"a": [1], "b": [2]}, 171, id="parallel arrays"),
        pytest.param([("a", "2dsphere")], {"a": 5}, 16755, id="no place"),
        pytest.param([("a", "2dsphere")], {"a": [200, 0]}, 16755, id="a place out of range"),
        pytest.param([("a", "2d")], {"a": {"x": 1}}, 16755, id="no pair"),
    ],
)
def test_what_no_index_holds_is_refused(keys, document, code):
    with pytest.raises(DatabaseRequestFailed) as refused:
        check_documents("c", [definition(*keys)], {1: document})
    assert refused.value.mongo_code == code


@pytest.mark.parametrize(
    "place",
    [None, [1, 2], {"type": "Point", "coordinates": [1, 2]}, [[1, 2], [3, 4]], {"x": 1, "y": 2}],
)
def test_places_and_their_absence_are_held(place):
    for direction in ("2dsphere", "2d"):
        check_documents("c", [definition(("a", direction))], {1: {"a": place}, 2: {}})


def test_definitions_that_stay_are_not_built_again():
    documents = {1: {"n": 1}}
    indexes = CollectionIndexes(documents)
    first, second = definition(("n", 1)), definition(("m", 1))
    indexes.define([first])
    (kept,) = indexes.defined
    indexes.try_out("c", [first, second])
    indexes.define([first, second])
    assert indexes.defined[0] is kept
    assert [index.definition.keys[0][0] for index in indexes.readable()] == ["_id", "n", "m"]


def test_a_document_whose_keys_are_shared_is_not_looked_at(monkeypatch):
    documents = {1: {"n": [1], "m": 1}, 2: {"n": [2], "m": 1}}
    index = index_over(documents, ("n", 1), unique=True)
    changed = {**documents[1], "m": 2}
    monkeypatch.setattr(index, "_rows_of", lambda _document: pytest.fail("asked for its keys"))
    index.prepare("c", {1: changed}, frozenset())
    index.put(1, documents[1], changed)
    documents[1] = changed
    assert list(index.find(point(1)).values()) == [changed]


def test_unique_knows_documents_whose_keys_are_shared():
    documents = {1: {"n": 1}, 2: {"n": 2}}
    index = index_over(documents, ("n", 1), unique=True)
    drafts = {1: {**documents[1], "m": 2}, 2: {"n": 1}}
    with pytest.raises(DuplicateKey):
        index.prepare("c", drafts, frozenset())
    index.prepare("c", {**drafts, 1: {"n": 2}}, frozenset())


def test_in_the_order_they_came_in_without_ties():
    documents = {1: {"n": 2}, 2: {"n": 1}, 3: {"n": 2}}
    index = index_over(documents, ("n", 1))
    assert [each["n"] for each in index.walk(span(1, 2))] == [2, 1, 2]
    assert [each["n"] for each in index.walk(point(2))] == [2, 2]
    assert list(index.walk(point(9))) == []
