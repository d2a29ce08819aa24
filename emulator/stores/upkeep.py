"""Owns when checkpoints are written while a suite runs: on demand, and in quiet moments.

Not here: how (`stores.folder`). The one idea: a checkpoint costs as much as all documents, so it
waits until the journal is as long as that and nobody writes; then a thread does it.
"""

import asyncio
from typing import Final

from emulator.ambient import Clock
from emulator.core.errors import StoreError
from emulator.stores.folder import Folder

CHECKPOINT_PAUSE_MS: Final = 1_000
"""How long nothing must have been written before a checkpoint begins."""


class Upkeep:
    """Writes the checkpoints of an open folder."""

    def __init__(self, folder: Folder, *, clock: Clock) -> None:
        self.failure = ""
        self._folder = folder
        self._clock = clock
        self._writing = asyncio.Lock()

    async def checkpoint(self) -> None:
        """Write the checkpoint, if anything changed since the last; raises StoreError."""
        async with self._writing:
            write = self._folder.begin_checkpoint()
            if write is not None:
                await asyncio.to_thread(write)
            self.failure = ""

    async def tend(self) -> None:
        """Checkpoint whenever one is due and writes pause; what fails waits for new writes."""
        seen = tried = -1
        while True:
            await self._clock.sleep_until(self._clock.now_ms() + CHECKPOINT_PAUSE_MS)
            sequence = self._folder.sequence
            quiet = self._folder.checkpoint_due and sequence == seen
            seen = sequence
            if sequence != tried and (quiet or self._folder.checkpoint_urgent):
                tried = sequence
                await self._try_checkpoint()

    async def _try_checkpoint(self) -> None:
        try:
            await self.checkpoint()
        except StoreError as fault:
            self.failure = f"{fault.message}; it is tried again after the next writes"
