async def test_adds_every_document_of_the_list(cloud_suite):
    await cloud_suite.seed({"users": []})
    data = [
        {"name": "Alice", "age": 30, "city": "Beijing"},
        {"name": "Bob", "age": 28, "city": "Guangzhou"},
    ]
    result = await cloud_suite.invoke("batchAdd", {"collection": "users", "data": data}, "oUser")
    assert result["success"]
    assert result["added"] == 2
    stored = await cloud_suite.documents("users")
    assert [each["_id"] for each in stored] == result["ids"]
    assert [each["name"] for each in stored] == ["Alice", "Bob"]


async def test_adds_nothing_when_one_document_is_refused(cloud_suite):
    await cloud_suite.seed({"users": []})
    data = [{"_id": "same"}, {"_id": "same"}]
    result = await cloud_suite.invoke("batchAdd", {"collection": "users", "data": data})
    assert not result["success"]
    assert "E11000" in result["error"]
    assert await cloud_suite.documents("users") == []


async def test_says_that_a_collection_does_not_exist(cloud_suite):
    result = await cloud_suite.invoke("batchAdd", {"collection": "nowhere", "data": [{"a": 1}]})
    assert "-502005 database collection not exists" in result["error"]


async def test_wants_a_list(cloud_suite):
    result = await cloud_suite.invoke("batchAdd", {"collection": "users", "data": {"a": 1}})
    assert result == {"success": False, "error": "data must be a list of documents"}
