"""The watcher kills what it was told of when nobody holds its input any more."""

import subprocess
import sys

import pytest

from emulator.functions.process_guardian import Guardian

WAIT_S = 20
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def sleeper() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(SLEEP, start_new_session=sys.platform != "win32")


def test_processes_that_are_still_known_at_the_end_are_killed():
    guardian = Guardian()
    known, forgotten = sleeper(), sleeper()
    try:
        for process in (known, forgotten):
            guardian.add(process.pid)
        guardian.remove(forgotten.pid)
        guardian.close()
        assert known.wait(WAIT_S) != 0
        assert forgotten.poll() is None
    finally:
        forgotten.kill()
        forgotten.wait()


@pytest.mark.parametrize("times", [1, 2])
def test_guardian_that_was_never_needed_closes_without_a_word(times):
    guardian = Guardian()
    for _ in range(times):
        guardian.close()
    guardian.add(1)
    guardian.remove(1)


def test_guardian_that_was_killed_disturbs_nobody():
    guardian = Guardian()
    process = sleeper()
    try:
        guardian.add(process.pid)
        assert guardian._process is not None
        guardian._process.kill()
        guardian._process.wait()
        guardian.remove(process.pid)
        guardian.close()
    finally:
        process.kill()
        process.wait()
