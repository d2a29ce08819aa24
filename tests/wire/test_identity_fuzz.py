"""Whatever is sent to the front doors of clients: no escape, no traceback, always a code."""

import asyncio
import json
import string

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.services.wechat_users import WechatUsers

ACTIONS = [
    "auth.signInAnonymously", "auth.signInWithTicket", "auth.signIn", "auth.getUserInfo",
    "auth.fetchAccessTokenWithRefreshToken", "auth.logout", "auth.isUsernameRegistered",
    "auth.sendPhoneCode", "auth.signUpWithEmailAndPassword", "auth.activateEndUserMail",
    "auth.resetPasswordWithToken", "auth.updateUserInfo", "auth.updateUsername",
    "auth.linkWithTicket", "auth.linkOrUpdatePhoneNumber", "auth.unlink", "auth.wsWebSign",
    "database.queryDocument", "database.addDocument", "database.updateDocument",
    "database.deleteDocument", "database.aggregate", "functions.invokeFunction",
    "storage.getUploadMetadata", "storage.batchGetDownloadUrl", "storage.batchDeleteFile",
    "storage.batchCopyFile", "database.getInTransaction",
]  # fmt: skip
PATHS = [
    "signin/anonymously", "signin", "signup", "signin/custom", "provider/token", "token", "revoke",
    "signin/with/provider", "verification", "verification/verify", "user/me", "user/profile",
    "user/basic/edit", "user/provider/..", "user/provider/bind", "user/sudo", "user/password",
    "user/contact", "user/signout", "reset", "captcha/data", "../web", "%2e%2e/_emu/users", "",
]  # fmt: skip
FIELDS = [
    "access_token", "refresh_token", "ticket", "anonymous_uuid", "loginType", "username", "email",
    "password", "phoneNumber", "phoneCode", "token", "newPassword", "collectionName", "query",
    "data", "stages", "path", "file_list", "fileid_list", "function_name", "request_data",
    "provider_id", "provider_token", "verification_id", "verification_code", "verification_token",
    "phone_number", "sudo_token", "new_password", "grant_type", "platform", "gender", "target",
    "anonymous_token", "transactionId", "env", "seqId", "queryType", "limit", "order",
]  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(string.ascii_letters + "./@%-_=+", max_size=60),
    st.sampled_from(["a.b.c", "e30.e30.e30", "k/@@/e30.e30.e30", "USERNAME", "PHONE", "a@b.c"]),
    st.sampled_from(["+8613800000000", "wx1", "refresh_token", "../../etc/passwd", "\0", "{}"]),
)
VALUES = st.recursive(
    st.one_of(TEXTS, st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
BODIES = st.dictionaries(st.sampled_from(FIELDS), st.one_of(TEXTS, VALUES), max_size=6)
HEADER = st.text(string.ascii_letters + string.digits + "./=-_ ", max_size=60).map(str.strip)


@pytest.fixture
async def doors(cloud_suite):
    async with aiohttp.ClientSession(cloud_suite.url) as session:
        yield session, asyncio.get_running_loop()


def raw(body):
    return json.dumps(body).encode("utf-8", "surrogatepass")


async def examples(strategy, count, check):
    """Run hypothesis over a coroutine from within a running loop: draw on a thread, check here."""
    loop = asyncio.get_running_loop()

    def drive():
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def run(drawn):
            asyncio.run_coroutine_threadsafe(check(drawn), loop).result(30)

        run()

    await asyncio.to_thread(drive)


async def test_actions_answer_anything_with_a_code(doors):
    session, _ = doors

    async def check(drawn):
        action, body, token = drawn
        headers = {"Authorization": f"Bearer {token}", "x-emu-openid": token}
        data = raw({**body, "action": action})
        async with session.post("/web", data=data, headers=headers) as told:
            text = await told.text()
            assert told.status == 200
        answer = json.loads(text)
        assert "Traceback" not in text
        assert answer.get("code") not in ("SYS_ERR", ""), (action, body, answer)

    await examples(st.tuples(st.sampled_from(ACTIONS), BODIES, HEADER), 150, check)


async def test_endpoints_answer_anything_with_a_name(doors):
    session, _ = doors
    methods = st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"])

    async def check(drawn):
        method, path, body, token = drawn
        headers = {"Authorization": f"Bearer {token}", "x-device-id": token}
        url = f"/auth/v1/{path}"
        async with session.request(method, url, data=raw(body), headers=headers) as told:
            text = await told.text()
            assert told.status < 500 or told.status == 501, (method, path, body, text)
        assert "Traceback" not in text
        answer = json.loads(text)
        assert told.status == 200 or answer.get("error") or answer.get("code")

    await examples(st.tuples(methods, st.sampled_from(PATHS), BODIES, HEADER), 150, check)


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[]", b'"x"', b"{", b"null", b'{"action": {}}', b"[" * 5000]
)
@pytest.mark.parametrize("path", ["/web", "/auth/v1/signin", "/auth/v1/token"])
async def test_what_is_no_object_is_refused(doors, path, body):
    session, _ = doors
    async with session.post(path, data=body) as told:
        answer = await told.json()
    assert answer.get("code") or answer.get("error")
    assert told.status < 500


async def test_no_secret_is_written_to_the_log(cloud_suite, caplog):
    """What fails inside the suite is logged without the password or token that came with it."""
    async with aiohttp.ClientSession(cloud_suite.url) as session:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(WechatUsers, "current", lambda self: 1 / 0)
            body = {"action": "auth.signIn", "loginType": "WECHAT-OPEN", "password": "s3cr3t-pw"}
            headers = {"Authorization": "Bearer s3cr3t-token"}
            async with session.post("/web", json=body, headers=headers) as told:
                answer = await told.text()
    assert json.loads(answer)["code"] == "SYS_ERR"
    assert "s3cr3t" not in caplog.text + answer
