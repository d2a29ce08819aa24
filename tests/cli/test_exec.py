"""`cloud-emu exec` as a process: the command's output, code and end are its own."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from emulator.cli import run

WAIT_MAX_S = 20.0
posix = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
PYTHON = sys.executable

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
CALL = """
import json, os, urllib.request
url = os.environ["CLOUD_EMU_URL"] + "/_emu/functions/hello/invoke"
print(urllib.request.urlopen(url, data=b'{"event": {"a": 1}}').read().decode())
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("code", [0, 1, 7, 200])
def test_the_exit_code_is_the_commands_own(cli, code):
    assert cli("exec", "--", PYTHON, "-c", f"raise SystemExit({code})").code == code


@posix
def test_a_command_that_dies_of_a_signal_is_reported_as_shells_do(cli):
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert cli("exec", "--", PYTHON, "-c", killed).code == 128 + signal.SIGKILL


def test_a_program_that_is_not_there_is_told_before_anything_starts(cli):
    done = cli("exec", "--", "no-such-program-here")
    assert (done.code, done.out) == (127, "")
    assert "no program no-such-program-here" in done.err


def test_no_command_is_wrong_usage(cli):
    assert cli("exec").code == 2


def test_the_command_finds_the_suite_by_variables(cli):
    done = cli("exec", "--env", "my-env", "--", PYTHON, "-c", SHOW)
    environ = done.json
    api = environ["CLOUD_EMU_URL"]
    assert environ["TCB_ENV"] == environ["SCF_NAMESPACE"] == "my-env"
    assert json.loads(environ["TCB_CONTEXT_CNFG"]) == {"URL": f"{api}/admin"}
    assert environ["CLOUD_EMU_SITE_URL"].startswith("http://127.0.0.1:")
    assert f"environment my-env at {api}" in done.err


def test_the_command_has_standard_output_for_itself(cli):
    done = cli("exec", "--", PYTHON, "-c", CALL)
    assert done.json["result"] == {"event": {"a": 1}}


def test_arguments_reach_the_command_as_they_are(cli):
    show = "import sys; print(sys.argv[1:])"
    done = cli("exec", "--", PYTHON, "-c", show, "--port", "x y", "*", "$HOME", "--", "-h")
    assert done.out.strip() == "['--port', 'x y', '*', '$HOME', '--', '-h']"


def test_nothing_is_kept_unless_a_data_folder_is_named(cli):
    cli("exec", "--", PYTHON, "-c", "")
    assert not (cli.project / ".cloud-emu").exists()
    cli("exec", "--data-dir", "kept", "--", PYTHON, "-c", "")
    assert (cli.project / "kept").is_dir()


def test_two_may_run_side_by_side(cli):
    both = [cli.begin("exec", "--", PYTHON, "-c", CALL, stderr=subprocess.DEVNULL) for _ in "ab"]
    assert [each.ended() for each in both] == [0, 0]


def test_functions_that_do_not_load_are_told_on_standard_error(cli):
    (cli.project / "functions" / "hello" / "index.py").write_text("def main(:\n")
    done = cli("exec", "--", PYTHON, "-c", "")
    assert done.code == 0
    assert "function hello did not load: " in done.err
    assert "index.py:1: " in done.err


def test_errors_of_functions_are_shown_and_other_lines_only_if_wanted(cli):
    fails = CALL.replace('{"a": 1}', '{"fail": true}')
    quiet = cli("exec", "--", PYTHON, "-c", fails)
    assert "as asked" in quiet.err
    assert "called" not in quiet.err
    assert "called" in cli("exec", "--logs", "--", PYTHON, "-c", fails).err


def test_events_for_programs_are_on_standard_error(cli):
    done = cli("exec", "--json", "--", PYTHON, "-c", "print('mine')")
    assert done.out.strip() == "mine"
    assert json.loads(done.err.splitlines()[0])["event"] == "ready"


def test_waiting_for_idle_ends_when_nothing_runs(cli):
    done = cli("exec", "--wait-idle", "--", PYTHON, "-c", CALL)
    assert done.code == 0


def test_a_proxy_does_not_stand_between(cli):
    done = cli("exec", "--", PYTHON, "-c", SHOW, env={"HTTP_PROXY": "http://p", "NO_PROXY": "x"})
    assert done.json["NO_PROXY"] == "x,127.0.0.1,localhost,::1"
    assert "NO_PROXY" not in cli("exec", "--", PYTHON, "-c", SHOW, env={}).json or os.environ.get(
        "NO_PROXY"
    )


WAITS = """
import signal, sys, time
def heard(number, frame):
    print("heard", number, flush=True)
    sys.exit(40 + number)
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), heard)
print("waits", flush=True)
time.sleep(60)
"""


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_command_which_decides_the_code(cli, number):
    running = cli.begin("exec", "--", PYTHON, "-c", WAITS)
    running.line(lambda line: line == "waits")
    running.signal(number)
    running.line(lambda line: line == f"heard {int(number)}")
    assert running.ended() == 40 + number


STUBBORN = """
import os, signal, time
signal.signal(signal.SIGINT, lambda *_: print("no", flush=True))
print(os.getpid(), flush=True)
while True:
    time.sleep(1)
"""


@posix
def test_a_second_signal_leaves_at_once_and_takes_the_command_along(cli):
    running = cli.begin("exec", "--", PYTHON, "-c", STUBBORN)
    pid = int(running.line(str.isdecimal))
    running.signal(signal.SIGINT)
    running.line(lambda line: line == "no")
    until_ended(running, signal.SIGINT)
    assert running.ended() == 130
    eventually(lambda: not is_alive(pid))


@posix
def test_what_the_command_left_running_is_ended(cli):
    leave = (
        "import subprocess, sys;"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        " stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)"
    )
    done = cli("exec", "--", PYTHON, "-c", leave)
    assert done.code == 0
    eventually(lambda: not is_alive(int(done.out)))


@posix
def test_stopping_the_suite_ends_the_command(cli):
    running = cli.begin("exec", "--", PYTHON, "-c", WAITS)
    running.line(lambda line: line == "waits")
    assert cli("stop").code == 0
    assert running.ended() == 40 + signal.SIGTERM


ON_A_TERMINAL = """
import os, sys
os.setsid()
terminal = os.open(sys.argv[1], os.O_RDWR)
for number in (0, 1, 2):
    os.dup2(terminal, number)
os.execv(sys.argv[2], sys.argv[2:])
"""
COUNTS = """
import select, signal, sys
count = 0
def heard(number, frame):
    global count
    count += 1
signal.signal(signal.SIGINT, heard)
print("waits", flush=True)
sys.stdin.readline()
print("counted", count, flush=True)
"""


@posix
def test_in_a_terminal_the_command_reads_and_hears_ctrl_c_once(cli):
    """Typed keys reach the command: a Ctrl-C exactly once, a line by reading."""
    ours, theirs = os.openpty()
    name = os.ttyname(theirs)
    command = [PYTHON, "-m", "emulator", "exec", "--", PYTHON, "-c", COUNTS]
    process = subprocess.Popen(
        [PYTHON, "-c", ON_A_TERMINAL, name, *command], cwd=cli.project, env=cli.environ
    )
    try:
        read_until(ours, b"waits")
        os.write(ours, b"\x03")
        read_until(ours, b"^C")
        os.write(ours, b"\n")
        read_until(ours, b"counted 1")
        assert process.wait(WAIT_MAX_S) == 0
    finally:
        process.kill()
        process.wait(WAIT_MAX_S)
        os.close(theirs)
        os.close(ours)


def read_until(terminal: int, text: bytes) -> None:
    seen = b""
    while text not in seen:
        seen += os.read(terminal, 1024)


def until_ended(running, number: int) -> None:
    """Send a signal again until the process has ended; faster repeats count as one."""
    deadline = time.monotonic() + WAIT_MAX_S
    while time.monotonic() < deadline:
        running.signal(number)
        try:
            running.process.wait(0.15)
        except subprocess.TimeoutExpired:
            continue
        return


def eventually(true) -> None:
    deadline = time.monotonic() + WAIT_MAX_S
    while not true():
        assert time.monotonic() < deadline


WRITES = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w')); sys.exit(7)"


def test_in_one_process_with_the_suite_code_and_variables_are_the_same(tmp_path, capsys):
    (tmp_path / "project").mkdir()
    file = tmp_path / "environ.json"
    arguments = ["exec", "--project", str(tmp_path / "project"), "--wait-idle", "--env", "my-env"]
    assert run([*arguments, "--", PYTHON, "-c", WRITES, str(file)]) == 7
    environ = json.loads(file.read_text())
    assert f"environment my-env at {environ['CLOUD_EMU_URL']}" in capsys.readouterr().err
