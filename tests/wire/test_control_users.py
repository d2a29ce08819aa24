"""The control API's calls about users, against a running suite."""

import aiohttp
import pytest


@pytest.fixture
async def call(cloud_suite):
    async with aiohttp.ClientSession(cloud_suite.suite.urls["api"]) as session:

        async def ask(method, path, body=None, **options):
            async with session.request(method, f"/_emu{path}", json=body, **options) as response:
                return response.status, await response.json()

        yield ask


async def test_there_is_a_test_user_from_the_start(call, cloud_suite):
    status, (user,) = await call("GET", "/users")
    assert (status, user["current"], user["has_password"]) == (200, True, False)
    assert user["openid"] == cloud_suite.suite.parts.identity.auth.wechat.current()


async def test_test_users_come_are_chosen_and_go(call):
    given = {"openid": "oBob", "name": "Bob", "unionid": "uBob", "phone": "13800000000"}
    status, bob = await call("POST", "/users", given)
    assert (status, bob["openid"], bob["unionid"], bob["phone"]) == (
        200, "oBob", "uBob", "+8613800000000",
    )  # fmt: skip
    assert (await call("POST", "/users", given))[0] == 409
    assert (await call("POST", "/users/current", {"openid": "oBob"}))[1]["current"] is True
    _, users = await call("GET", "/users")
    assert [user["openid"] for user in users if user["current"]] == ["oBob"]
    _, blocked = await call("PATCH", f"/users/{bob['uid']}", {"blocked": True})
    assert blocked["blocked"] is True
    assert await call("DELETE", f"/users/{bob['uid']}") == (200, {"removed": bob["uid"]})
    assert (await call("DELETE", f"/users/{bob['uid']}"))[0] == 404


async def test_a_user_with_a_password_can_sign_in_and_is_impersonated(call, cloud_suite):
    auth = cloud_suite.suite.parts.identity.auth
    _, ada = await call("POST", "/users", {"username": "ada", "password": "pw", "email": "a@b.c"})
    assert "pw" not in ada.values()
    assert (await auth.with_password("ada", "pw")).session.uid == ada["uid"]
    _, tokens = await call("POST", f"/users/{ada['uid']}/tokens")
    assert auth.caller(tokens["access_token"]).uid == ada["uid"]


async def test_the_inbox_tells_what_was_sent_and_a_reset_empties_it(call, cloud_suite):
    auth = cloud_suite.suite.parts.identity.auth
    auth.codes.send("email", "a@b.c")
    auth.codes.send("phone", "13800000000")
    _, letters = await call("GET", "/inbox?to=a@b.c")
    assert [(each["channel"], each["to"]) for each in letters] == [("email", "a@b.c")]
    assert len((await call("GET", "/inbox"))[1]) == 2
    await call("POST", "/reset")
    assert (await call("GET", "/inbox"))[1] == []


async def test_the_login_key_stays_the_same(call):
    _, key = await call("GET", "/login-key")
    assert set(key) == {"private_key_id", "private_key", "env_id"}
    assert (await call("GET", "/login-key"))[1] == key


async def test_a_foreign_page_is_told_nothing(call):
    for path in ("/users", "/inbox", "/login-key"):
        status, told = await call("GET", path, headers={"Origin": "http://localhost:5173"})
        assert (status, told["code"]) == (403, "FOREIGN_ORIGIN")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/users", {"openid": 7}),
        ("POST", "/users", {"nonsense": "x"}),
        ("POST", "/users", {"email": "x"}),
        ("POST", "/users/current", {}),
        ("PATCH", "/users/x", {"blocked": "yes"}),
    ],
)
async def test_wrong_input_is_refused_by_name(call, method, path, body):
    status, told = await call(method, path, body)
    assert (status, bool(told["message"])) == (400, True)
