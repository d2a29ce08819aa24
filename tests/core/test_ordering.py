"""The total order, equality, hash keys and the sorting of documents."""

import itertools
from decimal import Decimal

import pytest

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.ordering import (
    TopDocuments,
    compare,
    equal,
    hash_key,
    identical,
    sort_documents,
    sort_key,
)
from emulator.core.values import (
    MAX_KEY,
    MIN_KEY,
    MISSING,
    Binary,
    Date,
    Int64,
    ObjectId,
    Regex,
    Timestamp,
)

NAN = float("nan")

ASCENDING = [
    MIN_KEY,
    MISSING,
    None,
    NAN,
    float("-inf"),
    -5,
    0,
    1,
    1.5,
    Decimal("1.75"),
    2,
    2**53,
    2**53 + 1,
    float("inf"),
    "",
    "B",
    "a",
    "é",
    "中",
    "\U0001f600",
    {},
    {"w": 9},
    {"x": 1},
    {"x": 1, "y": 1},
    {"x": 2},
    {"a": "s"},
    {"a": {}},
    [],
    [1],
    [1, 1],
    [2],
    ["a"],
    Binary(b"z"),
    Binary(b"z", 5),
    Binary(b"aa"),
    ObjectId("0" * 24),
    ObjectId("f" * 24),
    False,
    True,
    Date(-1),
    Date(0),
    Timestamp(0, 9),
    Timestamp(1, 0),
    Regex("a"),
    Regex("a", "i"),
    Regex("b"),
    MAX_KEY,
]


@pytest.mark.parametrize(
    ("lower", "higher"),
    [pytest.param(a, b, id=f"{a!r:.20}<{b!r:.20}") for a, b in itertools.pairwise(ASCENDING)],
)
def test_neighbours_in_the_order_compare_as_they_stand(lower, higher):
    assert (compare(lower, higher), compare(higher, lower)) == (-1, 1)
    assert not equal(lower, higher)
    assert hash_key(lower) != hash_key(higher)


def test_sort_key_puts_every_kind_in_its_place():
    mixed = [*ASCENDING[1::2], *ASCENDING[::2]]
    assert [repr(v) for v in sorted(mixed, key=sort_key)] == [repr(v) for v in ASCENDING]


EQUAL = [
    pytest.param(1, 1.0, id="int and double"),
    pytest.param(1, Int64(1), id="int and long"),
    pytest.param(Int64(1), Decimal("1.00"), id="long and decimal"),
    pytest.param(0.0, -0.0, id="zeros"),
    pytest.param(NAN, float("nan"), id="NaN"),
    pytest.param(NAN, Decimal("NaN"), id="NaN of two kinds"),
    pytest.param([1, {"a": NAN}], [1.0, {"a": NAN}], id="nested"),
    pytest.param("a", "a", id="strings"),
    pytest.param(Date(5), Date(5), id="dates"),
]


@pytest.mark.parametrize(("a", "b"), EQUAL)
def test_equal_values_compare_alike_and_share_a_hash_key(a, b):
    assert equal(a, b)
    assert equal(b, a)
    assert compare(a, b) == 0
    assert hash_key(a) == hash_key(b)
    assert hash(hash_key(a)) == hash(hash_key(b))


DIFFERENT = [
    pytest.param(True, 1, id="true and 1"),
    pytest.param(False, 0.0, id="false and zero"),
    pytest.param(None, MISSING, id="null and missing"),
    pytest.param("1", 1, id="text and number"),
    pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, id="order of keys"),
    pytest.param([1], [1, 2], id="length"),
    pytest.param([1], {"0": 1}, id="array and object"),
    pytest.param({"a": 1}, {"b": 1}, id="names"),
    pytest.param(Date(1), 1, id="date and number"),
    pytest.param([True], [1], id="bool inside an array"),
    pytest.param(ObjectId("a" * 24), "a" * 24, id="id and text"),
]


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_different_values_differ_everywhere(a, b):
    assert not equal(a, b)
    assert not equal(b, a)
    assert compare(a, b) != 0
    assert hash_key(a) != hash_key(b)


def test_a_string_is_its_own_hash_key_and_nothing_else_is_a_string():
    assert hash_key("x") == "x"
    assert not any(type(hash_key(value)) is str for value in ASCENDING if type(value) is not str)


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        pytest.param(1, 1.0, False, id="another kind of number"),
        pytest.param(1, Int64(1), False, id="int32 and int64"),
        pytest.param({"a": [1]}, {"a": [1]}, True, id="nested"),
        pytest.param({"a": [1]}, {"a": [1.0]}, False, id="nested kind"),
        pytest.param({"a": 1, "b": 1}, {"b": 1, "a": 1}, False, id="order"),
        pytest.param([1], [1, 2], False, id="length"),
        pytest.param(NAN, NAN, True, id="NaN"),
    ],
)
def test_identical_means_stored_alike(a, b, verdict):
    assert identical(a, b) is verdict


# --- documents -----------------------------------------------------------------------------------


def ids(documents):
    return [document["_id"] for document in documents]


def rows(*values):
    return [
        {"_id": place} if value is MISSING else {"_id": place, "a": value}
        for place, value in enumerate(values)
    ]


SORTS = [
    pytest.param(rows(3, 1, 2), [("a", 1)], [1, 2, 0], id="numbers up"),
    pytest.param(rows(3, 1, 2), [("a", -1)], [0, 2, 1], id="numbers down"),
    pytest.param(rows(1, 1.5, Int64(0)), [("a", 1)], [2, 0, 1], id="kinds of numbers"),
    pytest.param(rows("b", "a", "é"), [("a", -1)], [2, 0, 1], id="text down"),
    pytest.param(rows(True, False), [("a", 1)], [1, 0], id="bools"),
    pytest.param(rows(Date(5), Date(-5)), [("a", 1)], [1, 0], id="dates"),
    pytest.param(rows(1.0, NAN, 0.0), [("a", 1)], [1, 2, 0], id="NaN is lowest"),
    pytest.param(rows("x", 1, None, MISSING), [("a", 1)], [2, 3, 1, 0], id="missing is null"),
    pytest.param(rows(1, [], None), [("a", 1)], [1, 2, 0], id="empty array below null"),
    pytest.param(rows([5, 1], 3, [4]), [("a", 1)], [0, 1, 2], id="smallest element"),
    pytest.param(rows([5, 1], 3, [4]), [("a", -1)], [0, 2, 1], id="largest element"),
    pytest.param(rows(["a", 1], 3), [("a", 1)], [0, 1], id="mixed elements up"),
    pytest.param(rows(["a", 1], "b"), [("a", -1)], [1, 0], id="mixed elements down"),
    pytest.param(rows([[9], 1], [[1]]), [("a", -1)], [0, 1], id="inner arrays stay arrays"),
    pytest.param(rows(1, 1, 1), [("a", -1)], [0, 1, 2], id="ties keep their order"),
    pytest.param(rows({"b": 2}, {"b": 1}), [("a.b", 1)], [1, 0], id="nested path"),
    pytest.param(rows({"b": 1}, 5, MISSING), [("a.b", 1)], [1, 2, 0], id="broken path is null"),
    pytest.param(rows([{"b": 5}, {"b": 1}], {"b": 3}), [("a.b", 1)], [0, 1], id="array on the way"),
    pytest.param(
        rows([{"b": 5}, {"b": 1}], {"b": 3}), [("a.b", -1)], [0, 1], id="array on the way down"
    ),
    pytest.param(rows([1, {"b": 7}], {"b": 0}), [("a.b", 1)], [0, 1], id="scalar element is null"),
    pytest.param(rows([], {"b": 0}), [("a.b", 1)], [0, 1], id="empty array on the way is null"),
    pytest.param(rows([[1, 9]], [[3]]), [("a.0", -1)], [1, 0], id="array picked out of one"),
    pytest.param(rows([[1]], 9, [8]), [("a.0", -1)], [0, 2, 1], id="a picked array is an array"),
    pytest.param(
        rows([{"0": 1}, {"0": 9}], [{"0": 3}]), [("a.0", -1)], [0, 1], id="number as a name"
    ),
    pytest.param(rows([7, 3], [5]), [("a.0", 1)], [1, 0], id="index at the end"),
    pytest.param(rows(), [("a", 1)], [], id="nothing"),
]


@pytest.mark.parametrize(("documents", "sort", "expected"), SORTS)
def test_documents_are_sorted_as_mongodb_does(documents, sort, expected):
    assert ids(sort_documents(documents, sort)) == expected


def test_several_paths_count_from_left_to_right():
    documents = [{"_id": i, "a": i % 3, "b": i % 2} for i in range(12)]
    expected = sorted(documents, key=lambda d: (d["a"], -d["b"], d["_id"]))
    assert sort_documents(documents, [("a", 1), ("b", -1)]) == expected


def test_two_paths_through_one_array_share_its_element():
    documents = [
        {"_id": 0, "a": [{"x": 1, "y": 9}, {"x": 2, "y": 1}]},
        {"_id": 1, "a": [{"x": 1, "y": 5}]},
    ]
    assert ids(sort_documents(documents, [("a.x", 1), ("a.y", 1)])) == [1, 0]
    assert ids(sort_documents(documents, [("a.x", -1), ("a.y", 1)])) == [0, 1]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"a": [1, 2], "b": [3]}, id="two fields"),
        pytest.param({"a": [{"x": [1]}], "b": [1]}, id="nested"),
    ],
)
def test_parallel_arrays_are_refused(document):
    with pytest.raises(DatabaseRequestFailed, match="parallel arrays") as refusal:
        sort_documents([document], [("a", 1), ("b", 1)])
    assert refusal.value.mongo_code == 2


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        pytest.param({"a": [1, 2], "b": [3]}, ["a.0", "b.0"], id="two fields"),
        pytest.param({"a": [1, 2], "b": [3]}, ["a.0", "b"], id="one by a number"),
        pytest.param({"a": [{"x": 1}], "b": [{"x": 1}]}, ["a.0.x", "b.0.x"], id="within elements"),
        pytest.param({"a": [{"x": [1], "y": [2]}]}, ["a.0.x", "a.0.y"], id="in one element"),
    ],
)
def test_arrays_that_a_number_picks_out_of_are_parallel_too(document, paths):
    with pytest.raises(DatabaseRequestFailed, match="parallel arrays"):
        sort_documents([document], [(path, 1) for path in paths])


def test_numbers_may_pick_out_of_one_array():
    documents = [{"_id": 0, "a": [1, 3], "b": 2}, {"_id": 1, "a": [1, 2], "b": 2}]
    assert ids(sort_documents(documents, [("a.0", 1), ("a.1", 1), ("b", 1)])) == [1, 0]
    documents = [{"_id": 0, "a": [{"x": [2], "y": 1}]}, {"_id": 1, "a": [{"x": [1], "y": 1}]}]
    assert ids(sort_documents(documents, [("a.0.y", 1), ("a.0.x", 1)])) == [1, 0]


def test_an_array_beside_scalars_is_no_parallel_array():
    documents = [{"_id": 0, "a": [2, 1], "b": 1}, {"_id": 1, "a": 1, "b": 0}]
    assert ids(sort_documents(documents, [("a", 1), ("b", 1)])) == [1, 0]


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("limit", [0, 1, 7, 200, 5000])
@pytest.mark.parametrize("second", [(), (("b", -1),)], ids=["one path", "two paths"])
def test_a_limit_gives_the_front_of_the_whole_order(direction, limit, second):
    documents = [{"_id": i, "a": (i * 7919) % 50, "b": (i * 31) % 11} for i in range(1000)]
    sort = [("a", direction), *second]
    assert sort_documents(documents, sort, limit) == sort_documents(documents, sort)[:limit]


def test_sorting_changes_neither_list_nor_documents():
    documents = rows(2, [1], None)
    before = [dict(document) for document in documents]
    sort_documents(documents, [("a", 1)])
    assert documents == before


def test_no_sort_keeps_the_order_and_still_limits():
    documents = rows(1, 2, 3)
    assert ids(sort_documents(documents, [], 2)) == [0, 1]


@pytest.mark.parametrize("limit", [0, 1, 20, 700, 5000])
@pytest.mark.parametrize("sort", [[("a", 1)], [("a", -1), ("b", 1)], [("c.x", -1)], []], ids=str)
def test_the_top_of_slices_is_the_top_of_all(limit, sort):
    documents = [
        {"_id": i, "a": (i * 7919) % 50, "b": [(i * 31) % 11, i % 3], "c": [{"x": i % 7}]}
        for i in range(3000)
    ]
    documents[17]["a"] = float("nan")
    documents[2500]["a"] = "text"
    top = TopDocuments(sort, limit)
    for start in range(0, 3000, 300):
        top.add(documents[start : start + 300])
    assert top.result() == sort_documents(documents, sort, limit)


def test_the_top_refuses_parallel_arrays():
    top = TopDocuments([("a", 1), ("b", 1)], 5)
    top.add([{"a": [1], "b": [2]}])
    with pytest.raises(DatabaseRequestFailed, match="parallel arrays"):
        top.result()
