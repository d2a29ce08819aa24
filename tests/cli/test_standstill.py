"""A process in which no Python runs still says what holds it."""

import signal
import subprocess
import sys
import textwrap

import pytest

WAIT_MAX_S = 30.0


def said(body: str) -> str:
    """Return what a process that is watched says on standard error."""
    code = textwrap.dedent(
        """
        import os, re, signal, sys, time
        from emulator.cli.standstill import watched

        def held():
            # Doubles until it took long enough, on whatever machine this is.
            length, took_s = 18, 0.0
            while took_s < 2.0:
                length += 1
                began_s = time.monotonic()
                re.match(r"(a+)+$", "a" * length + "b")
                took_s = time.monotonic() - began_s

        with watched(limit_s=1.0, beat_s=0.1):
        """
    ) + textwrap.indent(textwrap.dedent(body), "    ")
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=WAIT_MAX_S,
        check=True,
    )
    return done.stderr


def test_code_that_lets_nothing_else_run_is_named():
    told = said("held()\ntime.sleep(0.2)")
    assert "Timeout" in told
    assert "in held" in told
    assert "nothing else could run for" in told


def test_code_that_merely_takes_long_is_not():
    assert said("time.sleep(1.5)\nfor _ in range(10**6): pass") == ""


@pytest.mark.skipif(not hasattr(signal, "SIGTSTP"), reason="there is no Ctrl-Z on Windows")
def test_process_that_was_put_to_sleep_is_not():
    told = said(
        """
        import subprocess
        wake = f"sleep 2; kill -CONT {os.getpid()}"
        waker = subprocess.Popen(["sh", "-c", wake])
        os.kill(os.getpid(), signal.SIGTSTP)
        time.sleep(0.2)
        waker.wait()
        """
    )
    assert told == ""
