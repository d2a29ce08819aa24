"""The one entrance for commands, and the way there for code on other threads."""

import asyncio
import threading
import typing

import pytest

from emulator.core.commands import Command, Count, Find, Insert, ListCollections
from emulator.core.errors import CollectionNotExist, EmulatorError
from emulator.services import executor as module
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.executor import Crossing, Executor, LocalTransport, TooManyCommands

INSERT = Insert(collection="c", documents=({"_id": 1},))
FIND = Find(collection="c")
READS = {
    *("find", "count", "aggregate", "call", "carry_out", "upload", "download", "delete"),
    "create",
}


class Service:
    """Answers every method with its own name, and remembers what it was called with."""

    def __init__(self, name, heard):
        self.name = name
        self.heard = heard

    def __getattr__(self, method):
        def write(command, caller):
            self.heard.append((f"{self.name}.{method}", command, caller))
            return f"{self.name}.{method}"

        async def read(command, caller):
            return write(command, caller)

        return read if method in READS else write


class Store:
    def __init__(self, *, waits):
        self.waits = waits
        self.safe = asyncio.Event()
        self.waited = 0

    async def durable(self):
        self.waited += 1
        await self.safe.wait()


def executor(store=None, **services):
    heard = []
    names = ("database", "indexes", "transactions", "functions", "openapi", "storage")
    parts = {name: Service(name, heard) for name in names} | services
    made = Executor(**parts, store=store or Store(waits=False))
    made.heard = heard
    return made


def blank(kind):
    """Return a command of the kind whose fields nobody looks at."""
    return object.__new__(kind)


async def test_every_command_there_is_finds_a_service():
    made = executor()
    for kind in typing.get_args(Command):
        command = blank(kind)
        if hasattr(kind, "transaction_id"):
            object.__setattr__(command, "transaction_id", None)
        answer = await made.execute(command, ADMINISTRATOR)
        assert made.heard[-1] == (answer, command, ADMINISTRATOR)
    assert len({name for name, _, _ in made.heard}) == len(typing.get_args(Command))


async def test_a_command_of_a_transaction_goes_to_the_transactions():
    made = executor()
    command = Find(collection="c", transaction_id="t1")
    assert await made.execute(command, ADMINISTRATOR) == "transactions.carry_out"


async def test_a_write_is_answered_once_it_is_safe_where_that_is_asked_for():
    store = Store(waits=True)
    made = executor(store)
    answer = asyncio.create_task(made.execute(INSERT, ADMINISTRATOR))
    await asyncio.sleep(0)
    assert made.heard
    await asyncio.sleep(0)
    assert not answer.done()
    store.safe.set()
    assert await answer == "database.insert"


async def test_a_read_waits_for_nothing():
    store = Store(waits=True)
    assert await executor(store).execute(FIND, ADMINISTRATOR) == "database.find"
    assert store.waited == 0


async def test_a_write_that_is_refused_is_not_waited_for():
    class Refusing:
        def __getattr__(self, method):
            def refuse(command, caller):
                raise CollectionNotExist("no")

            return refuse

    store = Store(waits=True)
    with pytest.raises(CollectionNotExist):
        await executor(store, database=Refusing()).execute(INSERT, ADMINISTRATOR)
    assert store.waited == 0


# From other threads


class Carrier:
    """Carries out what the test lets it, in its own order."""

    def __init__(self):
        self.heard = []
        self.go = asyncio.Event()
        self.fault = None

    async def execute(self, command, caller):
        self.heard.append((command, caller))
        await self.go.wait()
        if self.fault is not None:
            raise self.fault
        return command


@pytest.fixture
async def carrier():
    return Carrier()


def crossing_of(carrier):
    return Crossing(carrier, asyncio.get_running_loop())


async def test_commands_from_threads_start_in_order_and_their_results_come_back(carrier):
    crossing = crossing_of(carrier)
    wanted = [Count(collection=str(number)) for number in range(100)]
    carrier.go.set()

    def work():
        futures = [crossing.submit(command, ADMINISTRATOR) for command in wanted]
        return [future.result(10) for future in futures]

    assert await asyncio.to_thread(work) == wanted
    assert [command for command, _ in carrier.heard] == wanted
    assert crossing.running() == []


async def test_what_is_under_way_is_told(carrier):
    crossing = crossing_of(carrier)
    futures = [crossing.submit(FIND, ADMINISTRATOR) for _ in range(3)]
    assert crossing.running() == ["3 calls of the cloud object"]
    await asyncio.sleep(0.01)
    assert len(carrier.heard) == 3
    assert crossing.running() == ["3 calls of the cloud object"]
    carrier.go.set()
    await asyncio.gather(*map(asyncio.wrap_future, futures))
    await asyncio.sleep(0)
    assert crossing.running() == []


@pytest.mark.parametrize("fault", [CollectionNotExist("no"), ValueError("odd")])
async def test_a_failure_is_raised_where_the_result_is_waited_for(carrier, fault):
    carrier.fault = fault
    carrier.go.set()
    with pytest.raises(type(fault)) as raised:
        await asyncio.wrap_future(crossing_of(carrier).submit(FIND, ADMINISTRATOR))
    assert raised.value is fault


async def test_too_many_commands_are_refused_whether_they_wait_or_run(carrier, monkeypatch):
    monkeypatch.setattr(module, "PENDING_COMMANDS_MAX", 3)
    crossing = crossing_of(carrier)
    futures = [crossing.submit(FIND, ADMINISTRATOR) for _ in range(4)]
    with pytest.raises(TooManyCommands, match="await some"):
        futures[3].result(0)
    await asyncio.sleep(0.01)
    with pytest.raises(TooManyCommands):
        crossing.submit(FIND, ADMINISTRATOR).result(0)
    carrier.go.set()
    await asyncio.gather(*map(asyncio.wrap_future, futures[:3]))
    await asyncio.sleep(0)
    assert await asyncio.wrap_future(crossing.submit(FIND, ADMINISTRATOR)) == FIND


async def test_a_caller_who_no_longer_waits_disturbs_nobody(carrier):
    crossing = crossing_of(carrier)
    given_up, kept = (crossing.submit(FIND, ADMINISTRATOR) for _ in range(2))
    await asyncio.sleep(0.01)
    given_up.cancel()
    carrier.go.set()
    assert await asyncio.wrap_future(kept) == FIND


def test_commands_after_the_loop_has_ended_are_refused_and_not_left_waiting():
    loop = asyncio.new_event_loop()
    crossing = Crossing(Carrier(), loop)
    before = crossing.submit(FIND, ADMINISTRATOR)
    loop.close()
    # The first was handed over and the loop never came to it: the next one finds out for both.
    crossing._called = False
    after = crossing.submit(FIND, ADMINISTRATOR)
    for future in (before, after):
        with pytest.raises(EmulatorError, match="stopping"):
            future.result(0)
    assert crossing.running() == []


def test_commands_under_way_when_the_suite_stops_are_answered():
    async def stop_in_the_middle(answers):
        crossing = crossing_of(Carrier())
        answers.append(crossing.submit(FIND, ADMINISTRATOR))
        await asyncio.sleep(0.01)

    answers = []
    asyncio.run(stop_in_the_middle(answers))
    with pytest.raises(EmulatorError, match="stopping"):
        answers[0].result(0)


async def test_code_in_a_function_acts_as_an_administrator_one_step_down(carrier):
    user = Caller(kind="user", openid="oUser", appid="wx1", source="wx_client", depth=2)
    transport = LocalTransport(crossing_of(carrier), user, "request-1")
    carrier.go.set()
    listing = ListCollections()
    threading.Thread(target=transport.submit, args=(listing,)).start()
    async with asyncio.timeout(10):
        while not carrier.heard:
            await asyncio.sleep(0.001)
    [(command, caller)] = carrier.heard
    assert command is listing
    assert caller == Caller(
        kind="administrator", appid="wx1", source="wx_client,scf", depth=2, request_id="request-1"
    )
