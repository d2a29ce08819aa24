"""Owns a suite that a program runs for itself: on a thread and a loop of its own, on free ports.

Not here: what is done with it (`testing.client`). The one idea: a block, `with` or `async with`; at
its end the suite has stopped and, unless it was given a folder, nothing is left.
"""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from emulator.config import load_config
from emulator.suite import Suite
from emulator.testing.client import Emulator

FREE_PORTS: Final[Mapping[str, Any]] = {"port": 0, "site_port": 0}
STOP_MAX_S: Final = 30.0


class RunningEmulator(Emulator):
    """A suite of this process; `variables` point SDKs and child processes at it."""

    def __init__(self, suite: Suite) -> None:
        super().__init__(suite.urls["api"])
        self.urls = dict(suite.urls)
        self.variables = suite.variables


class started:  # noqa: N801  # a block, read as a verb: with started(...) as suite
    """A suite over a project for the time of a block, on free ports; it keeps nothing.

    `options` are those of `cloud-emu start`, such as `data_dir`, `seed` or `deterministic`.

    Raises, where the block begins:
        ConfigurationError: a folder or a file of the project cannot be used.
    """

    def __init__(self, project: str | Path = ".", **options: Any) -> None:
        kept = {} if "data_dir" in options else {"ephemeral": True}
        self._config = load_config(Path(project), {**FREE_PORTS, **kept, **options})
        self._ready: Future[RunningEmulator] = Future()
        self._stopping: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._body, name="cloud-emu", daemon=True)

    def __enter__(self) -> RunningEmulator:
        self._thread.start()
        return self._ready.result()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(STOP_MAX_S)

    async def __aenter__(self) -> RunningEmulator:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, fault, where)

    def _body(self) -> None:
        try:
            asyncio.run(self._run())
        except Exception as fault:
            if not self._ready.done():
                self._ready.set_exception(fault)
                return
            raise

    async def _run(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        suite = Suite(self._config)
        await suite.start()
        try:
            self._ready.set_result(RunningEmulator(suite))
            await self._stopping.wait()
        finally:
            await suite.stop()
