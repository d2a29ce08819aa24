"""The front door /web against a running suite: envelope, callers, sign-in actions, values."""

import aiohttp
import pytest

PAGE = "http://localhost:5173"
ELSEWHERE = "https://somewhere.example"


@pytest.fixture
async def session(cloud_suite):
    async with aiohttp.ClientSession(cloud_suite.url) as session:
        yield session


@pytest.fixture
def ask(session):
    async def ask(action, headers=None, query="", **body):
        body = {"action": action, "dataVersion": "2020-01-10", "env": "demo-env", **body}
        async with session.post(f"/web?env=demo-env{query}", json=body, headers=headers) as told:
            assert told.status == 200
            return await told.json()

    return ask


@pytest.fixture
def sign_in(ask):
    async def sign_in(action="auth.signInAnonymously", **body):
        told = await ask(action, **body)
        refreshed = await ask(
            "auth.fetchAccessTokenWithRefreshToken", refresh_token=told["refresh_token"]
        )
        return refreshed["access_token"]

    return sign_in


async def test_a_sign_in_answers_with_a_refresh_token_alone(ask):
    told = await ask("auth.signInAnonymously", anonymous_uuid="", refresh_token="")
    assert set(told) == {"uuid", "refresh_token", "requestId"}
    again = await ask("auth.signInAnonymously", anonymous_uuid=told["uuid"])
    assert again["uuid"] == told["uuid"]
    access = await ask("auth.fetchAccessTokenWithRefreshToken", refresh_token=told["refresh_token"])
    assert access["access_token_expire"] == 7_200_000


@pytest.mark.parametrize(
    ("action", "body", "code"),
    [
        ("auth.fetchAccessTokenWithRefreshToken", {"refresh_token": "x"}, "INVALID_REFRESH_TOKEN"),
        ("auth.getUserInfo", {}, "CHECK_LOGIN_FAILED"),
        ("auth.getUserInfo", {"access_token": "x"}, "CHECK_LOGIN_FAILED"),
        ("auth.getUserInfo", {"access_token": "a.b.c"}, "ACCESS_TOKEN_EXPIRED"),
        ("auth.wsWebSign", {}, "CHECK_LOGIN_FAILED"),
        ("auth.signInWithTicket", {"ticket": "x"}, "SIGN_PARAM_INVALID"),
        ("auth.signIn", {"loginType": "FAX"}, "OPERATION_FAIL"),
        (
            "auth.signIn",
            {"loginType": "USERNAME", "username": "a", "password": "b"},
            "INVALID_USERNAME_OR_PASSWORD",
        ),
        ("auth.nonsense", {}, "INVALID_ACTION"),
        ("database.deleteCollection", {"collectionName": "a"}, "INVALID_ACTION"),
        ("database.queryDocument", {"access_token": 7}, "INVALID_PARAM"),
    ],
)
async def test_refusals_have_a_code_and_no_data(ask, action, body, code):
    told = await ask(action, **body)
    assert told["code"] == code
    assert set(told) == {"code", "message", "requestId"}


async def test_an_expired_token_says_so_and_the_new_one_works(ask, cloud_suite):
    signed = await ask("auth.signInAnonymously")
    refresh = {"refresh_token": signed["refresh_token"]}
    old = (await ask("auth.fetchAccessTokenWithRefreshToken", **refresh))["access_token"]
    cloud_suite.clock.advance(7_200)
    assert (await ask("auth.getUserInfo", access_token=old))["code"] == "ACCESS_TOKEN_EXPIRED"
    new = (await ask("auth.fetchAccessTokenWithRefreshToken", **refresh))["access_token"]
    assert (await ask("auth.getUserInfo", access_token=new))["data"]["loginType"] == "ANONYMOUS"


async def test_documents_belong_to_whoever_signed_in(ask, sign_in, cloud_suite):
    await cloud_suite.seed({"notes": []})
    mine, theirs = await sign_in(), await sign_in()
    where = {"collectionName": "notes"}
    added = await ask("database.addDocument", **where, data={"n": 1}, access_token=mine)
    assert added["data"]["insertedIds"] == [added["data"]["_id"]]
    (kept,) = await cloud_suite.documents("notes")
    me = (await ask("auth.getUserInfo", access_token=mine))["data"]["uid"]
    assert kept["_openid"] == me
    lists = [
        (await ask("database.queryDocument", **where, access_token=token))["data"]["list"]
        for token in (mine, theirs)
    ]
    assert [len(each) for each in lists] == [1, 0]
    assert (await ask("database.queryDocument", **where))["code"] == "DATABASE_PERMISSION_DENIED"


async def test_dates_are_milliseconds(ask, sign_in, cloud_suite):
    await cloud_suite.seed({"notes": []})
    token = await sign_in()
    where = {"collectionName": "notes", "access_token": token}
    data = {"at": {"$date": 1_700_000_000_000}, "now": {"$date": {"offset": 1000}}}
    await ask("database.addDocument", **where, data=data)
    (found,) = (await ask("database.queryDocument", **where))["data"]["list"]
    assert found["at"] == {"$date": 1_700_000_000_000}
    assert found["now"] == {"$date": cloud_suite.clock.now_ms() + 1000}


async def test_a_wechat_user_needs_no_sign_in(ask, cloud_suite):
    await cloud_suite.seed({"notes": []})
    where = {"collectionName": "notes", "data": {"n": 1}}
    await ask("database.addDocument", headers={"x-emu-openid": "oAda"}, **where)
    await ask("database.addDocument", query="&openid=oBob", **where)
    await ask("database.addDocument", headers={"x-emu-openid": "current"}, **where)
    current = cloud_suite.suite.parts.identity.auth.wechat.current()
    owners = [each["_openid"] for each in await cloud_suite.documents("notes")]
    assert owners == ["oAda", "oBob", current]


@pytest.mark.parametrize(
    ("origin", "code"),
    [(PAGE, None), (ELSEWHERE, "INVALID_REQUEST_SOURCE"), ("null", "INVALID_REQUEST_SOURCE")],
)
async def test_a_page_from_elsewhere_is_no_wechat_user(ask, cloud_suite, origin, code):
    await cloud_suite.seed({"notes": []})
    headers = {"x-emu-openid": "current", "Origin": origin}
    told = await ask("database.queryDocument", headers=headers, collectionName="notes")
    assert told.get("code") == code


async def test_functions_are_called_as_the_user(ask, sign_in, cloud_suite):
    token = await sign_in()
    body = {"function_name": "login", "request_data": "{}", "access_token": token}
    as_text = await ask("functions.invokeFunction", **body)
    assert isinstance(as_text["data"]["response_data"], str)
    parsed = await ask("functions.invokeFunction", **body, parse=True)
    assert isinstance(parsed["data"]["response_data"], dict)
    gone = await ask("functions.invokeFunction", function_name="none", access_token=token)
    assert gone["code"] == "FUNCTION_NOT_FOUND"


async def test_file_answers_have_both_spellings(ask, sign_in, session):
    token = await sign_in()
    told = await ask("storage.getUploadMetadata", path="a.txt", access_token=token)
    ticket = told["data"]
    assert set(ticket) == {
        "url", "token", "authorization", "fileId", "cosFileId", "download_url",
    }  # fmt: skip
    headers = {"x-cos-security-token": ticket["token"]}
    async with session.put(ticket["url"], data=b"hello", headers=headers) as put:
        assert put.status == 200
    files = [{"fileid": ticket["fileId"]}, {"fileid": "cloud://demo-env.b/none"}]
    told = await ask("storage.batchGetDownloadUrl", file_list=files, access_token=token)
    first, second = told["data"]["download_list"]
    assert first["download_url"] == first["tempFileURL"]
    assert first["fileid"] == first["fileID"] == ticket["fileId"]
    assert second["code"] == "STORAGE_FILE_NONEXIST"
    ids = [ticket["fileId"]]
    told = await ask("storage.batchDeleteFile", fileid_list=ids, access_token=token)
    assert told["data"]["delete_list"][0]["code"] == "SUCCESS"


async def test_mail_and_phone_users(ask, sign_in, cloud_suite):
    inbox = cloud_suite.suite.parts.identity.auth.inbox
    await ask("auth.signUpWithEmailAndPassword", email="Ada@b.c", password="pw")
    by_mail = {"loginType": "EMAIL", "email": "ada@b.c", "password": "pw"}
    token = await sign_in("auth.signIn", **by_mail)
    sent = await ask("auth.sendPhoneCode", phoneNumber="+8613800000000")
    assert sent["data"] == {"SendStatus": "Ok"}
    code = inbox.told()[-1]["code"]
    linked = {"phoneNumber": "+8613800000000", "phoneCode": code}
    assert (await ask("auth.linkOrUpdatePhoneNumber", access_token=token, **linked))["data"] == {}
    await ask("auth.updateUsername", access_token=token, username="ada")
    assert (await ask("auth.isUsernameRegistered", username="ada"))["data"]["isRegistered"]
    told = await ask(
        "auth.updateUserInfo", access_token=token, nickName="Ada", gender="FEMALE", city="深圳"
    )
    assert (told["data"]["nickName"], told["data"]["phone"]) == ("Ada", "+8613800000000")
    await ask("auth.sendPasswordResetEmail", email="ada@b.c")
    letter = inbox.told()[-1]
    reset = {"token": letter["code"], "newPassword": "new"}
    assert (await ask("auth.resetPasswordWithToken", **reset))["data"] == {}
    by_name = {"loginType": "USERNAME", "username": "ada", "password": "new"}
    token = await sign_in("auth.signIn", **by_name)
    change = {"oldPassword": "new", "newPassword": "newer"}
    assert (await ask("auth.updatePassword", access_token=token, **change))["data"] == {}
    assert "code" in await ask("auth.updatePassword", access_token=token, **change)
    linked = await ask("auth.getLinkedUidList", access_token=token)
    assert linked["data"]["users"][0]["username"] == "ada"


async def test_the_realtime_ticket_is_for_the_address_the_page_knows(ask, sign_in, cloud_suite):
    token = await sign_in()
    told = (await ask("auth.wsWebSign", access_token=token))["data"]
    assert told["wsUrl"] == cloud_suite.url.replace("http", "ws") + "/ws"
    auth = cloud_suite.suite.parts.identity.auth
    assert auth.socket_caller(told["signStr"]).login_type == "ANONYMOUS"


async def test_pages_of_any_origin_may_ask_and_read(session):
    asked = {
        "Origin": ELSEWHERE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-seqid",
    }
    async with session.options("/web?env=demo-env", headers=asked) as told:
        assert told.status == 204
        assert told.headers["Access-Control-Allow-Headers"] == "content-type,x-seqid"
        assert told.headers["Access-Control-Allow-Origin"] == ELSEWHERE
    async with session.post("/web", data=b"no json", headers={"Origin": ELSEWHERE}) as told:
        assert told.headers["Access-Control-Allow-Origin"] == ELSEWHERE
        assert (await told.json())["code"] == "INVALID_COMMON_PARAM"


async def test_a_body_is_json_whatever_it_says(session):
    body = b'{"action": "auth.signInAnonymously"}'
    async with session.post("/e/demo-env/web", data=body) as told:
        assert "refresh_token" in await told.json()


async def test_an_http_function_for_members_takes_a_bearer_token(start_project, tmp_path):
    files = {
        "cloudfunctions/me/index.py": (
            "from emulator import cloud\n"
            "def main(event, context):\n    return cloud.get_wx_context()\n"
        ),
        "cloudfunctions/me/config.json": (
            '{"triggers": [{"name": "t", "type": "http", "config": {"path": "/me", "auth": true}}]}'
        ),
    }
    async with start_project(files) as running, aiohttp.ClientSession(running.site_url) as http:
        auth = running.suite.parts.identity.auth
        signed = auth.with_wechat(auth.wechat_token("wechat"))
        for token, status in [("", 401), ("x", 401), (signed.access_token, 200)]:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            async with http.get("/me", headers=headers) as told:
                assert told.status == status
                answer = await told.json()
        assert (answer["OPENID"], answer["SOURCE"]) == (auth.wechat.current(), "wx_http")
