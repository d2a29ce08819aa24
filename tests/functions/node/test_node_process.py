"""What a process may do to its own call only; how many processes there are, and when they go."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.ambient import SystemClock, SystemIds
from emulator.functions import process_child, process_pool, process_runtime
from emulator.functions.node_process import NodeProcessRuntime
from emulator.functions.process_awake import Awake
from emulator.functions.process_child import RAW_BYTES_MAX, RAW_READ_BYTES, TOO_MUCH
from tests.orphans import outlives_its_suite

WAIT_S = 20

ENDS = {
    "process.exit": (
        "() => process.exit(3)",
        "3 code exit unexpected: the function's process ended",
    ),
    "exit without a word": ("() => process.reallyExit(0)", "0 code exit unexpected"),
    "abort": (
        "() => process.abort()",
        "134 code exit unexpected: the function's process ended by signal 6",
    ),
    "exit while awaiting": (
        "() => new Promise(() => setTimeout(process.exit, 5, 4))",
        "4 code exit unexpected",
    ),
}


@pytest.mark.parametrize(("handler", "message"), ENDS.values(), ids=ENDS)
async def test_end_of_the_process_is_the_end_of_its_call_only(stage, handler, message):
    generation = await stage.load(
        f"const end = {handler}\nexports.main = (event) => event === 'live' ? 'lives' : end()"
    )
    outcome = await stage.call(generation)
    assert outcome.failure.kind == "exit"
    assert message in outcome.failure.message
    assert await stage.result(generation, "live") == "lives"


async def test_the_loop_stays_awake_for_a_call_and_for_the_next_one(stage):
    said = []

    class Noted(Awake):
        def asked(self, loop):
            said.append("asked")

        def answered(self, loop, took_ms):
            said.append(took_ms)

    runtime = NodeProcessRuntime(clock=SystemClock(), ids=SystemIds(), awake=Noted())
    generation = await stage.load("exports.main = () => 1")
    await stage.result(generation)
    assert said == []
    noted = replace(stage, runtime=runtime)
    try:
        generation = await noted.load()
        assert said == []
        outcome = await noted.call(generation)
        assert said == ["asked", outcome.duration_ms]
    finally:
        await runtime.close()


async def test_uncaught_exception_fails_the_call_with_its_stack_and_renews_the_process(stage):
    generation = await stage.load(
        "let calls = 0\nexports.main = (event) => {\n  calls++\n  if (event) return calls\n"
        "  return new Promise(() => setTimeout(() => { throw new Error('late') }, 1))\n}"
    )
    outcome = await stage.call(generation)
    assert outcome.failure.kind == "exception"
    assert outcome.failure.message == "Error: late"
    assert "fn/index.js:5:" in outcome.failure.stack
    assert await stage.result(generation, 1) == 1


async def test_unhandled_rejection_is_logged_with_its_request_and_the_process_lives(stage):
    generation = await stage.load(
        "let calls = 0\nexports.main = async () => {\n  calls++\n"
        "  Promise.reject(new Error('nobody listens'))\n"
        "  await new Promise((go) => setTimeout(go, 5))\n  return calls\n}"
    )
    assert [await stage.result(generation) for _ in range(2)] == [1, 2]
    said = [line for _, level, line in stage.lines if level == "error"]
    assert said.count("Unhandled promise rejection: Error: nobody listens") == 2
    assert stage.lines[0][0] == "r1"


async def test_time_out_kills_a_process_that_will_not_stop(stage):
    generation = await stage.load("exports.main = (event) => { if (event) return 1; for (;;); }")
    (worker,) = generation.workers
    outcome = await stage.call(generation, timeout_s=0.2)
    assert outcome.failure.message == "Invoking task timed out after 0.2 seconds"
    assert outcome.failure.kind == "timeout"
    await stage.eventually(lambda: worker.is_gone)
    assert await stage.result(generation, 1) == 1


async def test_memory_that_runs_out_ends_its_call_and_says_what_to_raise(stage):
    stage.save("fn/config.json", '{"memorySize": 64}')
    failure = await stage.failure(
        "exports.main = () => { const kept = []; for (;;) kept.push(new Array(1e5).fill({})) }"
    )
    assert failure.kind == "exit"
    assert "MemoryLimitReached" in failure.message
    assert "64 MB" in failure.message


async def test_memory_that_work_left_behind_takes_is_told_in_the_log(stage):
    stage.save("fn/config.json", '{"memorySize": 64}')
    code = (
        "const kept = []\nexports.main = () => {\n"
        "  setInterval(() => kept.push(Buffer.alloc(2e7, 1)), 5)\n}"
    )
    assert await stage.result(await stage.load(code)) is None
    await stage.eventually(lambda: bool(stage.lines))
    (said,) = stage.lines
    assert said[:2] == ("r1", "error")
    assert said[2].startswith("MemoryLimitReached: the function used more than 64 MB")


async def test_flood_of_printing_is_cut_and_said_to_be(stage):
    generation = await stage.load(
        "exports.main = () => { for (let at = 0; at < 3e5; at++) console.log('line', at) }"
    )
    await stage.result(generation)
    assert 1_000 < len(stage.lines) <= 10_001
    assert stage.lines[-1][1:] == (
        "warning",
        "it printed too much; further lines of this call are left out",
    )
    stage.lines.clear()
    await stage.result(await stage.load("exports.main = () => console.log('calm')"))
    assert [line for *_, line in stage.lines] == ["calm"]


async def test_endless_flood_past_the_console_ends_with_its_time_out(stage):
    generation = await stage.load(
        "const { execFileSync } = require('child_process')\n"
        "const flood = \"for (;;) require('fs').writeSync(1, 'x'.repeat(99) + '\\\\n')\"\n"
        "exports.main = (event) => {\n  if (event) return 1\n"
        "  execFileSync(process.execPath, ['-e', flood], { stdio: 'inherit' })\n}"
    )
    outcome = await stage.call(generation, timeout_s=0.5)
    assert outcome.failure.kind == "timeout"
    assert len(stage.lines) <= 2 * 1_000
    assert await stage.result(generation, 1) == 1


async def test_flood_that_is_no_text_is_cut_and_its_program_waited_for(stage):
    outcome = await stage.result(
        await stage.load(
            "const { execFileSync } = require('child_process')\n"
            "const flood = \"require('fs').writeSync(1, Buffer.alloc(9e6))\"\n"
            "exports.main = () => {\n"
            "  execFileSync(process.execPath, ['-e', flood], { stdio: 'inherit' })\n"
            "  return 'done'\n}"
        )
    )
    assert outcome == "done"
    await stage.eventually(lambda: stage.lines[-1:] and stage.lines[-1][2] == TOO_MUCH)
    assert sum(len(line) for *_, line in stage.lines) < RAW_BYTES_MAX + 2 * RAW_READ_BYTES


async def test_long_lines_are_cut_by_their_length(stage):
    code = (
        "exports.main = async () => {\n  for (let at = 0; at < 24; at++) {\n"
        "    console.log('x'.repeat(1e6))\n"
        "    await new Promise((go) => setTimeout(go, 1))\n  }\n}"
    )
    await stage.result(await stage.load(code))
    assert stage.lines[-1][2] == "it printed too much; further lines of this call are left out"
    assert len(stage.lines) <= 18


async def test_what_a_process_started_ends_with_it(stage):
    connected = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(
        lambda reader, writer: connected.set_result((reader, writer)), "127.0.0.1", 0
    )
    # It has its parent's open files, the way to the suite too where their numbers are high.
    code = (
        "const { spawn } = require('child_process')\n"
        "exports.main = (port) => {\n"
        "  const code = `require('net').connect(${port}, () => console.log('there'))`\n"
        "  const options = { stdio: ['ignore', 'pipe', 'ignore'] }\n"
        "  const { stdout } = spawn(process.execPath, ['-e', code], options)\n"
        "  stdout.once('data', () => process.exit())\n  return new Promise(() => {})\n}"
    )
    async with server:
        generation = await stage.load(code)
        outcome = await stage.call(generation, server.sockets[0].getsockname()[1])
        assert outcome.failure.kind == "exit"
        reader, writer = await asyncio.wait_for(connected, WAIT_S)
        assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
        writer.close()


@pytest.mark.parametrize("end", ["throw new Error('late')", "process.exit(3)"])
async def test_what_ends_a_process_between_calls_fails_none_of_them(stage, end):
    # The loop is kept busy, so that the next call is on its way when the process ends.
    spin = "const till = Date.now() + 30; while (Date.now() < till);"
    generation = await stage.load(
        f"const late = () => {{ {spin} {end} }}\n"
        "exports.main = (event) => { if (event) setImmediate(late); return 1 }"
    )
    for event in (1, None, 1, None):
        assert await stage.result(generation, event) == 1


async def test_process_that_ends_before_each_call_is_told_of(stage):
    generation = await stage.load(
        "setImmediate(() => { const till = Date.now() + 30; while (Date.now() < till); "
        "throw new Error('early') })\nexports.main = () => 1"
    )
    assert (await stage.call(generation)).failure.kind in ("exit", "load")


async def test_clock_that_tests_turn_by_hand_keeps_no_answer(stage):
    code = (
        "exports.main = () => {\n  Date.now = () => 0\n"
        "  for (const name of ['setImmediate', 'setInterval', 'queueMicrotask']) {\n"
        "    globalThis[name] = () => {}\n  }\n  process.nextTick = () => {}\n  return 3\n}"
    )
    assert await stage.result(await stage.load(code)) == 3


async def test_lines_of_child_processes_are_logged(stage):
    await stage.run(
        "const { execFileSync } = require('child_process')\nexports.main = () => {\n"
        "  execFileSync(process.execPath, ['-e', 'console.log(5)'], { stdio: 'inherit' })\n"
        "  return new Promise((go) => setTimeout(go, 50))\n}"
    )
    assert ("r1", "info", "5") in stage.lines


async def test_calls_wait_for_a_process_and_others_are_started_when_none_becomes_free(stage):
    generation = await stage.load(
        "exports.main = (wait) => new Promise((go) => setTimeout(go, wait, process.pid))"
    )
    pids = await asyncio.gather(*(stage.result(generation, 400) for _ in range(4)))
    assert len(set(pids)) > 1
    quick = await asyncio.gather(*(stage.result(generation, 0) for _ in range(200)))
    assert len(set(quick)) <= len(generation.workers)


async def test_one_process_runs_one_event_at_a_time(stage):
    generation = await stage.load(
        "let under = 0\nexports.main = async () => {\n  under++\n"
        "  await new Promise((go) => setTimeout(go, 5))\n  return under--\n}"
    )
    assert set(await asyncio.gather(*(stage.result(generation) for _ in range(20)))) == {1}


async def test_no_more_processes_than_allowed(stage, monkeypatch):
    monkeypatch.setattr(process_pool, "WORKERS_MAX", 2)
    generation = await stage.load(
        "exports.main = () => new Promise((go) => setTimeout(go, 150, process.pid))"
    )
    pids = await asyncio.gather(*(stage.result(generation) for _ in range(8)))
    assert len(set(pids)) <= 2


async def test_call_that_finds_no_free_process_is_answered(stage, monkeypatch):
    monkeypatch.setattr(process_pool, "WORKERS_MAX", 1)
    monkeypatch.setattr(process_pool, "WAITING_MAX_S", 0.1)
    generation = await stage.load(
        "exports.main = (wait) => new Promise((go) => setTimeout(go, wait))"
    )
    busy = asyncio.ensure_future(stage.call(generation, 1_000))
    await asyncio.sleep(0)
    outcome = await stage.call(generation)
    assert outcome.failure.kind == "timeout"
    assert "none of its 1 processes became free" in outcome.failure.message
    assert (await busy).failure is None


async def test_processes_that_rest_too_long_go_and_come_back_when_called(stage, monkeypatch):
    monkeypatch.setattr(process_runtime, "IDLE_S", 0.01)
    monkeypatch.setattr(process_runtime, "TEND_EVERY_S", 0.05)
    generation = await stage.load("exports.main = () => process.pid")
    first = await stage.result(generation)
    await stage.eventually(lambda: not generation.workers)
    assert await stage.result(generation) != first


async def test_many_functions_found_at_once_are_not_all_loaded_at_once(stage, monkeypatch):
    monkeypatch.setattr(process_runtime, "EAGER_LOADS_MAX", 2)
    for number in range(5):
        stage.save(f"fn{number}/index.js", f"exports.main = () => {number}")
    names = [f"fn{number}" for number in range(5)]
    found = await asyncio.gather(*(stage.load(name=name) for name in names))
    assert sum(bool(generation.workers) for generation in found) == 2
    assert [await stage.result(generation) for generation in found] == [0, 1, 2, 3, 4]


async def test_code_that_does_not_load_at_its_first_call_says_so_each_time(stage, monkeypatch):
    monkeypatch.setattr(process_runtime, "EAGER_LOADS_MAX", 0)
    generation = await stage.load("throw new Error('not now')")
    for _ in range(2):
        outcome = await stage.call(generation)
        assert outcome.failure.kind == "load"
        assert "index.js:1: Error: not now" in outcome.failure.message
    nothing = await stage.call(await stage.load("module.exports = () => 1"))
    assert "index.js: Error: index.js exports no function" in nothing.failure.message


async def test_node_that_is_missing_is_a_problem_of_the_function(stage, monkeypatch):
    monkeypatch.setenv("PATH", "")
    problem = await stage.problem("exports.main = () => 1")
    assert "Node.js was not found" in problem.message
    assert problem.file.endswith("index.js")


async def test_retired_generation_lets_its_processes_go(stage):
    generation = await stage.load("exports.main = () => 1")
    stage.runtime.retire(generation)
    await stage.eventually(lambda: not generation.workers)


async def test_close_leaves_no_process(stage):
    generation = await stage.load("exports.main = (event) => { if (event) for (;;); }")
    call = asyncio.ensure_future(stage.call(generation, 1))
    await asyncio.sleep(0.1)
    await stage.runtime.close()
    assert (await call).failure.message == "the suite is stopping"
    assert not stage.runtime._workers


async def test_process_that_stands_ready_has_the_sdk_loaded_that_was_used_last(
    stage, tmp_path, monkeypatch
):
    monkeypatch.setattr(process_runtime, "WARM_AFTER_S", 0.01)
    package = tmp_path / "data" / "node" / "node_modules" / "wx-server-sdk"
    package.mkdir(parents=True)
    (package / "index.js").write_text("exports.loadedAt = process.uptime()")
    code = "const { loadedAt } = require('wx-server-sdk')\nconst began = process.uptime()\n"
    code += "exports.main = () => loadedAt < began - 0.05"
    assert await stage.run(code) is False
    spare = await stage.runtime._spare
    await asyncio.sleep(0.3)
    generation = await stage.load(code + "\n")
    assert generation.workers == {spare}
    assert await stage.result(generation) is True


async def test_inspected_function_is_open_to_debuggers_and_has_no_time_out(stage):
    code = (
        "exports.main = () => new Promise((go) => setTimeout(go, 300, require('inspector').url()))"
    )
    generation = await stage.load(code)
    url = await stage.runtime.inspect(generation, 0)
    assert url.startswith("ws://127.0.0.1:")
    assert await stage.result(generation, timeout_s=0.1) == url
    both = await asyncio.gather(*(stage.result(generation, timeout_s=0.1) for _ in range(2)))
    assert both == [url, url]
    port = int(url.split(":")[2].split("/")[0])
    assert await stage.runtime.inspect(generation, port) == url
    again = await stage.load(code + "\n")
    assert (await stage.result(again, timeout_s=0.1)).startswith(f"ws://127.0.0.1:{port}/")


async def test_call_whose_caller_went_away_is_ended_by_its_time_out_all_the_same(stage):
    generation = await stage.load("exports.main = (event) => { if (event) return 1; for (;;); }")
    (worker,) = generation.workers
    call = asyncio.ensure_future(stage.call(generation, timeout_s=0.2))
    await asyncio.sleep(0.05)
    call.cancel()
    await stage.eventually(lambda: worker.is_gone)
    assert await stage.result(generation, 1) == 1


async def test_function_whose_processes_rest_can_be_inspected(stage, monkeypatch):
    monkeypatch.setattr(process_runtime, "EAGER_LOADS_MAX", 0)
    generation = await stage.load("exports.main = () => require('inspector').url()")
    url = await stage.runtime.inspect(generation, 0)
    assert await stage.result(generation) == url


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("then", ["for (;;);", "return new Promise(() => {})"])
def test_no_process_outlives_a_suite_that_was_killed(tmp_path: Path, then: str):
    folder = tmp_path / "functions" / "fn"
    folder.mkdir(parents=True)
    (folder / "index.js").write_text(
        f"exports.main = () => {{ console.log(process.pid); {then} }}", encoding="utf-8"
    )
    assert not outlives_its_suite(folder.parent, "node_process", "NodeProcessRuntime")


QUICK = (
    "let under = 0\nexports.main = async (event) => {\n  if (event === 'slow') {\n"
    "    await new Promise((go) => setTimeout(go, 1500))\n  }\n"
    "  if (event === 'spin') for (;;);\n  if (event === 'exit') process.exit(1)\n"
    "  if (event === 'throw') setImmediate(() => { throw new Error('late') })\n"
    "  if (event === 'throw') await new Promise(() => {})\n"
    "  console.log(event)\n  return [event, process.env.WX_OPENID]\n}"
)


async def quick(stage):
    """A generation whose calls are known to be quick, so that several are sent together."""
    generation = await stage.load(QUICK)
    for number in range(20):
        await stage.result(generation, number)
    stage.lines.clear()
    stage.calls = 0
    return generation


async def test_calls_sent_together_keep_their_events_identities_and_lines_apart(stage):
    generation = await quick(stage)
    told = await asyncio.gather(
        *(stage.result(generation, n, wx_context={"OPENID": f"o{n}"}) for n in range(100))
    )
    assert told == [[n, f"o{n}"] for n in range(100)]
    # On a busy machine another process may have been started, and taken some.
    assert sorted((int(line), request_id) for request_id, _, line in stage.lines) == [
        (n, f"r{n + 1}") for n in range(100)
    ]


async def test_nobody_waits_behind_a_slow_call_for_long(stage):
    generation = await quick(stage)
    order: list[str] = []

    async def call(event):
        await stage.result(generation, event)
        order.append(event)

    await asyncio.gather(call("first"), call("slow"), *(call("quick") for _ in range(10)))
    assert order[-1] == "slow"


@pytest.mark.parametrize(
    ("event", "kind"), [("exit", "exit"), ("throw", "exception"), ("spin", "timeout")]
)
async def test_end_of_one_call_is_not_that_of_those_sent_with_it(stage, event, kind):
    generation = await quick(stage)
    before, bad, *after = await asyncio.gather(
        stage.call(generation, "before"),
        stage.call(generation, event, timeout_s=0.5),
        *(stage.call(generation, "after") for _ in range(10)),
    )
    assert bad.failure.kind == kind
    assert [outcome.failure for outcome in (before, *after)] == [None] * 11


async def test_worker_tells_whether_others_could_be_sent_along(stage):
    generation = await stage.load(
        "exports.main = (ms) => ms ? new Promise((done) => setTimeout(done, ms)) : 1"
    )
    (worker,) = generation.workers
    await stage.result(generation, 10)
    assert not worker.is_quick

    async def is_quick() -> bool:
        await stage.result(generation, 0)
        return worker.is_quick

    # One of them may be held up by whatever else the machine does.
    assert any([await is_quick() for _ in range(20)])


HOARD = "let kept = []\nexports.main = (mb) => { kept = Buffer.alloc(mb * 2 ** 20, 1); return 1 }"
"""Nothing of it is on the heap."""


@pytest.mark.parametrize("ends", [False, True], ids=["from outside", "by itself"])
async def test_memory_beside_the_heap_ends_its_call_and_says_what_to_raise(
    stage, monkeypatch, ends
):
    stage.save("fn/config.json", '{"memorySize": 64}')
    if ends:
        # As where the system does not tell.
        monkeypatch.setattr(process_child, "memory_held_mb", lambda pid: 0.0)
    generation = await stage.load(HOARD if ends else HOARD.replace("return 1", "for (;;);"))
    outcome = await stage.call(generation, 200)
    assert outcome.failure.kind == "exit"
    assert "MemoryLimitReached: the function used more than 64 MB" in outcome.failure.message
    assert "memorySize in its config.json" in outcome.failure.message
    assert await stage.result(await stage.load(HOARD), 1) == 1
    assert stage.lines == []


@pytest.mark.skipif(sys.platform != "linux", reason="others do not tell what a process carries")
def test_no_process_in_a_session_of_its_own_outlives_a_suite_that_was_killed(tmp_path: Path):
    folder = tmp_path / "functions" / "fn"
    folder.mkdir(parents=True)
    (folder / "index.js").write_text(
        "const { spawn } = require('child_process')\n"
        "exports.main = () => {\n"
        "  const args = ['-e', 'setInterval(() => {}, 1000)']\n"
        "  const options = { stdio: 'ignore', detached: true }\n"
        "  console.log(spawn(process.execPath, args, options).pid)\n"
        "  return new Promise(() => {})\n}",
        encoding="utf-8",
    )
    assert not outlives_its_suite(folder.parent, "node_process", "NodeProcessRuntime")
