"""Changes and stored files to the functions that listen."""

import asyncio

import pytest

from emulator.core.changes import Change
from emulator.functions.base import StoredFile
from emulator.services import dispatcher as module
from emulator.services.dispatcher import Dispatcher, ReactiveTriggers


class OnOrders:
    def matches(self, change):
        return change.collection == "orders"

    def event(self, changes, *, env_id, moment_ms):
        return {"ids": [change.document_id for change in changes], "env": env_id}


class OnImages:
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
    assert len(seen) == 4, "one was being called, three waited"
    assert sum("dropped" in line for line in stage.lines()) == 6


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
