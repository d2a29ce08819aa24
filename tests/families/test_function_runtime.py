"""What every function runtime does; members differ in the language of the functions they run.

A member brings the same functions written in its language, by the names in `FUNCTIONS`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from emulator.ambient import SystemClock, SystemIds
from emulator.cloud.session import Session
from emulator.functions.base import (
    Bundle,
    FunctionRuntime,
    Generation,
    Invocation,
    LoadFailed,
    Outcome,
)
from emulator.functions.bundle import find
from emulator.functions.node_process import NodeProcessRuntime
from emulator.functions.python_inline import PythonInlineRuntime
from emulator.functions.python_process import PythonProcessRuntime

WAIT_S = 20.0

PYTHON = {
    "echo": "async def main(event, context): return event",
    "context": "def main(event, context): return context['request_id']",
    "nothing": "async def main(event, context): pass",
    "state": "seen = []\ndef main(event, context):\n    seen.append(1)\n    return len(seen)",
    "helper": "import helper\nasync def main(event, context): return helper.VALUE",
    "throws": "async def main(event, context):\n    raise ValueError('no stock left')",
    "exits": "import sys\ndef main(event, context): sys.exit(3)",
    "unholdable": "circle = {}\ncircle['self'] = circle\ndef main(event, context): return circle",
    "prints": "import sys\ndef main(event, context): print('out'), print('err', file=sys.stderr)",
    "variable": "import os\ndef main(event, context): return os.environ.get('STAGE')",
    "spins": "async def main(event, context):\n    if event: return 'free'\n    while True: pass",
    "waits": "import asyncio\nasync def main(event, context): await asyncio.sleep(event)",
    "leaves": (
        "import asyncio\nasync def later():\n    await asyncio.sleep(0.05)\n    print('later')\n"
        "async def main(event, context): asyncio.create_task(later())"
    ),
    "broken": "def main(:\n",
    "raises while loading": "x = 1\nraise RuntimeError('not now')\n",
    "no handler": "x = 1\n",
    "version 1": "def main(event, context): return 1",
    "version 2": "def main(event, context): return 2",
}

NODE = {
    "echo": "exports.main = async (event) => event",
    "context": "exports.main = (event, context) => context.request_id",
    "nothing": "exports.main = async () => {}",
    "state": "let seen = 0\nexports.main = () => ++seen",
    "helper": "const { VALUE } = require('./helper')\nexports.main = async () => VALUE",
    "throws": "exports.main = async () => {\n  throw new Error('no stock left')\n}",
    "exits": "exports.main = () => process.exit(3)",
    "unholdable": "const circle = {}\ncircle.self = circle\nexports.main = () => circle",
    "prints": "exports.main = () => { console.log('out'); console.error('err') }",
    "variable": "exports.main = () => process.env.STAGE",
    "spins": "exports.main = async (event) => {\n  if (event) return 'free'\n  while (true) {}\n}",
    "waits": (
        "exports.main = (wait) => new Promise((done) => setTimeout(() => done(), wait * 1000))"
    ),
    "leaves": "exports.main = async () => { setTimeout(() => console.log('later'), 50) }",
    "broken": "exports.main = (:\n",
    "raises while loading": "let x = 1\nthrow new Error('not now')\n",
    "no handler": "let x = 1\n",
    "version 1": "exports.main = () => 1",
    "version 2": "exports.main = () => 2",
}


@dataclass(frozen=True)
class Member:
    make: Callable[[], FunctionRuntime]
    index: str
    helper: tuple[str, str]
    code: Mapping[str, str]


MEMBERS = {
    "python inline": Member(
        lambda: PythonInlineRuntime(clock=SystemClock()),
        "index.py",
        ("helper.py", "VALUE = {value!r}"),
        PYTHON,
    ),
    "python process": Member(
        lambda: PythonProcessRuntime(clock=SystemClock(), ids=SystemIds()),
        "index.py",
        ("helper.py", "VALUE = {value!r}"),
        PYTHON,
    ),
    "python process over loopback": Member(
        lambda: PythonProcessRuntime(clock=SystemClock(), ids=SystemIds(), loopback=True),
        "index.py",
        ("helper.py", "VALUE = {value!r}"),
        PYTHON,
    ),
    "node process": Member(
        lambda: NodeProcessRuntime(clock=SystemClock(), ids=SystemIds()),
        "index.js",
        ("helper.js", "exports.VALUE = {value!r}"),
        NODE,
    ),
    "node process over loopback": Member(
        lambda: NodeProcessRuntime(clock=SystemClock(), ids=SystemIds(), loopback=True),
        "index.js",
        ("helper.js", "exports.VALUE = {value!r}"),
        NODE,
    ),
}


class NoTransport:
    def submit(self, command: Any) -> "Future[Any]":
        raise NotImplementedError


@dataclass
class Stage:
    member: Member
    runtime: FunctionRuntime
    root: Path
    lines: list[tuple[str, str]] = field(default_factory=list)

    def bundle(self, code: str, name: str = "fn", helper: str = "") -> Bundle:
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.member.index).write_text(self.member.code[code], encoding="utf-8")
        if helper:
            file, text = self.member.helper
            (folder / file).write_text(text.format(value=helper), encoding="utf-8")
        found = find(self.root, name)
        assert found is not None
        return found

    async def load(self, code: str, name: str = "fn", helper: str = "") -> Generation:
        return await self.runtime.load(self.bundle(code, name, helper))

    async def call(
        self,
        generation: Generation,
        event: Any = None,
        *,
        timeout_s: float = WAIT_S,
        variables: Mapping[str, str] | None = None,
    ) -> Outcome:
        def log(level: str, line: str) -> None:
            self.lines.append((level, line))

        session = Session(
            transport=NoTransport(), env_id="env", wx_context={}, request_id="r1", log=log
        )
        return await self.runtime.call(
            generation,
            Invocation(
                request_id="r1",
                event=event,
                context={"request_id": "r1"},
                variables=variables or {},
                session=session,
                timeout_s=timeout_s,
                log=log,
            ),
        )

    async def result(self, generation: Generation, event: Any = None, **options: Any) -> Any:
        outcome = await self.call(generation, event, **options)
        assert outcome.failure is None, outcome.failure
        return json.loads(outcome.result)

    async def idle(self) -> None:
        async with asyncio.timeout(WAIT_S):
            while self.runtime.running():
                await asyncio.sleep(0.005)


@pytest.fixture(params=list(MEMBERS))
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    member = MEMBERS[request.param]
    runtime = member.make()
    yield Stage(member, runtime, tmp_path / "functions")
    await runtime.close()


@pytest.mark.parametrize("event", [None, 1, "text", [1, {"a": None}], {"deep": {"er": [True]}}])
async def test_event_arrives_and_result_returns_as_json(stage, event):
    assert await stage.result(await stage.load("echo"), event) == event


async def test_context_is_the_second_argument(stage):
    assert await stage.result(await stage.load("context")) == "r1"


async def test_handler_that_returns_nothing_answers_null(stage):
    assert (await stage.call(await stage.load("nothing"))).result == b"null"


async def test_outcome_tells_how_long_the_handler_ran(stage):
    outcome = await stage.call(await stage.load("waits"), 0.05)
    assert outcome.duration_ms >= 49


async def test_module_state_is_warm_within_a_generation_and_cold_in_the_next(stage):
    first = await stage.load("state")
    assert [await stage.result(first) for _ in range(3)] == [1, 2, 3]
    assert await stage.result(await stage.load("state")) == 1


async def test_functions_do_not_see_each_others_helpers(stage):
    one = await stage.load("helper", "one", helper="of one")
    two = await stage.load("helper", "two", helper="of two")
    assert [await stage.result(one), await stage.result(two)] == ["of one", "of two"]


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("throws", "exception", "no stock left"),
        ("exits", "exit", "3"),
        ("unholdable", "result", "JSON"),
    ],
)
async def test_failure_is_an_outcome_of_its_kind(stage, code, kind, message):
    outcome = await stage.call(await stage.load(code))
    assert outcome.failure is not None
    assert outcome.failure.kind == kind
    assert message in outcome.failure.message
    assert outcome.result == b"null"


async def test_stack_names_the_users_file_and_nothing_of_ours(stage):
    outcome = await stage.call(await stage.load("throws"))
    assert stage.member.index in outcome.failure.stack
    assert "emulator" not in outcome.failure.stack


async def test_output_is_logged_line_by_line(stage):
    await stage.result(await stage.load("prints"))
    assert sorted(stage.lines) == [("error", "err"), ("info", "out")]


async def test_variables_are_those_of_the_invocation(stage):
    generation = await stage.load("variable")
    assert await stage.result(generation, variables={"STAGE": "one"}) == "one"
    assert await stage.result(generation, variables={"STAGE": "two"}) == "two"
    assert await stage.result(generation) is None


async def test_runaway_is_answered_at_its_time_out_and_the_next_call_served(stage):
    generation = await stage.load("spins")
    outcome = await stage.call(generation, timeout_s=0.2)
    assert outcome.failure.kind == "timeout"
    assert "timed out after 0.2 seconds" in outcome.failure.message
    assert await stage.result(generation, 1) == "free"


async def test_calls_of_one_function_run_side_by_side(stage):
    generation = await stage.load("waits")
    begun = asyncio.get_running_loop().time()
    await asyncio.gather(*(stage.result(generation, 0.3) for _ in range(10)))
    assert asyncio.get_running_loop().time() - begun < 2.5


async def test_work_left_behind_finishes_and_is_told_until_then(stage):
    await stage.result(await stage.load("leaves"))
    assert stage.runtime.running()
    await stage.idle()
    assert ("info", "later") in stage.lines


async def test_nothing_runs_when_nothing_was_called(stage):
    await stage.load("echo")
    assert list(stage.runtime.running()) == []


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        ("broken", 1, "SyntaxError"),
        ("raises while loading", 2, "not now"),
        ("no handler", 0, "main"),
    ],
)
async def test_code_that_does_not_load_says_where_and_why(stage, code, line, message):
    with pytest.raises(LoadFailed) as failed:
        await stage.load(code)
    problem = failed.value.problem
    assert problem.file.endswith(stage.member.index)
    assert problem.line == line
    assert message in problem.message


async def test_generation_knows_its_bundle_and_whether_it_is_current(stage):
    bundle = stage.bundle("version 1")
    generation = await stage.runtime.load(bundle)
    assert generation.bundle == bundle
    assert generation.is_current()
    (bundle.entry).write_text(stage.member.code["version 2"] + "\n", encoding="utf-8")
    assert not generation.is_current()
    assert await stage.result(generation) == 1
    assert await stage.result(await stage.runtime.load(stage.bundle("version 2"))) == 2


async def test_retired_generation_finishes_the_call_under_way(stage):
    generation = await stage.load("waits")
    call = asyncio.ensure_future(stage.call(generation, 0.1))
    await asyncio.sleep(0.02)
    stage.runtime.retire(generation)
    stage.runtime.retire(generation)
    assert (await call).failure is None


async def test_close_answers_calls_under_way_and_may_be_repeated(stage):
    generation = await stage.load("waits")
    call = asyncio.ensure_future(stage.call(generation, 60))
    await asyncio.sleep(0.02)
    await stage.runtime.close()
    assert (await call).failure is not None
    await stage.runtime.close()
    assert (await stage.call(generation)).failure is not None
