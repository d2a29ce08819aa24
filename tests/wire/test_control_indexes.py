"""The control API's calls about indexes, against a running suite."""

import aiohttp
import pytest


@pytest.fixture
async def call(cloud_suite):
    async with aiohttp.ClientSession(cloud_suite.suite.urls["api"]) as session:

        async def ask(method, path, body=None, **options):
            async with session.request(method, f"/_emu{path}", json=body, **options) as response:
                return response.status, await response.json()

        yield ask


async def test_indexes_come_and_go(call, cloud_suite):
    await cloud_suite.seed({"orders": [{"_id": "a", "who": 1, "at": 2}]})
    body = {"keys": {"who": 1, "at": -1}, "unique": True}
    assert await call("POST", "/collections/orders/indexes", body) == (200, {"name": "who_1_at_-1"})
    listed = await call("GET", "/collections/orders/indexes")
    assert listed == (
        200,
        {
            "indexes": [
                {"name": "_id_", "keys": {"_id": 1}, "unique": True},
                {"name": "who_1_at_-1", "keys": {"who": 1, "at": -1}, "unique": True},
            ]
        },
    )
    dropped = await call("DELETE", "/collections/orders/indexes/who_1_at_-1")
    assert dropped == (200, {"dropped": "who_1_at_-1"})


async def test_explain_takes_extended_json(call, cloud_suite):
    await cloud_suite.seed({"orders": [{"_id": str(n), "at": n} for n in range(5)]})
    await call("POST", "/collections/orders/indexes", {"keys": {"at": 1}})
    status, told = await call(
        "POST",
        "/collections/orders/explain",
        {"filter": {"at": {"$gt": {"$numberInt": "1"}}}, "sort": {"at": -1}, "limit": 2},
    )
    del told["duration_ms"]
    assert (status, told) == (
        200,
        {
            "stage": "IXSCAN",
            "indexes": ["at_1"],
            "keys_examined": 2,
            "documents_examined": 2,
            "returned": 2,
            "sorted_by_index": True,
        },
    )
    _, reads = await call("GET", "/reads?limit=1")
    assert (reads[0]["collection"], reads[0]["indexes"]) == ("orders", ["at_1"])
    assert await call("GET", "/reads?request_id=nobody") == (200, [])


async def test_advice_goes_when_the_index_is_there(call, cloud_suite):
    await cloud_suite.seed({"orders": [{"_id": str(n), "at": n} for n in range(100)]})
    await call("POST", "/collections/orders/explain", {"filter": {"at": 5}})
    _, told = await call("GET", "/advice")
    assert told["advice"][0]["index"] == {"name": "at_1", "keys": {"at": 1}}
    await call("POST", "/collections/orders/indexes", {"keys": {"at": -1, "x": 1}})
    assert len((await call("GET", "/advice"))[1]["advice"]) == 1
    await call("POST", "/collections/orders/indexes", {"keys": {"at": 1, "x": 1}})
    assert await call("GET", "/advice") == (200, {"advice": []})


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/collections/gone/indexes", {"keys": {"a": 1}}, "DATABASE_COLLECTION_NOT_EXIST"),
        ("/collections/orders/indexes", {}, "INVALID_PARAM"),
        ("/collections/orders/indexes", {"keys": [5]}, "INVALID_PARAM"),
        ("/collections/orders/indexes", {"keys": {"a": 2}}, "DATABASE_REQUEST_FAILED"),
        ("/collections/orders/indexes", {"keys": {"a": 1}, "expire_after_s": -1}, "INVALID_PARAM"),
        ("/collections/orders/explain", {"filter": 5}, "INVALID_PARAM"),
        ("/collections/orders/explain", {"sort": {"a": "up"}}, "INVALID_PARAM"),
        ("/collections/orders/explain", {"where": {}}, "INVALID_PARAM"),
    ],
)
async def test_what_is_wrong_is_refused(call, cloud_suite, path, body, code):
    await cloud_suite.seed({"orders": []})
    status, told = await call("POST", path, body)
    assert (status >= 400, told["code"]) == (True, code)


async def test_a_foreign_page_may_not_ask(call, cloud_suite):
    status, told = await call("GET", "/advice", headers={"Origin": "http://evil.example"})
    assert (status, told["code"]) == (403, "FOREIGN_ORIGIN")
