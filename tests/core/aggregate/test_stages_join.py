"""Stages that read other collections."""

import pytest

from emulator.core.aggregate.foreign import query_keys
from emulator.core.aggregate.stages_join import local_values
from emulator.core.ordering import hash_key
from emulator.core.query import compile_filter
from emulator.core.values import Regex

ORDERS = [
    {"_id": 1, "item": "a"},
    {"_id": 2, "item": ["a", "b"]},
    {"_id": 3, "item": None},
    {"_id": 4},
    {"_id": 5, "item": []},
    {"_id": 6, "item": "z"},
]
STOCK = [
    {"_id": "s1", "sku": "a", "n": 1},
    {"_id": "s2", "sku": "b", "n": 2},
    {"_id": "s3", "sku": ["a", "c"], "n": 3},
    {"_id": "s4", "sku": None, "n": 4},
    {"_id": "s5", "n": 5},
]
OTHERS = {"stock": STOCK}


def joined(found, name="found"):
    return {each["_id"]: [other["_id"] for other in each[name]] for each in found}


def test_a_lookup_by_fields(run):
    stage = {"from": "stock", "localField": "item", "foreignField": "sku", "as": "found"}
    assert joined(run([{"$lookup": stage}], ORDERS, others=OTHERS)) == {
        1: ["s1", "s3"],
        2: ["s1", "s2", "s3"],
        3: ["s4", "s5"],
        4: ["s4", "s5"],
        5: ["s4", "s5"],
        6: [],
    }


@pytest.mark.parametrize("value", ["a", "c", 1, None, True, Regex("a"), {"x": 1}], ids=repr)
@pytest.mark.parametrize("path", ["k", "k.x", "k.0", "k.0.x"])
def test_the_hash_of_a_lookup_finds_what_a_filter_finds(value, path):
    documents = [
        {"k": "a"}, {"k": ["a", "c"]}, {"k": 1.0}, {}, {"k": None}, {"k": []}, {"k": {"x": 1}},
        {"k": [{"x": 1}, {"x": "a"}]}, {"k": [[1]]}, {"k": True}, {"k": [{"0": "a"}]},
        {"k": Regex("a")}, {"k": {"x": {"x": 1}}},
    ]  # fmt: skip
    keys, key = query_keys(path), hash_key(value)
    found = [document for document in documents if key in list(keys(document))]
    # A filter takes a pattern for more than its own value, a lookup does not.
    expected = compile_filter({path: {"$eq": value}}).select(documents)
    assert found == expected


@pytest.mark.parametrize(
    ("document", "path", "expected"),
    [
        ({"a": 1}, "a", [1]),
        ({"a": [1, 2]}, "a", [1, 2]),
        ({}, "a", [None]),
        ({"a": []}, "a", [None]),
        ({"a": {"b": 1}}, "a.b", [1]),
        ({"a": [{"b": 1}, {"b": [2, 3]}, {}, 5]}, "a.b", [1, 2, 3]),
        ({"a": [5, 6]}, "a.0", [5]),
        ({"a": [5]}, "a.3", [None]),
        ({"a": [5, 6]}, "a.01", [6]),
        ({"a": {"b": [{"01": 4}, 6]}}, "a.b.00.01", [4]),
        ({"a": [{"b": 1}, {"b": 2}]}, "a.1.b", [2]),
        ({"a": 5}, "a.b", [None]),
        ({"a": [{"b": {"c": 1}}, {"b": 5}, {"b": [{"c": 2}]}]}, "a.b.c", [1, 2]),
    ],
)
def test_what_a_document_is_joined_by(document, path, expected):
    assert local_values(document, tuple(path.split("."))) == expected


def test_an_index_is_asked_first(run):
    asked = []

    def find_equal(collection, path, value):
        asked.append((collection, path, value))
        return None if value == "z" else dict(enumerate(STOCK))

    stage = {"from": "stock", "localField": "item", "foreignField": "sku", "as": "found"}
    found = run([{"$lookup": stage}], ORDERS, others=OTHERS, find_equal=find_equal)
    assert joined(found) == {
        1: ["s1", "s3"],
        2: ["s1", "s2", "s3"],
        3: ["s4", "s5"],
        4: ["s4", "s5"],
        5: ["s4", "s5"],
        6: [],
    }
    values = [value for _, _, value in asked]
    assert values[0] == "a"
    assert set(values[1:3]) == {"a", "b"}
    assert values[3:] == [None, None, None, "z"]
    assert {place[:2] for place in asked} == {("stock", "sku")}


def test_a_graph_and_a_pipeline_ask_an_index_too(run):
    asked = []

    def find_equal(collection, path, value):
        asked.append((collection, path, value))
        return {number: each for number, each in enumerate(STOCK) if each.get("sku") == value}

    by_pipeline = {
        "from": "stock",
        "let": {"item": "$item"},
        "pipeline": [{"$match": {"$expr": {"$eq": ["$sku", "$$item"]}}}],
        "as": "found",
    }
    by_graph = {
        "from": "stock",
        "startWith": "$item",
        "connectFromField": "n",
        "connectToField": "sku",
        "as": "found",
    }
    for stage, last in (({"$lookup": by_pipeline}, "a"), ({"$graphLookup": by_graph}, 1)):
        asked.clear()
        found = run([stage], ORDERS[:1], others={}, find_equal=find_equal)
        assert joined(found) == {1: ["s1"]}
        assert asked[0] == ("stock", "sku", "a")
        assert asked[-1] == ("stock", "sku", last)


@pytest.mark.parametrize(
    "condition",
    [
        {"$eq": ["$sku", "$$item"]},
        {"$eq": ["$$item", "$sku"]},
        {"$and": [{"$gt": ["$n", 0]}, {"$eq": ["$sku", "$$item"]}]},
        {"$and": [{"$eq": ["$$item", "$sku"]}]},
        {"$not": {"$ne": ["$sku", "$$item"]}},
        {"$and": [{"$eq": [{"$ifNull": ["$sku", "$sku"]}, "$$item"]}]},
    ],
    ids=repr,
)
def test_a_lookup_by_pipeline(run, condition):
    stage = {
        "from": "stock",
        "let": {"item": "$item"},
        "pipeline": [{"$match": {"$expr": condition}}, {"$project": {"n": 1}}],
        "as": "found",
    }
    found = run([{"$lookup": stage}], [ORDERS[0], ORDERS[2]], others=OTHERS)
    assert found == [
        {"_id": 1, "item": "a", "found": [{"_id": "s1", "n": 1}]},
        {"_id": 3, "item": None, "found": [{"_id": "s4", "n": 4}]},
    ]


def test_a_variable_is_no_value_outside_of_expressions(run):
    stage = {
        "from": "stock",
        "let": {"item": "$item"},
        "pipeline": [{"$match": {"sku": "$$item"}}],
        "as": "found",
    }
    assert joined(run([{"$lookup": stage}], ORDERS[:1], others=OTHERS)) == {1: []}


def test_variables_reach_pipelines_inside_pipelines(run):
    inner = {
        "from": "stock",
        "let": {"n": "$n"},
        "pipeline": [
            {"$match": {"$expr": {"$and": [{"$eq": ["$n", "$$n"]}, {"$eq": ["$sku", "$$item"]}]}}}
        ],
        "as": "inner",
    }
    stage = {"from": "stock", "let": {"item": "$item"}, "pipeline": [{"$lookup": inner}], "as": "f"}
    (found,) = run([{"$lookup": stage}], ORDERS[:1], others=OTHERS)
    assert {each["_id"]: len(each["inner"]) for each in found["f"]} == {
        "s1": 1, "s2": 0, "s3": 0, "s4": 0, "s5": 0
    }  # fmt: skip


def test_a_lookup_without_a_condition_takes_everything_once(run):
    stage = {"from": "stock", "pipeline": [{"$count": "n"}], "as": "found"}
    found = run([{"$lookup": stage}], ORDERS[:2], others=OTHERS)
    assert [each["found"] for each in found] == [[{"n": 5}], [{"n": 5}]]


def test_fields_and_a_pipeline_together(run):
    stage = {
        "from": "stock",
        "localField": "item",
        "foreignField": "sku",
        "let": {"id": "$_id"},
        "pipeline": [{"$match": {"$expr": {"$gt": ["$n", "$$id"]}}}],
        "as": "o.found",
    }
    (found,) = run([{"$lookup": stage}], ORDERS[:1], others=OTHERS)
    assert [each["_id"] for each in found["o"]["found"]] == ["s3"]


def test_a_missing_collection_gives_nothing(run):
    stage = {"from": "none", "localField": "item", "foreignField": "sku", "as": "found"}
    assert joined(run([{"$lookup": stage}], ORDERS[:1])) == {1: []}
    assert run([{"$unionWith": "none"}], ORDERS[:1]) == ORDERS[:1]


def test_union_appends_the_other_collection(run):
    assert run([{"$unionWith": "stock"}], ORDERS[:1], others=OTHERS) == [ORDERS[0], *STOCK]
    stage = {"coll": "stock", "pipeline": [{"$match": {"n": 2}}]}
    assert run([{"$unionWith": stage}], [], others=OTHERS) == [STOCK[1]]


STAFF = [
    {"_id": 1, "name": "Ann"},
    {"_id": 2, "name": "Bob", "boss": "Ann"},
    {"_id": 3, "name": "Cid", "boss": "Bob"},
    {"_id": 4, "name": "Dan", "boss": ["Bob", "Eve"]},
    {"_id": 5, "name": "Eve", "boss": "Dan"},
]


def graph(**options):
    return {
        "$graphLookup": {
            "from": "staff",
            "startWith": "$boss",
            "connectFromField": "boss",
            "connectToField": "name",
            "as": "above",
            **options,
        }
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {1: [], 2: [1], 3: [1, 2], 4: [1, 2, 4, 5], 5: [1, 2, 4, 5]}),
        ({"maxDepth": 0}, {1: [], 2: [1], 3: [2], 4: [2, 5], 5: [4]}),
        ({"restrictSearchWithMatch": {"name": {"$ne": "Bob"}}},
         {1: [], 2: [1], 3: [], 4: [4, 5], 5: [4, 5]}),
    ],
    ids=repr,
)  # fmt: skip
def test_a_graph_is_followed(run, options, expected):
    found = run([graph(**options)], STAFF, others={"staff": STAFF})
    assert {key: sorted(ids) for key, ids in joined(found, "above").items()} == expected


def test_a_graph_takes_no_missing_field_for_null(run):
    documents = [{"_id": 0, "y": None}, {"_id": 1}, {"_id": 2, "y": [{"z": None}, {}]}]
    for path, expected in (("y", [0]), ("y.z", [2])):
        stage = {
            "$graphLookup": {
                "from": "c",
                "startWith": None,
                "connectFromField": "none",
                "connectToField": path,
                "as": "found",
            }
        }
        found = run([stage], documents[:1], others={"c": documents})
        assert [each["_id"] for each in found[0]["found"]] == expected


def test_a_graph_tells_the_depth(run):
    found = run([graph(depthField="deep")], STAFF[2:3], others={"staff": STAFF})
    assert {each["_id"]: each["deep"] for each in found[0]["above"]} == {2: 0, 1: 1}


REFUSALS = [
    ({"$lookup": 5}, 9),
    ({"$lookup": {"from": "s", "as": "x"}}, 9),
    ({"$lookup": {"as": "x", "pipeline": []}}, 9),
    ({"$lookup": {"from": 5, "as": "x", "pipeline": []}}, 9),
    ({"$lookup": {"from": "", "as": "x", "pipeline": []}}, 73),
    ({"$lookup": {"from": "s", "pipeline": []}}, 9),
    ({"$lookup": {"from": "s", "as": "x", "localField": "a"}}, 9),
    ({"$lookup": {"from": "s", "as": "x", "pipeline": [], "no": 1}}, 9),
    ({"$lookup": {"from": "s", "as": "x", "pipeline": [], "let": 5}}, 9),
    ({"$lookup": {"from": "s", "as": "x", "pipeline": [], "let": {"X": 1}}}, 16867),
    ({"$lookup": {"from": "s", "as": "x", "pipeline": 5}}, 14),
    ({"$lookup": {"from": "s", "as": "$x", "pipeline": []}}, 16410),
    ({"$unionWith": 5}, 9),
    ({"$unionWith": {"coll": "s", "no": 1}}, 9),
    ({"$graphLookup": 5}, 9),
    (graph(no=1), 40104),
    ({"$graphLookup": {"from": "s"}}, 40105),
    (graph(maxDepth="x"), 40100),
    (graph(maxDepth=-1), 40101),
    (graph(maxDepth=2.5), 40102),
    (graph(depthField=0), 40103),
    (graph(connectToField=0), 40103),
    (graph(restrictSearchWithMatch="x"), 40185),
]


@pytest.mark.parametrize(("stage", "code"), REFUSALS, ids=repr)
def test_a_wrong_specification_is_refused(stage_refused, stage, code):
    stage_refused([stage], code)


def test_pipelines_nest_only_so_deep(stage_refused):
    pipeline = []
    for _ in range(21):
        pipeline = [{"$lookup": {"from": "s", "as": "x", "pipeline": pipeline}}]
    stage_refused(pipeline, 232)


def test_nested_variables_named_current_are_no_hint(run):
    condition = {"$eq": ["$sku", "$$item"]}
    inner = {"from": "stock", "let": {"item": "$item"}, "as": "f",
             "pipeline": [{"$match": {"$expr": condition}}]}  # fmt: skip
    outer = {"from": "orders", "let": {"CURRENT": {"sku": "a"}}, "as": "o",
             "pipeline": [{"$lookup": inner}]}  # fmt: skip
    found = run([{"$lookup": outer}], [{}], others={"orders": ORDERS[:1], "stock": STOCK})
    assert len(found) == 1
