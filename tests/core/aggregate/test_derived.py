"""Slices with other fields: documents and columns are what the change makes of each document."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.aggregate.columns import Columnar, Columns, Piece, values_of
from emulator.core.aggregate.derived import derived
from emulator.core.aggregate.expressions import base_scope
from emulator.core.aggregate.fields import compile_add_fields, compile_project, compile_unset
from emulator.core.aggregate.nodes import Expression
from emulator.core.aggregate.variables import follow
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.ordering import identical
from emulator.core.values import MISSING

SCOPE = base_scope(now_ms=0)
DOCUMENTS = [
    {"_id": 0, "n": 1, "in": {"d": 5}, "t": "x"},
    {"_id": 1, "t": "y", "n": 2.5},
    {"_id": 2, "in": {"d": None}},
]
VALUES = st.one_of(st.none(), st.integers(0, 3), st.text("ab", max_size=1), st.just({"d": 1}))
ROWS = st.lists(st.dictionaries(st.sampled_from(["n", "m", "in", "t"]), VALUES), max_size=5)
CHANGES = {
    "project": {"project": {"n": 1, "in": 1}},
    "project without id": {"project": {"n": 1, "_id": 0}},
    "project computed": {"project": {"n": {"$ifNull": ["$t", "$m"]}, "t": 1, "x": "$n"}},
    "project away": {"project": {"n": 0, "t": 0}},
    "add": {"add": {"n": "$t", "x": {"$ifNull": ["$n", 7]}}},
    "add what is missing": {"add": {"n": "$m", "m": "$n", "_id": "$$REMOVE"}},
    "add nothing": {"add": {}},
    "unset": {"unset": ["n", "m"]},
}


def change_of(given):
    ((kind, operand),) = given.items()
    if kind == "project":
        return compile_project(operand, SCOPE)
    if kind == "add":
        return compile_add_fields(operand, SCOPE, stage="$addFields")
    return compile_unset(operand)


def bases(documents):
    yield documents
    piece = Piece(documents, Columns(len(documents), 1_000), (0, len(documents)))
    yield piece
    yield piece.chosen([True] * len(documents))


@pytest.mark.parametrize("given_change", CHANGES.values(), ids=CHANGES)
@given(rows=ROWS)
def test_documents_and_columns_are_those_of_each_document(given_change, rows):
    documents = [{"_id": number, **row} for number, row in enumerate(rows)]
    change = change_of(given_change)
    expected = [change.run(document, ()) for document in documents]
    for base in bases(documents):
        for parts in (("_id",), ("n",), ("m",), ("x",), ("t",), ("in", "d"), ("n", "d")):
            made = derived(base, change.flat, ())
            path = Expression(run=lambda each, _, p=parts: follow(each, p), parts=parts)
            assert identical(path.column(made, ()), [follow(each, parts) for each in expected])
            known = made.kinds(parts)
            assert known is None or known >= {type(follow(each, parts)) for each in expected}
        made = derived(base, change.flat, ())
        assert len(made) == len(expected)
        assert identical(list(made), expected)
        assert [list(each) for each in made] == [list(each) for each in expected]
    assert documents == [{"_id": number, **row} for number, row in enumerate(rows)]


@pytest.mark.parametrize(
    "given_change", [{"project": {"in.d": 1}}, {"add": {"in.x": 1}}, {"unset": "in.d"}], ids=str
)
def test_deeper_changes_are_not_flat(given_change):
    assert change_of(given_change).flat is None


def test_documents_are_not_made_for_their_columns():
    change = change_of({"add": {"x": {"$add": ["$_id", 1]}}})
    made = derived(DOCUMENTS, change.flat, ())
    assert isinstance(made, Columnar)
    assert made.column(("x",), lambda _: pytest.fail("a look into documents")) == [1, 2, 3]
    assert made.column(("t",), lambda some: [each.get("t", MISSING) for each in some]) == [
        "x",
        "y",
        MISSING,
    ]
    assert made._list is None


def test_kinds_are_known_of_fields_that_stay():
    columns = Columns(3, 100)
    columns.keeps(("_id",))
    with columns.used():
        piece = Piece(DOCUMENTS, columns, (0, 3))
        piece.column(("_id",), lambda some: values_of(some, ("_id",)))
        made = derived(piece, change_of({"project": {"t": 1}}).flat, ())
        assert made.kinds(("_id",)) == {int}
        assert made.kinds(("n",)) is None


def test_what_cannot_be_computed_is_refused(run):
    stage = {"$addFields": {"x": {"$divide": [1, "$n"]}}}
    documents = [{"n": 2}, {"n": 0}, {"n": "x"}]
    with pytest.raises(DatabaseRequestFailed) as refusal:
        derived(documents, change_of({"add": stage["$addFields"]}).flat, ())
    assert refusal.value.mongo_code == 16608
    assert run([stage, {"$limit": 1}], documents) == [{"n": 2, "x": 0.5}]
    with pytest.raises(DatabaseRequestFailed) as refusal:
        run([stage, {"$count": "n"}], documents)
    assert refusal.value.mongo_code == 16608
