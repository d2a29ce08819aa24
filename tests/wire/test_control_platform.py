"""The control API's calls about the clock and triggers, against a running suite."""

import json

import aiohttp
import pytest

PROJECT = {
    "functions/tick/index.py": (
        "from datetime import UTC, datetime\n"
        "from emulator import cloud\n"
        "cloud.init()\n"
        "def main(event, context):\n"
        "    cloud.database().collection('ticks').add(\n"
        "        data={'told': event['Time'], 'at': cloud.database().server_date()})\n"
        "    return cloud.get_wx_context()['SOURCE']\n"
    ),
    "functions/tick/config.json": json.dumps(
        {"triggers": [{"name": "hourly", "type": "timer", "config": "0 0 * * * * *"}]}
    ),
    "functions/heard/index.py": (
        "def main(event, context):\n    raise ValueError(event['dataList'][0]['docId'])\n"
    ),
    "functions/heard/config.json": json.dumps(
        {
            "triggers": [
                {
                    "name": "each",
                    "type": "database",
                    "config": {"collection": "orders", "retries": 0},
                }
            ]
        }
    ),
}


@pytest.fixture
async def running(start_project):
    async with start_project(PROJECT) as suite:
        yield suite


@pytest.fixture
async def call(running):
    async with aiohttp.ClientSession(running.url) as session:

        async def ask(method, path, body=None):
            async with session.request(method, f"/_emu{path}", json=body) as response:
                return response.status, await response.json()

        yield ask


async def test_clock_shows_its_moment_in_both_zones(call):
    status, shown = await call("GET", "/clock")
    assert (status, shown) == (
        200,
        {
            "now": "2023-11-14T22:13:20.000Z",
            "local": "2023-11-15T06:13:20+08:00",
            "now_ms": 1_700_000_000_000,
            "frozen": False,
            "offset_ms": 0,
        },
    )


async def test_advance_answers_when_everything_due_has_run_at_its_moment(call, running):
    await running.seed({"ticks": []})
    status, told = await call("POST", "/clock", {"advance": "1d"})
    assert (status, told["fired"], told["now"]) == (200, 24, "2023-11-15T22:13:20.000Z")
    ticks = await running.documents("ticks")
    assert [each["told"] for each in ticks] == sorted(each["told"] for each in ticks)
    assert len(ticks) == 24
    dates = [each["at"]["$date"]["$numberLong"] for each in ticks]
    assert dates == [str(1_700_002_800_000 + hour * 3_600_000) for hour in range(24)]


@pytest.mark.parametrize(
    ("body", "now"),
    [
        ({"set": "2026-01-31T09:00:00Z"}, "2026-01-31T09:00:00.000Z"),
        ({"set": "2026-01-31T09:00"}, "2026-01-31T01:00:00.000Z"),
        ({"set": 1_769_850_000_000}, "2026-01-31T09:00:00.000Z"),
        ({"set": "1769850000000"}, "2026-01-31T09:00:00.000Z"),
        ({"set": "2020-02-29"}, "2020-02-28T16:00:00.000Z"),
        ({"set": "2026-01-31T09:00:00Z", "advance": 30}, "2026-01-31T09:00:30.000Z"),
    ],
)
async def test_clock_is_set_to_moments_of_several_forms(call, running, body, now):
    await running.seed({"ticks": []})
    status, told = await call("POST", "/clock", {"freeze": True, **body})
    assert (status, told["now"], told["frozen"]) == (200, now, True)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"set": "soon"},
        {"advance": "a while"},
        {"advance": -1},
        {"freeze": True, "resume": True},
        {"freeze": "yes"},
        {"turn": 1},
        {"set": 10**15},
    ],
)
async def test_what_is_no_wish_of_a_clock_is_refused_and_changes_nothing(call, body):
    status, refused = await call("POST", "/clock", body)
    assert (status, refused["code"]) == (400, "INVALID_PARAM")
    assert (await call("GET", "/clock"))[1]["offset_ms"] == 0


async def test_triggers_are_listed_with_their_next_firings(call):
    _, told = await call("GET", "/triggers")
    assert told["enabled"] is True
    heard, tick = told["triggers"]
    assert (heard["function"], heard["type"], heard["paused"]) == ("heard", "database", False)
    assert tick["next_fires"] == [f"2023-11-15T{hour:02}:00:00+08:00" for hour in range(7, 12)]


async def test_paused_timer_is_not_fired_and_resumes(call, running):
    await running.seed({"ticks": []})
    assert await call("POST", "/triggers/tick/hourly/pause") == (200, {"paused": True})
    assert (await call("POST", "/clock", {"advance": "5h"}))[1]["fired"] == 0
    listed = (await call("GET", "/triggers"))[1]["triggers"][1]
    assert (listed["paused"], listed["next_fires"]) == (True, [])
    assert await call("POST", "/triggers/tick/hourly/resume") == (200, {"paused": False})
    assert (await call("POST", "/clock", {"advance": "5h"}))[1]["fired"] == 5
    status, refused = await call("POST", "/triggers/tick/daily/pause")
    assert (status, refused["hint"]) == (404, "cloud-emu trigger list")


async def test_triggers_are_off_for_the_time_of_a_seed(call, running):
    order = {"collections": {"orders": [{"_id": "a"}]}, "triggers": True}
    assert await call("POST", "/triggers", {"enabled": False}) == (
        200,
        {"enabled": False, "was": True},
    )
    await call("POST", "/seed", order)
    await running.idle()
    assert (await call("GET", "/dead-letters"))[1] == []
    assert (await call("POST", "/triggers", {"enabled": True}))[1]["was"] is False
    await call("POST", "/seed", order)
    await running.idle()
    assert len((await call("GET", "/dead-letters"))[1]) == 1


async def test_what_was_given_up_is_told_and_replayed(call, running):
    await call("POST", "/seed", {"collections": {"orders": [{"_id": "a"}]}, "triggers": True})
    await running.idle()
    (letter,) = (await call("GET", "/dead-letters"))[1]
    assert (letter["function"], letter["trigger"], letter["attempts"]) == ("heard", "each", 1)
    assert letter["error"].endswith("a")
    assert letter["event"]["dataList"][0]["docId"] == "a"
    assert await call("POST", "/dead-letters/replay", {"number": letter["number"]}) == (
        200,
        {"replayed": 1},
    )
    await running.idle()
    assert [each["number"] for each in (await call("GET", "/dead-letters"))[1]] == [2]
    assert await call("POST", "/dead-letters/replay") == (200, {"replayed": 1})
    status, _ = await call("POST", "/dead-letters/replay", {"number": "first"})
    assert status == 400
