async def test_updates_every_document_that_meets_the_conditions(cloud_suite):
    users = [
        {"_id": "a", "city": "Shanghai", "address": {"zip": "1"}},
        {"_id": "b", "city": "Beijing"},
        {"_id": "c", "city": "Shanghai"},
    ]
    await cloud_suite.seed({"users": users})
    result = await cloud_suite.invoke(
        "batchUpdate",
        {
            "collection": "users",
            "where": {"city": "Shanghai"},
            "data": {"country": "China", "address": {"street": "x"}},
        },
        "oUser",
    )
    assert result == {"success": True, "updated": 2}
    stored = {each["_id"]: each for each in await cloud_suite.documents("users")}
    assert stored["a"]["address"] == {"zip": "1", "street": "x"}
    assert stored["c"]["country"] == "China"
    assert "country" not in stored["b"]


async def test_updates_nothing_without_conditions(cloud_suite):
    await cloud_suite.seed({"users": [{"_id": "a"}]})
    event = {"collection": "users", "where": {}, "data": {"country": "China"}}
    result = await cloud_suite.invoke("batchUpdate", event)
    assert not result["success"]
    assert await cloud_suite.documents("users") == [{"_id": "a"}]
