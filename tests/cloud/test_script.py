"""A program outside the suite, and a real suite: every call over HTTP, as documented."""

import asyncio
import contextvars
import re
from datetime import UTC, datetime, timedelta

import pytest

from emulator import cloud

db = cloud.database()
_ = db.command


@pytest.fixture
def script(cloud_suite):
    """Say where the suite is, in this test's context only."""
    cloud.init(env="demo-env", endpoint=cloud_suite.url)
    return cloud_suite


async def test_documents_travel_both_ways(script):
    await db.create_collection("things")
    things = db.collection("things")
    born = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    thing = {
        "name": "安娜",
        "born": born,
        "place": db.Geo.Point(113.5, 23),
        "big": 2**53 + 1,
        "ratio": 0.1,
        "raw": b"\x00\xff",
        "nothing": None,
        "tags": ["a", {"b": [1]}],
    }
    thing_id = (await things.add(data=thing))["_id"]
    assert re.fullmatch("[0-9a-f]{32}", thing_id)
    found = (await things.doc(thing_id).get())["data"]
    assert found == {"_id": thing_id, **thing}
    assert found["place"].latitude == 23


async def test_queries_updates_and_removal(script):
    await script.seed({"users": []})
    users = db.collection("users")
    people = [{"_id": str(n), "n": n, "city": "SH" if n % 2 else "BJ"} for n in range(6)]
    assert (await users.add(data=people))["_ids"] == [each["_id"] for each in people]

    some = users.where({"n": _.gt(0).and_(_.lt(5)), "city": re.compile("^s", re.IGNORECASE)})
    assert [each["n"] for each in (await some.order_by("n", "desc").get())["data"]] == [3, 1]
    assert (await some.count())["total"] == 2
    assert (await some.update(data={"n": _.inc(10)}))["stats"] == {"updated": 2}
    answer = await users.doc("9").set(data={"at": db.server_date(offset=1000)})
    assert answer["stats"] == {"updated": 0, "created": 1}
    at = (await users.doc("9").get())["data"]["at"]
    now = datetime.fromtimestamp(script.clock.now_ms() / 1000, UTC)
    assert at == now + timedelta(seconds=1)
    assert (await users.where({"n": _.gte(11)}).remove())["stats"] == {"removed": 2}
    page = await users.order_by("_id").skip(1).limit(2).field({"n": True, "_id": False}).get()
    assert page["data"] == [{"n": 2}, {"n": 4}]


async def test_errors_are_those_a_function_sees(script):
    with pytest.raises(cloud.CloudError) as missing:
        await db.collection("nowhere").get()
    assert missing.value.errCode == -502005
    assert "Db or Table not exist: nowhere" in missing.value.message
    await script.seed({"users": [{"_id": "a"}]})
    with pytest.raises(cloud.CloudError, match="E11000"):
        await db.collection("users").add(data={"_id": "a"})
    with pytest.raises(cloud.CloudError, match="document with _id b does not exist"):
        await db.collection("users").doc("b").get()


async def test_functions_are_called(script):
    await script.seed({"users": []})
    event = {"collection": "users", "data": [{"name": "Ann"}]}
    answer = await cloud.call_function(name="batchAdd", data=event)
    assert answer["result"]["added"] == 1
    with pytest.raises(cloud.CloudError) as unknown:
        await cloud.call_function(name="nothing")
    assert unknown.value.code == "FUNCTION_NOT_FOUND"


async def test_files_go_up_come_down_and_go(script):
    content = bytes(range(256)) * 500
    path = "images/图 1#%.png"
    file_id = (await cloud.upload_file(cloud_path=path, file_content=content))["fileID"]
    assert file_id.endswith(path)
    assert (await cloud.download_file(file_id=file_id))["fileContent"] == content
    (address,) = (await cloud.get_temp_file_url(file_list=[file_id]))["fileList"]
    assert address["tempFileURL"].startswith(script.site_url)
    (deleted,) = (await cloud.delete_file(file_list=[file_id]))["fileList"]
    assert deleted["status"] == 0
    with pytest.raises(cloud.CloudError, match="-503003 storage file not exists"):
        await cloud.download_file(file_id=file_id)


async def test_a_blocking_program_works_the_same(script):
    await script.seed({"users": []})

    def program():
        users = db.collection("users")
        users.add(data={"_id": "a", "n": 1})
        users.doc("a").update(data={"n": _.inc(1)})
        return users.doc("a").get()["data"]

    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    assert await loop.run_in_executor(None, context.run, program) == {"_id": "a", "n": 2}


async def test_transactions_travel(script):
    await script.seed({"accounts": [{"_id": "a", "n": 1}, {"_id": "b", "n": 2}]})
    accounts = db.collection("accounts")

    async def move(transaction):
        found = await transaction.get(accounts.doc("a"))
        await transaction.update(accounts.doc("b"), data={"n": _.inc(found["data"]["n"])})
        await transaction.collection("accounts").doc("a").remove()
        await transaction.collection("accounts").add(data={"_id": "c", "n": 3})
        await transaction.set(accounts.doc("d"), data={"n": 4})
        return (await transaction.collection("accounts").where({"n": _.gt(2)}).count())["total"]

    assert await db.run_transaction(move) == 0
    stored = {each["_id"]: each["n"] for each in await script.documents("accounts")}
    assert stored == {"b": 3, "c": 3, "d": 4}

    held, lost = await db.start_transaction(), await db.start_transaction()
    await held.update(accounts.doc("b"), data={"n": 9})
    with pytest.raises(cloud.CloudError) as caught:
        await lost.update(accounts.doc("b"), data={"n": 8})
    assert caught.value.code == "DATABASE_TRANSACTION_CONFLICT"
    await held.rollback()
    with pytest.raises(cloud.CloudError, match="TransactionNotExist"):
        await held.commit()
    assert (await accounts.doc("b").get())["data"]["n"] == 3


async def test_indexes_are_made_and_keep_their_promise(script):
    await db.create_collection("people")
    people = db.collection("people")
    created = await people.create_index({"keys": {"phone": 1, "born": -1}, "unique": True})
    assert created["name"] == "phone_1_born_-1"
    await people.add(data={"phone": "1"})
    with pytest.raises(cloud.CloudError, match="E11000") as refused:
        await people.add(data={"phone": "1", "born": None})
    assert refused.value.err_code == -502001
    listed = (await people.list_indexes())["indexes"]
    assert [each["keys"] for each in listed] == [{"_id": 1}, {"phone": 1, "born": -1}]
    await people.drop_index("phone_1_born_-1")
    await people.add(data={"phone": "1"})
