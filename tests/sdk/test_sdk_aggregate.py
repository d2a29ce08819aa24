"""Every stage of the official SDKs' aggregation builders against a running suite.

See scripts/aggregate.cjs. The generations encode stages in different ways (JSON with dates as text,
Extended JSON); what comes back is the same for all of them.
"""

from typing import Any

import pytest

pytestmark = [pytest.mark.sdk, pytest.mark.timeout(600)]

SDKS = ["node-sdk-2", "node-sdk-3", "wx-server-sdk-2", "wx-server-sdk-4"]

STAGES: dict[str, list[dict[str, Any]]] = {
    "match": [{"_id": "a"}, {"_id": "c"}],
    "match of a pattern": [{"title": "two"}, {"title": "three 中"}],
    "match of a date": [{"n": 1}],
    "group": [
        {"_id": "Ann", "n": 2, "price": 25, "most": 7, "all": ["one", "three 中"]},
        {"_id": "Bob", "n": 1, "price": 25, "most": 0, "all": ["two"]},
        {"_id": "Cid", "n": 1, "price": 5.5, "most": 1, "all": ["four"]},
    ],
    "group by several": [
        {"_id": {"by": "Ann", "shop": 9}, "n": 7},
        {"_id": {"by": "Ann", "shop": 1}, "n": 3},
    ],
    "group of everything": [{"_id": None, "sum": 80.5, "least": 5.5, "first": "a", "last": "d"}],
    "project": [{"title": "one", "value": 30, "first": "x", "who": "Ann"}],
    "addFields": [
        {
            "_id": "b",
            "title": "two",
            "price": 25,
            "sold": 0,
            "tags": ["y"],
            "by": {"name": "Bob", "age": 7},
            "shop": 2,
            "cheap": True,
        }
    ],
    "unwind": [{"_id": "a", "tags": "x"}, {"_id": "a", "tags": "y"}, {"_id": "b", "tags": "y"}],
    "unwind with options": [
        {"_id": "a", "place": 0},
        {"_id": "a", "place": 1},
        {"_id": "b", "place": 0},
        {"_id": "c", "place": None},
        {"_id": "d", "place": None},
    ],
    "lookup": [
        {"_id": "a", "found": [{"_id": 1, "city": "Rome", "rent": 100}]},
        {"_id": "b", "found": [{"_id": 2, "city": "Oslo", "rent": 20}]},
        {"_id": "c", "found": []},
        {"_id": "d", "found": []},
    ],
    "lookup with a pipeline": [
        {"_id": "a", "found": [{"city": "Rome"}]},
        {"_id": "b", "found": []},
        {"_id": "c", "found": []},
        {"_id": "d", "found": []},
    ],
    "bucket": [{"_id": 0, "n": 2}, {"_id": 20, "n": 1}, {"_id": "more", "n": 1}],
    "bucketAuto": [
        {"_id": {"min": 5.5, "max": 25}, "count": 2},
        {"_id": {"min": 25, "max": 40}, "count": 2},
    ],
    "count": [{"n": 3}],
    "sortByCount": [{"_id": "Ann", "count": 2}],
    "replaceRoot": [{"name": "Ann", "id": "a"}],
    "skip and limit": [{"_id": "b", "price": 25}, {"_id": "a", "price": 10}],
    "sample": [{"_id": "a"}, {"_id": "b"}, {"_id": "c"}, {"_id": "d"}],
    "a date as it is": [{"value": {"$date": "2024-06-15T12:30:45.678Z"}}],
    "parts of a date": [{"value": {"y": 2024, "m": 6, "d": 15, "w": 7}}],
}

EXPRESSIONS: dict[str, Any] = {
    "$.cond": "cheap",
    "$.switch": 2,
    "$.concat": "one-Ann",
    "$.substr": "ne",
    "$.filter": ["x"],
    "$.map": ["X", "Y"],
    "$.reduce": "xy",
    "$.let": 21,
    "$.literal": "$price",
    "$.ifNull": "none",
    "$.in": True,
    "$.setUnion": ["x", "y", "z"],
    "$.size": 2,
    "$.divide": 2.5,
    "$.dateToString": "2024-06-15 20:30",
    "$.indexOfArray": 1,
    "$.objectToArray": [{"k": "name", "v": "Ann"}],
}

REFUSALS = {
    "an unknown operator": ("DATABASE_INVALID_OPERRATOR", -502002, "Unrecognized expression"),
    "a limit of zero": ("DATABASE_REQUEST_FAILED", -502001, "at least 1"),
    "a division by zero": ("DATABASE_REQUEST_FAILED", -502001, "can't $divide by zero"),
    "a missing collection": ("DATABASE_COLLECTION_NOT_EXIST", -502005, "Table not exist: no_such"),
}
SHAPE = "the shape of an answer"


def of(sdk_runs: Any, sdk: str, case: str) -> dict[str, Any]:
    told: dict[str, Any] = sdk_runs.of(sdk)[f"aggregate: {case}"]
    return told


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("case", [*STAGES, *EXPRESSIONS])
def test_a_pipeline_answers_as_in_the_cloud(sdk_runs, sdk, case):
    assert of(sdk_runs, sdk, case) == {"value": {**STAGES, **EXPRESSIONS}[case]}


@pytest.mark.parametrize("sdk", SDKS)
def test_node_sdk_answers_data_and_wx_server_sdk_a_list(sdk_runs, sdk):
    told = of(sdk_runs, sdk, SHAPE)["value"]
    if sdk.startswith("node"):
        assert told.keys() == {"data", "requestId"}
        assert told["data"] == [{"_id": "a"}]
    else:
        assert told == {"list": [{"_id": "a"}], "errMsg": "collection.aggregate:ok"}


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("case", REFUSALS)
def test_a_refused_pipeline_has_the_clouds_code(sdk_runs, sdk, case):
    code, number, words = REFUSALS[case]
    error = of(sdk_runs, sdk, case)["error"]
    assert words in error["message"]
    if sdk == "wx-server-sdk-2":
        assert error["errCode"] == number
    else:
        assert error["code"] == code


@pytest.mark.parametrize("sdk", SDKS)
def test_every_aggregation_case_of_the_script_is_expected(sdk_runs, sdk):
    told = {name[11:] for name in sdk_runs.of(sdk) if name.startswith("aggregate: ")}
    prepared = {name for name in told if name.startswith(("create ", "add "))}
    assert told - prepared == {*STAGES, *EXPRESSIONS, *REFUSALS, SHAPE}
