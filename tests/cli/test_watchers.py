"""`cloud-emu watchers`: seen, delayed, cut."""

import asyncio
from typing import Any

from aiohttp import ClientSession, WSMsgType

SIGN = {"action": "auth.wsWebSign", "runtime": "web"}
MADE = {"action": "database.addCollection", "collectionName": "watched"}


async def listen(cli: Any, ready: Any) -> list[Any]:
    """Listen as a user while the commands run, and return what they said."""
    api = ready["urls"]["api"]
    async with ClientSession() as session:
        await session.post(f"{api}/admin", json=MADE)
        headers = {"x-emu-openid": "oAda"}
        async with session.post(f"{api}/web", json=SIGN, headers=headers) as answer:
            ticket = (await answer.json())["data"]
        async with session.ws_connect(ticket["wsUrl"]) as socket:
            login = {"signStr": ticket["signStr"]}
            asked = {"collName": "watched", "query": "{}", "orderBy": {"n": "desc"}, "limit": 3}
            for message in (
                {"msgType": "LOGIN", "requestId": "1", "msgData": {}, "exMsgData": login},
                {"msgType": "INIT_WATCH", "requestId": "2", "watchId": "w", "msgData": asked},
            ):
                await socket.send_json(message)
                await socket.receive_json()
            said = [
                await asyncio.to_thread(cli, "watchers", *arguments)
                for arguments in (
                    ("delay", "0.5"),
                    ("list",),
                    ("list", "--json"),
                    ("delay", "0"),
                    ("cut", "99999"),
                    ("cut",),
                )
            ]
            assert (await socket.receive(timeout=10)).type in (WSMsgType.CLOSED, WSMsgType.ERROR)
    return said


def test_watchers_are_seen_delayed_and_cut(suite):
    cli, ready = suite
    delayed, listed, told, at_once, unknown, cut = asyncio.run(listen(cli, ready))
    assert delayed.out == "messages are held back for 0.5 s\n"
    head, watcher, last = listed.out.splitlines()
    assert head.endswith("oAda")
    assert watcher == "  watched {}, by n desc, the first 3: 0 documents"
    assert last == "messages are held back for 0.5 s"
    (connection,) = told.json["connections"]
    assert (connection["user"], told.json["delay_s"]) == ("oAda", 0.5)
    assert at_once.out == "messages are sent at once\n"
    assert unknown.code == 1
    assert "there is no realtime connection 99999" in unknown.err
    assert cut.out == "1 cut\n"
    assert cli("watchers", "list").out == "nobody listens\n"
    assert cli("watchers", "cut", "--json").json == {"cut": 0}
    assert cli("watchers", "delay", "-1").code != 0
