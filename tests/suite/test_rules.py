"""Rules of a running suite: from files, read again when saved, asked and replaced over HTTP."""

import json

import aiohttp
import pytest

from emulator.core import commands
from emulator.core.errors import PermissionDenied
from emulator.services.caller import Caller
from tests.conftest import eventually

ALICE = Caller(kind="user", openid="alice", source="wx_client")
OPEN = {"orders": {"read": True, "write": "auth != null"}}


def add(running):
    command = commands.Insert(collection="orders", documents=({"a": 1},))
    return running.suite.parts.executor.execute(command, ALICE)


def read(running, filter_=None):
    command = commands.Find(collection="orders", filter=filter_ or {})
    return running.suite.parts.executor.execute(command, ALICE)


async def test_saved_rules_hold_at_once(start_project):
    async with start_project({"database.rules.json": '{"orders": "ADMINONLY"}'}) as running:
        await running.seed({"orders": []})
        with pytest.raises(PermissionDenied):
            await add(running)
        file = running.suite.config.project / "database.rules.json"
        file.write_text(json.dumps(OPEN), "utf-8")
        permissions = running.suite.parts.access.permissions
        await eventually(lambda: permissions.of("orders").preset is None)
        await add(running)
        (document,) = (await read(running)).documents
        assert document["_openid"] == "alice"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"orders": ', "database.rules.json"),
        ("[]", "not a JSON object"),
        ('{"orders": {"read": "doc.a ==", "write": true}}', "orders.read: character 9"),
    ],
)
async def test_a_broken_file_keeps_the_last_good_rules_and_says_so(start_project, text, said):
    async with start_project({"database.rules.json": json.dumps(OPEN)}) as running:
        await running.seed({"orders": [{"_id": "1"}]})
        (running.suite.config.project / "database.rules.json").write_text(text, "utf-8")
        await eventually(lambda: running.suite.parts.rules.notices)
        assert len((await read(running)).documents) == 1
        assert said in running.suite.parts.rules.notices[0]
        assert any(said in notice for notice in running.suite.info()["notices"])
        assert any(said in entry["line"] for entry in running.suite.control.logs())


async def test_sources_of_rules_by_strength(start_project):
    files = {
        "cloudbaserc.json": json.dumps(
            {
                "functionRoot": "fn",
                "database": {
                    "collections": [
                        {"collectionName": "a", "aclTag": "READONLY"},
                        {"collectionName": "b", "aclTag": "READONLY"},
                        {"collectionName": "d", "aclTag": "CUSTOM", "aclRule": {"read": True}},
                    ]
                },
                "functions": [{"name": "pay", "aclRule": {"invoke": False}}],
            }
        ),
        "database.rules.json": '{"b": "ADMINWRITE", "c": {"read": true}}',
        "functions.rules.json": '{"ship": {"invoke": true}}',
        "storage.rules.json": '{"read": false, "write": false}',
        ".emulator.toml": '[database]\npermission = "ADMINONLY"\n'
        "[database.rules.c]\nread = false\n",
    }
    async with start_project(files) as running:
        permissions = running.suite.parts.access.permissions
        assert permissions.of("a").preset == "READONLY"
        assert permissions.of("b").preset == "ADMINWRITE"
        assert permissions.of("c").source == {"read": False}
        assert permissions.of("d").source == {"read": True}
        assert permissions.of("other").preset == "ADMINONLY"
        assert permissions.invoke_of("pay") is False
        assert permissions.invoke_of("ship") is True
        assert permissions.invoke_of("other") == "auth != null"
        assert not permissions.files.rules["read"].rule.node.value
        assert running.suite.info()["permission"] == "ADMINONLY"


async def test_rules_are_read_and_replaced_over_http(start_project):
    async with (
        start_project({"package.json": "{}"}) as running,
        aiohttp.ClientSession(running.url) as http,
    ):
        await running.seed({"orders": [{"_id": "1", "age": 5}]})

        async def ask(method, path, body=None):
            async with http.request(method, path, json=body) as response:
                return response.status, await response.json()

        status, told = await ask("GET", "/_emu/collections/orders/rules")
        assert (status, told["preset"]) == (200, "PRIVATE")
        rules = {"read": "doc.age > 10", "write": "auth.isAdmin"}
        status, told = await ask("PUT", "/_emu/collections/orders/rules", {"rules": rules})
        assert (status, told["preset"], told["rules"]) == (200, "CUSTOM", rules)
        assert told["findings"][0]["message"].startswith("auth has no isAdmin")
        with pytest.raises(PermissionDenied) as denial:
            await read(running, {"age": {"$gt": 4}})
        assert denial.value.message == "Permission denied"
        _, told = await ask("GET", "/_emu/denials")
        (kept,) = told["denials"]
        assert kept["rule"] == "doc.age > 10"
        assert kept["example"] == {"age": 10}
        assert kept["reasons"][-1] == "1 matched, 0 visible"
        await read(running, {"age": {"$gt": 12}})
        _, told = await ask("GET", "/_emu/rules/coverage")
        counted = {each["key"]: (each["allowed"], each["denied"]) for each in told["coverage"]}
        assert counted == {"read": (1, 1), "write": (0, 0)}
        status, told = await ask(
            "PUT", "/_emu/collections/orders/rules", {"rules": {"read": "doc.a =="}}
        )
        assert status == 400
        assert "orders.read: character 9" in told["message"]
        _, told = await ask("GET", "/_emu/rules")
        assert told["collections"]["orders"]["rules"] == rules
        assert told["default"] == "PRIVATE"


async def test_other_rules_are_tried_on_what_was_asked(start_project):
    async with start_project({"database.rules.json": json.dumps(OPEN)}) as running:
        await running.seed({"orders": [{"_id": "1", "_openid": "bob"}]})
        await add(running)
        await read(running)
        await read(running, {"_openid": "{openid}"})
        await read(running, {"_id": "1"})
        rules = {"read": "doc._openid == auth.openid", "write": False}
        async with aiohttp.ClientSession(running.url) as http:
            path = "/_emu/collections/orders/rules/replay"
            async with http.post(path, json={"rules": rules}) as response:
                told = (await response.json())["replayed"]
            async with http.post(path, json={"preset": "PRIVATE"}) as response:
                private = (await response.json())["replayed"]
            async with http.post(path, json={"rules": {"read": "doc."}}) as response:
                assert response.status == 400
            async with http.post(path, json={}) as response:
                assert response.status == 400
        assert [(each["operation"], each["now"], each["then"]) for each in told] == [
            ("create", "allowed", "denied"),
            ("read", "allowed", "denied"),
            ("read", "allowed", "allowed"),
            ("read", "allowed", "denied"),
        ]
        assert "doc._openid is 'bob'" in told[3]["why"]
        assert [each["then"] for each in private] == ["allowed", "own", "allowed", "own"]
        # Trying rules is no request of anybody.
        assert len(running.suite.parts.access.record.heard()) == 4
        assert running.suite.parts.access.record.denials() == []
