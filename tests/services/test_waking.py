"""Crowds of listeners: woken in slices, fairly, and more slowly while somebody writes."""

import asyncio

import pytest

from emulator.services import waking
from emulator.services.waking import Crowd, Waking


class Member:
    """A listener that notes when it was woken, and takes its time."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name

    def wake(self) -> None:
        self.world.woken.append(self.name)
        self.world.now_s += self.world.cost_s


class World:
    """A stopwatch, and what happened."""

    def __init__(self, cost_s: float = 0.001) -> None:
        self.now_s = 0.0
        self.cost_s = cost_s
        self.woken: list[str] = []
        self.waking: Waking[Member] = Waking(lambda: self.now_s)

    def crowd(self, names: str) -> Crowd[Member]:
        crowd: Crowd[Member] = Crowd()
        for name in names:
            crowd.add(Member(self, name))
        return crowd

    async def quiet(self) -> None:
        while self.waking.count() or self.waking._later is not None:
            await asyncio.sleep(0)


async def test_a_small_crowd_is_woken_at_once() -> None:
    world = World(cost_s=0.0)
    world.waking.call(world.crowd("abc"))
    world.waking.begin()
    assert (world.woken, world.waking.count(), world.waking._later) == (["a", "b", "c"], 0, None)


@pytest.mark.parametrize(("count", "rests"), [(waking.TRIFLE, False), (waking.TRIFLE + 1, True)])
async def test_few_need_no_rest_however_slow_the_machine(count: int, rests: bool) -> None:
    world = World(cost_s=waking.SLICE_FIRST_S / 50)
    world.waking.call(world.crowd("x" * count))
    world.waking.begin()
    assert len(world.woken) == count
    assert (world.waking._later is not None) == rests
    await world.quiet()


async def test_a_slice_ends_when_its_time_is_over() -> None:
    world = World(cost_s=waking.SLICE_FIRST_S / 2)
    world.waking.call(world.crowd("abcde"))
    world.waking.begin()
    assert (world.woken, world.waking.count()) == (["a", "b"], 3)
    world.waking.begin()
    assert world.waking.count() == 3
    await world.quiet()
    assert world.woken == list("abcde")


async def test_a_crowd_that_is_called_again_begins_with_whoever_waited_longest() -> None:
    world = World(cost_s=waking.SLICE_FIRST_S / 2)
    crowd = world.crowd("abcd")
    world.waking.call(crowd)
    world.waking.begin()
    world.waking.call(crowd)
    assert world.waking.count() == 4
    await world.quiet()
    assert world.woken == list("abcdab")


async def test_crowds_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking, "TURN", 2)
    world = World(cost_s=0.0)
    for crowd in map(world.crowd, ("abcde", "1")):
        world.waking.call(crowd)
    world.waking.begin()
    assert world.woken == list("ab1cde")


async def test_who_leaves_is_not_woken() -> None:
    world = World(cost_s=waking.SLICE_FIRST_S)
    crowd = world.crowd("abc")
    world.waking.call(crowd)
    world.waking.begin()
    for member in list(crowd):
        crowd.discard(member)
    await world.quiet()
    assert world.woken == ["a"]


@pytest.mark.parametrize(("writes", "share"), [(0, 0.5), (1, 0.5), (2, 8.0), (9, 8.0)])
async def test_rests_are_longer_while_somebody_writes(writes: int, share: float) -> None:
    world = World(cost_s=waking.SLICE_FIRST_S)
    world.waking.call(world.crowd("abc"))
    world.waking.begin()
    # What was written before a rest says nothing of what is written in it.
    world.waking.yield_more()
    world.waking.yield_more()
    await asyncio.sleep(0)
    for _ in range(writes):
        world.waking.yield_more()
    while len(world.woken) < 2:
        await asyncio.sleep(0)
    assert world.waking._share == share
    await world.quiet()
    assert (world.woken, world.waking._share) == (list("abc"), waking.REST_SHARE)


async def test_who_fails_keeps_nobody_from_being_woken() -> None:
    world = World(cost_s=0.0)
    crowd = world.crowd("abc")

    def fail() -> None:
        raise ValueError("no")

    crowd._members.popitem(last=False)
    broken = Member(world, "x")
    broken.wake = fail  # type: ignore[method-assign]  # the one that fails
    crowd.add(broken)
    crowd._members.move_to_end(broken, last=False)
    world.waking.call(crowd)
    with pytest.raises(ValueError, match="no"):
        world.waking.begin()
    await world.quiet()
    assert world.woken == ["b", "c"]


async def test_nobody_is_woken_after_the_end() -> None:
    world = World(cost_s=waking.SLICE_FIRST_S)
    world.waking.call(world.crowd("abc"))
    world.waking.begin()
    world.waking.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (world.woken, world.waking.count()) == (["a"], 0)
