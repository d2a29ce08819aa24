"""The control API over a suite that only remembers what it was asked."""

import asyncio
import io
import json
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientSession, web

from emulator.core.errors import (
    CollectionNotExist,
    FunctionNotFound,
    InvalidParam,
    StoreError,
)
from emulator.core.values import Date, Int64, ObjectId
from emulator.wire import control
from emulator.wire.control_json import relaxed_json

MOMENT = Date(1_767_225_600_123)


@dataclass
class FakeSuite:
    """Remembers its calls; raises `fault` from any of them."""

    ready: bool = True
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    fault: Exception | None = None
    entries: "asyncio.Queue[dict[str, Any] | None]" = field(default_factory=asyncio.Queue)
    followers: int = 0

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.fault is not None:
            raise self.fault

    def info(self) -> dict[str, Any]:
        return {
            "env": "demo-env",
            "version": "1.2",
            "pid": 7,
            "project": "/p",
            "urls": {"api": "http://a"},
        }

    async def idle(self, timeout_s: float) -> list[str]:
        self._note("idle", timeout_s)
        return self.running

    async def reset(self) -> None:
        self._note("reset")

    async def seed(self, collections, *, replace: bool, triggers: bool):
        self._note("seed", collections, replace, triggers)
        return {name: len(documents) for name, documents in collections.items()}

    def collection(self, name: str):
        self._note("collection", name)
        return [{"_id": ObjectId("0" * 24), "at": MOMENT, "n": Int64(1), "x": math.inf, "y": None}]

    def instances(self):
        return [{"function": "pay", "pid": 7}]

    async def restart(self, name):
        self._note("restart", name)

    async def invoke(self, name, event, *, openid, source, cold=False):
        self._note("invoke", name, event, openid, source, *(["cold"] if cold else []))
        return {"result": {"ok": True}, "request_id": "r", "duration_ms": 1.5, "logs": []}

    async def inspect(self, name, port):
        self._note("inspect", name, port)
        return f"ws://127.0.0.1:{port}/x"

    async def fire(self, function: str, trigger: str, event: Any = None):
        self._note("fire", function, trigger, event)
        return {"result": None}

    def files(self, prefix: str):
        self._note("files", prefix)
        return [{"path": "a.png"}]

    def call_soon(self, name, event, *, openid, source):
        self._note("call_soon", name, event, openid, source)

    def logs(self, *, function: str, request_id: str, level: str, limit: int):
        self._note("logs", function, request_id, level, limit)
        return [{"line": "x"}]

    def requests(self, limit: int):
        self._note("requests", limit)
        return []

    async def follow(self, kind: str) -> AsyncIterator[dict[str, Any]]:
        self._note("follow", kind)
        self.followers += 1
        try:
            while (entry := await self.entries.get()) is not None:
                yield entry
        finally:
            self.followers -= 1

    def request_stop(self) -> None:
        self._note("stop")


@pytest.fixture
def suite() -> FakeSuite:
    return FakeSuite()


@pytest.fixture
async def client(suite: FakeSuite) -> AsyncIterator[ClientSession]:
    app = web.Application()
    app.add_routes(control.routes(suite))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        yield session
    suite.ready = False
    await runner.cleanup()


async def call(client: ClientSession, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    data = None if body is None else io.BytesIO(raw)
    async with client.request(method, f"/_emu/{path}", data=data) as response:
        assert response.content_type == "application/json"
        return response.status, await response.json()


async def test_health_says_ready_or_answers_503(client, suite):
    facts = {"env": "demo-env", "version": "1.2", "pid": 7, "project": "/p"}
    assert await call(client, "GET", "health") == (200, {"status": "ready", **facts})
    suite.ready = False
    assert await call(client, "GET", "health") == (503, {"status": "starting", **facts})


async def test_info_is_handed_on(client, suite):
    assert await call(client, "GET", "info") == (200, suite.info())


async def test_idle_says_so_or_what_still_runs(client, suite):
    assert await call(client, "GET", "idle") == (200, {"idle": True})
    suite.running = ["function pay"]
    status, answer = await call(client, "GET", "idle?timeout_s=0.5")
    assert (status, answer) == (200, {"idle": False, "running": ["function pay"]})
    assert suite.calls == [("idle", 10.0), ("idle", 0.5)]


@pytest.mark.parametrize("text", ["-1", "601", "nan", "soon"])
async def test_an_idle_wait_out_of_bounds_is_refused(client, suite, text):
    status, answer = await call(client, "GET", f"idle?timeout_s={text}")
    assert (status, answer["code"]) == (400, "INVALID_PARAM")
    assert answer["message"].startswith("timeout_s must be 0 to 600 seconds")
    assert suite.calls == []


async def test_reset_empties(client, suite):
    assert await call(client, "POST", "reset") == (200, {"reset": True})
    assert suite.calls == [("reset",)]


async def test_seed_reads_both_forms_of_extended_json(client, suite):
    body = {
        "collections": {
            "orders": [
                {"at": {"$date": "2026-01-01T00:00:00.123Z"}},
                {"at": {"$date": {"$numberLong": "1767225600123"}}, "n": {"$numberInt": "3"}},
            ],
            "empty": [],
        },
        "replace": True,
    }
    status, answer = await call(client, "POST", "seed", body)
    assert (status, answer) == (200, {"collections": {"orders": 2, "empty": 0}})
    documents = {"orders": [{"at": MOMENT}, {"at": MOMENT, "n": 3}], "empty": []}
    assert suite.calls == [("seed", documents, True, False)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"{", "the body is not JSON: ", id="broken"),
        pytest.param([], "the body must be a JSON object", id="list"),
        pytest.param({"colections": {}}, 'the body has no field "colections"', id="unknown-field"),
        pytest.param({}, "collections must be an object of lists", id="nothing"),
        pytest.param({"collections": {"a": {}}}, "collections.a must be a list", id="no-list"),
        pytest.param(
            {"collections": {"a": [{}, 1]}}, "collections.a[1] must be an object", id="no-document"
        ),
        pytest.param(
            {"collections": {}, "replace": 1}, "replace must be true or false", id="no-boolean"
        ),
        pytest.param(
            {"collections": {"a": [{"d": {"$date": "soon"}}]}}, "$date cannot hold", id="bad-tag"
        ),
        pytest.param(
            b'{"collections": {"a": [{"x": ' + b"[" * 300 + b"]" * 300 + b"}]}}",
            "the body is nested deeper",
            id="too-deep",
        ),
    ],
)
async def test_a_seed_that_makes_no_sense_is_refused_by_name(client, suite, body, message):
    status, answer = await call(client, "POST", "seed", body)
    assert status == 400
    assert answer["message"].startswith(message)
    assert set(answer) == {"code", "message", "hint"}
    assert suite.calls == []


async def test_documents_are_answered_in_relaxed_extended_json(client, suite):
    status, answer = await call(client, "GET", "collections/my%20orders%2F1")
    assert suite.calls == [("collection", "my orders/1")]
    assert status == 200
    assert answer == [
        {
            "_id": {"$oid": "0" * 24},
            "at": {"$date": "2026-01-01T00:00:00.123Z"},
            "n": 1,
            "x": {"$numberDouble": "Infinity"},
            "y": None,
        }
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(Date(-1), b'{"$date":{"$numberLong":"-1"}}', id="before-1970"),
        pytest.param(Date(2**60), b'{"$date":{"$numberLong":"1152921504606846976"}}', id="far"),
        pytest.param([1.5, math.nan], b'[1.5,{"$numberDouble":"NaN"}]', id="no-number"),
        pytest.param({"a": "云"}, '{"a":"云"}'.encode(), id="chinese"),
        pytest.param(
            {"a\ud800": Date(-(10**17))},
            '{"a\ufffd":{"$date":{"$numberLong":"-100000000000000000"}}}'.encode(),
            id="half-a-pair",
        ),
    ],
)
def test_values_json_has_no_form_for_are_tagged(value, text):
    assert relaxed_json(value) == text


@pytest.mark.parametrize(
    ("body", "called"),
    [
        pytest.param(None, ("pay", {}, None, "wx_client"), id="nothing"),
        pytest.param(
            {"event": {"a": [1]}, "openid": "oA", "source": "wx_http"},
            ("pay", {"a": [1]}, "oA", "wx_http"),
            id="all",
        ),
        pytest.param({"event": None, "openid": None}, ("pay", None, None, "wx_client"), id="nulls"),
    ],
)
async def test_invoke_calls_as_the_user(client, suite, body, called):
    status, answer = await call(client, "POST", "functions/pay/invoke", body)
    assert (status, answer["result"]) == (200, {"ok": True})
    assert suite.calls == [("invoke", *called)]


async def test_an_event_beyond_the_platforms_size_is_refused(client, suite):
    body = b'{"event": "' + b"x" * control.EVENT_SIZE_MAX_BYTES + b'"}'
    status, answer = await call(client, "POST", "functions/pay/invoke", body)
    assert status == 413
    assert answer["message"] == f"the body is larger than {control.EVENT_SIZE_MAX_BYTES} bytes"
    assert suite.calls == []


async def test_a_body_of_unknown_length_is_bounded_too(client, suite):
    async def chunks():
        for _ in range(8):
            yield b"x" * 1024 * 1024

    async with client.post("/_emu/functions/pay/invoke", data=chunks()) as response:
        assert response.status == 413
    assert suite.calls == []


async def test_a_wrong_openid_is_refused(client):
    status, answer = await call(client, "POST", "functions/pay/invoke", {"openid": 1})
    assert (status, answer["message"]) == (400, "openid must be a text or null")


async def test_a_trigger_is_fired_by_function_and_name(client, suite):
    assert await call(client, "POST", "triggers/pay/nightly/fire") == (200, {"result": None})
    event = {"event": {"Type": "Timer"}}
    await call(client, "POST", "triggers/pay/nightly/fire", event)
    assert suite.calls == [
        ("fire", "pay", "nightly", None),
        ("fire", "pay", "nightly", {"Type": "Timer"}),
    ]


async def test_files_logs_and_requests_are_asked_with_their_filters(client, suite):
    assert await call(client, "GET", "storage?prefix=a/") == (200, [{"path": "a.png"}])
    assert await call(client, "GET", "logs?function=pay&request_id=r&level=warn&limit=5") == (
        200,
        [{"line": "x"}],
    )
    assert await call(client, "GET", "logs") == (200, [{"line": "x"}])
    assert await call(client, "GET", "requests?limit=3") == (200, [])
    assert suite.calls == [
        ("files", "a/"),
        ("logs", "pay", "r", "warn", 5),
        ("logs", "", "", "", 100),
        ("requests", 3),
    ]


@pytest.mark.parametrize("text", ["0", "10001", "-1", "x", "1.5"])
async def test_a_limit_out_of_bounds_is_refused(client, suite, text):
    status, _ = await call(client, "GET", f"logs?limit={text}")
    assert (status, suite.calls) == (400, [])


async def test_stop_is_asked_for_and_answered(client, suite):
    assert await call(client, "POST", "stop") == (202, {"stopping": True})
    assert suite.calls == [("stop",)]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        pytest.param(FunctionNotFound("no pay", hint="found: a"), 404, id="no-function"),
        pytest.param(CollectionNotExist("no orders"), 404, id="no-collection"),
        pytest.param(InvalidParam("bad"), 400, id="wrong-input"),
        pytest.param(StoreError("disk full"), 500, id="disk"),
    ],
)
async def test_errors_of_the_suite_are_coded_json(client, suite, fault, status):
    suite.fault = fault
    answer = {"code": fault.code, "message": fault.message, "hint": fault.hint}
    assert await call(client, "POST", "functions/pay/invoke") == (status, answer)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_foreign_page_is_refused_before_anything_happens(client, suite, origin):
    async with client.post("/_emu/reset", headers={"Origin": origin}) as response:
        assert response.status == 403
        assert (await response.json())["code"] == "FOREIGN_ORIGIN"
    assert suite.calls == []


async def test_the_apis_own_pages_are_welcome(client, suite):
    own = str(client._base_url).rstrip("/")
    async with client.post("/_emu/reset", headers={"Origin": own}) as response:
        assert response.status == 200


async def test_a_stream_sends_what_happens_after_its_head(client, suite):
    async with client.get("/_emu/logs?follow=1&function=pay") as response:
        assert response.content_type == "text/event-stream"
        assert await response.content.readuntil(b"\n\n") == b": listening\n\n"
        assert suite.calls == [("follow", "log")]
        suite.entries.put_nowait({"function": "other", "line": "not this"})
        suite.entries.put_nowait({"function": "pay", "line": "this", "at": MOMENT})
        line = await response.content.readuntil(b"\n\n")
        assert json.loads(line.removeprefix(b"data: ")) == {
            "function": "pay",
            "line": "this",
            "at": {"$date": "2026-01-01T00:00:00.123Z"},
        }


async def test_a_stream_ends_when_the_suite_stops(client, suite):
    async with client.get("/_emu/requests?follow=1") as response:
        await response.content.readuntil(b"\n\n")
        suite.ready = False
        assert await asyncio.wait_for(response.content.read(), 5) == b""
    assert suite.followers == 0


async def test_a_stream_ends_when_there_is_nothing_more(client, suite):
    async with client.get("/_emu/requests?follow=1") as response:
        suite.entries.put_nowait(None)
        assert await asyncio.wait_for(response.content.read(), 5) == b": listening\n\n"
    assert suite.followers == 0


async def test_a_client_that_goes_lets_go_of_its_stream(client, suite):
    async with client.get("/_emu/logs?follow=1") as response:
        await response.content.readuntil(b"\n\n")
        assert suite.followers == 1
    async with asyncio.timeout(10):
        while suite.followers:
            suite.entries.put_nowait({"line": "x"})
            await asyncio.sleep(0.01)


async def test_inspect_opens_a_function_at_a_port(client, suite):
    status, answer = await call(client, "POST", "functions/pay/inspect", {"port": 9229})
    assert (status, answer) == (200, {"url": "ws://127.0.0.1:9229/x"})
    assert suite.calls == [("inspect", "pay", 9229)]


@pytest.mark.parametrize("port", [-1, 65_536, "9229", 1.5, True])
async def test_inspect_refuses_what_is_no_port(client, suite, port):
    status, answer = await call(client, "POST", "functions/pay/inspect", {"port": port})
    assert status == 400
    assert "port must be a whole number" in str(answer)
    assert suite.calls == []


async def test_cold_call_instances_and_restart(client, suite):
    await call(client, "POST", "functions/pay/invoke", {"cold": True})
    assert await call(client, "POST", "functions/pay/restart") == (200, {"restarted": True})
    assert await call(client, "GET", "instances") == (200, [{"function": "pay", "pid": 7}])
    assert suite.calls == [("invoke", "pay", {}, None, "wx_client", "cold"), ("restart", "pay")]


async def test_asynchronous_call_is_queued(client, suite):
    body = {"event": {"n": 1}, "openid": "oAda", "asynchronous": True}
    assert await call(client, "POST", "functions/pay/invoke", body) == (202, {"queued": True})
    assert suite.calls[-1] == ("call_soon", "pay", {"n": 1}, "oAda", "wx_client")


async def test_level_that_is_none_is_refused(client):
    status, refused = await call(client, "GET", "logs?level=loud")
    assert (status, refused["code"]) == (400, "INVALID_PARAM")
