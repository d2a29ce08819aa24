"""Slices that are unwound: documents and columns are what the elements make of each document."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.aggregate import unwound as module
from emulator.core.aggregate.columns import Columns, Piece, values_of
from emulator.core.aggregate.unwound import parted, unwind
from emulator.core.ordering import identical

DOCUMENTS = [
    {"_id": 0, "a": [1, 2], "b": {"c": "x"}},
    {"_id": 1, "a": []},
    {"_id": 2, "a": None},
    {"_id": 3},
    {"_id": 4, "a": {"d": 5}, "b": {"c": "y"}},
    {"_id": 5, "a": [[3], None, {"d": 6}]},
]
DROPPED = [
    {"_id": 0, "a": 1, "b": {"c": "x"}},
    {"_id": 0, "a": 2, "b": {"c": "x"}},
    {"_id": 4, "a": {"d": 5}, "b": {"c": "y"}},
    {"_id": 5, "a": [3]},
    {"_id": 5, "a": None},
    {"_id": 5, "a": {"d": 6}},
]
PRESERVED = [
    *DROPPED[:2],
    {"_id": 1},
    {"_id": 2, "a": None},
    {"_id": 3},
    *DROPPED[2:],
]


def base(kind):
    if kind == "list":
        return DOCUMENTS
    whole = Piece(DOCUMENTS, Columns(len(DOCUMENTS), 1_000), (0, len(DOCUMENTS)))
    return whole if kind == "piece" else whole.chosen([True] * len(DOCUMENTS))


@pytest.mark.parametrize("kind", ["list", "piece", "choice"])
@pytest.mark.parametrize(("preserves", "expected"), [(False, DROPPED), (True, PRESERVED)])
def test_documents(kind, preserves, expected):
    made = unwind(base(kind), "a", preserves=preserves)
    assert len(made) == len(expected)
    assert list(made) == made[:] == expected
    assert next(reversed(made)) is made[-1]
    assert DOCUMENTS[0]["a"] == [1, 2]


@pytest.mark.parametrize("kind", ["list", "piece"])
@pytest.mark.parametrize("parts", [("a",), ("_id",), ("b",), ("b", "c"), ("a", "d")])
def test_columns_are_those_of_the_documents(kind, parts):
    def read(documents):
        return [(each["_id"], each.get(parts[0])) for each in documents]

    made = unwind(base(kind), "a", preserves=False)
    if parts == ("a",):
        assert made.column(parts, read) == [each["a"] for each in DROPPED]
    else:
        assert made.column(parts, read) == read(DROPPED)


def test_documents_are_not_made_for_their_columns():
    made = unwind(base("piece"), "a", preserves=False)
    assert made.column(("_id",), lambda some: values_of(some, ("_id",))) == [0, 0, 4, 5, 5, 5]
    assert made._list is None


def test_kinds_are_known_of_other_fields_where_the_slice_knows_them():
    columns = Columns(2, 100)
    documents = [{"n": 1, "a": [1, 2]}, {"n": 2, "a": []}]
    columns.keeps(("n",))
    with columns.used():
        piece = Piece(documents, columns, (0, 2))
        made = unwind(piece, "a", preserves=False)
        assert made.kinds(("n",)) is None
        piece.column(("n",), lambda some: values_of(some, ("n",)))
        assert made.kinds(("n",)) == {int}
        assert made.kinds(("a",)) is None
    assert unwind(documents, "a", preserves=False).kinds(("n",)) is None


def test_too_many_are_not_one_slice(monkeypatch):
    monkeypatch.setattr(module, "UNWOUND_DOCUMENTS_MAX", 5)
    assert len(unwind([{"a": [1] * 5}], "a", preserves=False)) == 5
    assert unwind([{"a": [1] * 6}], "a", preserves=False) is None


def test_the_stage_gives_the_same_however_many_they_are(monkeypatch, run):
    monkeypatch.setattr(module, "PART_DOCUMENTS", 2)
    for most in (3, 1_000):
        monkeypatch.setattr(module, "UNWOUND_DOCUMENTS_MAX", most)
        assert run([{"$unwind": "$a"}], DOCUMENTS) == DROPPED
    numbered = run([{"$unwind": {"path": "$a", "includeArrayIndex": "at"}}], DOCUMENTS)
    assert [each["at"] for each in numbered] == [0, 1, None, 0, 1, 2]


@given(st.lists(st.integers()), st.integers(1, 4))
def test_parts_are_all_documents(numbers, size):
    documents = [{"_id": number} for number in numbers]
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(module, "PART_DOCUMENTS", size)
        piece = Piece(documents, Columns(len(documents), 100), (0, len(documents)))
        for chunk in (documents, piece):
            parts = list(parted(chunk))
            assert all(len(part) <= size for part in parts)
            assert identical([each for part in parts for each in part], documents)
