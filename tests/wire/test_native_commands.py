"""`runCommands`: what MongoDB's commands come to, through the gateway and through `/web`."""

from typing import Any

import pytest
from aiohttp import ClientSession

from emulator.wire.native_commands import COMMANDS_MAX

BASE = "/v1/database/instances/(default)/databases/(default)"
USER = {"x-emu-openid": "alice"}
SEED = [{"_id": "a", "n": 1}, {"_id": "b", "n": 2, "at": {"$date": 0}}, {"_id": "c", "n": 3}]
RULES = '{"orders": {"read": true, "write": true}, "secret": "ADMINONLY"}'


@pytest.fixture
async def run(start_project):
    async with start_project({"database.rules.json": RULES}) as it, ClientSession() as session:
        await it.seed({"orders": SEED, "secret": []})

        async def run(*commands: Any, **more: Any) -> Any:
            body = {"commands": list(commands), **more}
            url = f"{it.url}{BASE}/commands"
            async with session.post(url, json=body, headers=USER) as answer:
                told = await answer.json()
                return told["list"] if answer.status == 200 else told

        run.it, run.session = it, session
        yield run


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        pytest.param(
            {"find": "orders", "filter": {"n": {"$gt": 1}}, "sort": {"n": -1}, "limit": 1},
            [{"_id": "c", "n": 3}],
            id="find",
        ),
        pytest.param(
            {"find": "orders", "skip": 1, "sort": {"n": 1}, "projection": {"_id": 1}, "limit": 1},
            [{"_id": "b"}],
            id="find a part",
        ),
        pytest.param(
            {"count": "orders", "query": {"n": {"$gt": 1}}}, [{"n": 2, "ok": 1}], id="count"
        ),
        pytest.param(
            {"aggregate": "orders", "pipeline": [{"$group": {"_id": None, "s": {"$sum": "$n"}}}]},
            [{"_id": None, "s": 6}],
            id="aggregate",
        ),
        pytest.param(
            {"insert": "orders", "documents": [{"_id": "d"}, {"_id": "e"}]},
            [{"n": 2, "insertedIds": ["d", "e"], "ok": 1}],
            id="insert",
        ),
        pytest.param(
            {
                "update": "orders",
                "updates": [
                    {"q": {"n": {"$gt": 1}}, "u": {"$inc": {"n": 1}}, "multi": True},
                    {"q": {"_id": "a"}, "u": {"x": 1}},
                    {"q": {"_id": "new"}, "u": {"$set": {"y": 1}}, "upsert": True},
                ],
            },
            [{"n": 4, "nModified": 3, "upserted": [{"index": 2, "_id": "new"}], "ok": 1}],
            id="update",
        ),
        pytest.param(
            {"delete": "orders", "deletes": [{"q": {}, "limit": 1}, {"q": {"n": 3}, "limit": 0}]},
            [{"n": 2, "ok": 1}],
            id="delete",
        ),
        pytest.param(
            {
                "findAndModify": "orders",
                "query": {"_id": "a"},
                "update": {"$set": {"n": 9}},
                "new": True,
            },
            [{"value": {"_id": "a", "n": 9}, "ok": 1}],
            id="findAndModify",
        ),
    ],
)
async def test_a_command_is_answered(run, command: Any, answer: Any) -> None:
    assert await run(command) == [answer]


async def test_commands_run_one_after_the_other(run) -> None:
    found = await run(
        {"insert": "orders", "documents": [{"_id": "z", "n": {"$numberInt": "7"}}]},
        {"find": "orders", "filter": {"n": 7}},
    )
    assert found[1] == [{"_id": "z", "n": 7, "_openid": "alice"}]
    assert await run() == []


async def test_commands_of_a_transaction_come_to_nothing_when_it_is_rolled_back(run) -> None:
    url = f"{run.it.url}{BASE}/transactions"
    async with run.session.post(url, json={}, headers=USER) as answer:
        transaction = (await answer.json())["transactionId"]
    insert = {"insert": "orders", "documents": [{"_id": "t"}]}
    find = {"find": "orders", "filter": {"_id": "t"}}
    found = await run(insert, find, transactionId=transaction)
    assert found[1] == [{"_id": "t", "_openid": "alice"}]
    await run.session.post(f"{url}/{transaction}/rollback", json={}, headers=USER)
    assert await run(find) == [[]]


async def test_the_older_sdk_finds_the_same_on_web(run) -> None:
    body = {"action": "database.runCommands", "commands": [{"count": "orders"}]}
    async with run.session.post(f"{run.it.url}/web", json=body, headers=USER) as answer:
        told = await answer.json()
    assert told["list"] == told["data"]["list"] == [[{"n": 3, "ok": 1}]]


@pytest.mark.parametrize(
    ("commands", "code"),
    [
        ([{"dropDatabase": 1}], "INVALID_PARAM"),
        ([{}], "INVALID_PARAM"),
        (["find"], "INVALID_PARAM"),
        ([{"find": 1}], "INVALID_PARAM"),
        ([{"find": "orders", "filter": []}], "INVALID_PARAM"),
        ([{"find": "orders", "sort": {"n": 2}}], "INVALID_PARAM"),
        ([{"find": "orders", "sort": {"n": True}}], "INVALID_PARAM"),
        ([{"find": "orders", "sort": {"n": [1]}}], "INVALID_PARAM"),
        ([{"find": "none"}], "DATABASE_COLLECTION_NOT_EXIST"),
        ([{"find": "secret"}], "DATABASE_PERMISSION_DENIED"),
        ([{"insert": "orders", "documents": []}], "INVALID_PARAM"),
        ([{"insert": "orders", "documents": [1]}], "INVALID_PARAM"),
        ([{"insert": "orders", "documents": [{"_id": "a"}]}], "DATABASE_DUPLICATE_WRITE"),
        ([{"update": "orders", "updates": [{"q": {}, "u": []}]}], "INVALID_PARAM"),
        ([{"findAndModify": "orders", "query": {}, "remove": True}], "INVALID_PARAM"),
        ([{"count": "orders"}] * (COMMANDS_MAX + 1), "INVALID_PARAM"),
        ("find", "INVALID_PARAM"),
    ],
)
async def test_what_cannot_be_run_is_refused(run, commands: Any, code: str) -> None:
    url = f"{run.it.url}{BASE}/commands"
    async with run.session.post(url, json={"commands": commands}, headers=USER) as answer:
        assert answer.status >= 400
        assert (await answer.json())["code"] == code
