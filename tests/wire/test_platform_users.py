"""What functions and server SDKs learn of users who signed in with a client SDK."""

import json

import aiohttp
import pytest

NODE = """
exports.main = async () => Object.fromEntries(
  ['TCB_UUID', 'TCB_ISANONYMOUS_USER', 'TCB_CUSTOM_USER_ID', 'LOGINTYPE', 'TCB_SOURCE']
    .map((name) => [name, process.env[name] || '']),
);
"""
PYTHON = (
    "from emulator import cloud\ndef main(event, context):\n    return cloud.get_wx_context()\n"
)


@pytest.fixture
def files():
    return {"cloudfunctions/n/index.js": NODE, "cloudfunctions/p/index.py": PYTHON}


async def asked(url, action, **body):
    async with (
        aiohttp.ClientSession(url) as http,
        http.post("/web", json={"action": action, **body}) as told,
    ):
        return await told.json()


async def test_functions_know_the_user(start_project, files):
    async with start_project(files) as running:
        signed = running.suite.parts.identity.auth.anonymous("device-1")
        for name in ("n", "p"):
            told = await asked(
                running.url,
                "functions.invokeFunction",
                function_name=name,
                access_token=signed.access_token,
            )
            known = json.loads(told["data"]["response_data"])
            assert known["TCB_UUID"] == signed.session.uid
            assert (known["TCB_ISANONYMOUS_USER"], known["LOGINTYPE"]) == ("true", "ANONYMOUS")


async def test_server_sdks_are_told_of_a_user(start_project, files):
    async with start_project(files) as running, aiohttp.ClientSession(running.url) as http:
        auth = running.suite.parts.identity.auth
        user = auth.users.create({"custom": "user-42", "email": "a@b.c"}, name="Ada")
        for body in ({"uuid": user.uid}, {"platform": "CUSTOM", "platformId": "user-42"}):
            request = {"action": "auth.getUserInfoForAdmin", **body}
            async with http.post("/admin", json=request) as answer:
                told = (await answer.json())["data"]
            assert (told["uid"], told["nickName"], told["customUserId"]) == (
                user.uid,
                "Ada",
                "user-42",
            )
