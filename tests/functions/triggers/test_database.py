"""Database triggers: which changes, and the event of them."""

from decimal import Decimal

import pytest

from emulator.core.changes import Change
from emulator.core.errors import ConfigurationError
from emulator.core.values import Binary, Date, Int64, ObjectId, Regex, Timestamp
from emulator.functions.base import TriggerConfig
from emulator.functions.triggers.database import compile_database

NOON_MS = 1_795_233_600_000


def trigger(config):
    return compile_database(TriggerConfig(name="onOrder", kind="database", config=config))


def change(operation, before=None, after=None, collection="orders", document_id="o1"):
    return Change(
        sequence=1,
        collection=collection,
        operation=operation,
        document_id=document_id,
        before=before,
        after=after,
    )


@pytest.mark.parametrize(
    ("config", "heard"),
    [
        pytest.param({}, {"insert", "update", "replace", "remove"}, id="default"),
        pytest.param({"operations": ["insert"]}, {"insert"}, id="insert"),
        pytest.param({"operations": ["add"]}, {"insert"}, id="add"),
        pytest.param({"operations": ["update"]}, {"update", "replace"}, id="update"),
        pytest.param({"operations": ["replace"]}, {"replace"}, id="replace"),
        pytest.param({"operations": ["set"]}, {"replace"}, id="set"),
        pytest.param({"operations": ["remove"]}, {"remove"}, id="remove"),
        pytest.param({"operations": ["delete", "add"]}, {"remove", "insert"}, id="delete"),
        pytest.param({"events": ["remove"]}, {"remove"}, id="events"),
    ],
)
def test_trigger_hears_its_operations(config, heard):
    compiled = trigger({"collection": "orders", **config})
    every = ("insert", "update", "replace", "remove")
    assert {each for each in every if compiled.matches(change(each))} == heard


def test_trigger_hears_its_collection_only():
    assert not trigger({"collection": "orders"}).matches(change("insert", collection="users"))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        pytest.param(None, "name a collection", id="none"),
        pytest.param({"operations": ["insert"]}, "name a collection", id="no collection"),
        pytest.param({"collection": ""}, "name a collection", id="empty"),
        pytest.param({"collection": "c", "operations": ["upsert"]}, "'upsert'", id="operation"),
    ],
)
def test_configuration_that_is_wrong_is_refused(config, message):
    with pytest.raises(ConfigurationError, match=message):
        trigger(config)


def test_event_of_an_insert():
    after = {"_id": "o1", "status": "new", "at": Date(NOON_MS)}
    event = trigger({"collection": "orders"}).event(
        [change("insert", after=after)], env_id="env-1", moment_ms=NOON_MS
    )
    assert event == {
        "type": "database",
        "triggerName": "onOrder",
        "collection": "orders",
        "envId": "env-1",
        "time": "2026-11-21T04:00:00.000Z",
        "dataList": [
            {
                "docId": "o1",
                "doc": {"_id": "o1", "status": "new", "at": "2026-11-21T04:00:00.000Z"},
                "dataType": "add",
                "operation": "insert",
                "updateFields": {},
                "updatedFields": {},
                "removedFields": [],
                "before": None,
            }
        ],
    }


@pytest.mark.parametrize(
    ("operation", "data_type"),
    [("update", "update"), ("replace", "replace"), ("remove", "remove"), ("insert", "add")],
)
def test_data_type_is_the_one_of_watch(operation, data_type):
    compiled = trigger({"collection": "orders"})
    event = compiled.event([change(operation, {}, {})], env_id="e", moment_ms=0)
    assert event["dataList"][0]["dataType"] == data_type


def test_event_of_an_update_tells_what_changed():
    before = {"_id": "o1", "status": "new", "note": "x", "n": 1}
    after = {"_id": "o1", "status": "paid", "n": 1, "paidAt": Date(0)}
    compiled = trigger({"collection": "orders"})
    told = compiled.event([change("update", before, after)], env_id="e", moment_ms=0)["dataList"][0]
    assert told["updateFields"] == {"status": "paid", "paidAt": "1970-01-01T00:00:00.000Z"}
    assert told["updatedFields"] == told["updateFields"]
    assert told["removedFields"] == ["note"]
    assert told["before"] == before


def test_event_of_a_removal_holds_the_document_that_was():
    before = {"_id": "o1", "status": "new"}
    compiled = trigger({"collection": "orders"})
    told = compiled.event([change("remove", before)], env_id="e", moment_ms=0)["dataList"][0]
    assert told["doc"] == told["before"] == before


def test_changes_of_a_batch_are_told_in_order():
    changes = [change("insert", after={"_id": each}, document_id=each) for each in ("a", "b")]
    event = trigger({"collection": "orders"}).event(changes, env_id="e", moment_ms=0)
    assert [each["docId"] for each in event["dataList"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        pytest.param(ObjectId("ab" * 12), "ab" * 12, id="object id"),
        pytest.param(Int64(7), 7, id="long"),
        pytest.param(Decimal("1.50"), "1.50", id="decimal"),
        pytest.param(Regex("^a", "i"), {"pattern": "^a", "options": "i"}, id="regex"),
        pytest.param(Binary(b"\xff"), "/w==", id="binary"),
        pytest.param(Timestamp(1, 2), "1970-01-01T00:00:01.000Z", id="timestamp"),
        pytest.param([{"a": [Date(0)]}], [{"a": ["1970-01-01T00:00:00.000Z"]}], id="nested"),
    ],
)
def test_values_are_plain_json(value, told):
    compiled = trigger({"collection": "orders"})
    event = compiled.event([change("insert", after={"v": value})], env_id="e", moment_ms=0)
    assert event["dataList"][0]["doc"]["v"] == told


def test_functions_may_change_their_event_without_changing_the_document():
    after = {"_id": "o1", "tags": ["a"]}
    event = trigger({"collection": "orders"}).event(
        [change("insert", after=after)], env_id="e", moment_ms=0
    )
    event["dataList"][0]["doc"]["tags"].append("b")
    assert after == {"_id": "o1", "tags": ["a"]}
