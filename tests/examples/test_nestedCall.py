async def test_calls_the_other_function_for_the_same_user(cloud_suite):
    await cloud_suite.seed({"users": []})
    result = await cloud_suite.invoke("nestedCall", {"nickname": "Ada"}, "oUser")
    assert result["success"]
    (stored,) = await cloud_suite.documents("users")
    assert (stored["_openid"], stored["nickname"]) == ("oUser", "Ada")


async def test_hands_on_what_the_other_function_answers(cloud_suite):
    result = await cloud_suite.invoke("nestedCall", {})
    assert result == {"success": False, "error": "nobody is signed in"}
