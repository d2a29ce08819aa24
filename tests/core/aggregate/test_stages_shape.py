"""Stages that change each document, and `$unwind`."""

import pytest

from emulator.core.values import Int64

DOCUMENT = {"_id": 1, "a": 1, "o": {"x": 1, "y": 2}, "l": [{"x": 1, "y": 2}, 5, {"x": 3}]}

SHAPES = [
    ({"$project": {"a": 1}}, {"_id": 1, "a": 1}),
    ({"$project": {"a": True, "_id": 0}}, {"a": 1}),
    ({"$project": {"a": 0}}, {k: v for k, v in DOCUMENT.items() if k != "a"}),
    ({"$project": {"_id": 0}}, {k: v for k, v in DOCUMENT.items() if k != "_id"}),
    ({"$project": {"o.x": 1}}, {"_id": 1, "o": {"x": 1}}),
    ({"$project": {"o": {"x": 1}}}, {"_id": 1, "o": {"x": 1}}),
    ({"$project": {"l.x": 1}}, {"_id": 1, "l": [{"x": 1}, {"x": 3}]}),
    ({"$project": {"l.x": 0, "o": 0, "_id": 0}}, {"a": 1, "l": [{"y": 2}, 5, {}]}),
    ({"$project": {"a.x": 1}}, {"_id": 1}),
    ({"$project": {"b": "$o.x", "a": 1}}, {"_id": 1, "a": 1, "b": 1}),
    ({"$project": {"b": "$no"}}, {"_id": 1}),
    ({"$project": {"_id": "$a", "o.z": {"$add": ["$a", 1]}}}, {"_id": 1, "o": {"z": 2}}),
    (
        {"$project": {"l.z": "$a", "l.x": 1}},
        {"_id": 1, "l": [{"x": 1, "z": 1}, {"z": 1}, {"x": 3, "z": 1}]},
    ),
    ({"$project": {"n": ["$a", "$no"]}}, {"_id": 1, "n": [1, None]}),
    ({"$project": {"n": {"$literal": 0}}}, {"_id": 1, "n": 0}),
    ({"$addFields": {"b": "$a", "a": 9}}, {**DOCUMENT, "a": 9, "b": 1}),
    ({"$set": {"o.z": "$a"}}, {**DOCUMENT, "o": {"x": 1, "y": 2, "z": 1}}),
    (
        {"$project": {"o.z": "$a", "l.x": 1, "no.x": 1}},
        {"_id": 1, "o": {"z": 1}, "l": [{"x": 1}, {"x": 3}]},
    ),
    ({"$set": {"o": {"z": 1}}}, {**DOCUMENT, "o": {"x": 1, "y": 2, "z": 1}}),
    ({"$set": {"a.b": 1}}, {**DOCUMENT, "a": {"b": 1}}),
    ({"$set": {"a": "$$REMOVE"}}, {k: v for k, v in DOCUMENT.items() if k != "a"}),
    ({"$set": {"o.x": "$$REMOVE"}}, {**DOCUMENT, "o": {"y": 2}}),
    ({"$set": {}}, DOCUMENT),
    ({"$set": {"o": {}}}, {**DOCUMENT, "o": {}}),
    ({"$unset": "o.x"}, {**DOCUMENT, "o": {"y": 2}}),
    ({"$unset": ["l", "o"]}, {"_id": 1, "a": 1}),
    ({"$replaceRoot": {"newRoot": "$o"}}, {"x": 1, "y": 2}),
    ({"$replaceWith": {"$mergeObjects": ["$o", {"z": "$a"}]}}, {"x": 1, "y": 2, "z": 1}),
]

REFUSALS = [
    ({"$project": 5}, 15969),
    ({"$project": {}}, 40177),
    ({"$project": {"a": 1, "b": 0}}, 40179),
    ({"$project": {"a": {}}}, 40180),
    ({"$project": {"a": 1, "a.b": 1}}, 40176),
    ({"$project": {"a.b": 1, "a": "$x"}}, 40176),
    ({"$project": {"a..b": 1}}, 15998),
    ({"$project": {"a.": 1}}, 40353),
    ({"$project": {"$a": 1}}, 16410),
    ({"$project": {"a\0b": 1}}, 16411),
    ({"$project": {".".join("a" * 201): 1}}, 15998),
    ({"$project": {".".join("a" * 150): {".".join("b" * 100): 1}}}, 15),
    ({"$addFields": 5}, 40272),
    ({"$addFields": {"a": 1, "a.b": 2}}, 40176),
    ({"$unset": 5}, 31002),
    ({"$unset": []}, 31119),
    ({"$unset": ["a", 5]}, 31120),
    ({"$replaceRoot": 5}, 40229),
    ({"$replaceRoot": {"no": 1}}, 40230),
    ({"$replaceRoot": {}}, 40231),
    ({"$replaceRoot": {"newRoot": "$a"}}, 40228),
    ({"$replaceWith": "$no"}, 40228),
    ({"$unwind": 5}, 15981),
    ({"$unwind": {"path": 5}}, 28808),
    ({"$unwind": {"path": "$a", "preserveNullAndEmptyArrays": 1}}, 28809),
    ({"$unwind": {"path": "$a", "includeArrayIndex": ""}}, 28810),
    ({"$unwind": {"path": "$a", "no": 1}}, 28811),
    ({"$unwind": {}}, 28812),
    ({"$unwind": "a"}, 28818),
    ({"$unwind": {"path": "$a", "includeArrayIndex": "$i"}}, 28822),
]


@pytest.mark.parametrize(("stage", "expected"), SHAPES, ids=repr)
def test_a_document_changes_and_the_old_one_does_not(run, stage, expected):
    before = repr(DOCUMENT)
    (found,) = run([stage], [DOCUMENT])
    assert found == expected
    assert repr(DOCUMENT) == before


@pytest.mark.parametrize(("stage", "code"), REFUSALS, ids=lambda value: repr(value)[:60])
def test_a_wrong_specification_is_refused(stage_refused, stage, code):
    stage_refused([stage], code, [DOCUMENT])


def test_kept_fields_stay_in_the_documents_order_and_new_ones_follow(run):
    (found,) = run([{"$project": {"z": "$a", "o": 1, "a": 1}}], [DOCUMENT])
    assert list(found) == ["_id", "a", "o", "z"]


UNWOUND = [
    {"_id": 1, "l": [1, 2]},
    {"_id": 2, "l": 5},
    {"_id": 3, "l": []},
    {"_id": 4, "l": None},
    {"_id": 5},
]


@pytest.mark.parametrize(
    ("operand", "expected"),
    [
        ("$l", [{"_id": 1, "l": 1}, {"_id": 1, "l": 2}, {"_id": 2, "l": 5}]),
        (
            {"path": "$l", "includeArrayIndex": "i"},
            [
                {"_id": 1, "l": 1, "i": Int64(0)},
                {"_id": 1, "l": 2, "i": Int64(1)},
                {"_id": 2, "l": 5, "i": None},
            ],
        ),
        (
            {"path": "$l", "preserveNullAndEmptyArrays": True},
            [
                {"_id": 1, "l": 1},
                {"_id": 1, "l": 2},
                {"_id": 2, "l": 5},
                {"_id": 3},
                {"_id": 4, "l": None},
                {"_id": 5},
            ],
        ),
        (
            {"path": "$l", "preserveNullAndEmptyArrays": True, "includeArrayIndex": "at.i"},
            [
                {"_id": 1, "l": 1, "at": {"i": 0}},
                {"_id": 1, "l": 2, "at": {"i": 1}},
                {"_id": 2, "l": 5, "at": {"i": None}},
                {"_id": 3, "at": {"i": None}},
                {"_id": 4, "l": None, "at": {"i": None}},
                {"_id": 5, "at": {"i": None}},
            ],
        ),
    ],
    ids=repr,
)
def test_an_array_becomes_documents(run, operand, expected):
    assert run([{"$unwind": operand}], UNWOUND) == expected


def test_an_array_inside_an_object_becomes_documents(run):
    documents = [{"_id": 1, "o": {"l": [1, 2], "k": 3}}, {"_id": 2, "o": [{"l": [1]}]}]
    assert run([{"$unwind": "$o.l"}], documents) == [
        {"_id": 1, "o": {"l": 1, "k": 3}},
        {"_id": 1, "o": {"l": 2, "k": 3}},
    ]


def test_a_long_array_comes_out_in_slices(run):
    assert run([{"$unwind": "$l"}, {"$count": "n"}], [{"l": list(range(5_000))}]) == [{"n": 5_000}]
