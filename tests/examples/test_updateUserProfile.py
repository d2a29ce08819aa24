PROFILE = {"nickname": "John Doe", "avatar": "https://example.com/avatar.jpg", "gender": 1}


async def test_changes_the_caller_s_own_document(cloud_suite):
    users = [
        {"_id": "a", "_openid": "oUser", "points": 7},
        {"_id": "b", "_openid": "oOther", "nickname": "Bob"},
    ]
    await cloud_suite.seed({"users": users})
    result = await cloud_suite.invoke("updateUserProfile", {**PROFILE, "points": 999}, "oUser")
    assert result == {"success": True, "updated": 1}
    mine, other = await cloud_suite.documents("users")
    assert {name: mine[name] for name in (*PROFILE, "points")} == {**PROFILE, "points": 7}
    assert "$date" in mine["updatedAt"]
    assert other == users[1]


async def test_needs_a_user_that_is_known(cloud_suite):
    await cloud_suite.seed({"users": []})
    result = await cloud_suite.invoke("updateUserProfile", dict(PROFILE), "oUser")
    assert result == {"success": False, "error": "User not found"}


async def test_needs_something_to_change(cloud_suite):
    result = await cloud_suite.invoke("updateUserProfile", {"points": 5}, "oUser")
    assert not result["success"]


async def test_needs_somebody_who_calls(cloud_suite):
    await cloud_suite.seed({"users": []})
    result = await cloud_suite.invoke("updateUserProfile", dict(PROFILE))
    assert "OPENID is not known" in result["error"]
