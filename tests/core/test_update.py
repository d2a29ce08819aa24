"""Whole updates: shape, paths, conflicts, `_id`, replacement, upsert."""

import copy

import pytest

from emulator.core.errors import DatabaseRequestFailed, InvalidOperator, RequestTooLarge
from emulator.core.update import (
    CHECKED_EVERY_FIELDS,
    compile_update,
    refuse_expression,
    replacement,
    upsert_base,
    upsert_id,
)
from emulator.core.update_arrays import CHECKED_EVERY_ITEMS
from emulator.core.values import Date, Regex, ServerDate

NOW_MS = 1_700_000_000_000


def applied(update, document, **options):
    filters = options.pop("array_filters", ())
    before = copy.deepcopy(document)
    result = compile_update(update, array_filters=filters).apply(document, now_ms=NOW_MS, **options)
    assert document == before
    return result


CASES = [
    pytest.param({"$set": {"b": 2}}, {"a": 1}, {"a": 1, "b": 2}, id="new field at the end"),
    pytest.param({"$set": {"c": 1, "b": 1, "a": 1}}, {"z": 0}, {"z": 0, "a": 1, "b": 1, "c": 1},
                 id="new fields by name"),
    pytest.param({"$set": {"a": 2}}, {"a": 1, "b": 1}, {"a": 2, "b": 1}, id="in place"),
    pytest.param({"$set": {"a.b.c": 1}}, {}, {"a": {"b": {"c": 1}}}, id="parents are made"),
    pytest.param({"$set": {"a.b": 1}}, {"a": {"c": 2}}, {"a": {"c": 2, "b": 1}}, id="siblings"),
    pytest.param({"$set": {"a.0": 9}}, {}, {"a": {"0": 9}}, id="a number makes an object"),
    pytest.param({"$set": {"a.1": 9}}, {"a": [1, 2]}, {"a": [1, 9]}, id="index"),
    pytest.param({"$set": {"a.01": 9}}, {"a": [1, 2]}, {"a": [1, 9]}, id="index after a zero"),
    pytest.param({"$set": {"a.3": 9}}, {"a": [1]}, {"a": [1, None, None, 9]}, id="index far out"),
    pytest.param({"$set": {"a.1.b": 9}}, {"a": [1]}, {"a": [1, {"b": 9}]}, id="object in an array"),
    pytest.param({"$set": {"a.0.b": 9}}, {"a": [{"c": 1}]}, {"a": [{"c": 1, "b": 9}]}, id="in it"),
    pytest.param({"$unset": {"a.b": "", "z.y": ""}}, {"a": {"b": 1, "c": 2}}, {"a": {"c": 2}},
                 id="unset behind a path"),
    pytest.param({"$unset": {"a.0": "", "a.9": "", "a.x": ""}}, {"a": [1, 2]}, {"a": [None, 2]},
                 id="unset of an element is null"),
    pytest.param({"$unset": {"a.b": 1}}, {"a": 5}, {"a": 5}, id="unset through a scalar"),
    pytest.param({"$set": {"a": 1}, "$unset": {"b": 1}, "$inc": {"c": 1}}, {"b": 1, "c": 1},
                 {"c": 2, "a": 1}, id="several operators"),
    pytest.param({"$set": {}}, {"a": 1}, {"a": 1}, id="empty modifier"),
    pytest.param({"$set": {"_id": 1.0}, "$inc": {"n": 1}}, {"_id": 1}, {"_id": 1, "n": 1},
                 id="the same id again"),
]  # fmt: skip


@pytest.mark.parametrize(("update", "document", "expected"), CASES)
def test_update_makes_the_successor(update, document, expected):
    result = applied(update, document)
    assert result == expected
    assert list(result) == list(expected)


def test_nothing_changed_is_the_very_same_object():
    document = {"_id": 1, "a": {"b": [1, 2]}, "n": 5}
    for update in (
        {"$set": {"a.b": [1, 2], "n": 5}},
        {"$unset": {"x": 1, "a.y.z": 1}},
        {"$inc": {"n": 0}},
        {"$pull": {"a.b": 9}},
        {"$addToSet": {"a.b": 1}},
        {"$setOnInsert": {"q": 1}},
        {"$set": {"_id": 1}},
    ):
        assert applied(update, document) is document


def test_another_kind_of_number_is_a_change():
    result = applied({"$set": {"n": 5.0}}, {"n": 5})
    assert type(result["n"]) is float


def test_untouched_parts_are_shared_and_operands_are_owned():
    document = {"a": {"x": [1]}, "b": {"y": [2]}}
    operand = {"k": [1]}
    compiled = compile_update({"$set": {"a.z": operand}})
    operand["k"].append(2)
    result = compiled.apply(document, now_ms=NOW_MS)
    assert result["a"]["z"] == {"k": [1]}
    assert result["b"] is document["b"]
    assert result["a"]["x"] is document["a"]["x"]
    assert result["a"] is not document["a"]


REFUSED = [
    pytest.param({}, 9, "the update is empty", id="empty"),
    pytest.param({"$set": {"a": 1}, "b": 1}, 9, "Unknown modifier: b", id="mixed"),
    pytest.param({"b": 1}, 9, "Unknown modifier: b", id="no operator"),
    pytest.param({"$foo": {"a": 1}}, 9, "Unknown modifier: \\$foo", id="unknown"),
    pytest.param({"$set": 5}, 9, "Modifiers operate on fields", id="no object"),
    pytest.param({"$set": {"a": 1}, "$inc": {"a": 1}}, 40, "conflict at 'a'", id="same path"),
    pytest.param({"$set": {"a.b": 1, "a": {}}}, 40, "conflict at 'a'", id="parent after"),
    pytest.param({"$set": {"a": {}, "a.b": 1}}, 40, "conflict at 'a'", id="parent before"),
    pytest.param({"$set": {"a..b": 1}}, 56, "empty field name", id="empty part"),
    pytest.param({"$set": {"": 1}}, 56, "empty field name", id="empty path"),
    pytest.param({"$set": {"a.": 1}}, 56, "empty field name", id="empty end"),
    pytest.param({"$set": {"a.$b": 1}}, 52, "dollar \\(\\$\\) prefixed", id="dollar part"),
    pytest.param({"$set": {"$a": 1}}, 52, "dollar \\(\\$\\) prefixed", id="dollar field"),
    pytest.param({"$set": {"a": {"$b": 1}}}, 52, "'a.\\$b'", id="dollar key in a value"),
    pytest.param(
        {"$set": {"a": [{"b": {"$c": 1}}]}}, 52, "not valid for storage", id="dollar deep"
    ),
    pytest.param({"$set": {"a": {"$date": 1}}}, 52, "not valid for storage", id="tag in a value"),
    pytest.param({"$set": {"a\0b": 1}}, 2, "null-bytes", id="null byte"),
    pytest.param({"$set": {"a": {"b\0": 1}}}, 2, "null-bytes", id="null byte in a value"),
    pytest.param({"$set": {"$": 1}}, 2, "first position", id="positional first"),
    pytest.param({"$set": {"$[].a": 1}}, 2, "first position", id="all first"),
    pytest.param({"$set": {"a.$.b.$": 1}}, 2, "Too many positional", id="positional twice"),
    pytest.param({"$set": {"a.$[x]": 1}}, 2, "No array filter found", id="no array filter"),
]


@pytest.mark.parametrize(("update", "code", "text"), REFUSED)
def test_update_is_refused(update, code, text):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        compile_update(update)
    assert refusal.value.mongo_code == code


def test_an_unknown_operator_has_the_clouds_code():
    with pytest.raises(InvalidOperator):
        compile_update({"$foo": {"a": 1}})


def test_references_may_be_stored():
    reference = {"$ref": "c", "$id": 1, "$db": "d"}
    assert applied({"$set": {"r": reference}}, {}) == {"r": reference}


NOT_VIABLE = [
    pytest.param({"$set": {"a.b": 1}}, {"a": None}, 28, "field 'b' in element", id="null"),
    pytest.param({"$set": {"a.b": 1}}, {"a": 5}, 28, "field 'b' in element", id="scalar"),
    pytest.param({"$inc": {"a.b.c": 1}}, {"a": "x"}, 28, "field 'b' in element", id="deep"),
    pytest.param({"$push": {"a.b": 1}}, {"a": [1]}, 28, "field 'b' in element", id="array by name"),
    pytest.param({"$set": {"a.1a": 1}}, {"a": [1]}, 28, "field '1a' in element", id="no index"),
    pytest.param({"$set": {"a.-1": 1}}, {"a": [1]}, 28, "field '-1' in element", id="negative"),
    pytest.param({"$pull": {"a.b": 1}}, {"a": 5}, 28, r"part \(b\) of \(a.b\)", id="$pull"),
    pytest.param({"$pop": {"a.b.c": 1}}, {"a": None}, 28, r"part \(b\) of \(a.b.c\)", id="$pop"),
    pytest.param({"$pullAll": {"a.b": [1]}}, {"a": [1]}, 28, r"part \(b\)", id="$pullAll by name"),
    pytest.param(
        {"$pop": {"a.0.b": 1}}, {"a": [1]}, 28, r"part \(b\) of \(a.0.b\)", id="in element"
    ),
    pytest.param({"$set": {"a.0": 1, "a.00": 2}}, {"a": [1]}, 40, "conflict", id="one index twice"),
    pytest.param({"$set": {"a.9999999": 1}}, {"a": []}, 2, "backfill", id="far index"),
    pytest.param({"$set": {"_id": 2}}, {"_id": 1}, 66, "immutable field '_id'", id="other id"),
    pytest.param({"$max": {"_id": 1}}, {"_id": 1}, 66, "immutable field '_id'", id="$max of id"),
    pytest.param({"$mul": {"_id": 1}}, {"_id": 1}, 66, "immutable field '_id'", id="$mul of id"),
    pytest.param({"$unset": {"_id": 1}}, {"_id": 1}, 66, "immutable field '_id'", id="no id"),
    pytest.param(
        {"$set": {"_id.x": 1}}, {"_id": {"x": 2}}, 66, "immutable field '_id'", id="in id"
    ),
]


@pytest.mark.parametrize(("update", "document", "code", "text"), NOT_VIABLE)
def test_a_document_may_not_allow_it(update, document, code, text):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        applied(update, document)
    assert refusal.value.mongo_code == code


def test_server_dates_take_the_one_moment_of_the_request():
    update = {
        "$set": {"t": ServerDate(5), "u": {"v": ServerDate(-5)}},
        "$push": {"l": ServerDate()},
    }
    compiled = compile_update(update)
    for now_ms in (NOW_MS, NOW_MS + 9):
        assert compiled.apply({}, now_ms=now_ms) == {
            "l": [Date(now_ms)],
            "t": Date(now_ms + 5),
            "u": {"v": Date(now_ms - 5)},
        }


def test_updates_with_dates_are_refused_while_compiling_too():
    with pytest.raises(InvalidOperator):
        compile_update({"$foo": {"t": ServerDate()}})


POSITIONAL = [
    pytest.param({"$set": {"a.$": 9}}, {"a": [1, 2]}, {"a": [1, 9]}, id="element"),
    pytest.param({"$set": {"a.$.b": 9}}, {"a": [{}, {"b": 1}]}, {"a": [{}, {"b": 9}]}, id="in it"),
    pytest.param({"$unset": {"a.$": 1}}, {"a": [1, 2]}, {"a": [1, None]}, id="unset"),
    pytest.param({"$set": {"a.$": 9, "a.0": 8}}, {"a": [1, 2]}, {"a": [8, 9]}, id="and an index"),
    pytest.param({"$set": {"a.$": 9}}, {"a": {"1": 5}}, {"a": {"1": 9}}, id="field of an object"),
    pytest.param({"$set": {"a.$[]": 9}}, {"a": [1, 2]}, {"a": [9, 9]}, id="all"),
    pytest.param({"$inc": {"a.$[].n": 1}}, {"a": [{"n": 1}, {}]}, {"a": [{"n": 2}, {"n": 1}]},
                 id="in all"),
    pytest.param({"$set": {"a.$[]": 9}}, {"a": []}, {"a": []}, id="all of none"),
    pytest.param({"$set": {"a.$[].x": 1, "a.0.y": 2}}, {"a": [{}, {}]},
                 {"a": [{"x": 1, "y": 2}, {"x": 1}]}, id="all beside an index"),
    pytest.param({"$set": {"a.$[].b.$[]": 0}}, {"a": [{"b": [1, 2]}]}, {"a": [{"b": [0, 0]}]},
                 id="all of all"),
]  # fmt: skip


@pytest.mark.parametrize(("update", "document", "expected"), POSITIONAL)
def test_positional_parts_name_elements(update, document, expected):
    assert applied(update, document, matched_index=1) == expected


def test_it_is_told_whether_a_matched_index_is_needed():
    assert compile_update({"$set": {"a.$.b": 1}}).is_positional
    assert not compile_update({"$set": {"a.$[]": 1}}).is_positional
    assert compile_update({"$set": {"a.$": ServerDate()}}).is_positional


POSITIONAL_REFUSED = [
    pytest.param(
        {"$set": {"a.$": 1}}, {"a": [1]}, None, 2, "did not find the match", id="no match"
    ),
    pytest.param(
        {"$set": {"a.$": 1, "a.0": 2}}, {"a": [1]}, 0, 40, "conflict at 'a.0'", id="twice"
    ),
    pytest.param(
        {"$set": {"a.$.b": 1, "a.0.b": 2}}, {"a": [{}]}, 0, 40, "'a.0.b'", id="twice deep"
    ),
    pytest.param(
        {"$set": {"a.$": 1, "a.0.b": 2}}, {"a": {"0": {}}}, 0, 40, "conflict", id="object"
    ),
    pytest.param(
        {"$set": {"a.$[]": 1, "a.0": 2}}, {"a": [1]}, None, 40, "conflict", id="all twice"
    ),
    pytest.param({"$set": {"a.$[]": 1}}, {}, None, 2, "must exist", id="all of nothing"),
    pytest.param(
        {"$set": {"a.$[]": 1}}, {"a": 5}, None, 2, "non-array element", id="all of a number"
    ),
    pytest.param({"$set": {"a.$[]": 1}}, {"a": {}}, None, 2, "non-array", id="all of an object"),
]


@pytest.mark.parametrize(("update", "document", "index", "code", "text"), POSITIONAL_REFUSED)
def test_positional_parts_are_refused(update, document, index, code, text):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        applied(update, document, matched_index=index)
    assert refusal.value.mongo_code == code


def test_array_filters_choose_elements():
    document = {"a": [{"n": 1}, {"n": 5}, {"n": 9}], "b": [3, 7]}
    result = applied(
        {"$set": {"a.$[big].x": 1, "b.$[odd]": 0}},
        document,
        array_filters=[{"big.n": {"$gt": 4}}, {"odd": {"$gt": 5}}],
    )
    assert result == {"a": [{"n": 1}, {"n": 5, "x": 1}, {"n": 9, "x": 1}], "b": [3, 0]}


def test_documents_cannot_grow_beyond_their_bounds():
    big = {"l": ["x" * 1_000_000] * 16}
    with pytest.raises(RequestTooLarge):
        applied({"$push": {"l": "y" * 1_000_000}}, big)
    with pytest.raises(DatabaseRequestFailed, match="nested deeper") as refusal:
        applied({"$set": {".".join(["a"] * 250): 1}}, {})
    assert refusal.value.mongo_code == 15


def test_a_bad_place_is_refused_however_it_comes_about():
    document = {"p": {"type": "Point", "coordinates": [1, 2]}}
    for update in ({"$set": {"p.coordinates": [500, 2]}}, {"$set": {"p.coordinates.0": 500}}):
        with pytest.raises(DatabaseRequestFailed, match="no place on Earth"):
            applied(update, document)


REPLACEMENTS = [
    pytest.param({"_id": 1, "a": 1}, {"b": 2}, {"_id": 1, "b": 2}, id="keeps the id"),
    pytest.param({"_id": 1}, {"b": 2, "_id": 1.0}, {"_id": 1, "b": 2}, id="the same id"),
    pytest.param(None, {"b": 2, "_id": 5}, {"b": 2, "_id": 5}, id="nothing before"),
    pytest.param({"a": 1}, {"b": 2}, {"b": 2}, id="no id before"),
]


@pytest.mark.parametrize(("document", "replace", "expected"), REPLACEMENTS)
def test_a_replacement_takes_the_place(document, replace, expected):
    result = replacement(document, replace)
    assert result == expected
    assert next(iter(result)) == next(iter(expected))
    assert result is not replace


def test_replacements_are_refused():
    with pytest.raises(DatabaseRequestFailed, match="altered") as refusal:
        replacement({"_id": 1}, {"_id": 2})
    assert refusal.value.mongo_code == 66
    with pytest.raises(DatabaseRequestFailed, match="prefixed") as refusal:
        replacement({"_id": 1}, {"a": 1, "$set": {}})
    assert refusal.value.mongo_code == 52


BASES = [
    pytest.param({"a": 1, "b": {"$gt": 5}}, {"a": 1}, id="equalities only"),
    pytest.param({"b": 1, "_id": 7}, {"_id": 7, "b": 1}, id="id first"),
    pytest.param({"a.b": 1, "a.c": 2}, {"a": {"b": 1, "c": 2}}, id="paths"),
    pytest.param({"a.0": 1}, {"a": {"0": 1}}, id="numbers are names"),
    pytest.param({"a": {"$eq": [1]}, "b": None}, {"a": [1], "b": None}, id="any value"),
    pytest.param({"$and": [{"a": 1}, {"$or": [{"b": 2}]}]}, {"a": 1, "b": 2}, id="logic"),
    pytest.param({"a": {"$in": [3]}, "b": {"$all": [4]}}, {"a": 3, "b": 4}, id="of one"),
    pytest.param({"a": {"$in": [3, 4]}, "b": Regex("x")}, {}, id="nothing certain"),
    pytest.param({"$or": [{"a": 1}, {"b": 1}], "$nor": [{"c": 1}]}, {}, id="alternatives"),
]


@pytest.mark.parametrize(("filter_", "expected"), BASES)
def test_an_upsert_starts_from_what_the_filter_demands(filter_, expected):
    base = upsert_base(filter_)
    assert base == expected
    assert list(base) == list(expected)


def test_the_base_of_an_upsert_is_owned():
    filter_ = {"a": {"$eq": {"l": [1]}}}
    base = upsert_base(filter_)
    filter_["a"]["$eq"]["l"].append(2)
    assert base == {"a": {"l": [1]}}


@pytest.mark.parametrize(
    ("filter_", "code"),
    [
        pytest.param({"$and": [{"a": 1}, {"a": 1}]}, 54, id="path twice"),
        pytest.param({"a": {"$all": [1, 2]}}, 54, id="$all of two"),
        pytest.param({"a": {"$eq": {}}, "a.b": 1}, 54, id="path and a part of it"),
        pytest.param({"a.b": 1, "a": {"$eq": {}}}, 54, id="part and its path"),
        pytest.param({"a.$b": 1}, 52, id="dollar part"),
        pytest.param({"a..b": 1}, 56, id="empty part"),
    ],
)
def test_an_upsert_may_have_no_certain_start(filter_, code):
    with pytest.raises(DatabaseRequestFailed) as refusal:
        upsert_base(filter_)
    assert refusal.value.mongo_code == code


@pytest.mark.parametrize(
    ("filter_", "base"),
    [
        ({"_id": 1, "a": 2}, {"_id": 1}),
        ({"$and": [{"_id": {"$eq": 1}}, {"a": 1}, {"a": 1}]}, {"_id": 1}),
        ({"a": 1, "a.b": 1, "$or": [{"_id": {"x": 1}}]}, {"_id": {"x": 1}}),
        ({"_id": {"$gt": 1}}, {}),
        ({"a": {"$all": [1, 2]}}, {}),
    ],
)
def test_a_replacement_takes_the_id_alone(filter_, base):
    assert upsert_id(filter_) == base


@pytest.mark.parametrize(
    ("filter_", "code"),
    [
        ({"_id.x": 1}, 111),
        ({"_id.x": 1, "_id.y": 2}, 111),
        ({"_id": 1, "_id.x": 1}, 54),
        ({"_id": {"$all": [1, 2]}}, 54),
    ],
)
def test_a_replacement_may_have_no_certain_id(filter_, code):
    with pytest.raises(DatabaseRequestFailed) as refusal:
        upsert_id(filter_)
    assert refusal.value.mongo_code == code


def test_an_upsert_may_not_ask_an_expression():
    refuse_expression({"a": 1, "$or": [{"b": {"$expr": 1}}], "$and": 5})
    for filter_ in ({"$expr": True}, {"$and": [{"a": 1}, {"$nor": [{"$expr": True}]}]}):
        with pytest.raises(DatabaseRequestFailed, match="predicate for an upsert") as refusal:
            refuse_expression(filter_)
        assert refusal.value.mongo_code == 224


def test_set_on_insert_counts_for_inserts_only():
    update = {"$setOnInsert": {"a": 1}, "$set": {"b": 2}}
    assert applied(update, {}, inserting=True) == {"a": 1, "b": 2}
    assert applied(update, {}) == {"b": 2}
    assert applied({"$setOnInsert": {"_id": 5}}, {}, inserting=True) == {"_id": 5}
    assert applied({"$max": {"_id": 5}}, {}, inserting=True) == {"_id": 5}


@pytest.mark.parametrize("update", [None, 5, "x", [{"$set": {"a": 1}}]], ids=str)
def test_an_update_is_an_object(update):
    with pytest.raises(DatabaseRequestFailed, match="must be an object") as refusal:
        compile_update(update)
    assert refusal.value.mongo_code == 9


def test_growing_by_small_steps_ends_at_the_size_of_a_document():
    small = compile_update({"$push": {"l": "x" * 4000}})
    assert len(small.apply({"_id": 1, "l": []}, now_ms=0)["l"]) == 1
    grown = {"_id": 1, "l": ["x" * 4000] * (5 * CHECKED_EVERY_ITEMS - 1)}
    with pytest.raises(RequestTooLarge):
        small.apply(grown, now_ms=0)
    wide = {f"f{place}": "x" * 4000 for place in range(5 * CHECKED_EVERY_FIELDS - 1)}
    with pytest.raises(RequestTooLarge):
        compile_update({"$set": {"one_more": 1}}).apply(wide, now_ms=0)
