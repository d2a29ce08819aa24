"""Where a request names its environment; strict projects refuse another's at every door."""

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from emulator.wire import named_env

STRICT = '[emulator]\nenv = "demo-env"\nstrict = true\n'
HELLO = "def main(event, context):\n    return {'ok': True}\n"
GATEWAY_HOST = "other-env.api.tcloudbasegateway.com"


@pytest.mark.parametrize(
    ("path", "env"),
    [
        ("/e/prod-1/web", "prod-1"),
        ("/e/prod-1/v1/functions/f", "prod-1"),
        ("/admin", ""),
        ("/e//admin", ""),
        ("/v1/e/x/", ""),
    ],
)
def test_a_path_may_name_one(path: str, env: str):
    assert named_env.of_path(path) == env


@pytest.mark.parametrize(
    ("host", "env"),
    [
        ("prod-1.api.tcloudbasegateway.com", "prod-1"),
        ("prod-1.api.intl.tcloudbasegateway.com", "prod-1"),
        ("api.weixin.qq.com", ""),
        ("tcb-api.tencentcloudapi.com", ""),
        ("", ""),
    ],
)
def test_a_host_may_name_one(host: str, env: str):
    assert named_env.of_host({"X-Forwarded-Host": host}) == env


@pytest.mark.parametrize(
    ("said", "env"),
    [
        ("prod-1", "prod-1"),
        ({"database": "db-1", "default": "d-1"}, "db-1"),
        ({"default": "d-1"}, "d-1"),
        ({"storage": "s-1"}, ""),
        (None, ""),
        (7, ""),
    ],
)
def test_a_body_may_name_one(said: Any, env: str):
    assert named_env.of_body({"envName": said}, "envName") == env


async def test_a_strict_project_knows_its_own_environment_only(start_project: Callable[..., Any]):
    files = {".emulator.toml": STRICT, "functions/hello/index.py": HELLO}
    call = {"action": "functions.invokeFunction", "function_name": "hello"}
    doors: list[tuple[str, dict[str, Any], dict[str, str], str]] = [
        ("/web", {**call, "env": "ENV"}, {}, ""),
        ("/e/ENV/web", call, {}, ""),
        ("/admin", {**call, "envName": "ENV"}, {}, ""),
        ("/admin", {**call, "envName": {"database": "ENV"}}, {}, ""),
        ("/e/ENV/admin", call, {}, ""),
        ("/e/ENV/v1/functions/hello", {}, {}, ""),
        ("/e/ENV/auth/v1/signin/anonymously", {}, {}, ""),
        ("/auth/v1/signin/anonymously", {}, {"X-Forwarded-Host": GATEWAY_HOST}, "host"),
        ("/v1/functions/hello", {}, {"X-Forwarded-Host": GATEWAY_HOST}, "host"),
        ("/tcb/databasecollectionget?access_token=TOKEN", {"env": "ENV"}, {}, "wechat"),
        ("/tcb/invokecloudfunction?access_token=TOKEN&env=ENV&name=hello", {}, {}, "wechat"),
    ]
    async with start_project(files) as running, aiohttp.ClientSession(running.url) as session:
        wanted = "/cgi-bin/token?grant_type=client_credential&appid=wx1&secret=s"
        async with session.get(wanted) as answer:
            token = (await answer.json(content_type=None))["access_token"]

        async def ask(door: tuple[str, dict[str, Any], dict[str, str], str], env: str) -> str:
            path, body, headers, _ = door
            body = {key: _named(value, env) for key, value in body.items()}
            headers = {key: value.replace("other-env", env) for key, value in headers.items()}
            url = path.replace("ENV", env).replace("TOKEN", token)
            async with session.post(url, json=body, headers=headers) as answer:
                return await answer.text()

        for door in doors:
            assert "env check invalid" in await ask(door, "other-env"), door
            assert "env check invalid" not in await ask(door, "demo-env"), door


async def test_a_version_that_is_not_there(start_project: Callable[..., Any]):
    files = {".emulator.toml": STRICT, "functions/hello/index.py": HELLO}
    call = {"action": "functions.invokeFunction", "function_name": "hello", "qualifier": "7"}
    async with start_project(files) as running, aiohttp.ClientSession(running.url) as session:
        for path in ("/web", "/admin"):
            async with session.post(path, json=call) as answer:
                assert (await answer.json())["code"] == "FUNCTION_QUALIFIER_NOT_FOUND"
        headers = {"X-Qualifier": "7"}
        async with session.post("/v1/functions/hello", json={}, headers=headers) as answer:
            assert answer.status == 400
            assert (await answer.json())["code"] == "FUNCTION_QUALIFIER_NOT_FOUND"


async def test_else_another_name_means_this_one(start_project: Callable[..., Any]):
    files = {"functions/hello/index.py": HELLO}
    call = {"function_name": "hello", "envName": "prod-1", "qualifier": "7"}
    async with start_project(files) as running, aiohttp.ClientSession(running.url) as session:
        for _ in range(3):
            body = {"action": "functions.invokeFunction", **call}
            async with session.post("/admin", json=body) as answer:
                assert (await answer.json())["data"] == {"response_data": '{"ok":true}'}
        lines = [each.line for each in running.suite.parts.recorder.logs()]
    told = [line for line in lines if line.startswith("requests name the ")]
    assert [line.split()[4] for line in told] == ["prod-1;", "7"]


def _named(value: Any, env: str) -> Any:
    if isinstance(value, dict):
        return {key: _named(each, env) for key, each in value.items()}
    return value.replace("ENV", env) if isinstance(value, str) else value
