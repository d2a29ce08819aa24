"""What waits, at its bound, cut off and killed: as the page on triggers tells it for each queue."""

import asyncio
import json

import pytest

from emulator.ambient import ManualClock
from emulator.core.errors import FunctionFailed
from emulator.functions import process_pool
from emulator.services import occurrences, recorder, timers
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.occurrences import DeadLetters, Occurrence
from emulator.services.recorder import Recorder, RequestRecord
from emulator.services.usage import ALERT_EVENT
from emulator.wire import alerts
from emulator.wire.alerts import AlertSender

SLOW = {
    "functions/slow/index.py": (
        "import asyncio\n"
        "gate = asyncio.Event()\n"
        "calls = []\n"
        "async def main(event, context):\n"
        "    if event.get('tell'):\n"
        "        return len(calls)\n"
        "    if event.get('go'):\n"
        "        return gate.set()\n"
        "    calls.append(1)\n"
        "    await asyncio.wait_for(gate.wait(), 30)\n"
    ),
    "functions/slow/config.json": json.dumps(
        {
            "timeout": 60,
            "triggers": [{"name": "minutely", "type": "timer", "config": "0 * * * * * *"}],
        }
    ),
}


def lines(running):
    return [each["line"] for each in running.suite.control.logs(limit=10_000)]


async def test_a_firing_over_the_bound_of_calls_is_skipped_and_said(start_project, monkeypatch):
    monkeypatch.setattr(timers, "CALLS_MAX", 2)
    async with start_project(SLOW) as running:
        for _ in range(4):
            running.suite.parts.timers.listen(running.suite.parts.timers.states())
            timer = running.suite.parts.timers.states()[0]
            running.clock.advance((timer.next_fire_ms - running.clock.now_ms()) / 1000)
            running.suite.parts.timers.fire_due()
        assert sum("skipped: 2 calls are under way" in line for line in lines(running)) == 2
        while await running.invoke("slow", {"tell": 1}) < 2:
            await asyncio.sleep(0)
        await running.invoke("slow", {"go": 1})
        await running.idle()
        assert await running.invoke("slow", {"tell": 1}) == 2


async def test_of_many_missed_firings_the_rest_is_skipped(start_project, monkeypatch):
    monkeypatch.setattr(timers, "MISFIRES_MAX", 5)
    files = {**SLOW, ".emulator.toml": '[triggers]\nmisfire = "all"\n'}
    async with start_project(files) as running:
        await running.invoke("slow", {"go": 1})
        running.clock.advance(86_400)
        running.suite.parts.timers.fire_due()
        await running.idle()
        assert await running.invoke("slow", {"tell": 1}) == 5


def test_of_the_calls_that_were_given_up_the_oldest_is_forgotten(monkeypatch):
    monkeypatch.setattr(occurrences, "DEAD_LETTERS_MAX", 3)
    letters = DeadLetters()
    for number in range(5):
        caller = Caller(kind="administrator", source="wx_trigger")
        occurrence = Occurrence(
            function=f"f{number}", trigger="t", key=number, caller=caller, event_of=list
        )
        letters.add(occurrence, "failed", at_ms=0)
    assert [each.occurrence.function for each in letters.all()] == ["f2", "f3", "f4"]


async def test_a_follower_who_falls_behind_loses_the_oldest(monkeypatch):
    monkeypatch.setattr(recorder, "FOLLOWER_QUEUE_MAX", 3)
    made = Recorder(ManualClock())
    made.attach(asyncio.get_running_loop())
    stream = made.stream("log")
    coming = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    for number in range(6):
        made.log("info", str(number))
    heard = [(await coming)["line"]]
    heard += [(await anext(stream))["line"] for _ in range(2)]
    assert heard == ["3", "4", "5"]
    await stream.aclose()


def test_of_requests_the_oldest_is_forgotten(monkeypatch):
    monkeypatch.setattr(recorder, "REQUESTS_MAX", 2)
    made = Recorder(ManualClock())
    for name in "abc":
        made.request(
            RequestRecord(
                at_ms=0, function=name, request_id="", source="", ok=True, duration_ms=0.0
            )
        )
    assert [each.function for each in made.requests()] == ["b", "c"]


async def test_alerts_over_the_bound_are_only_in_the_log(monkeypatch):
    monkeypatch.setattr(alerts, "WAITING_MAX", 2)
    made = Recorder(ManualClock())
    made.attach(asyncio.get_running_loop())
    sender = AlertSender("http://127.0.0.1:9/", made, env_id="e")
    for number in range(5):
        made.notice(ALERT_EVENT, f"alert {number}")
    await asyncio.sleep(0)
    assert sender.running() == ["2 alerts to http://127.0.0.1:9/"]
    assert len(made.logs()) == 5


async def test_lines_of_one_call_over_the_bound_are_only_in_the_log(start_project):
    files = {"functions/f/index.py": "def main():\n    for n in range(1_500): print(n)\n"}
    async with start_project(files) as running:
        told = await running.call("f")
        assert len(told["logs"]) == 1_000
        assert len(lines(running)) == 1_500


async def test_functions_that_call_each_other_for_ever_are_cut(start_project):
    code = (
        "from emulator import cloud\n"
        "cloud.init()\n"
        "async def main(event, context):\n"
        "    return await cloud.call_function(name='f', data={})\n"
    )
    files = {
        "functions/f/index.py": code,
        "functions/f/config.json": json.dumps({"timeout": 30}),
    }
    async with start_project(files) as running:
        told = await running.call("f")
        assert "functions have called each other 16 deep" in told["error"]["message"]


async def test_calls_for_a_process_over_the_bound_are_refused(start_project, monkeypatch):
    monkeypatch.setattr(process_pool, "WAITING_MAX", 0)
    files = {
        "functions/f/index.py": "import time\ndef main(event): time.sleep(event.get('s', 0))\n",
        ".emulator.toml": '[functions]\nruntime = "process"\n',
    }
    async with start_project(files) as running:
        parts = running.suite.parts
        first = asyncio.create_task(parts.functions.invoke("f", {"s": 0.5}, ADMINISTRATOR))
        refused = await asyncio.gather(
            *(parts.functions.invoke("f", {"s": 0.5}, ADMINISTRATOR) for _ in range(40))
        )
        failures = [each.outcome.failure for each in (await first, *refused)]
        assert any(
            failure is not None and "too many calls wait" in failure.message for failure in failures
        )
        assert (await parts.functions.invoke("f", {}, ADMINISTRATOR)).outcome.failure is None


HEARD = {
    "heard": (
        "import asyncio\n"
        "from emulator import cloud\n"
        "cloud.init()\n"
        "async def main(event, context):\n"
        "    if 'dataList' not in event:\n"
        "        return 'up'\n"
        "    await cloud.database().collection('calls').add(data={})\n"
        "    await asyncio.sleep(3600)\n"
    ),
}
TRIGGERS = [{"name": "each", "type": "database", "config": {"collection": "orders"}}]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_what_was_written_stays_and_what_was_not_called_is_not_called(world, how):
    world.write(HEARD, timeout=60, triggers=TRIGGERS)
    client = world.client(await asyncio.to_thread(world.start))
    await seed(client, {"orders": [], "calls": []})
    await seed(client, {"orders": [{"_id": n} for n in range(50)]}, triggers=True)
    while len(await stored(client, "calls")) < 8:
        pass
    if how == "killed":
        client.process.kill()
    else:
        client.process.popen.terminate()
        await asyncio.to_thread(client.process.wait)
    client = world.client(await asyncio.to_thread(world.start))
    assert len(await stored(client, "orders")) == 50
    calls = len(await stored(client, "calls"))
    assert calls == 8, "eight side by side had begun; the others are not made up for"
    assert await client.result("heard") == "up"
    async with client.http.get(f"{client.process.url}/_emu/idle") as response:
        assert await response.json() == {"idle": True}
    async with client.http.get(f"{client.process.url}/_emu/dead-letters") as response:
        assert await response.json() == []
    assert len(await stored(client, "calls")) == calls


async def seed(client, collections, *, triggers=False):
    body = {"collections": collections, "triggers": triggers}
    async with client.http.post(f"{client.process.url}/_emu/seed", json=body) as response:
        assert response.status == 200


async def stored(client, collection):
    async with client.http.get(f"{client.process.url}/_emu/collections/{collection}") as response:
        return await response.json()


async def test_a_chain_that_is_too_deep_is_an_error_with_a_code(start_project):
    async with start_project(SLOW) as running:
        deep = Caller(kind="administrator", source="wx_trigger", depth=9)
        with pytest.raises(FunctionFailed, match="8 triggers deep"):
            await running.suite.parts.functions.invoke("slow", {}, deep)
