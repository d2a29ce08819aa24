"""Is anything still queued or running?"""

import asyncio

from emulator.services.activity import Activity


async def test_idle_waits_for_the_last_piece_of_work():
    work = ["a call"]
    activity = Activity()
    activity.add_source(lambda: work)
    waiting = asyncio.create_task(activity.idle(5))
    await asyncio.sleep(0)
    assert not waiting.done()
    work.clear()
    assert await waiting == []


async def test_time_out_says_what_still_runs():
    activity = Activity()
    activity.add_source(lambda: ["function slow"])
    assert await activity.idle(0) == ["function slow"]


async def test_work_that_makes_work_is_not_idle_in_between():
    """The second look, a turn later, sees what the end of the first piece started."""
    activity = Activity()
    looks = iter([[], ["a trigger"], [], []])
    activity.add_source(lambda: next(looks))
    assert await activity.idle(5) == []
    assert next(looks, None) is None
