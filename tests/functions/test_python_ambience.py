"""What user code shares with the process: streams, variables, threads, log records."""

import asyncio
import contextlib
import io
import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from emulator.ambient import SystemClock
from emulator.functions.python_ambience import Ambience, RoutedStream
from emulator.functions.python_inline import PythonInlineRuntime


async def test_print_and_streams_become_lines_of_the_call(stage):
    code = r"""
    import sys
    def main():
        print("one", 2, sep="-")
        sys.stdout.write("in ")
        sys.stdout.write("pieces\nand without end")
        sys.stdout.writelines(["\n", "lines\n"])
        print("to stderr", file=sys.stderr)
        sys.stdout.buffer.write("bytes é\n".encode())
        sys.stdout.flush()
        assert not sys.stdout.isatty()
        print("no end of line", end="")
    """
    await stage.run(code)
    assert stage.lines == [
        ("info", "one-2"),
        ("info", "in pieces"),
        ("info", "and without end"),
        ("info", "lines"),
        ("error", "to stderr"),
        ("info", "bytes é"),
        ("info", "no end of line"),
    ]


async def test_user_code_cannot_close_the_streams_of_the_suite(stage, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    own = sys.stdout
    code = """
    import sys
    def main():
        sys.stdout.close()
        print("after")
    """
    await stage.run(code)
    assert stage.lines == [("info", "after")]
    assert not own.closed
    sys.stdout.close()
    assert own.closed


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_os_exit_ends_the_call_and_not_the_suite(stage, kind):
    failure = await stage.fail(f"import os\n{kind} main(): os._exit(3)")
    assert failure.message == "SystemExit: 3"


@pytest.mark.parametrize("code", [0, 7])
def test_os_exit_outside_of_user_code_ends_the_process(code):
    script = (
        "import os\nfrom emulator.functions.python_ambience import Ambience\n"
        f"Ambience().take()\nos._exit({code})"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == code


async def test_lines_of_calls_side_by_side_are_kept_apart(stage):
    code = """
    import asyncio
    async def main(event):
        print("begin", event)
        await asyncio.sleep(0.01)
        print("end", event)
    """
    generation = await stage.load("fn", code)
    kept = [[] for _ in range(5)]
    await asyncio.gather(
        *(stage.result(generation, number, lines=lines) for number, lines in enumerate(kept))
    )
    assert kept == [[("info", f"begin {number}"), ("info", f"end {number}")] for number in range(5)]


async def test_suites_own_output_passes_through(stage, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    own = sys.stdout
    generation = await stage.load("fn", "def main(): print('user')")
    await stage.result(generation)
    print("suite")
    assert own.getvalue() == "suite\n"
    assert stage.lines == [("info", "user")]


async def test_what_the_log_takes_may_print_itself(stage, monkeypatch):
    """The suite shows lines as they come; that must not go round in a circle."""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    own = sys.stdout

    class Shown(list):
        def append(self, line):
            print(*line)

    generation = await stage.load("fn", "def main(): print('user')")
    await stage.result(generation, lines=Shown())
    assert own.getvalue() == "info user\n"


async def test_streams_swapped_by_a_test_runner_are_taken_again(stage, monkeypatch):
    generation = await stage.load("fn", "def main(): print('user')")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    await stage.result(generation)
    assert stage.lines == [("info", "user")]


async def test_command_of_user_code_on_the_suites_thread_prints_as_the_suite(stage, monkeypatch):
    """The context of the user's call comes along to the suite's loop."""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    own = sys.stdout
    loop = asyncio.get_running_loop()
    seen = []

    def on_suite():
        print("suite", os.environ.get("OF_THE_CALL"))
        seen.append(1)

    code = """
    def main(event):
        import builtins
        builtins.call_suite()
    """
    import builtins

    builtins.call_suite = lambda: loop.call_soon_threadsafe(on_suite)
    try:
        await stage.run(code, variables={"OF_THE_CALL": "1"})
        while not seen:
            await asyncio.sleep(0)
    finally:
        del builtins.call_suite
    assert own.getvalue() == "suite None\n"
    assert stage.lines == []


async def test_output_beyond_the_bound_is_cut_and_said_once(stage):
    code = """
    def main(event):
        if event == "one piece": print("x" * 100_000_000)
        else:
            for _ in range(1_000_000): print("y" * 100)
    """
    generation = await stage.load("fn", code)
    for event in ("one piece", "many lines"):
        lines = []
        await stage.result(generation, event, timeout_s=30, lines=lines)
        assert sum(len(line) for _, line in lines) < 1_100_000
        said = [line for level, line in lines if level == "warn"]
        assert said == ["log cut: one run may print 1,000,000 characters; the rest is not kept"]


# Variables


async def test_variables_of_the_call_lie_over_the_processs(stage, monkeypatch):
    monkeypatch.setenv("OF_PROCESS", "process")
    monkeypatch.setenv("OF_BOTH", "process")
    code = """
    import os
    from os import environ
    def main():
        return [
            os.environ["OF_PROCESS"], os.getenv("OF_BOTH"), environ.get("OF_CALL"),
            os.environ.get("NOWHERE", "default"), "OF_CALL" in os.environ, os.getenv("TZ"),
            dict(os.environ)["OF_BOTH"], os.environ.copy()["OF_CALL"],
            (os.environ | {"x": "y"})["x"],
        ]
    """
    variables = {"OF_BOTH": "call", "OF_CALL": "call"}
    assert await stage.run(code, variables=variables) == [
        "process", "call", "call", "default", True, "UTC", "call", "call", "y"
    ]  # fmt: skip
    assert "OF_CALL" not in os.environ
    assert os.environ["OF_BOTH"] == "process"


async def test_variables_of_the_bundle_are_seen_while_loading(stage):
    stage.save("fn/config.json", '{"envVariables": {"STAGE": "local"}}')
    assert await stage.run("import os\nSTAGE = os.environ['STAGE']\ndef main(): return STAGE") == (
        "local"
    )


async def test_writes_stay_in_the_function_that_made_them(stage):
    code = """
    import os
    def main(event):
        if event == "set": os.environ["WRITTEN"] = "here"
        if event == "delete": del os.environ["PATH"]
        return [os.environ.get("WRITTEN"), "PATH" in os.environ, len(os.environ) > 0]
    """
    writer, other = await stage.load("writer", code), await stage.load("other", code)
    assert await stage.result(writer, "set") == ["here", True, True]
    assert await stage.result(writer) == ["here", True, True]
    assert await stage.result(writer, "delete") == ["here", False, True]
    assert await stage.result(other) == [None, True, True]
    assert "PATH" in os.environ
    assert "WRITTEN" not in os.environ


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        pytest.param("os.environ['A'] = 1", "TypeError: str expected, not int", id="value"),
        pytest.param("del os.environ['NOWHERE']", "KeyError: 'NOWHERE'", id="delete"),
        pytest.param("os.environ['NOWHERE']", "KeyError: 'NOWHERE'", id="read"),
    ],
)
async def test_environ_refuses_what_the_real_one_refuses(stage, statement, message):
    assert (await stage.fail(f"import os\ndef main(): {statement}")).message == message


async def test_environ_of_the_suite_is_itself_outside_of_calls(stage, monkeypatch):
    await stage.load("fn", "def main(): pass")
    os.environ["SET_BY_SUITE"] = "1"
    assert os.environ["SET_BY_SUITE"] == os.getenv("SET_BY_SUITE") == "1"
    assert "SET_BY_SUITE" in repr(os.environ)
    del os.environ["SET_BY_SUITE"]
    assert os.getenv("SET_BY_SUITE") is None


# Threads


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(
            """
            import threading
            def main():
                thread = threading.Thread(target=lambda: work("thread"))
                thread.start(); thread.join()
            """,
            id="thread",
        ),
        pytest.param(
            """
            import threading
            class Mine(threading.Thread):
                def run(self): work("thread")
            def main():
                thread = Mine(); thread.start(); thread.join()
            """,
            id="subclass",
        ),
        pytest.param(
            """
            import threading
            def main():
                timer = threading.Timer(0, work, ["thread"]); timer.start(); timer.join()
            """,
            id="timer",
        ),
        pytest.param(
            """
            from concurrent.futures import ThreadPoolExecutor
            pool = ThreadPoolExecutor(1)
            def main(): pool.submit(work, "thread").result()
            """,
            id="executor",
        ),
        pytest.param(
            """
            import asyncio
            async def main(): await asyncio.to_thread(work, "thread")
            """,
            id="to_thread",
        ),
        pytest.param(
            """
            import asyncio
            async def main():
                await asyncio.get_running_loop().run_in_executor(None, lambda: work("thread"))
            """,
            id="run_in_executor",
        ),
        pytest.param(
            """
            import threading
            def main():
                def inner():
                    thread = threading.Thread(target=work, args=["thread"])
                    thread.start(); thread.join()
                thread = threading.Thread(target=inner)
                thread.start(); thread.join()
            """,
            id="thread of a thread",
        ),
    ],
)
async def test_threads_of_user_code_belong_to_its_call(stage, code):
    work = """
    import os
    from emulator.cloud.session import current_session
    def work(where):
        print("in", where, os.environ["CALL"], current_session.get().request_id)
    """
    stage.save("fn/tools.py", work)
    import textwrap

    generation = await stage.load("fn", "from tools import work\n" + textwrap.dedent(code))
    for number in ("1", "2"):
        await stage.result(generation, request_id=f"r{number}", variables={"CALL": number})
    assert stage.lines == [("info", "in thread 1 r1"), ("info", "in thread 2 r2")]


async def test_exception_in_a_users_thread_is_in_the_calls_log(stage):
    code = """
    import threading
    def work(): raise ValueError("in a thread")
    def main():
        thread = threading.Thread(target=work, name="worker")
        thread.start(); thread.join()
    """
    await stage.run(code)
    assert stage.lines == [
        ("error", "thread 'worker' failed: ValueError: in a thread"),
        ("error", '  File "fn/index.py", line 3, in work'),
        ("error", '    def work(): raise ValueError("in a thread")'),
    ]


async def test_job_in_an_executor_counts_as_running(stage, eventually):
    code = """
    import threading
    from concurrent.futures import ThreadPoolExecutor
    pool, gate = ThreadPoolExecutor(1), threading.Event()
    def main(event):
        if event: gate.set()
        else: pool.submit(gate.wait, 5)
    """
    generation = await stage.load("fn", code)
    await stage.result(generation)
    assert any("executor" in sentence for sentence in stage.runtime.running())
    await stage.result(generation, 1)
    await eventually(lambda: not stage.runtime.running())


async def test_threads_of_the_suite_are_left_alone(stage):
    await stage.load("fn", "def main(): pass")
    seen = []
    thread = threading.Thread(target=lambda: seen.append("ran"))
    thread.start()
    thread.join()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(len, "ab").result() == 2
    assert seen == ["ran"]
    assert not stage.runtime.running()


# Log records


async def test_records_of_libraries_are_in_the_calls_log(stage):
    """A library outside the folder uses the process's own logging."""
    code = """
    import asyncio.log
    def main():
        asyncio.log.logger.warning("from %s", "a library")
        asyncio.log.logger.error("bad %d", "arguments")
    """
    await stage.run(code)
    assert stage.lines[0] == ("warn", "from a library")
    assert stage.lines[1][0] == "error"
    assert "does not take the arguments" in stage.lines[1][1]


async def test_records_of_the_suite_go_where_they_always_went(stage, caplog):
    await stage.load("fn", "def main(): pass")
    logging.getLogger("suite").warning("of the suite")
    assert [record.getMessage() for record in caplog.records] == ["of the suite"]


# Two suites, and the end


async def test_two_runtimes_share_the_process_and_each_gives_it_back(stage, tmp_path):
    before = (sys.stdout, os.environ, threading.Thread.start)
    other = PythonInlineRuntime(clock=SystemClock())
    generation = await stage.load("fn", "def main(): print('user')")
    second = await other.load(stage.bundle("fn"))
    assert isinstance(sys.stdout, RoutedStream)
    await other.close()
    await stage.result(generation)
    assert stage.lines == [("info", "user")]
    await stage.runtime.close()
    assert (sys.stdout, os.environ, threading.Thread.start) == before
    assert second.bundle.name == "fn"


def test_seat_that_somebody_else_took_since_is_left_to_them():
    ambience = Ambience()
    ambience.take()
    with contextlib.redirect_stdout(io.StringIO()) as theirs:
        ambience.leave()
        assert sys.stdout is theirs
    # The redirection put our stream back when it ended; nobody needs it any more.
    assert isinstance(sys.stdout, RoutedStream)
    sys.stdout = sys.stdout._original
