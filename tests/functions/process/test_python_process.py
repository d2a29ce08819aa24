"""Python functions in processes: whatever they do, it is their own call that fails."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from emulator.core.errors import CollectionNotExist
from emulator.functions import process_weight
from emulator.functions.base import LoadFailed
from tests.orphans import outlives_its_suite

WAIT_S = 30.0
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")

ENDS = {
    "sys.exit": ("import sys\ndef main(event, context): sys.exit(3)", "exit", "3"),
    "os._exit": ("import os\ndef main(event, context): os._exit(7)", "exit", "7"),
    "an error": ("def main(event, context): raise ValueError('no stock')", "exception", "no stock"),
    "a result": ("def main(event, context): return object()", "result", "object"),
}
CRASHES = {
    "killed": "import os, signal\ndef {0}: os.kill(os.getpid(), signal.SIGKILL)",
    "aborted": "import os\ndef {0}: os.abort()",
    "memory it does not own": "import ctypes\ndef {0}: ctypes.string_at(1)",
}


@pytest.mark.parametrize(("code", "kind", "message"), ENDS.values(), ids=list(ENDS))
async def test_end_of_a_call_is_told_and_the_process_serves_on(stage, code, kind, message):
    generation = await stage.load(code)
    (worker,) = generation.workers
    for _ in range(2):
        failure = (await stage.call(generation)).failure
        assert (failure.kind, message in failure.message) == (kind, True)
    assert generation.workers == {worker}


@posix_only
@pytest.mark.parametrize("code", CRASHES.values(), ids=list(CRASHES))
async def test_crash_is_that_of_its_own_call(stage, code):
    handler = "def main(event, context):\n    if event: crash()\n    return 1"
    generation = await stage.load(f"{code.format('crash()')}\n{handler}")
    bad, good = await asyncio.gather(stage.call(generation, 1), stage.call(generation))
    assert bad.failure.kind == "exit"
    assert "signal" in bad.failure.message
    assert good.result == b"1"
    assert await stage.result(generation) == 1


async def test_flood_of_output_is_cut_and_said(stage):
    code = "def main(event, context):\n    for _ in range(100): print('x' * 1_000_000)"
    await stage.run(code)
    assert sum(len(line) for _, _, line in stage.lines) < 1_100_000
    assert "log cut" in stage.lines[-1][2]


async def test_time_out_tells_where_the_code_stood_and_ends_the_process(stage):
    code = "def main(event, context):\n    if event: return 1\n    while True:\n        pass"
    generation = await stage.load(code)
    (worker,) = generation.workers
    failure = (await stage.call(generation, timeout_s=0.2)).failure
    assert (failure.kind, failure.message) == (
        "timeout", "Invoking task timed out after 0.2 seconds",
    )  # fmt: skip
    assert "index.py" in failure.stack
    assert await stage.result(generation, 1) == 1
    async with asyncio.timeout(20):
        await worker.ended.wait()


@posix_only
async def test_code_that_never_lets_python_breathe_is_killed_at_its_time_out(stage):
    code = (
        "import ctypes\ndef main(event, context):\n    if event: return 1\n"
        "    ctypes.PyDLL(None).sleep(60)"
    )
    generation = await stage.load(code)
    failure = (await stage.call(generation, timeout_s=0.2)).failure
    assert failure.kind == "timeout"
    assert await stage.result(generation, 1) == 1


HOARD = """
kept = []

def main(event, context):
    kept.append(bytearray(b"x") * (event * 2 ** 20))
    while event > 150: pass
    return event
"""


@pytest.mark.parametrize("size_mb", [200, 140], ids=["from outside", "by itself"])
async def test_memory_beyond_its_own_ends_the_call_and_says_what_to_raise(
    stage, monkeypatch, size_mb
):
    if size_mb == 140:
        # Over before anybody looks.
        monkeypatch.setattr(process_weight, "LOOK_EVERY_S", WAIT_S)
    stage.save("fn/config.json", '{"memorySize": 64}')
    generation = await stage.load(HOARD)
    failed, served = await asyncio.gather(
        stage.call(generation, size_mb, timeout_s=WAIT_S), stage.call(generation, 1)
    )
    assert failed.failure.kind == "exit"
    assert failed.failure.message == (
        "MemoryLimitReached: the function used more than 64 MB of memory; "
        "memorySize in its config.json allows more"
    )
    assert served.result == b"1"
    assert await stage.result(generation, 1) == 1


async def test_memory_that_the_function_has_is_its_own(stage):
    stage.save("fn/config.json", '{"memorySize": 512}')
    generation = await stage.load(HOARD)
    (worker,) = generation.workers
    assert await stage.result(generation, 140) == 140
    assert generation.workers == {worker}


async def test_calls_that_wait_behind_a_runaway_are_served_elsewhere(stage):
    code = "def main(event, context):\n    while event: pass\n    return 1"
    generation = await stage.load(code)
    outcomes = await asyncio.gather(
        stage.call(generation, 1, timeout_s=0.5), *(stage.call(generation) for _ in range(8))
    )
    assert outcomes[0].failure.kind == "timeout"
    assert [outcome.result for outcome in outcomes[1:]] == [b"1"] * 8


async def test_cloud_object_knows_the_caller(stage):
    code = """
    from emulator import cloud

    def main(event, context):
        return [cloud.get_wx_context()["OPENID"], event]
    """
    assert await stage.run(code, 5) == ["oAda", 5]


async def test_commands_and_their_refusals_cross_as_they_are(stage):
    def answer(command):
        raise CollectionNotExist(f"{command.collection} was never created", hint="create it")

    stage.transport.answer = answer
    code = """
    from emulator import cloud

    async def main(event, context):
        try:
            await cloud.database().collection("orders").where({"when": event}).get()
        except cloud.CloudError as fault:
            return [fault.err_code, fault.message, fault.__notes__]
    """
    number, message, notes = await stage.run(code, "now")
    assert number == -502005
    assert "orders was never created" in message
    assert notes == ["hint: create it"]
    (command,) = stage.transport.commands
    assert (command.collection, command.filter) == ("orders", {"when": "now"})


async def test_many_cloud_calls_at_once_keep_their_answers_apart(stage):
    stage.transport.answer = lambda command: command.filter["n"]
    code = """
    import asyncio
    from emulator import cloud

    async def main(event, context):
        orders = cloud.database().collection("orders")
        told = await asyncio.gather(*(orders.where({"n": n}).count() for n in range(300)))
        return [each["total"] for each in told]
    """
    assert await stage.run(code) == list(range(300))


async def test_work_left_behind_may_still_ask_and_print(stage):
    stage.transport.answer = lambda command: 7
    code = """
    import asyncio
    from emulator import cloud

    async def later():
        await asyncio.sleep(0.05)
        print("total", (await cloud.database().collection("orders").count())["total"])

    async def main(event, context):
        asyncio.create_task(later())
    """
    await stage.run(code)
    assert stage.runtime.running()
    await stage.idle()
    assert ("r1", "info", "total 7") in stage.lines


async def test_lines_of_calls_under_way_at_once_are_told_by_request(stage):
    code = """
    import logging

    def main(event, context):
        logging.getLogger("shop").warning("low %s", event)
        print("sold", event)
    """
    generation = await stage.load(code)
    await asyncio.gather(*(stage.result(generation, number) for number in range(6)))
    assert sorted(stage.lines) == sorted(
        line
        for number in range(6)
        for line in (
            (f"r{number + 1}", "warn", f"low {number}"),
            (f"r{number + 1}", "info", f"sold {number}"),
        )
    )


async def test_what_its_own_child_processes_print_is_logged(stage):
    code = """
    import subprocess, sys

    def main(event, context):
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
        return "done"
    """
    assert await stage.run(code) == "done"
    async with asyncio.timeout(20):
        while ("r1", "info", "from a child") not in stage.lines:
            await asyncio.sleep(0.005)


@posix_only
async def test_its_day_is_utc_whatever_the_machine_says(stage, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    code = "import time\ndef main(event, context): return time.strftime('%z')"
    assert await stage.run(code) == "+0000"


async def test_save_of_a_helper_that_was_imported_later_is_seen(stage):
    stage.save("fn/late.py", "VALUE = 1\n")
    generation = await stage.load(
        "def main(event, context):\n    import late\n    return late.VALUE\n"
    )
    assert generation.is_current()
    assert await stage.result(generation) == 1
    stage.save("fn/late.py", "VALUE = 22\n")
    assert not generation.is_current()
    assert await stage.result(await stage.load()) == 22


async def test_settings_that_appear_later_are_seen(stage):
    generation = await stage.load("def main(event, context): return 1")
    assert generation.is_current()
    stage.save("fn/config.json", "{}")
    assert not generation.is_current()


async def test_code_that_does_not_load_tells_its_lines_and_ends_its_process(stage):
    with pytest.raises(LoadFailed) as failed:
        await stage.load("print('so far')\nimport missing_package\n")
    assert failed.value.problem.line == 2
    assert "missing_package" in failed.value.problem.message
    assert list(failed.value.lines) == [("info", "so far")]


async def test_module_that_ends_the_process_while_loading_is_a_problem(stage):
    with pytest.raises(LoadFailed) as failed:
        await stage.load("import ctypes\nctypes.string_at(1)\n")
    assert failed.value.problem.message


async def test_python_that_does_not_know_its_own_file_is_told(stage, monkeypatch):
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(LoadFailed) as failed:
        await stage.load("def main(event, context): return 1")
    assert "inline" in failed.value.problem.message


@posix_only
@pytest.mark.parametrize(
    "then",
    ["while True: pass", "time.sleep(600)", "ctypes.PyDLL(None).sleep(600)"],
    ids=["spins", "sleeps", "holds Python's lock"],
)
def test_no_process_outlives_a_suite_that_was_killed(tmp_path: Path, then: str):
    folder = tmp_path / "functions" / "fn"
    folder.mkdir(parents=True)
    (folder / "index.py").write_text(
        "import ctypes, os, time\ndef main(event, context):\n"
        f"    print(os.getpid())\n    time.sleep(0.2)\n    {then}\n",
        encoding="utf-8",
    )
    assert not outlives_its_suite(folder.parent, "python_process", "PythonProcessRuntime")


async def test_calls_behind_one_that_timed_out_are_made_once_only(stage, tmp_path):
    made = tmp_path / "made"
    code = f"""
    import time

    def main(event, context):
        if event == "hang":
            while True:
                pass
        with open({str(made)!r}, "a") as file:
            file.write(str(event))
        return event
    """
    generation = await stage.load(code)
    for _ in range(20):
        await stage.result(generation, 0)
    made.write_text("")
    hung, *others = await asyncio.gather(
        stage.call(generation, "hang", timeout_s=0.3),
        *(stage.call(generation, number) for number in range(1, 9)),
    )
    assert hung.failure.kind == "timeout"
    assert [outcome.failure for outcome in others] == [None] * 8
    assert sorted(made.read_text()) == list("12345678")


@posix_only
async def test_process_that_was_killed_while_it_rested_costs_no_call(stage):
    generation = await stage.load("import os\ndef main(event, context): return os.getpid()")
    for _ in range(3):
        pid = await stage.result(generation)
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert await stage.result(generation) != pid


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="descriptors are listed by /proc")
@pytest.mark.parametrize("garbage", [b"\0\0\0\1zX", b"\0\0\0\2qXX", b"\xff" * 64])
async def test_garbage_on_the_way_to_the_suite_is_that_of_its_own_call(stage, garbage):
    code = f"""
    import os, stat, time

    def main(event, context):
        if not event:
            return "well"
        for name in os.listdir("/proc/self/fd"):
            try:
                if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                    os.write(int(name), {garbage!r})
            except OSError:
                pass
        time.sleep(0.3)
    """
    generation = await stage.load(code)
    outcome = await stage.call(generation, 1, timeout_s=5)
    assert outcome.failure is not None
    assert await stage.result(generation) == "well"
