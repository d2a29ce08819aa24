"""The first signal asks, the second leaves."""

import asyncio
import signal
import subprocess
import sys
import time

import pytest

from emulator.cli.signals import Stopping

WAIT_MAX_S = 20.0

STUCK = """
import asyncio
from emulator.cli.signals import Stopping

async def main():
    stopping = Stopping(before_leaving=lambda: print("leaving", flush=True))
    with stopping.listening():
        print("ready", flush=True)
        await stopping.wait()
        print("asked", stopping.signal, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_wish_needs_no_signal():
    stopping = Stopping()
    assert not stopping.is_requested
    stopping.request()
    await asyncio.wait_for(stopping.wait(), 5)
    assert stopping.is_requested
    assert stopping.signal is None


@pytest.mark.skipif(sys.platform == "win32", reason="raises a signal for this process")
async def test_a_signal_is_heard_and_the_old_handlers_come_back():
    before = signal.getsignal(signal.SIGTERM)
    stopping = Stopping()
    with stopping.listening():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(stopping.wait(), 5)
    assert stopping.signal == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
async def test_a_hang_up_that_was_silenced_stays_silent():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stopping().listening():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_the_second_signal_leaves_at_once_with_130():
    with subprocess.Popen(
        [sys.executable, "-c", STUCK], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == f"asked {int(signal.SIGINT)}\n"
        deadline = time.monotonic() + WAIT_MAX_S
        while process.poll() is None and time.monotonic() < deadline:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(0.15)
            except subprocess.TimeoutExpired:
                continue
        assert process.stdout.read() == "leaving\n"
        assert process.returncode == 130
