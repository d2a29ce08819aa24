"""Collections, indexes, documents and jobs by Tencent Cloud's API, one call after the other."""

import json
from typing import Any

import aiohttp


async def test_tables_indexes_documents_and_jobs(start_project):
    async with start_project({".emulator.toml": ""}) as running, aiohttp.ClientSession() as session:

        async def ask(action: str, **body: Any) -> Any:
            headers = {"X-TC-Action": action}
            async with session.post(f"{running.url}/", json=body, headers=headers) as answer:
                told = json.loads(await answer.read())["Response"]
            told.pop("RequestId")
            return told.get("Error", {}).get("Code") or told

        def index(name: str, key: str, way: str = "1", *, unique: bool = False) -> dict[str, Any]:
            keys = [{"Name": key, "Direction": way}]
            return {
                "IndexName": name,
                "MgoKeySchema": {"MgoIndexKeys": keys, "MgoIsUnique": unique},
            }

        assert await ask("ListTables") == {
            "Tables": None,
            "Pager": {"Offset": 0, "Limit": 100, "Total": 0},
        }
        t = {"TableName": "rooms"}
        assert await ask("CreateTable", **t) == {}
        assert await ask("CreateTable", **t) == "ResourceUnavailable.ResourceExist"
        made = [index("by_n", "n", "-1", unique=True), index("by_place", "place", "2d")]
        assert await ask("UpdateTable", **t, CreateIndexes=made) == {}
        # One of a name that is taken replaces what has it.
        assert await ask("UpdateTable", **t, CreateIndexes=[index("by_n", "n")]) == {}
        assert await ask("UpdateTable", **t, DropIndexes=[{"IndexName": "by_place"}]) == {}
        told = await ask("DescribeTable", **t)
        assert told["IndexNum"] == 2
        assert told["Indexes"][1]["Keys"] == [{"Name": "n", "Direction": "1"}]
        assert told["Indexes"][1]["Unique"] is False
        assert (await ask("ListTables", MgoLimit=1))["Tables"] == [
            {"TableName": "rooms", "Count": 0, "Size": 0, "IndexCount": 2, "IndexSize": 8192}
        ]
        assert (await ask("DescribeDbDistribution"))["Collections"] == [
            {"CollectionName": "rooms", "DocCount": 0}
        ]
        documents = ['{"_id": "a", "n": 1}', '{"_id": "b", "n": 2, "at": {"$date": 0}}']
        assert await ask("PutItem", **t, MgoDocs=documents) == {"InsertedIds": ["a", "b"]}
        assert await ask("Query", **t, MgoQuery='{"n": {"$gt": 0}}', MgoSort='{"n": -1}') == {
            "Data": [
                '{"_id":"b","n":2,"at":{"$date":"1970-01-01T00:00:00.000Z"}}',
                '{"_id":"a","n":1}',
            ],
            "Pager": {"Offset": 0, "Limit": 20, "Total": 2},
        }
        sort = [{"Key": "n", "Direction": 1}]
        shown = {"MgoProjection": '{"_id": 0, "n": 1}', "MgoLimit": 1, "MgoOffset": 1}
        assert (await ask("Query", **t, MgoSort=sort, **shown))["Data"] == ['{"n":2}']
        assert await ask("Query", **t, MgoSort='{"n": 5}') == "InvalidParameterValue"
        assert await ask("CountItem", **t) == {"Count": 2}
        update = {"MgoQuery": '{"n": 1}', "MgoUpdate": '{"$inc": {"n": 10}}'}
        done = {"UpsertedId": "", "MatchedNum": 1, "ModifiedNum": 1}
        assert await ask("UpdateItem", **t, **update) == done
        # As MongoDB: an update without operators is the new document.
        assert await ask("UpdateItem", **t, MgoQuery='{"n": 11}', MgoUpdate='{"m": 1}') == done
        assert await ask("DeleteItem", **t, MgoQuery='{"m": 1}') == {"Deleted": 1}
        find = {"TableName": "rooms", "CommandType": "QUERY", "Command": '{"find": "rooms"}'}
        told = await ask("RunCommands", MgoCommands=[find, find])
        assert [json.loads(each)[0]["_id"] for each in told["Data"]] == ["b", "b"]

        rooms = {"CollectionName": "rooms", "FilePath": "out.json", "FileType": "json"}
        job = await ask("DatabaseMigrateExport", **rooms, Fields="n", Query='{"n": 2}', Limit=5)
        told = await ask("DatabaseMigrateQueryInfo", **job)
        assert (told["Status"], told["RecordSuccess"], told["RecordFail"]) == ("success", 1, 0)
        async with session.get(told["FileUrl"]) as answer:
            assert await answer.text() == '{"n":2}\n'
        job = await ask("DatabaseMigrateImport", **rooms, ConflictMode="upsert")
        assert (await ask("DatabaseMigrateQueryInfo", **job))["Status"] == "success"
        assert await ask("CountItem", **t) == {"Count": 2}
        refused = [
            ("DatabaseMigrateImport", {**rooms, "FileType": "xml"}),
            ("DatabaseMigrateImport", {**rooms, "ConflictMode": "ask"}),
            ("DatabaseMigrateQueryInfo", {}),
            ("DatabaseMigrateQueryInfo", {"JobId": 1}),
            ("UpdateTable", {**t, "CreateIndexes": [{"IndexName": "x"}]}),
            ("UpdateTable", {**t, "DropIndexes": ["x"]}),
            ("PutItem", {**t, "MgoDocs": ["1"]}),
            ("ListTables", {"MgoLimit": 2**31}),
            ("Query", {**t, "MgoOffset": 10**30}),
        ]
        for action, body in refused:
            assert await ask(action, **body) == "InvalidParameterValue", action
        assert await ask("DeleteTable", **t) == {}
        assert await ask("DeleteTable", **t) == "ResourceNotFound"
