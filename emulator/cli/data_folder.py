"""Owns taking a data folder for one suite: made, kept out of version control, locked.

Not here: what is stored in it (`stores`). The one idea: the second suite in a folder is refused
before it can touch anything, and the refusal names the first.
"""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from emulator.cli import discovery
from emulator.cli.folder_lock import FolderLock
from emulator.cli.output import Failed, tell

LOCK_FILE: Final = "emulator.lock"
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})


@contextlib.contextmanager
def taken(data_dir: Path) -> Iterator[None]:
    """Hold a data folder for the time of a suite; raises Failed when another suite has it."""
    try:
        prepare(data_dir)
        lock = FolderLock(data_dir / LOCK_FILE)
        is_ours = _acquire(lock, data_dir)
    except OSError as fault:
        raise Failed(
            f"the data folder {data_dir} cannot be used: {fault.strerror}",
            hint="give another with --data-dir, or keep nothing with --ephemeral",
        ) from fault
    if not is_ours:
        raise _occupied(data_dir)
    try:
        yield
    finally:
        lock.release()


def prepare(data_dir: Path) -> None:
    """Make a data folder that version control leaves alone; raises OSError."""
    data_dir.mkdir(parents=True, exist_ok=True)
    ignore = data_dir / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


def _acquire(lock: FolderLock, data_dir: Path) -> bool:
    try:
        return lock.acquire()
    except OSError as fault:
        if fault.errno not in _NO_LOCKS:
            raise
        tell(f"{data_dir}: this file system knows no locks; do not start a second suite in it")
        return True


def _occupied(data_dir: Path) -> Failed:
    first = discovery.read(discovery.kept_file(data_dir))
    who = f" (pid {first.pid}, {first.api_url})" if first is not None else ", which is starting"
    return Failed(
        f"another suite runs in {data_dir}{who}",
        hint="stop it with cloud-emu stop, or give this one its own: --data-dir DIR or --ephemeral",
        code="DATA_FOLDER_TAKEN",
    )
