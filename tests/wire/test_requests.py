import json

import pytest

from emulator.core import commands
from emulator.core.errors import DatabaseRequestFailed, InvalidParam
from emulator.core.values import Date, ServerDate
from emulator.wire import requests

C = {"collectionName": "c"}


@pytest.mark.parametrize(
    ("read", "body", "command"),
    [
        pytest.param(
            requests.create_collection, C, commands.CreateCollection(collection="c"), id="create"
        ),
        pytest.param(
            requests.drop_collection, C, commands.DropCollection(collection="c"), id="drop"
        ),
        pytest.param(
            requests.insert,
            {**C, "data": ['{"_id":"fixed","n":{"$numberInt":"9"}}']},
            commands.Insert(collection="c", documents=({"_id": "fixed", "n": 9},)),
            id="insert",
        ),
        pytest.param(
            requests.insert,
            {**C, "data": ['{"a":1}', '{"a":2}'], "transactionId": "t"},
            commands.Insert(collection="c", documents=({"a": 1}, {"a": 2}), transaction_id="t"),
            id="insert several",
        ),
        pytest.param(
            requests.insert,
            {**C, "data": {"at": {"$date": 7}}},
            commands.Insert(collection="c", documents=({"at": Date(7)},)),
            id="insert of the old dialect",
        ),
        pytest.param(
            requests.commit_transaction,
            {"transactionId": "t"},
            commands.CommitTransaction(transaction_id="t"),
            id="commit",
        ),
        pytest.param(
            requests.rollback_transaction,
            {"transactionId": "t"},
            commands.RollbackTransaction(transaction_id="t"),
            id="abort",
        ),
        pytest.param(
            requests.find_in_transaction,
            {**C, "query": {"_id": {"$eq": 7}}, "transactionId": "t"},
            commands.Find(collection="c", filter={"_id": {"$eq": 7}}, limit=1, transaction_id="t"),
            id="get in a transaction of the old dialect",
        ),
        pytest.param(
            requests.find_in_transaction,
            {**C, "_id": "12", "transactionId": "t"},
            commands.Find(collection="c", filter={"_id": "12"}, limit=1, transaction_id="t"),
            id="get in a transaction by id alone",
        ),
        pytest.param(
            requests.insert_in_transaction,
            {
                **C,
                "_id": "12",
                "data": '{"at":{"$date":{"$numberLong":"7"}}}',
                "transactionId": "t",
            },
            commands.Insert(
                collection="c", documents=({"_id": "12", "at": Date(7)},), transaction_id="t"
            ),
            id="insert in a transaction of the old dialect",
        ),
        pytest.param(
            requests.update_in_transaction,
            {
                **C,
                "_id": "x",
                "data": '{"n":{"$numberInt":"1"}}',
                "upsert": True,
                "transactionId": "t",
            },
            commands.Update(
                collection="c",
                filter={"_id": "x"},
                update={"n": 1},
                upsert=True,
                replace=True,
                transaction_id="t",
            ),
            id="set in a transaction of the old dialect",
        ),
        pytest.param(
            requests.update_in_transaction,
            {**C, "_id": "x", "data": '{"$inc":{"n":{"$numberInt":"1"}}}', "transactionId": "t"},
            commands.Update(
                collection="c",
                filter={"_id": "x"},
                update={"$inc": {"n": 1}},
                transaction_id="t",
            ),
            id="update in a transaction of the old dialect",
        ),
        pytest.param(
            requests.remove_in_transaction,
            {**C, "_id": "x", "transactionId": "t"},
            commands.Remove(collection="c", filter={"_id": "x"}, transaction_id="t"),
            id="delete in a transaction of the old dialect",
        ),
        pytest.param(
            requests.find,
            {**C, "queryType": "DOC", "multi": False, "query": '{"_id":"x"}'},
            commands.Find(collection="c", filter={"_id": "x"}, limit=1),
            id="get of doc",
        ),
        pytest.param(
            requests.find,
            {
                **C,
                "queryType": "WHERE",
                "query": '{"n":{"$gt":{"$numberInt":"0"}}}',
                "order": '{"n":{"$numberInt":"-1"},"_id":{"$numberInt":"1"}}',
                "offset": 1,
                "limit": 2,
                "projection": '{"n":{"$numberInt":"1"},"_id":{"$numberInt":"0"}}',
            },
            commands.Find(
                collection="c",
                filter={"n": {"$gt": 0}},
                sort=(("n", -1), ("_id", 1)),
                skip=1,
                limit=2,
                projection={"n": 1, "_id": 0},
            ),
            id="get of where",
        ),
        pytest.param(
            requests.find,
            {**C, "queryType": "WHERE", "projection": "{}", "order": ""},
            commands.Find(collection="c", limit=100),
            id="get of a collection",
        ),
        pytest.param(
            requests.find,
            {**C, "limit": 100_000},
            commands.Find(collection="c", limit=1000),
            id="the limit is cut",
        ),
        pytest.param(
            requests.find,
            {
                **C,
                "query": {"name": {"$regex": "^S", "$options": "i"}},
                "order": [{"field": "n", "direction": "desc"}, {"field": "m", "direction": "asc"}],
            },
            commands.Find(
                collection="c",
                filter={"name": {"$regex": "^S", "$options": "i"}},
                sort=(("n", -1), ("m", 1)),
                limit=100,
            ),
            id="get of the old dialect",
        ),
        pytest.param(
            requests.count,
            {**C, "queryType": "WHERE", "query": ""},
            commands.Count(collection="c"),
            id="count",
        ),
        pytest.param(
            requests.update,
            {
                **C,
                "query": '{"_id":"x"}',
                "data": '{"$set":{"at":{"$tcb_server_date":{"offset":{"$numberInt":"0"}}}}}',
                "multi": True,
                "merge": True,
                "upsert": False,
            },
            commands.Update(
                collection="c",
                filter={"_id": "x"},
                update={"$set": {"at": ServerDate(0)}},
                multi=True,
            ),
            id="update",
        ),
        pytest.param(
            requests.update,
            {**C, "query": "{}", "data": '{"a":1}', "merge": True},
            commands.Update(collection="c", filter={}, update={"$set": {"a": 1}}),
            id="update with plain fields sets them",
        ),
        pytest.param(
            requests.update,
            {
                **C,
                "query": '{"_id":"x"}',
                "data": '{"a":{"$numberInt":"1"}}',
                "multi": False,
                "merge": False,
                "upsert": True,
            },
            commands.Update(
                collection="c", filter={"_id": "x"}, update={"a": 1}, upsert=True, replace=True
            ),
            id="set replaces or creates",
        ),
        pytest.param(
            requests.find_and_modify,
            {**C, "query": '{"_id":"x"}', "data": '{"$inc":{"n":{"$numberInt":"1"}}}'},
            commands.FindAndModify(collection="c", filter={"_id": "x"}, update={"$inc": {"n": 1}}),
            id="update and return",
        ),
        pytest.param(
            requests.remove,
            {**C, "queryType": "DOC", "query": '{"_id":"x"}', "multi": False},
            commands.Remove(collection="c", filter={"_id": "x"}),
            id="remove of doc",
        ),
        pytest.param(
            requests.remove,
            {**C, "queryType": "WHERE", "query": "{}", "multi": True},
            commands.Remove(collection="c", filter={}, multi=True),
            id="remove of where({})",
        ),
        pytest.param(
            requests.aggregate,
            {
                **C,
                "stages": [
                    {"stageKey": "$match", "stageValue": '{"n":{"$gte":{"$numberInt":"0"}}}'},
                    {"stageKey": "$limit", "stageValue": "5"},
                    {"stageKey": "$sortByCount", "stageValue": '"$tags"'},
                ],
            },
            commands.Aggregate(
                collection="c",
                pipeline=({"$match": {"n": {"$gte": 0}}}, {"$limit": 5}, {"$sortByCount": "$tags"}),
            ),
            id="aggregate",
        ),
        pytest.param(
            requests.temporary_urls,
            {"file_list": [{"fileid": "cloud://a", "max_age": 60}, {"fileid": ""}, "c"]},
            commands.TemporaryUrls(files=(("cloud://a", 60), ("", None), ("c", None))),
            id="temporary urls",
        ),
        pytest.param(
            requests.delete_files,
            {"fileid_list": ["cloud://a", "b"]},
            commands.DeleteFiles(file_ids=("cloud://a", "b")),
            id="delete files",
        ),
    ],
)
def test_a_body_becomes_its_command(read, body, command):
    assert read(body) == command


def test_the_order_of_sort_keys_is_the_order_in_the_text():
    body = {**C, "order": json.dumps({"z": 1, "a": -1, "m": 1})}
    assert requests.find(body).sort == (("z", 1), ("a", -1), ("m", 1))


@pytest.mark.parametrize("query", [None, ""])
def test_remove_without_a_condition_is_refused(query):
    with pytest.raises(InvalidParam, match="where"):
        requests.remove({**C, "queryType": "WHERE", "multi": True, "query": query})


def test_remove_of_a_document_without_id_is_refused():
    with pytest.raises(InvalidParam, match="doc"):
        requests.remove({**C, "queryType": "DOC", "multi": False, "query": "{}"})


def test_a_replacement_of_many_documents_is_refused():
    with pytest.raises(DatabaseRequestFailed) as caught:
        requests.update({**C, "data": '{"a":1}', "merge": False, "multi": True})
    assert caught.value.mongo_code == 9


@pytest.mark.parametrize("order", ['{"n":2}', '{"n":true}', '{"n":"up"}', '[{"field":"n"}]', "[5]"])
def test_a_direction_is_one_or_minus_one(order):
    with pytest.raises(InvalidParam, match=r"order|direction"):
        requests.find({**C, "order": order})


@pytest.mark.parametrize(
    ("data", "event"),
    [
        pytest.param(None, {}, id="no data"),
        pytest.param("", {}, id="empty data"),
        pytest.param('{"a":{"$date":1}}', {"a": {"$date": 1}}, id="tags are left alone"),
        pytest.param("5", 5, id="a number"),
        pytest.param("null", None, id="null"),
    ],
)
def test_a_function_is_called_with_the_json_data_it_was_sent(data, event):
    body = {"function_name": "f", "request_data": data}
    assert requests.invocation(body) == ("f", event, len(data or ""))
