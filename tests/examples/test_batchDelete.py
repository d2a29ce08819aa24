async def test_removes_every_document_that_meets_the_conditions(cloud_suite):
    users = [{"_id": "a", "city": "Shanghai"}, {"_id": "b", "city": "Beijing"}]
    await cloud_suite.seed({"users": users})
    event = {"collection": "users", "where": {"city": "Shanghai"}}
    result = await cloud_suite.invoke("batchDelete", event, "oUser")
    assert result == {"success": True, "removed": 1}
    assert [each["_id"] for each in await cloud_suite.documents("users")] == ["b"]


async def test_removes_nothing_without_conditions(cloud_suite):
    await cloud_suite.seed({"users": [{"_id": "a"}]})
    result = await cloud_suite.invoke("batchDelete", {"collection": "users"})
    assert not result["success"]
    assert len(await cloud_suite.documents("users")) == 1
