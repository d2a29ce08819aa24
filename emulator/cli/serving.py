"""Owns running a suite inside a command: taken folder, free ports, discovery file, clean stop.

Not here: what the command does meanwhile (`cli.start`, `cli.exec`). The one idea: everything that
is taken is let go in reverse order, and nothing may keep the process from ending.
"""

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Final

from emulator.ambient import SystemClock
from emulator.cli import discovery
from emulator.cli.data_folder import taken
from emulator.cli.output import EXIT_FAILED, tell
from emulator.cli.ports import refuse_busy_ports
from emulator.cli.signals import Stopping
from emulator.cli.standstill import watched
from emulator.config import Config
from emulator.core.errors import ConfigurationError
from emulator.functions.process_awake import LOOKS_MAX
from emulator.suite import Suite

STOP_USUAL_S: Final = 2.0
STOP_MAX_S: Final = 30.0
YOUNG_OBJECTS_MAX: Final = 10_000
"""New objects that may gather before the garbage collector looks at them; Python's own is 700."""


class Interrupted(Exception):
    """Someone asked to stop before the suite was ready."""


def run_async(work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run a coroutine on the fastest loop there is and return its exit code."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work())


@contextlib.asynccontextmanager
async def running(config: Config, stopping: Stopping) -> AsyncIterator[Suite]:
    """Run a suite for the time of the block.

    Raises:
        Failed: its data folder or a port is taken; who has it is told.
        Interrupted: someone asked to stop before it was ready.
        ConfigurationError: something in the project is wrong.
    """
    emulator = config.emulator
    with contextlib.ExitStack() as stack:
        if not config.ephemeral:
            stack.enter_context(taken(config.data_dir))
        refuse_busy_ports(emulator.host, emulator.port, emulator.site_port)
        # On a single processor nobody could reply to a loop that does not sleep.
        suite = Suite(config, looks=LOOKS_MAX if (os.cpu_count() or 1) > 1 else 0)
        try:
            await _start(suite, stopping)
        except ConfigurationError:
            # A port may have been taken since the look above; then the holder is worth naming.
            refuse_busy_ports(emulator.host, emulator.port, emulator.site_port)
            raise
        _settle_collector()
        with watched(), _discoverable(config, suite):
            try:
                yield suite
            finally:
                await _stop(suite)


def _settle_collector() -> None:
    """Keep what a start built out of the garbage collector's sight, and let it look less often.

    This process serves until it ends: what stands now stands till then, and most of what a request
    makes is gone with it. Nothing is collected before: loading leaves a few hundred objects of
    garbage, and looking for them costs more than all the rest of a start's end.
    """
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX, 10, 10)


async def first_of(*waits: Coroutine[Any, Any, object]) -> int:
    """Wait until one of the coroutines ends, cancel the others and return its position."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ended = next(number for number, task in enumerate(tasks) if task.done())
        tasks[ended].result()
        return ended
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _start(suite: Suite, stopping: Stopping) -> None:
    if await first_of(suite.start(), stopping.wait()) != 0:
        await _stop(suite)
        raise Interrupted


async def _stop(suite: Suite) -> None:
    ending = asyncio.ensure_future(suite.stop())
    done, _ = await asyncio.wait({ending}, timeout=STOP_USUAL_S)
    if not done:
        tell("still stopping; Ctrl-C leaves at once")
        done, _ = await asyncio.wait({ending}, timeout=STOP_MAX_S - STOP_USUAL_S)
    if not done:
        tell(f"the suite did not stop within {STOP_MAX_S:g} s; leaving")
        os._exit(EXIT_FAILED)
    ending.result()


@contextlib.contextmanager
def _discoverable(config: Config, suite: Suite) -> Iterator[None]:
    """Leave the discovery file for the time of the block; the first ephemeral suite's stays."""
    info = suite.info()
    path = discovery.kept_file(config.data_dir)
    if config.ephemeral:
        path = discovery.ephemeral_file(config.project)
        other = discovery.read(path)
        if other is not None and other.pid != os.getpid() and discovery.answers(other):
            yield
            return
    record = discovery.Discovered(
        pid=os.getpid(),
        env=config.emulator.env,
        urls=info["urls"],
        started_at=_now_iso(),
        project=str(config.project),
    )
    try:
        discovery.publish(path, record)
    except OSError as fault:
        tell(f"{path} cannot be written ({fault.strerror}): other commands will not find the suite")
    try:
        yield
    finally:
        discovery.withdraw(path, record.pid)


def _now_iso() -> str:
    moment = datetime.fromtimestamp(SystemClock().now_ms() / 1000, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        uvloop: Any = import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
