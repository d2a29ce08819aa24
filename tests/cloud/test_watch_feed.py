"""When a lost connection is made anew, and when it is given up; against servers that misbehave."""

import asyncio
import json

import pytest
from aiohttp import WSCloseCode, web
from aiohttp.test_utils import TestServer

from emulator.cloud import watch_feed
from emulator.cloud.watch_feed import Signed, WatchFeed
from emulator.cloud.watch_state import WatchState
from tests.conftest import eventually


class Heard:
    def __init__(self) -> None:
        self.snapshots, self.faults = [], []
        self.changed, self.failed = self.snapshots.append, self.faults.append


FIRST = {"queryID": "q", "currEvent": 1, "events": []}


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Try again without pauses."""
    monkeypatch.setattr(watch_feed, "PAUSES_S", (0.0, 0.0, 0.0))


async def fed(answers, heard):
    """Serve connections by a list of what each answers to the first messages, and watch."""
    seen = []

    async def serve(request):
        told = web.WebSocketResponse()
        await told.prepare(request)
        answer = answers[min(len(seen), len(answers) - 1)]
        seen.append([])
        async for message in told:
            kind = json.loads(message.data)["msgType"]
            seen[-1].append(kind)
            reply = answer.get(kind)
            if reply is None:
                await told.close(code=WSCloseCode.GOING_AWAY)
            elif isinstance(reply, str):
                await told.send_str(reply)
            else:
                await told.send_json(reply)
        return told

    app = web.Application()
    app.router.add_get("/ws", serve)
    server = TestServer(app)
    await server.start_server()
    sign = lambda: Signed(f"ws://127.0.0.1:{server.port}/ws", "e", "s")  # noqa: E731
    feed = WatchFeed(sign, WatchState({"collName": "c", "query": "{}"}), heard)
    feed.start()
    return feed, server, seen


LOGGED_IN = {"msgType": "LOGIN_RES", "msgData": {"envId": "e"}}
OPENED = {"msgType": "INIT_EVENT", "msgData": FIRST}


async def test_it_goes_on_where_it_was_and_is_given_up_after_so_many_attempts():
    heard = Heard()
    good = {"LOGIN": LOGGED_IN, "INIT_WATCH": OPENED}
    feed, server, seen = await fed([good, {}], heard)
    await eventually(lambda: len(heard.snapshots) == 1)
    await asyncio.to_thread(feed._socket.close)
    await eventually(lambda: len(heard.faults) == 1)
    assert "connection" in heard.faults[0].message
    assert len(seen) == 1 + len(watch_feed.PAUSES_S) - 1
    await server.close()


async def test_what_is_refused_at_first_is_told_at_once():
    heard = Heard()
    denied = {"msgType": "ERROR", "msgData": {"code": "PERMISSION_DENIED", "message": "no"}}
    _feed, server, seen = await fed([{"LOGIN": LOGGED_IN, "INIT_WATCH": denied}], heard)
    await eventually(lambda: len(heard.faults) == 1)
    assert (heard.faults[0].code, heard.faults[0].message) == ("PERMISSION_DENIED", "no")
    assert seen == [["LOGIN", "INIT_WATCH"]]
    await server.close()


async def test_a_query_that_nobody_knows_any_more_begins_anew():
    heard = Heard()
    unknown = {"msgType": "ERROR", "msgData": {"code": "QUERYID_INVALID_ERROR", "message": ""}}
    good = {"LOGIN": LOGGED_IN, "INIT_WATCH": OPENED, "REBUILD_WATCH": unknown}
    feed, server, seen = await fed([good], heard)
    await eventually(lambda: len(heard.snapshots) == 1)
    await asyncio.to_thread(feed._socket.close)
    await eventually(lambda: len(heard.snapshots) == 2)
    assert seen[1:] == [["LOGIN", "REBUILD_WATCH"], ["LOGIN", "INIT_WATCH"]]
    feed.close()
    await server.close()
    assert heard.faults == []


@pytest.mark.parametrize(
    "answer",
    [
        "no JSON",
        '{"msgType": "INIT_EVENT", "msgData": null}',
        '{"msgType": "INIT_EVENT", "msgData": {"events": 1}}',
        '{"msgType": "INIT_EVENT", "msgData": {"queryID": "q", "currEvent": 1, "events": [{}]}}',
    ],
)
async def test_a_server_that_speaks_otherwise_is_given_up(answer):
    heard = Heard()
    _feed, server, _seen = await fed([{"LOGIN": answer}], heard)
    await eventually(lambda: len(heard.faults) == 1)
    assert heard.snapshots == []
    await server.close()


async def test_a_silent_server_is_asked_and_then_left(monkeypatch):
    monkeypatch.setattr(watch_feed, "QUIET_S", 0.02)
    heard = Heard()
    silent = {"LOGIN": {"msgType": "?"}, "PING": {"msgType": "?"}}
    feed, server, seen = await fed([silent], heard)
    await eventually(lambda: seen and seen[0][:3] == ["LOGIN", "PING", "PING"])
    feed.close()
    await server.close()
    assert heard.faults == []
