"""Questions about other processes."""

import os
import subprocess
import sys

import pytest

from emulator.cli.processes import answer_of, end, is_alive, name_of

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_we_live_and_have_a_name():
    assert is_alive(os.getpid())
    assert "python" in name_of(os.getpid()).lower()


def test_a_process_lives_until_it_is_ended():
    with subprocess.Popen(SLEEP) as process:
        assert is_alive(process.pid)
        end(process.pid)
    assert not is_alive(process.pid)


@pytest.mark.skipif(sys.platform == "win32", reason="entries of ended processes are POSIX")
def test_a_process_that_ended_does_not_live_although_its_parent_did_not_look():
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as process:
        process.stdout.read()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(process.pid)


def test_a_process_that_is_not_there_has_no_name():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    assert name_of(process.pid) == ""


def test_a_program_that_is_not_there_answers_nothing():
    assert answer_of("no-such-program-here") == ""


def test_a_program_that_takes_too_long_answers_nothing(monkeypatch):
    monkeypatch.setattr("emulator.cli.processes.ASK_MAX_S", 0.01)
    assert answer_of(*SLEEP) == ""
