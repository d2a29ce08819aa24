"""Files in and out of collections over the control API, as programs see it."""

import json

import aiohttp
import pytest


@pytest.fixture
async def api(cloud_suite):
    async with aiohttp.ClientSession(f"{cloud_suite.url}/_emu/collections/") as session:
        yield session


async def load(api, text, path="orders/import"):
    async with api.post(path, data=text) as response:
        return response.status, await response.json()


async def test_a_file_goes_in_and_comes_out(api, cloud_suite):
    text = '{"_id":"a","at":{"$date":"2018-08-31T17:30:00.882Z"}}\n{"_id":"b","name":"中文"}\n'
    assert await load(api, text.encode()) == (
        200,
        {
            "collection": "orders",
            "inserted": 2,
            "replaced": 0,
            "conflicts": 0,
            "failed": 0,
            "problems": [],
        },
    )
    async with api.get("orders/export") as response:
        assert response.status == 200
        assert response.content_type == "application/x-ndjson"
        assert response.headers["Content-Disposition"].endswith("''orders.jsonl")
        assert await response.text() == text
    async with api.get("orders/export?format=csv") as response:
        assert response.content_type == "text/csv"
        assert await response.text() == "_id,at,name\na,2018-08-31T17:30:00.882Z,\nb,,中文\n"


async def test_bad_lines_and_conflicts_are_told(api, cloud_suite):
    await cloud_suite.seed({"orders": [{"_id": "a"}]})
    status, told = await load(api, b'{"_id":"a"}\noops\n{"_id":"b"}\n')
    assert status == 200
    assert (told["inserted"], told["conflicts"], told["failed"]) == (1, 1, 1)
    assert [each["line"] for each in told["problems"]] == [1, 2]
    assert told["problems"][0]["message"] == "the _id 'a' is taken"
    status, told = await load(api, b'{"_id":"a","n":1}\n', "orders/import?mode=upsert")
    assert told["replaced"] == 1
    assert {"_id": "a", "n": 1} in await cloud_suite.documents("orders")


async def test_a_stream_of_any_length_goes_in(api, cloud_suite):
    async def lines():
        for n in range(2000):
            yield b'{"_id":%d,"text":"%b"}\n' % (n, b"x" * 500)

    status, told = await load(api, lines(), "many/import")
    assert (status, told["inserted"]) == (200, 2000)
    async with api.get("many/export") as response:
        found = [json.loads(line) async for line in response.content]
    assert [each["_id"] for each in found] == list(range(2000))


@pytest.mark.parametrize(
    ("path", "text", "status", "words"),
    [
        ("no good!/import", b"", 400, "not allowed"),
        ("orders/import?format=xml", b"{}", 400, "xml"),
        ("orders/import?mode=merge", b"{}", 400, "merge"),
        ("orders/import", b'[{"_id":"a"}]', 400, "JSON array"),
        ("orders/import?format=csv", b"a,a\n1,2\n", 400, "first line"),
    ],
)
async def test_what_cannot_be_loaded_is_refused(api, path, text, status, words):
    found, told = await load(api, text, path)
    assert found == status
    assert words in told["message"]


@pytest.mark.parametrize(
    ("path", "status"), [("nowhere/export", 404), ("orders/export?format=xml", 400)]
)
async def test_what_cannot_be_given_is_refused(api, path, status):
    async with api.get(path) as response:
        assert response.status == status
        assert (await response.json())["message"]


async def test_a_page_of_another_site_may_do_neither(api):
    headers = {"Origin": "http://evil.example"}
    async with api.post("orders/import", data=b"{}", headers=headers) as response:
        assert response.status == 403
    async with api.get("orders/export", headers=headers) as response:
        assert response.status == 403


async def test_a_client_that_leaves_in_the_middle_leaves_whole_documents(api, cloud_suite):
    async def lines():
        yield b'{"_id":"a"}\n{"_id":'
        raise ValueError("gone")

    with pytest.raises((aiohttp.ClientError, ValueError)):
        await load(api, lines())
    await cloud_suite.seed({"orders": []})
    assert all(each == {"_id": "a"} for each in await cloud_suite.documents("orders"))


async def test_loading_breaks_a_transaction_in_its_way(api, cloud_suite):
    from emulator import cloud

    await cloud_suite.seed({"orders": [{"_id": "a", "n": 1}]})
    cloud.init(env="demo-env", endpoint=cloud_suite.url)
    db = cloud.database()
    transaction = await db.start_transaction()
    await transaction.collection("orders").doc("a").update(data={"n": 2})
    await load(api, b'{"_id":"a","n":3}\n', "orders/import?mode=upsert")
    with pytest.raises(cloud.CloudError) as caught:
        await transaction.commit()
    assert caught.value.code == "DATABASE_TRANSACTION_CONFLICT"
    assert await cloud_suite.documents("orders") == [{"_id": "a", "n": 3}]
