async def test_creates_the_caller_s_document_at_the_first_call(cloud_suite):
    await cloud_suite.seed({"users": []})
    first = await cloud_suite.invoke("getUserInfo", {"nickname": "Ada"}, "oUser")
    assert first["success"]
    assert first["isNew"]
    assert first["data"]["nickname"] == "Ada"
    assert first["data"]["createdAt"] == {"offset": 0}

    (stored,) = await cloud_suite.documents("users")
    assert stored["_openid"] == "oUser"
    assert stored["_id"] == first["data"]["_id"]
    assert stored["points"] == 0
    assert stored["createdAt"] == {"$date": {"$numberLong": str(cloud_suite.clock.now_ms())}}


async def test_returns_the_document_that_is_there(cloud_suite):
    users = [{"_id": "a", "_openid": "oUser", "points": 7}, {"_id": "b", "_openid": "oOther"}]
    await cloud_suite.seed({"users": users})
    result = await cloud_suite.invoke("getUserInfo", {}, "oUser")
    assert result == {"success": True, "data": users[0]}


async def test_two_callers_do_not_see_each_other(cloud_suite):
    await cloud_suite.seed({"users": []})
    for openid in ("oOne", "oTwo", "oOne"):
        result = await cloud_suite.invoke("getUserInfo", {}, openid)
        assert result["data"]["_openid"] == openid
    assert len(await cloud_suite.documents("users")) == 2


async def test_nobody_cannot_be_looked_up(cloud_suite):
    result = await cloud_suite.invoke("getUserInfo", {})
    assert result == {"success": False, "error": "nobody is signed in"}


async def test_a_user_cannot_claim_to_be_another_one(cloud_suite):
    await cloud_suite.seed({"users": [{"_id": "b", "_openid": "oOther"}]})
    result = await cloud_suite.invoke("getUserInfo", {"openid": "oOther"}, "oUser")
    assert result["data"]["_openid"] == "oUser"
