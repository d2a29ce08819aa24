"""The sign-in API /auth/v1 against a running suite: tokens, codes, accounts, statuses."""

import json

import aiohttp
import pytest


@pytest.fixture
async def session(cloud_suite):
    async with aiohttp.ClientSession(cloud_suite.url) as session:
        yield session


@pytest.fixture
def auth(cloud_suite):
    return cloud_suite.suite.parts.identity.auth


@pytest.fixture
def call(session):
    async def call(method, path, body=None, token="", device="", **options):
        headers = options.pop("headers", {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if device:
            headers["x-device-id"] = device
        # Browsers send text without a content type, so that no preflight is needed for it.
        data = None if body is None else json.dumps(body)
        url = f"/auth/v1/{path}"
        async with session.request(method, url, data=data, headers=headers, **options) as told:
            return told.status, await told.json()

    return call


@pytest.fixture
def verified(call, auth):
    """Return a verification token for an address, by way of its code."""

    async def verified(**address):
        _, sent = await call("POST", "verification", address)
        code = auth.inbox.told()[-1]["code"]
        body = {"verification_id": sent["verification_id"], "verification_code": code}
        _, told = await call("POST", "verification/verify", body)
        return told["verification_token"]

    return verified


@pytest.fixture
def ada(call, verified):
    """Sign Ada up, with address, user name and password; return her tokens."""

    async def ada():
        token = await verified(email="ada@b.c")
        body = {"email": "ada@b.c", "verification_token": token, "username": "ada"}
        status, told = await call("POST", "signup", {**body, "password": "Pw123456"})
        assert status == 200
        return told

    return ada


async def test_a_device_is_one_anonymous_user(call):
    status, first = await call("POST", "signin/anonymously?client_id=demo-env", {}, device="d1")
    assert status == 200
    assert set(first) == {
        "token_type", "access_token", "refresh_token", "expires_in", "scope", "sub", "groups",
    }  # fmt: skip
    assert (first["scope"], first["groups"], first["expires_in"]) == (
        "anonymous", ["anonymous"], 7_200,
    )  # fmt: skip
    _, again = await call("POST", "signin/anonymously", {}, device="d1")
    _, other = await call("POST", "signin/anonymously", {}, device="d2")
    _, nobody = await call("POST", "signin/anonymously")
    assert first["sub"] == again["sub"]
    assert len({first["sub"], other["sub"], nobody["sub"]}) == 3
    _, me = await call("GET", "user/me", token=first["access_token"])
    assert (me["sub"], me["name"]) == (first["sub"], "anonymous")


async def test_an_address_is_verified_before_it_signs_up(call, verified, ada):
    status, told = await call("POST", "signup", {"email": "ada@b.c", "password": "Pw123456"})
    assert (status, told["error"]) == (400, "invalid_verification_code")
    signed = await ada()
    _, sent = await call("POST", "verification", {"email": "ADA@b.c"})
    assert sent["is_user"] is True
    token = await verified(email="ada@b.c")
    _, again = await call("POST", "signin", {"verification_token": token})
    assert again["sub"] == signed["sub"]
    _, me = await call("GET", "user/me", token=again["access_token"])
    assert (me["email"], me["username"], me["password"]) == ("ada@b.c", "ada", "SET")
    assert me["created_at"].endswith("Z")


@pytest.mark.parametrize("name", ["ada", "ada@b.c"])
async def test_a_password_signs_in(call, ada, name):
    signed = await ada()
    body = {"username": name, "password": "Pw123456"}
    assert (await call("POST", "signin", body))[1]["sub"] == signed["sub"]
    status, told = await call("POST", "signin", {**body, "password": "no"})
    assert (status, told["error"], told["error_code"]) == (400, "invalid_username_or_password", 3)
    assert set(told) == {"error", "error_code", "error_description", "request_id"}


async def test_tokens_are_refreshed_and_revoked(call, ada, cloud_suite):
    signed = await ada()
    cloud_suite.clock.advance(7_200)
    status, told = await call("GET", "user/me", token=signed["access_token"])
    assert (status, told["error"]) == (401, "unauthenticated")
    body = {"grant_type": "refresh_token", "refresh_token": signed["refresh_token"]}
    _, fresh = await call("POST", "token", {**body, "client_id": "demo-env", "client_secret": ""})
    assert (await call("GET", "user/me", token=fresh["access_token"]))[0] == 200
    assert await call("POST", "revoke", {"token": fresh["access_token"]}) == (200, {})
    status, told = await call("POST", "token", body)
    assert (status, told["error"]) == (400, "invalid_grant")


async def test_an_account_is_changed_by_whoever_proves_itself_again(call, ada, verified):
    token = (await ada())["access_token"]
    new = {"new_password": "Nw123456"}
    status, told = await call("PATCH", "user/password", new, token)
    assert (status, told["error"]) == (401, "unauthenticated")
    assert (await call("POST", "user/sudo", {"password": "no"}, token))[0] == 400
    _, sudo = await call("POST", "user/sudo", {"password": "Pw123456"}, token)
    proof = {"sudo_token": sudo["sudo_token"]}
    assert await call("PATCH", "user/password", {**proof, **new}, token) == (200, {})
    body = {"username": "ada", "password": "Nw123456"}
    assert (await call("POST", "signin", body))[0] == 200
    phone = "+86 13800000000"
    held = await verified(phone_number=phone)
    body = {**proof, "phone_number": phone, "verification_token": held}
    assert await call("PATCH", "user/contact", body, token) == (200, {})
    assert (await call("GET", "user/me", token=token))[1]["phone_number"] == phone
    held = await verified(phone_number=phone)
    body = {"phone_number": phone, "new_password": "Zz123456", "verification_token": held}
    assert await call("POST", "reset", body) == (200, {})


async def test_a_profile_is_edited_also_by_an_overridden_method(call, ada):
    token = (await ada())["access_token"]
    _, told = await call("PATCH", "user/profile", {"name": "Ada", "gender": "FEMALE"}, token)
    assert (told["name"], told["gender"]) == ("Ada", "FEMALE")
    headers = {"X-HTTP-Method-Override": "PATCH"}
    _, told = await call("POST", "user/profile", {"name": "Bea"}, token, headers=headers)
    assert told["name"] == "Bea"
    basics = {"nickname": "Cleo", "avatar_url": "http://x/y.png", "username": "cleo"}
    assert await call("POST", "user/basic/edit", basics, token) == (200, {})
    _, me = await call("GET", "user/me", token=token)
    assert (me["name"], me["username"], me["picture"]) == ("Cleo", "cleo", "http://x/y.png")
    assert await call("GET", "checkIfUserExist?username=cleo") == (200, {"exist": True})


async def test_the_wechat_user_signs_in_by_provider_and_is_bound(call, ada, auth):
    _, provider = await call("POST", "provider/token", {"provider_id": "wx0123456789abcdef"})
    _, signed = await call("POST", "signin/with/provider", provider)
    assert auth.caller(signed["access_token"]).openid == auth.wechat.current()
    token = (await ada())["access_token"]
    _, told = await call("POST", "user/provider/bind", provider, token)
    assert told["error"] == "already_exists"
    auth.wechat.use("oFree")
    auth.remove(auth.wechat.find("oFree").uid)
    free = {"provider_token": auth.tokens.stamp("provider", ("oFree",), 60)}
    assert await call("POST", "user/provider/bind", free, token) == (200, {})
    _, listed = await call("GET", "user/provider", token=token)
    assert listed["data"][0]["id"] == "wechat"
    assert await call("DELETE", "user/provider/wechat", {}, token) == (200, {})
    assert (await call("GET", "user/provider", token=token))[1]["total"] == 0


async def test_an_anonymous_user_signs_up_and_keeps_its_uid(call):
    _, before = await call("POST", "signin/anonymously", {}, device="d1")
    body = {"username": "ada", "password": "pw", "anonymous_token": before["access_token"]}
    _, after = await call("POST", "signup", body)
    assert (after["sub"], after["scope"]) == (before["sub"], "user")


async def test_signing_out_and_leaving(call, ada):
    signed = await ada()
    told = await call("POST", "user/signout", {"redirect_uri": "http://x/"}, signed["access_token"])
    assert told == (200, {"redirect_uri": "http://x/"})
    assert (await call("GET", "user/me", token=signed["access_token"]))[0] == 401
    body = {"username": "ada", "password": "Pw123456"}
    _, again = await call("POST", "signin", body)
    assert await call("DELETE", "user/me", {}, again["access_token"]) == (200, {})
    assert (await call("POST", "signin", body))[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "user/me", None, (401, "unauthenticated", 16)),
        ("POST", "signin", {}, (400, "invalid_argument", 3)),
        ("POST", "signin", {"username": 7}, (400, "invalid_argument", 3)),
        ("POST", "signup", {}, (400, "invalid_argument", 3)),
        ("POST", "signin", {"verification_token": "x"}, (400, "invalid_verification_code", 3)),
        ("POST", "signin/custom", {"ticket": "x"}, (400, "invalid_argument", 3)),
        ("POST", "provider/token", {"provider_id": "x"}, (400, "provider_not_enabled", 9)),
        ("GET", "provider/uri?provider_id=x", None, (400, "provider_not_enabled", 9)),
        ("POST", "verification", {"email": "x"}, (400, "invalid_argument", 3)),
        ("POST", "verification", {"email": "a@b.c", "target": "USER"}, (404, "not_found", 5)),
        ("POST", "token", {"grant_type": "password"}, (501, "unimplemented", 12)),
        ("POST", "captcha/data", {}, (501, "unimplemented", 12)),
        ("POST", "nonsense", {}, (404, "not_found", 5)),
    ],
)
async def test_refusals_have_a_status_a_name_and_a_number(call, method, path, body, expected):
    status, told = await call(method, path, body)
    assert (status, told["error"], told["error_code"]) == expected


async def test_older_and_newer_paths_are_the_same(session, call, ada):
    await ada()
    body = {"username": "ada", "password": "Pw123456"}
    for path in ("/auth/v2/signin/username", "/e/demo-env/auth/v1/signin"):
        async with session.post(path, json=body) as told:
            assert "access_token" in await told.json()


async def test_pages_may_read_refusals_too(session):
    headers = {"Origin": "https://somewhere.example"}
    async with session.get("/auth/v1/user/me", headers=headers) as told:
        assert told.headers["Access-Control-Allow-Origin"] == headers["Origin"]
        assert told.headers["Cache-Control"] == "no-store"
    asked = {**headers, "Access-Control-Request-Headers": "x-device-id,x-request-id"}
    async with session.options("/auth/v1/user/profile", headers=asked) as told:
        assert told.status == 204
        assert "PATCH" in told.headers["Access-Control-Allow-Methods"]
        assert told.headers["Access-Control-Allow-Headers"] == "x-device-id,x-request-id"
