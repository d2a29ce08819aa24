import hashlib

import pytest

USER = {
    "_id": "u1",
    "username": "ada",
    "salt": "pepper",
    "password": hashlib.sha256(b"lovelace" + b"pepper").hexdigest(),
    "nickname": "Ada",
    "role": "admin",
}
GOOD = {"username": "ada", "password": "lovelace"}


@pytest.fixture
async def suite(cloud_suite):
    await cloud_suite.seed({"users": [USER], "sessions": []})
    return cloud_suite


async def test_a_right_password_begins_a_session(suite):
    result = await suite.invoke("customLogin", dict(GOOD), "oUser")
    assert result["success"]
    assert result["user"] == {"_id": "u1", "username": "ada", "nickname": "Ada", "role": "admin"}
    assert result["expiresAt"].endswith("Z")
    (session,) = await suite.documents("sessions")
    assert (session["token"], session["userId"]) == (result["token"], "u1")
    assert len(session["token"]) == 64
    assert "$date" in session["expiresAt"]


async def test_the_first_sign_in_links_the_wechat_account_and_later_ones_keep_it(suite):
    first = await suite.invoke("customLogin", dict(GOOD), "oUser")
    second = await suite.invoke("customLogin", dict(GOOD), "oOther")
    assert first["token"] != second["token"]
    (user,) = await suite.documents("users")
    assert user["openid"] == "oUser"
    assert "$date" in user["lastLogin"]
    assert len(await suite.documents("sessions")) == 2


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({**GOOD, "password": "byron"}, "Invalid password"),
        ({**GOOD, "username": "bob"}, "User not found"),
        ({"username": "ada"}, "Username and password are required"),
    ],
)
async def test_anything_else_begins_none(suite, event, error):
    result = await suite.invoke("customLogin", dict(event), "oUser")
    assert result == {"success": False, "error": error}
    assert await suite.documents("sessions") == []
