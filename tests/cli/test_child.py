"""The command beside a suite: started, signalled, never left behind."""

import os
import signal
import sys

import pytest

from emulator.cli.child import EXIT_NO_PROGRAM, EXIT_NOT_STARTED, Child, find_program
from emulator.cli.output import Failed
from emulator.cli.processes import is_alive

posix = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")

WAITS = """
import signal, sys
def heard(number, frame):
    sys.exit(40 + number)
signal.signal(signal.SIGTERM, heard)
open(sys.argv[1], "w").close()
signal.pause()
"""
LEAVES_ONE_BEHIND = """
import os, subprocess, sys
left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
with open(sys.argv[1], "w") as file:
    file.write(str(left.pid))
"""


async def start(code: str, *arguments: str) -> Child:
    return await Child.start([sys.executable, "-c", code, *arguments], os.environ)


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch):
    """Whoever runs the tests may sit at a terminal; the command then gets a group all the same."""
    monkeypatch.setattr("emulator.cli.child._is_terminal", lambda: False)


def test_a_program_is_found_on_the_path():
    assert find_program([sys.executable, "-c", "x"]) == [sys.executable, "-c", "x"]


def test_a_program_that_is_not_there_is_127():
    with pytest.raises(Failed, match="no program no-such-program") as caught:
        find_program(["no-such-program"])
    assert caught.value.exit_code == EXIT_NO_PROGRAM


@pytest.mark.skipif(sys.platform == "win32", reason="rights as POSIX has them")
def test_a_file_that_may_not_be_run_is_126(tmp_path):
    (tmp_path / "script").write_text("echo hello")
    with pytest.raises(Failed, match="not a program that may be run") as caught:
        find_program([str(tmp_path / "script")])
    assert caught.value.exit_code == 126


async def test_a_file_that_is_no_program_is_126(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"\0nothing that runs")
    file.chmod(0o700)
    with pytest.raises(Failed, match="cannot be started") as caught:
        await Child.start([str(file)], os.environ)
    assert caught.value.exit_code == EXIT_NOT_STARTED


async def test_the_code_is_the_commands_own():
    child = await start("raise SystemExit(7)")
    assert await child.wait() == 7


@posix
async def test_a_death_by_signal_is_reported_as_shells_do():
    child = await start("import time; time.sleep(60)")
    child.kill()
    assert await child.wait() == 128 + signal.SIGKILL


@posix
async def test_to_end_a_command_is_to_ask_it_first(tmp_path, eventually_exists):
    child = await start(WAITS, str(tmp_path / "ready"))
    await eventually_exists(tmp_path / "ready")
    assert await child.end(None) == 40 + signal.SIGTERM


@posix
async def test_a_command_that_does_not_listen_is_ended_all_the_same(
    tmp_path, eventually_exists, monkeypatch
):
    monkeypatch.setattr("emulator.cli.child.GRACE_S", 0.05)
    deaf = WAITS.replace("sys.exit(40 + number)", "signal.pause()")
    child = await start(deaf, str(tmp_path / "ready"))
    await eventually_exists(tmp_path / "ready")
    assert await child.end(signal.SIGTERM) == 128 + signal.SIGKILL


@posix
async def test_what_the_command_left_running_is_swept(tmp_path):
    child = await start(LEAVES_ONE_BEHIND, str(tmp_path / "pid"))
    assert await child.wait() == 0
    left = int((tmp_path / "pid").read_text())
    assert is_alive(left)
    await child.sweep()
    assert not is_alive(left)


async def test_sweeping_after_a_tidy_command_finds_nobody():
    child = await start("")
    assert await child.wait() == 0
    await child.sweep()
    assert await child.wait() == 0


@pytest.fixture
def eventually_exists():
    """Wait, bounded, until a file is there."""
    import asyncio

    async def wait(path):
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 20
        while not path.exists():
            assert loop.time() < deadline
            await asyncio.sleep(0.005)

    return wait
