"""`watch()` of programs and functions against a real suite: callbacks, loops, lost connections."""

import asyncio
import contextvars
import threading
from datetime import UTC, datetime

import pytest

from emulator import cloud
from emulator.cloud.errors import CloudError
from emulator.cloud.watch import SNAPSHOTS_WAITING_MAX
from tests.conftest import eventually

db = cloud.database()
_ = db.command
WAIT_S = 20


@pytest.fixture
async def script(cloud_suite):
    """Say where the suite is, in this test's context only; there are notes to watch."""
    cloud.init(env="demo-env", endpoint=cloud_suite.url)
    await cloud_suite.seed({"notes": [{"_id": "a", "n": 1, "room": "x"}]})
    return cloud_suite


async def next_of(watcher):
    return await asyncio.wait_for(anext(watcher), WAIT_S)


def ids(snapshot):
    return [each["_id"] for each in snapshot["docs"]]


async def in_thread(work):
    """Run what blocks as a program without an event loop does."""
    context = contextvars.copy_context()
    return await asyncio.wait_for(asyncio.to_thread(context.run, work), WAIT_S)


async def test_snapshots_are_iterated_over_in_async_code(script):
    notes = db.collection("notes")
    async with notes.where({"room": "x"}).watch() as watcher:
        aiter(watcher)
        first = await next_of(watcher)
        assert (first["type"], ids(first)) == ("init", ["a"])
        born = datetime(2026, 1, 2, tzinfo=UTC)
        await notes.add(data={"_id": "b", "room": "x", "born": born})
        added = await next_of(watcher)
        (change,) = added["docChanges"]
        assert "type" not in added
        assert (change["queueType"], change["dataType"], change["docId"]) == ("enqueue", "add", "b")
        assert change["doc"]["born"] == born
        await notes.doc("a").update(data={"n": _.inc(1), "room": "x"})
        updated = await next_of(watcher)
        assert updated["docChanges"][0]["updatedFields"] == {"n": 2}
        assert updated["docs"][0]["n"] == 2
        await notes.doc("a").update(data={"room": "y"})
        left = await next_of(watcher)
        assert left["docChanges"][0]["queueType"] == "dequeue"
        assert ids(left) == ["b"]
    with pytest.raises(StopAsyncIteration):
        await next_of(watcher)


async def test_order_and_limit_hold(script):
    await script.seed({"notes": [{"_id": str(n), "n": n} for n in range(10, 20)]})
    query = db.collection("notes").where({"n": _.gte(10)})
    async with query.order_by("n", "desc").limit(2).watch() as watcher:
        assert ids(await next_of(watcher)) == ["19", "18"]
        await db.collection("notes").add(data={"_id": "20", "n": 20})
        assert sorted(ids(await next_of(watcher))) == ["19", "20"]


async def test_a_document_is_watched_by_its_id(script):
    async with db.collection("notes").doc("a").watch() as watcher:
        assert ids(await next_of(watcher)) == ["a"]
        await db.collection("notes").doc("a").remove()
        gone = await next_of(watcher)
        assert (ids(gone), gone["docChanges"][0]["dataType"]) == ([], "remove")


async def test_callbacks_are_called_on_the_loop_and_may_be_coroutines(script):
    heard, failed, thread = [], [], threading.get_ident()

    async def on_change(snapshot):
        assert threading.get_ident() == thread
        heard.append(ids(snapshot))

    watcher = db.collection("notes").watch(on_change=on_change, on_error=failed.append)
    await eventually(lambda: heard == [["a"]])
    await db.collection("notes").add(data={"_id": "b"})
    await eventually(lambda: heard[1:] == [["a", "b"]])
    await watcher.close()
    await watcher.close()
    await db.collection("notes").add(data={"_id": "c"})
    await script.idle()
    assert (len(heard), failed) == (2, [])


async def test_a_program_without_a_loop_iterates_or_is_called_back(script):
    def program():
        notes = db.collection("notes")
        with notes.watch() as watcher:
            first = next(iter(watcher))
            notes.add(data={"_id": "b"})
            second = next(watcher)
        assert list(watcher) == []
        heard, rang = [], threading.Event()

        def on_change(snapshot):
            heard.append(ids(snapshot))
            rang.set()

        other = notes.watch({"onChange": on_change, "onError": heard.append})
        assert rang.wait(WAIT_S)
        other.close()
        return ids(first), ids(second), heard

    assert await in_thread(program) == (["a"], ["a", "b"], [["a", "b"]])


async def test_a_function_watches_while_it_runs(start_project):
    code = """
from emulator import cloud
cloud.init()
db = cloud.database()

async def main(event, context):
    seen = []
    async with db.collection("notes").watch() as watcher:
        async for snapshot in watcher:
            seen.append([each["_id"] for each in snapshot["docs"]])
            if len(seen) == 2:
                return seen
            await db.collection("notes").add(data={"_id": "b"})
"""
    blocking = code.replace("async ", "").replace("await ", "")
    files = {"functions/watching/index.py": code, "functions/blocking/index.py": blocking}
    async with start_project(files) as running:
        for name in ("watching", "blocking"):
            await running.suite.control.seed(
                {"notes": [{"_id": "a"}]}, replace=True, triggers=False
            )
            assert await running.invoke(name) == [["a"], ["a", "b"]]
        await eventually(lambda: len(running.suite.parts.watches) == 0)


async def test_a_cut_connection_is_no_news_and_nothing_is_missed(script):
    notes = db.collection("notes")
    async with notes.watch() as watcher:
        assert ids(await next_of(watcher)) == ["a"]
        for number in range(3):
            await post(script, "/_emu/watchers/cut")
            await notes.add(data={"_id": f"n{number}"})
            assert ids(await next_of(watcher)) == ["a", *(f"n{n}" for n in range(number + 1))]


async def post(running, path):
    from aiohttp import ClientSession

    async with ClientSession() as session, session.post(f"{running.url}{path}", json={}) as answer:
        assert answer.status == 200


async def test_what_the_suite_refuses_is_an_error_once(script):
    with pytest.raises(CloudError) as refused:
        async with db.collection("nothing").watch() as watcher:
            await next_of(watcher)
    assert refused.value.code == "DATABASE_COLLECTION_NOT_EXIST"
    assert "collection.watch:fail" in refused.value.message
    failed = []
    db.collection("nothing").watch(on_change=failed.append, on_error=failed.append)
    await eventually(lambda: len(failed) == 1)
    assert isinstance(failed[0], CloudError)


async def test_where_no_suite_is_it_is_said_at_once():
    cloud.init(endpoint="http://127.0.0.1:9")
    with pytest.raises(CloudError, match="no answer from"):
        async with db.collection("notes").watch() as watcher:
            await next_of(watcher)


async def test_a_program_that_does_not_keep_up_is_waited_for(script):
    notes = db.collection("notes")
    async with notes.watch() as watcher:
        await next_of(watcher)
        many = SNAPSHOTS_WAITING_MAX * 3
        for number in range(many):
            await notes.add(data={"_id": f"n{number}"})
        seen = 0
        while seen < many + 1:
            seen = len((await next_of(watcher))["docs"])
        assert watcher._loop_items.qsize() <= SNAPSHOTS_WAITING_MAX


@pytest.mark.parametrize(
    ("watch", "said"),
    [
        (lambda: db.collection("c").watch(on_change=print), "both be functions"),
        (lambda: db.collection("c").watch(on_change=1, on_error=2), "both be functions"),
        (lambda: db.collection("c").watch({"onchange": print}), "is not known"),
        (lambda: db.collection("c").skip(1).watch(), "where, order_by and limit"),
        (lambda: db.collection("c").field({"a": True}).watch(), "where, order_by and limit"),
    ],
)
def test_wrong_arguments_are_refused_at_once(watch, said):
    with pytest.raises(CloudError, match=said):
        watch()


async def test_each_kind_of_code_has_its_own_loop(script):
    with pytest.raises(CloudError, match="async for"):
        iter(db.collection("notes").watch())

    def program():
        with db.collection("notes").watch() as watcher, pytest.raises(CloudError):
            aiter(watcher)

    await in_thread(program)
    watcher = db.collection("notes").watch(on_change=print, on_error=print)
    with pytest.raises(CloudError, match="callbacks"):
        aiter(watcher)
    watcher.close()
