"""Owns the rules of a running suite as its files have them: read at the start, and when saved.

Not here: what files say (`config.rule_files`) and what is permitted (`services.permissions`). The
one idea: three files are looked at many times a second, which costs next to nothing, misses no
editor's way of saving and works on every disk; what cannot be read changes nothing and is told.
"""

import asyncio
from typing import Final

from emulator.config import Config
from emulator.config.rule_files import RuleFiles
from emulator.services.permissions import Permissions
from emulator.services.recorder import Recorder

LOOK_S: Final = 0.05
"""How often the files are looked at, in real time."""


class RuleWatch:
    """The rule files of one project, and the permissions made of them."""

    def __init__(self, config: Config, recorder: Recorder) -> None:
        self._files = RuleFiles(config)
        self._recorder = recorder
        self._seen = self._marks()
        settings, notices = self._files.read()
        self.permissions = Permissions(settings)
        self.notices = (*notices, *self.permissions.notices)

    def look(self) -> bool:
        """Read the files again if one of them changed, and tell whether that was so."""
        marks = self._marks()
        if marks == self._seen:
            return False
        self._seen = marks
        settings, notices = self._files.read()
        self.notices = (*notices, *self.permissions.replace(settings))
        for notice in self.notices:
            self._recorder.notice("rules_invalid", notice, level="error")
        if not self.notices:
            self._recorder.notice("rules_reloaded", "the rules were read again and hold at once")
        return True

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def _marks(self) -> list[tuple[int, int, int] | None]:
        """Return what changes with each file when it is saved."""
        marks: list[tuple[int, int, int] | None] = []
        for path in self._files.paths:
            try:
                found = path.stat()
                marks.append((found.st_mtime_ns, found.st_size, found.st_ino))
            except OSError:
                marks.append(None)
        return marks
