"""Alerts: from an amount that is passed to the log and a local address, over real sockets."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, web

FAILS = "def main(event, context):\n    raise ValueError('no more')\n"


@asynccontextmanager
async def listening(answer):
    """An address that answers each POST as `answer` says; yields it."""
    app = web.Application()
    app.router.add_post("/alerts", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/alerts"
    finally:
        await runner.cleanup()


@pytest.fixture
async def received():
    return asyncio.Queue()


def files(url):
    return {
        ".emulator.toml": f'[usage]\nalerts = {{ errors = 2, calls = 4 }}\nwebhook = "{url}"\n',
        "functions/fails/index.py": FAILS,
    }


async def test_a_passed_amount_is_posted_logged_and_waited_for(start_project, received):
    async def take(request):
        await received.put(await request.json())
        return web.Response(status=204)

    async with listening(take) as url, start_project(files(url)) as running:
        for _ in range(8):
            await running.call("fails")
        await running.idle()
        alerts = [received.get_nowait() for _ in range(received.qsize())]
        assert [(each["meter"], each["limit"], each["amount"]) for each in alerts] == [
            ("errors", 2, 3),
            ("calls", 4, 5),
        ]
        assert all(each["event"] == "usage_alert" for each in alerts)
        assert all(each["env"] == "demo-env" for each in alerts)
        assert all(each["at_ms"] == running.suite.clock.now_ms() for each in alerts)
        lines = [each["line"] for each in running.suite.control.logs(level="warn")]
        assert any(line.startswith("more than 2 errors today") for line in lines)
        assert [each["message"] for each in alerts] == [
            line for line in lines if line.startswith("more than")
        ]


@pytest.mark.parametrize(
    ("status", "why"), [(500, "it answered 500"), (302, "it answered 302"), (0, "")]
)
async def test_what_does_not_arrive_is_said_once(start_project, status, why):
    asked = []

    async def refuse(request):
        asked.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with listening(refuse) as url:
        away = url if status else "http://127.0.0.1:9/alerts"
        async with start_project(files(away)) as running:
            for _ in range(8):
                await running.call("fails")
            await running.idle()
            lines = [each["line"] for each in running.suite.control.logs(level="warn")]
            said = [line for line in lines if line.startswith("an alert did not reach")]
            assert len(said) == 1
            assert why in said[0]
    assert asked == (["/alerts"] * 2 if status else [])


async def test_an_address_that_never_answers_holds_nobody_up(start_project):
    begun = asyncio.Event()

    async def hang(request):
        begun.set()
        await asyncio.Event().wait()

    async with listening(hang) as url, start_project(files(url)) as running:
        for _ in range(4):
            await running.call("fails")
        await begun.wait()
        assert any("alerts to" in each for each in await running.suite.control.idle(0))
        async with ClientSession(running.url) as http, http.get("/_emu/health") as response:
            assert response.status == 200
