"""Functions that `require('wx-server-sdk')`, as they are, run by a suite; see functions/."""

import asyncio
import hashlib
import json
import re
import shutil
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from emulator.config import load_config
from emulator.core.commands import ListIndexes
from emulator.core.ejson import decode
from emulator.services.caller import ADMINISTRATOR
from emulator.suite import Suite

pytestmark = [pytest.mark.sdk, pytest.mark.timeout(300)]

FUNCTIONS = Path(__file__).parent / "functions"
WAIT_S = 30


@dataclass
class Project:
    """A suite over some of the functions."""

    suite: Suite

    async def call(self, name: str, event: Any = None, openid: str = "", **options: Any) -> Any:
        options = {"openid": openid or None, "source": "wx_client", **options}
        return await self.suite.control.invoke(name, event or {}, **options)

    async def result(self, name: str, event: Any = None, openid: str = "", **options: Any) -> Any:
        told = await self.call(name, event, openid, **options)
        assert "error" not in told, told
        return told["result"]

    async def seed(self, **collections: list[dict[str, Any]]) -> None:
        data = {name: decode(documents) for name, documents in collections.items()}
        await self.suite.parts.datasets.seed(data, replace=True)

    def documents(self, collection: str) -> list[Any]:
        return list(self.suite.control.collection(collection))

    async def idle(self) -> None:
        assert not await self.suite.control.idle(WAIT_S)


@pytest.fixture(params=["wx-server-sdk-2", "wx-server-sdk-4"])
async def open_project(request, sdk_modules, tmp_path) -> AsyncIterator[Any]:
    """Return a started suite over the functions that are named."""
    packages = tmp_path / ".cloud-emu" / "node" / "node_modules" / "wx-server-sdk"
    packages.mkdir(parents=True)
    module = json.dumps(str(sdk_modules / request.param))
    (packages / "index.js").write_text(f"module.exports = require({module})\n", encoding="utf-8")
    suites: list[Suite] = []

    async def open_with(*names: str, strict: bool = False) -> Project:
        for name in names:
            shutil.copytree(FUNCTIONS / name, tmp_path / "cloudfunctions" / name)
        settings = '[emulator]\nenv = "test-env"\nport = 0\nsite_port = 0\n'
        settings += f"strict = {str(strict).lower()}\n"
        (tmp_path / ".emulator.toml").write_text(settings, encoding="utf-8")
        suite = Suite(load_config(tmp_path, environ={}))
        suites.append(suite)
        await suite.start()
        return Project(suite)

    yield open_with
    for suite in suites:
        await suite.stop()


async def test_login_tells_who_calls(open_project):
    project = await open_project("login")
    told = await project.result("login", openid="oUser")
    assert told.pop("appid").startswith("wx")
    assert told == {"openid": "oUser", "env": "test-env", "source": "wx_client"}
    assert (await project.result("login", openid="oOther"))["openid"] == "oOther"
    assert "openid" not in await project.result("login")


async def test_user_is_created_once_and_found_again(open_project):
    project = await open_project("getUserInfo")
    await project.seed(users=[])
    first = await project.result("getUserInfo", {"nickname": "Ada"}, "oUser")
    assert first["isNew"] is True
    assert first["data"]["createdAt"] == {"offset": 0}
    again = await project.result("getUserInfo", {}, "oUser")
    assert again["data"]["_id"] == first["data"]["_id"]
    assert again["data"]["createdAt"].endswith("Z")
    assert len(project.documents("users")) == 1


async def test_missing_collection_is_told_as_the_cloud_does(open_project):
    project = await open_project("getUserInfo")
    told = await project.result("getUserInfo", {}, "oUser")
    assert told["success"] is False
    assert "-502005" in told["error"]
    assert "Db or Table not exist: users" in told["error"]


async def test_update_concerns_the_callers_document(open_project):
    project = await open_project("updateUserProfile")
    await project.seed(users=[{"_id": "a", "_openid": "oUser"}, {"_id": "b", "_openid": "oX"}])
    told = await project.result("updateUserProfile", {"nickname": "Bo"}, "oUser")
    assert told["updated"] == 1
    assert told["injected"]["openId"] == "oUser"
    assert {each["_id"]: each.get("nickname") for each in project.documents("users")} == {
        "a": "Bo",
        "b": None,
    }


BEFORE = r"callFunction:fail (?:%s\. requestID \S+, )?"
"""What stands before the text; wx-server-sdk 4.x has neither number nor request."""


async def test_text_of_a_refusal_is_found_where_pages_look_for_it(open_project):
    project = await open_project("refuses", "nestedCall")
    told = await project.result("nestedCall", {"name": "refuses"})
    found = re.fullmatch(
        BEFORE % "-504002 functions execute fail" + r"Error: (.+?)\s+at exports\.main \(.+\)",
        told["errMsg"],
        re.DOTALL,
    )
    assert found, told
    assert found[1] == "请先填写姓名"


async def test_call_that_takes_too_long_has_a_code_that_sdks_do_not_know(open_project):
    project = await open_project("refuses", "nestedCall")
    told = await project.result("nestedCall", {"name": "refuses", "data": {"slowly": True}})
    assert re.fullmatch(
        BEFORE % "-501001 resource system error"
        + r"Invoking task timed out after 1 seconds .*/FUNCTIONS_TIME_LIMIT_EXCEEDED",
        told["errMsg"],
    ), told


async def test_nested_call_loses_the_user_and_grows_the_chain(open_project):
    project = await open_project("login", "nestedCall")
    told = await project.result("nestedCall", {"name": "login"}, "oUser")
    assert "errMsg" not in told, told
    assert told["result"].pop("appid").startswith("wx")
    assert told == {"result": {"env": "test-env", "source": "wx_client,scf"}}


async def test_nested_failure_is_told_with_the_callees_message(open_project, request):
    project = await open_project("structuredLogging", "nestedCall")
    told = await project.result("nestedCall", {"name": "structuredLogging", "data": {}})
    assert "someOperation is not defined" in told["errMsg"]
    is_first = request.node.callspec.params["open_project"] == "wx-server-sdk-2"
    assert told["errCode"] == (-504002 if is_first else -1)


async def test_calls_may_nest_deeper_than_one_process(open_project):
    project = await open_project("login", "nestedCall")
    event: dict[str, Any] = {"name": "login"}
    for _ in range(3):
        event = {"name": "nestedCall", "data": event}
    told = await project.result("nestedCall", event)
    for _ in range(4):
        told = told["result"]
    assert told["source"] == "wx_client,scf,scf,scf,scf"


async def test_batches(open_project):
    project = await open_project("batch")
    await project.seed(goods=[])
    batch = {"collection": "goods"}
    data = [{"n": n, "kind": "odd" if n % 2 else "even"} for n in range(30)]
    ids = await project.result("batch", {**batch, "action": "add", "data": data})
    assert len(set(ids)) == 30
    changed = {**batch, "action": "update", "where": {"kind": "odd"}, "data": {"n": 0}}
    assert await project.result("batch", changed) == {"updated": 14 + 1}
    removed = {**batch, "action": "remove", "where": {"kind": "even"}}
    assert await project.result("batch", removed) == {"removed": 15}
    assert await project.result("batch", {**batch, "action": "count"}) == 15


async def test_custom_login_opens_a_session(open_project):
    project = await open_project("customLogin")
    secret = hashlib.sha256(b"pass" + b"salt").hexdigest()
    user = {"_id": "u", "username": "ada", "password": secret, "salt": "salt"}
    await project.seed(users=[user], sessions=[])
    event = {"username": "ada", "password": "pass"}
    told = await project.result("customLogin", event, "oUser")
    assert told["success"] is True
    assert project.documents("users")[0]["openid"] == "oUser"
    assert project.documents("sessions")[0]["token"] == told["token"]
    wrong = await project.result("customLogin", {**event, "password": "no"}, "oUser")
    assert wrong == {"success": False, "error": "Invalid password"}


def ask(url: str, method: str, body: bytes | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, data=body, method=method)
    with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
        return answer.status, answer.read().decode()


async def test_http_function_answers_requests(open_project):
    project = await open_project("api")
    await project.seed(users=[])
    url = project.suite.urls["site"] + "/api/users"
    status, _ = await asyncio.to_thread(ask, url, "POST", b'{"name": "Ada"}')
    assert status == 201
    status, text = await asyncio.to_thread(ask, url, "GET")
    assert (status, [each["name"] for each in json.loads(text)]) == (200, ["Ada"])


async def test_daily_report_adds_yesterday_up(open_project):
    project = await open_project("dailyTasks")
    now_ms = project.suite.clock.now_ms()
    day_ms = 24 * 3600 * 1000
    orders = [
        {"_id": str(n), "amount": n, "createTime": {"$date": now_ms - n * day_ms}} for n in range(3)
    ]
    await project.seed(orders=orders, reports=[])
    told = await project.result("dailyTasks", {}, source="wx_trigger")
    assert told == {"totalSales": 1, "count": 1, "source": "wx_trigger"}
    assert project.documents("reports")[0]["totalSales"] == 1


async def test_order_that_appears_takes_its_items_out_of_stock(open_project):
    project = await open_project("onOrderCreate", "batch")
    await project.seed(products=[{"_id": "p", "stock": 10}], orders=[])
    order = {"status": "new", "items": [{"productId": "p", "quantity": 3}]}
    event = {"collection": "orders", "action": "add", "data": [order]}
    await project.result("batch", event)
    await project.idle()
    assert project.documents("products")[0]["stock"] == 7
    assert project.documents("orders")[0]["status"] == "processing"


async def test_transfer_is_whole_or_not_at_all(open_project):
    project = await open_project("transfer")
    await project.seed(accounts=[{"_id": "a", "balance": 10}, {"_id": "b", "balance": 0}])
    event = {"from": "a", "to": "b", "amount": 7}
    assert await project.result("transfer", event) == {"success": True}
    refused = await project.result("transfer", event)
    assert refused == {"success": False, "error": "Insufficient balance"}
    assert {each["_id"]: each["balance"] for each in project.documents("accounts")} == {
        "a": 3,
        "b": 7,
    }


async def test_forms_of_the_guide_work_and_the_cloud_s_are_told(open_project):
    project = await open_project("guideForms")
    await project.seed(accounts=[{"_id": "a", "balance": 10}])
    event = {"from": "a", "to": "b", "amount": 7}
    told = await project.call("guideForms", event)
    assert told["result"] == {"success": True}
    assert "in the cloud use transaction.collection(...).doc(...).get(...)" in str(told["logs"])
    refused = await project.result("guideForms", event)
    assert refused == {"success": False, "error": "Insufficient balance"}
    assert {each["_id"]: each["balance"] for each in project.documents("accounts")} == {
        "a": 3,
        "b": 7,
    }
    wrong = await project.result("guideForms", {"collection": "nowhere"})
    assert wrong["error"].startswith("collection.createIndex:fail [ResourceNotFound]")
    listed = ListIndexes(collection="accounts")
    indexes = await project.suite.parts.executor.execute(listed, ADMINISTRATOR)
    assert "owner_balance" in str(indexes)


async def test_a_strict_project_has_no_forms_but_the_sdk_s(open_project):
    project = await open_project("guideForms", strict=True)
    await project.seed(accounts=[{"_id": "a", "balance": 10}])
    told = await project.result("guideForms", {"from": "a", "to": "b", "amount": 7})
    assert told == {"success": False, "error": "collection.createIndex is not a function"}


async def test_module_state_is_kept_between_calls(open_project):
    project = await open_project("cachedProducts")
    await project.seed(products=[{"_id": "p", "category": "x"}])
    told = [(await project.result("cachedProducts", {"category": "x"}))["source"] for _ in "12"]
    assert told == ["database", "cache"]


async def test_structured_lines_and_the_failure_are_logged_with_the_request(open_project):
    project = await open_project("structuredLogging")
    told = await project.call("structuredLogging", {"a": 1})
    assert told["error"]["message"] == "ReferenceError: someOperation is not defined"
    assert "structuredLogging/index.js:6:" in told["error"]["stack"]
    assert json.loads(told["logs"][0]["line"])["message"] == "Function started"


async def test_files_go_up_and_come_down(open_project):
    project = await open_project("files")
    told = await project.result("files", {"cloudPath": "目录/a b.txt", "text": "中文"})
    assert told["text"] == "中文"
    assert told["hasAddress"] is True
    assert told["fileID"].startswith("cloud://test-env.")


async def test_work_that_was_not_awaited_is_done_and_known_to_the_suite(open_project):
    project = await open_project("forgetful")
    await project.seed(notes=[])
    assert await project.result("forgetful", {"text": "later"}, "oUser") is None
    await project.idle()
    (note,) = project.documents("notes")
    assert (note["text"], note["by"]) == ("later", "oUser")


async def test_the_sdks_logger_writes_structured_lines_and_nothing_else(open_project):
    project = await open_project("logger")
    told = await project.call("logger")
    assert [(each["level"], json.loads(each["line"])) for each in told["logs"]] == [
        ("info", {"name": "pay", "cost": 10}),
        ("warning", {"name": "slow"}),
        ("error", {"name": "lost", "tries": 3}),
    ]
