"""What would end the process ends the call."""

import signal
import sys

import pytest

POSIX = [
    pytest.param("os.kill(os.getpid(), signal.SIGTERM)", "SystemExit: signal 15", id="kill"),
    pytest.param("os.kill(0, signal.SIGINT)", "SystemExit: signal 2", id="kill-group"),
    pytest.param("signal.alarm(1)", "ValueError: signal.alarm only works in", id="alarm"),
    pytest.param(
        "signal.setitimer(signal.ITIMER_REAL, 1)", "ValueError: signal.setitimer", id="timer"
    ),
]
EVERYWHERE = [
    pytest.param("os._exit(7)", "SystemExit: 7", id="exit"),
    pytest.param("os.abort()", f"SystemExit: signal {signal.SIGABRT:d}", id="abort"),
    pytest.param("signal.raise_signal(2)", "SystemExit: signal 2", id="raise"),
]


@pytest.mark.parametrize(
    ("statement", "message"), [*EVERYWHERE, *([] if sys.platform == "win32" else POSIX)]
)
async def test_what_would_end_the_process_ends_the_call(stage, statement, message):
    code = f"import os, signal\ndef main(event):\n    if event: return 'fine'\n    {statement}"
    generation = await stage.load("fn", code)
    outcome = await stage.call(generation)
    assert outcome.failure is not None
    assert outcome.failure.message.startswith(message)
    assert await stage.result(generation, 1) == "fine"


async def test_other_processes_are_reached_and_may_be_asked_after(stage):
    code = """
    import os, subprocess, sys
    def main():
        os.kill(os.getpid(), 0)
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
            child.kill()
        return child.returncode != 0
    """
    assert await stage.result(await stage.load("fn", code)) is True
