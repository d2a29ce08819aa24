"""Owns the waiting of the `group` journal mode: many commits, one call that forces them to disk.

Not here: the call itself (`stores.journal`). The one idea: whoever waits shares the next sync; it
runs in a thread, so that more commits gather meanwhile, but a single waiter is served at once in
place, as a thread costs more than it gains then.
"""

import asyncio

from emulator.stores.journal import Journal


class SharedSync:
    """Lets commits wait until the disk has them."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._reached = journal.sequence
        self._waiting = 0
        self._running: asyncio.Future[int] | None = None

    async def wait(self) -> None:
        """Wait until every commit so far is on disk.

        Raises:
            StoreError: the disk refused.
        """
        wanted = self._journal.sequence
        self._waiting += 1
        try:
            await asyncio.sleep(0)  # whoever commits in this turn of the loop joins in
            while self._reached < wanted:
                if self._running is None and self._waiting == 1:
                    self._reached = self._journal.sync()
                else:
                    await asyncio.shield(self._run())
        finally:
            self._waiting -= 1

    def _run(self) -> "asyncio.Future[int]":
        if self._running is None:
            loop = asyncio.get_running_loop()
            self._running = loop.run_in_executor(None, self._journal.sync)
            self._running.add_done_callback(self._finish)
        return self._running

    def _finish(self, running: "asyncio.Future[int]") -> None:
        self._running = None
        if not running.cancelled() and running.exception() is None:
            self._reached = max(self._reached, running.result())
