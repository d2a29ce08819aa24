"""The lock that makes a data folder one suite's."""

import subprocess
import sys

from emulator.cli.folder_lock import FolderLock

HOLD = """
import sys
from pathlib import Path
from emulator.cli.folder_lock import FolderLock
print(FolderLock(Path(sys.argv[1])).acquire(), flush=True)
sys.stdin.read()
"""


def test_one_process_at_a_time_and_death_lets_go(tmp_path):
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "True\n"
        assert not FolderLock(path).acquire()
        other.kill()
    lock = FolderLock(path)
    assert lock.acquire()
    lock.release()


def test_what_was_released_can_be_taken_again(tmp_path):
    first, second = FolderLock(tmp_path / "lock"), FolderLock(tmp_path / "lock")
    assert first.acquire()
    assert not second.acquire()
    first.release()
    first.release()
    assert second.acquire()
    second.release()
