"""How a call travels: blocking, awaited, started at once."""

import asyncio
import contextvars
import inspect
from threading import Thread

import pytest

from emulator import cloud
from emulator.cloud.calls import options_of, required
from emulator.core.commands import Count, Found, Inserted
from emulator.core.errors import CollectionNotExist, DuplicateKey

db = cloud.database()
users = db.collection("users")


def in_a_thread(work):
    """Run in a thread without a loop, as a `def` handler runs, and return its result."""
    results = []
    context = contextvars.copy_context()
    thread = Thread(target=lambda: results.append(context.run(work)))
    thread.start()
    thread.join(10)
    return results[0]


def test_without_a_loop_a_call_blocks_and_returns_the_result(bound):
    bound.answer(2)
    assert users.count() == {"total": 2, "errMsg": "collection.count:ok"}
    assert bound.transport.commands == [Count(collection="users")]


async def test_where_a_loop_runs_a_call_returns_an_awaitable_of_the_same(bound):
    bound.answer(2)
    answer = users.count()
    assert inspect.isawaitable(answer)
    assert await answer == {"total": 2, "errMsg": "collection.count:ok"}


async def test_a_thread_without_a_loop_blocks_although_another_thread_has_one(bound):
    bound.answer(2)
    answer = await asyncio.to_thread(in_a_thread, users.count)
    assert answer == {"total": 2, "errMsg": "collection.count:ok"}


async def test_work_has_started_when_the_call_returns_even_if_nobody_awaits_it(bound):
    bound.answer(Inserted(ids=("a",)))
    users.add(data={"name": "x"})
    assert len(bound.transport.commands) == 1
    await asyncio.sleep(0)


async def test_calls_started_together_can_be_gathered(bound):
    bound.transport.holds = True
    first, second = users.count(), users.count()
    bound.transport.held[1].set_result(2)
    bound.transport.held[0].set_result(1)
    answers = await asyncio.gather(first, second)
    assert [each["total"] for each in answers] == [1, 2]


async def test_an_answer_that_comes_from_another_thread_wakes_the_waiting_loop(bound):
    bound.transport.holds = True
    answer = users.count()
    await asyncio.sleep(0)
    thread = Thread(target=lambda: bound.transport.held[0].set_result(7))
    thread.start()
    async with asyncio.timeout(5):
        assert (await answer)["total"] == 7
    thread.join()


async def test_giving_up_the_wait_does_not_call_the_command_back(bound):
    bound.transport.holds = True
    answer = users.count()
    await asyncio.sleep(0)
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    (future,) = bound.transport.held
    assert not future.cancelled()
    future.set_result(1)
    await asyncio.sleep(0)


def test_an_answer_after_the_loop_has_closed_disturbs_nobody(bound):
    bound.transport.holds = True

    async def leave():
        users.count().cancel()
        task = users.count()
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    for future in bound.transport.held:
        future.set_result(1)


def test_a_refusal_is_raised_with_the_name_of_the_call(bound):
    bound.answer(CollectionNotExist("Db or Table not exist: users."))
    with pytest.raises(cloud.CloudError) as caught:
        users.count()
    assert caught.value.errMsg == (
        "collection.count:fail -502005 database collection not exists. "
        "Db or Table not exist: users."
    )
    assert caught.value.__suppress_context__


async def test_an_awaited_call_raises_the_refusal_where_it_is_awaited(bound):
    bound.answer(DuplicateKey("E11000 duplicate key error"))
    answer = users.add(data={"_id": 1})
    with pytest.raises(cloud.CloudError, match=r"collection.add:fail -502001 .* E11000"):
        await answer


async def test_wrong_arguments_are_raised_at_once(bound):
    with pytest.raises(cloud.CloudError, match=r"options.data must not be empty"):
        users.doc("a").update(data={})
    assert bound.transport.commands == []


async def test_the_task_carries_the_name_of_the_call(bound):
    bound.answer(Found(documents=()))
    task = users.get()
    assert task.get_name() == "collection.get"
    await task


def test_an_unexpected_fault_is_not_dressed_up(bound):
    bound.answer(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        users.count()


def test_identity_is_that_of_the_call_although_db_is_made_once(bound):
    bound.answer(1, 2)
    assert users.count()["total"] == 1
    bound.rebind(wx_context={"OPENID": "oOther"})
    assert users.count()["total"] == 2
    assert cloud.get_wx_context()["OPENID"] == "oOther"


def test_options_come_as_a_dict_or_by_name_in_either_spelling():
    assert options_of("x", {"cloudPath": "a"}, cloud_path=None) == {"cloud_path": "a"}
    assert options_of("x", None, {"cloudPath": "a"}, cloud_path=None) == {"cloud_path": "a"}
    assert options_of("x", {"config": {"env": "e"}, "data": 1}, data=None) == {"data": 1}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (5, "x:fail parameter should be dict instead of int"),
        ({"dta": 1}, "x:fail parameter.dta is not known; known are data"),
    ],
)
def test_options_that_mean_nothing_are_named(options, text):
    with pytest.raises(cloud.CloudError, match=text):
        options_of("x", options, data=None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "x:fail parameter.n must be given"),
        (5, "x:fail parameter.n should be str instead of int"),
    ],
)
def test_a_required_argument_is_asked_for_by_name(value, text):
    with pytest.raises(cloud.CloudError, match=text):
        required("x", {"n": value}, "n", str)


def test_several_kinds_of_an_argument_are_all_named():
    with pytest.raises(cloud.CloudError, match=r"should be list or tuple instead of str"):
        required("x", {"n": "a"}, "n", (list, tuple))


@pytest.mark.parametrize("env", ["other-env", {"env": {"database": "other-env"}}])
def test_a_strict_session_carries_out_nothing_for_another_environment(bound, env):
    def work():
        cloud.init(env)
        return users.count()

    bound.answer(1)
    assert contextvars.copy_context().run(work)["total"] == 1
    bound.rebind(is_strict=True)
    with pytest.raises(cloud.CloudError, match=r"collection.count:fail .*env check invalid"):
        contextvars.copy_context().run(work)
    assert len(bound.transport.commands) == 1
    bound.rebind(is_strict=True, env_id="other-env")
    bound.answer(1)
    assert contextvars.copy_context().run(work)["total"] == 1
