"""Transactions in a whole suite: killed, stopped, and heard by triggers."""

import asyncio
import contextlib
import json
import random
import signal

import pytest
from aiohttp import ClientError

pytestmark = pytest.mark.slow

ACCOUNTS = [f"account-{number}" for number in range(6)]
START = 100
ROUNDS = 6
WRITERS = 4

HEARS = """
    from emulator import cloud

    db = cloud.database()

    async def main(event, context):
        for change in event["dataList"]:
            heard = {"id": change["docId"], "n": change["doc"]["n"]}
            await db.collection("heard").add(data=heard)
"""
TRANSFERS = """
    from emulator import cloud

    db = cloud.database()

    async def main(event, context):
        transaction = await db.start_transaction()
        inside = transaction.collection("orders")
        await inside.add(data={"_id": "a", "n": 1})
        await inside.doc("a").update(data={"n": 2})
        await inside.add(data={"_id": "b", "n": 3})
        before = (await db.collection("heard").count())["total"]
        await (transaction.commit() if event["commits"] else transaction.rollback())
        return before
"""


async def started(world, *options):
    return world.client(await asyncio.to_thread(world.start, *options))


async def created(client, *names):
    for name in names:
        told = await client.admin("database.addCollection", collectionName=name)
        assert "code" not in told, told


async def found(client, name):
    told = await client.admin("database.getDocument", collectionName=name, limit=1000)
    return {each["_id"]: each["n"] for each in map(json.loads, told["data"]["list"])}


async def begun(client):
    return (await client.admin("database.startTransaction"))["transactionId"]


async def inc(client, key, by, transaction=None):
    return await client.admin(
        "database.modifyDocument",
        collectionName="accounts",
        queryType="DOC",
        query=json.dumps({"_id": key}),
        data=json.dumps({"$inc": {"n": by}}),
        multi=False,
        merge=True,
        upsert=False,
        **({"transactionId": transaction} if transaction else {}),
    )


async def filled(client):
    await created(client, "accounts")
    documents = [json.dumps({"_id": key, "n": START}) for key in ACCOUNTS]
    told = await client.admin("database.insertDocument", collectionName="accounts", data=documents)
    assert "code" not in told, told


async def test_a_killed_suite_keeps_committed_transactions_and_nothing_of_open_ones(world):
    world.write({})
    client = await started(world)
    await filled(client)
    committed, open_ = await begun(client), await begun(client)
    for key, by, transaction in (
        (ACCOUNTS[0], -7, committed),
        (ACCOUNTS[1], 7, committed),
        (ACCOUNTS[2], -9, open_),
        (ACCOUNTS[3], 9, open_),
    ):
        assert (await inc(client, key, by, transaction))["data"]["updated"] == 1
    told = await client.admin("database.commitTransaction", transactionId=committed)
    assert "code" not in told
    await asyncio.to_thread(client.process.kill)
    client = await started(world)
    left = await found(client, "accounts")
    assert list(left.values()) == [93, 107, 100, 100, 100, 100]
    told = await client.admin("database.commitTransaction", transactionId=open_)
    assert told["code"] == "DATABASE_TRANSACTION_FAIL"


async def test_killed_at_any_moment_no_transfer_is_there_in_part(world):
    """What was acknowledged is there, the sum is what it was, and little else can have happened."""
    world.write({})
    chance = random.Random(11)
    acknowledged = dict.fromkeys(ACCOUNTS, START)
    for turn in range(ROUNDS):
        client = await started(world)
        if turn == 0:
            await filled(client)
        await transfer_until_killed(client, chance, acknowledged)
        client = await started(world)
        left = await found(client, "accounts")
        assert sum(left.values()) == START * len(ACCOUNTS)
        # Each writer may have had one transfer under way that was committed but not answered for.
        assert sum(abs(left[key] - acknowledged[key]) for key in ACCOUNTS) <= 2 * WRITERS
        acknowledged = left
        await asyncio.to_thread(client.process.kill)


async def transfer_until_killed(client, chance, acknowledged):
    """Move money between accounts and note what was acknowledged, until the suite is killed."""
    done = 0

    async def move():
        nonlocal done
        giver, taker = chance.sample(ACCOUNTS, 2)
        transaction = await begun(client)
        for key, by in ((giver, -1), (taker, 1)):
            told = await inc(client, key, by, transaction)
            if "code" in told:
                assert told["code"] == "DATABASE_TRANSACTION_CONFLICT", told
                return
        told = await client.admin("database.commitTransaction", transactionId=transaction)
        assert "code" not in told, told
        done += 1
        acknowledged[giver] -= 1
        acknowledged[taker] += 1

    async def work():
        with contextlib.suppress(ClientError, ConnectionError):
            while True:
                await move()

    working = [asyncio.create_task(work()) for _ in range(WRITERS)]
    wanted = chance.randrange(1, 30)
    async with asyncio.timeout(20):
        while done < wanted:
            await asyncio.sleep(0)
            assert not all(task.done() for task in working)
    await asyncio.to_thread(client.process.kill)
    await asyncio.gather(*working)


async def test_a_stop_rolls_back_and_keeps_nobody_waiting(world):
    world.write({})
    client = await started(world)
    await filled(client)
    transaction = await begun(client)
    await inc(client, ACCOUNTS[0], -50, transaction)
    waiting = asyncio.create_task(inc(client, ACCOUNTS[0], 1))
    assert (await inc(client, ACCOUNTS[1], 1))["data"]["updated"] == 1
    client.process.popen.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(client.process.wait) == 0
    answered = await asyncio.gather(waiting, return_exceptions=True)
    client = await started(world)
    left = await found(client, "accounts")
    # The write that waited was carried out, refused or cut off; the transaction was not committed.
    assert left[ACCOUNTS[0]] in (START, START + 1)
    if isinstance(answered[0], dict) and "data" in answered[0]:
        assert left[ACCOUNTS[0]] == START + 1
    assert left[ACCOUNTS[1]] == START + 1


@pytest.mark.parametrize("commits", [True, False])
async def test_triggers_hear_of_a_transaction_once_after_its_commit(world, commits):
    config = {"collection": "orders", "operations": ["insert", "update"]}
    world.write({"transfers": TRANSFERS})
    world.write(
        {"hears": HEARS}, triggers=[{"name": "onOrder", "type": "database", "config": config}]
    )
    client = await started(world, "--ephemeral")
    await created(client, "orders", "heard")
    assert await client.result("transfers", {"commits": commits}) == 0
    async with client.http.get(f"{client.process.url}/_emu/idle") as response:
        assert (await response.json())["idle"]
    told = await client.admin("database.getDocument", collectionName="heard")
    heard = [json.loads(each) for each in told["data"]["list"]]
    pairs = sorted((each["id"], each["n"]) for each in heard)
    assert pairs == ([("a", 1), ("a", 2), ("b", 3)] if commits else [])
