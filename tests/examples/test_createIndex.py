async def test_creates_the_index_once_and_again(cloud_suite):
    await cloud_suite.seed({"orders": [{"userId": "a", "status": "new"}]})
    for _ in range(2):
        result = await cloud_suite.invoke("createIndex", {})
        assert result == {"success": True, "name": "userId_status_createTime"}


async def test_says_that_the_collection_does_not_exist(cloud_suite):
    result = await cloud_suite.invoke("createIndex", {})
    assert not result["success"]
    assert "-502005 database collection not exists" in result["error"]
