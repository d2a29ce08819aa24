async def test_tells_the_caller_s_own_ids(cloud_suite):
    result = await cloud_suite.invoke("login", {"openid": "oForged"}, "oUser")
    assert result["openid"] == "oUser"
    assert result["appid"]


async def test_knows_nobody_where_nobody_calls(cloud_suite):
    result = await cloud_suite.invoke("login")
    assert result["openid"] is None
