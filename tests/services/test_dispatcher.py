"""Changes and stored files to the functions that listen."""

import asyncio

import pytest

from emulator.core.changes import Change
from emulator.core.errors import InvalidParam
from emulator.functions.base import StoredFile
from emulator.services import dispatcher as module
from emulator.services.caller import Caller
from emulator.services.dispatcher import Dispatcher, QueueFull, ReactiveTriggers


class OnOrders:
    batch = 1
    retries = 0

    def matches(self, change):
        return change.collection == "orders"

    def event(self, changes, *, env_id, moment_ms):
        return {"ids": [change.document_id for change in changes], "env": env_id}


class OnImages:
    retries = 0

    def matches(self, file):
        return file.cloud_path.startswith("images/")

    def event(self, file, *, env_id, moment_ms):
        return {"path": file.cloud_path}


def change(document_id, *, collection="orders", depth=0):
    return Change(
        sequence=1,
        collection=collection,
        operation="insert",
        document_id=document_id,
        before=None,
        after={"_id": document_id},
        depth=depth,
    )


@pytest.fixture
async def dispatcher(stage):
    made = Dispatcher(
        stage.functions,
        bus=stage.bus,
        clock=stage.clock,
        recorder=stage.recorder,
        env_id="test-env",
    )
    made.listen(
        ReactiveTriggers(
            database=[("onOrder", "orders", OnOrders())],
            storage=[("onImage", "images", OnImages())],
        )
    )
    yield made
    await made.close()


async def drain(dispatcher):
    while dispatcher.running():
        await asyncio.sleep(0)


async def test_every_change_calls_the_function_once(stage, dispatcher):
    seen = []

    async def main(event, invocation):
        seen.extend(event["ids"])

    await stage.save("onOrder", main)
    for number in range(100):
        stage.bus.publish(change(number))
    stage.bus.publish(change("other", collection="users"))
    await drain(dispatcher)
    assert sorted(seen) == list(range(100))


async def test_publishing_only_enqueues(stage, dispatcher):
    async def main(event, invocation):
        seen.append(event)

    seen = []
    await stage.save("onOrder", main)
    stage.bus.publish(change(1))
    assert seen == []
    assert dispatcher.running() == ["1 triggered calls of onOrder"]
    await drain(dispatcher)
    assert len(seen) == 1


async def test_changes_of_one_document_are_called_in_order_and_one_by_one(stage, dispatcher):
    order, inside = [], 0
    most = 0

    async def main(event, invocation):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        order.append(event["ids"][0])
        inside -= 1

    await stage.save("onOrder", main)
    numbered = [change("same") for _ in range(10)]
    for each in numbered:
        stage.bus.publish(each)
    await drain(dispatcher)
    assert (len(order), most) == (10, 1)


async def test_changes_of_different_documents_run_side_by_side(stage, dispatcher):
    go = asyncio.Event()
    inside = 0

    async def main(event, invocation):
        nonlocal inside
        inside += 1
        await go.wait()

    await stage.save("onOrder", main)
    for number in range(20):
        stage.bus.publish(change(number))
    while inside < module.SIDE_BY_SIDE_MAX:
        await asyncio.sleep(0)
    for _ in range(50):
        await asyncio.sleep(0)
    assert inside == module.SIDE_BY_SIDE_MAX
    go.set()
    await drain(dispatcher)
    assert inside == 20


async def test_chain_of_triggers_deeper_than_the_limit_is_cut_and_said(stage, dispatcher):
    calls = []

    async def main(event, invocation):
        """Writes what it listens to, one trigger deeper each time."""
        depth = len(calls) + 1
        calls.append(depth)
        stage.bus.publish(change("loop", depth=depth))

    await stage.save("onOrder", main)
    stage.bus.publish(change("loop", depth=0))
    await drain(dispatcher)
    assert len(calls) == module.TRIGGER_DEPTH_MAX
    assert any("was cut" in line for line in stage.lines())


async def test_full_queue_drops_the_newest_and_says_so(stage, dispatcher, monkeypatch):
    monkeypatch.setattr(module, "QUEUE_LENGTH_MAX", 3)
    seen = []

    async def main(event, invocation):
        seen.extend(event["ids"])

    await stage.save("onOrder", main)
    for _ in range(10):
        stage.bus.publish(change("same"))
    await drain(dispatcher)
    assert len(seen) == 3, "three waited"
    assert sum("dropped" in line for line in stage.lines()) == 7


async def test_function_that_fails_does_not_stop_the_next_call(stage, dispatcher):
    seen = []

    async def main(event, invocation):
        seen.extend(event["ids"])
        raise ValueError("no")

    await stage.save("onOrder", main)
    stage.bus.publish(change(1))
    stage.bus.publish(change(2))
    await drain(dispatcher)
    assert sorted(seen) == [1, 2]
    assert sum("which failed" in line for line in stage.lines()) == 2


async def test_function_that_is_not_there_is_said(stage, dispatcher):
    stage.bus.publish(change(1))
    await drain(dispatcher)
    assert any("could not be found" in line for line in stage.lines())


async def test_stored_files_call_storage_triggers(stage, dispatcher):
    seen = []

    async def main(event, invocation):
        seen.append(event["path"])

    await stage.save("onImage", main)
    for path in ("images/a.png", "notes/b.txt"):
        stage.bus.publish(StoredFile(cloud_path=path, file_id=f"cloud://x/{path}", operation="put"))
    await drain(dispatcher)
    assert seen == ["images/a.png"]


async def test_paused_dispatcher_hears_nothing(stage, dispatcher):
    dispatcher.pause(paused=True)
    stage.bus.publish(change(1))
    assert dispatcher.running() == []
    dispatcher.pause(paused=False)
    stage.bus.publish(change(2))
    assert dispatcher.running() == ["1 triggered calls of onOrder"]
    await drain(dispatcher)


class Batching(OnOrders):
    batch = 3


class Retrying(OnOrders):
    retries = 2


async def test_batch_gathers_what_waits_and_is_called_in_order(stage, dispatcher):
    dispatcher.listen(ReactiveTriggers(database=[("onOrder", "orders", Batching())]))
    seen = []

    async def main(event, invocation):
        seen.append(event["ids"])

    await stage.save("onOrder", main)
    for number in range(8):
        stage.bus.publish(change(number))
    await drain(dispatcher)
    assert seen == [[0, 1, 2], [3, 4, 5], [6, 7]]


async def test_batch_that_is_being_called_takes_no_more(stage, dispatcher):
    dispatcher.listen(ReactiveTriggers(database=[("onOrder", "orders", Batching())]))
    seen = []

    async def main(event, invocation):
        seen.append(event["ids"])
        if event["ids"] == [1]:
            stage.bus.publish(change(2))

    await stage.save("onOrder", main)
    stage.bus.publish(change(1))
    await drain(dispatcher)
    assert seen == [[1], [2]]


async def test_call_that_fails_is_made_again_and_its_document_waits(stage, dispatcher, monkeypatch):
    monkeypatch.setattr(module, "RETRY_PAUSES_S", (0.0, 0.0))
    dispatcher.listen(ReactiveTriggers(database=[("onOrder", "orders", Retrying())]))
    seen = []

    async def main(event, invocation):
        seen.append(event["ids"][0])
        if len(seen) < 3:
            raise ValueError("not yet")

    await stage.save("onOrder", main)
    first, second = change("same"), change("same")
    stage.bus.publish(first)
    stage.bus.publish(second)
    await drain(dispatcher)
    assert seen == ["same"] * 4
    assert dispatcher.dead_letters() == []
    assert any("called again, 2 times at most" in line for line in stage.lines())


async def test_what_fails_each_time_is_kept_and_can_be_replayed(stage, dispatcher, monkeypatch):
    monkeypatch.setattr(module, "RETRY_PAUSES_S", (0.0,))
    dispatcher.listen(ReactiveTriggers(database=[("onOrder", "orders", Retrying())]))
    broken, seen = True, []

    async def main(event, invocation):
        seen.append(event["ids"][0])
        if broken:
            raise ValueError("broken")

    await stage.save("onOrder", main)
    for number in (1, 2):
        stage.bus.publish(change(number))
    await drain(dispatcher)
    told = [letter.told() for letter in dispatcher.dead_letters()]
    assert sorted(each["event"]["ids"] for each in told) == [[1], [2]]
    assert {(each["attempts"], each["error"], each["trigger"]) for each in told} == {
        (3, "broken", "orders")
    }
    broken = False
    seen.clear()
    assert dispatcher.replay(told[0]["number"]) == 1
    await drain(dispatcher)
    assert seen == told[0]["event"]["ids"]
    assert dispatcher.replay() == 1
    await drain(dispatcher)
    assert (sorted(seen), dispatcher.dead_letters()) == ([1, 2], [])
    with pytest.raises(InvalidParam, match="no dead letter 99"):
        dispatcher.replay(99)


async def test_paused_trigger_misses_what_happens_meanwhile(stage, dispatcher):
    seen = []

    async def main(event, invocation):
        seen.extend(event["ids"])

    await stage.save("onOrder", main)
    assert dispatcher.pause_trigger("onOrder", "orders", paused=True)
    assert dispatcher.is_paused("onOrder", "orders")
    stage.bus.publish(change(1))
    assert dispatcher.pause_trigger("onOrder", "orders", paused=False)
    stage.bus.publish(change(2))
    await drain(dispatcher)
    assert seen == [2]
    assert not dispatcher.pause_trigger("onOrder", "nothing", paused=True)


async def test_triggers_are_disabled_for_the_time_of_a_block(stage, dispatcher):
    with dispatcher.triggers_disabled():
        with dispatcher.triggers_disabled():
            stage.bus.publish(change(1))
        stage.bus.publish(change(2))
        assert dispatcher.paused
    assert (dispatcher.paused, dispatcher.running()) == (False, [])


async def test_asynchronous_call_is_made_in_its_turn_with_an_event_of_its_own(stage, dispatcher):
    seen = []

    async def main(event, invocation):
        seen.append((event["n"], invocation.event is event))

    await stage.save("later", main)
    event = {"n": 1}
    dispatcher.call_soon("later", event, Caller(kind="administrator", source="wx_client"))
    event["n"] = 2
    assert seen == []
    await drain(dispatcher)
    assert seen == [(1, True)]


async def test_asynchronous_call_is_refused_when_too_many_wait(stage, dispatcher, monkeypatch):
    monkeypatch.setattr(module, "QUEUE_LENGTH_MAX", 1)
    caller = Caller(kind="administrator")
    dispatcher.call_soon("later", {}, caller)
    with pytest.raises(QueueFull, match="wait already"):
        dispatcher.call_soon("later", {}, caller)
    await drain(dispatcher)
