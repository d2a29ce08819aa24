"""A Python function is opened to editors, stands at a breakpoint alone, and goes on."""

import asyncio
import itertools
import json
import os
import sys

import pytest

from emulator.core.errors import InvalidParam
from emulator.functions import python_inspect
from emulator.functions.python_inspect import Debugger

pytestmark = pytest.mark.timeout(120)

CODE = """
import os

def main(event, context):
    doubled = event * 2
    return [doubled, os.getpid()]
"""
BREAK_LINE = 6
WAIT_S = 60


class Editor:
    """The editor's side of the debug adapter protocol, as little of it as is needed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)

    @classmethod
    async def attach(cls, url: str, file: str, line: int) -> "Editor":
        host, _, port = url.removeprefix("debugpy://").partition(":")
        editor = cls(*await asyncio.open_connection(host, int(port)))
        editor.ask("initialize", {"adapterID": "python"})
        editor.ask("attach", {"justMyCode": True})
        await editor.hear("initialized")
        where = {"source": {"path": file}, "breakpoints": [{"line": line}]}
        editor.ask("setBreakpoints", where)
        editor.ask("configurationDone", {})
        await editor.answer("configurationDone")
        return editor

    def ask(self, command: str, arguments: dict) -> None:
        told = {
            "seq": next(self._numbers),
            "type": "request",
            "command": command,
            "arguments": arguments,
        }
        body = json.dumps(told).encode()
        self._writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def hear(self, event: str) -> dict:
        while (told := await self._next()).get("event") != event:
            pass
        return told.get("body", {})

    async def answer(self, command: str) -> dict:
        while (told := await self._next()).get("command") != command:
            pass
        assert told["success"], told
        return told.get("body", {})

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def _next(self) -> dict:
        async with asyncio.timeout(WAIT_S):
            length = 0
            while (line := await self._reader.readline()).strip():
                if line.startswith(b"Content-Length:"):
                    length = int(line.split(b":")[1])
            return json.loads(await self._reader.readexactly(length))


async def test_inline_function_that_is_inspected_stops_at_a_breakpoint_alone(start_project):
    files = {
        "functions/fn/index.py": CODE,
        "functions/fn/config.json": '{"timeout": 1}',
        "functions/other/index.py": CODE,
    }
    async with start_project(files) as it:
        before = (await it.call("other", 1))["result"]
        assert before == [2, os.getpid()]
        url = await it.suite.control.inspect("fn", 0)
        assert url == await it.suite.control.inspect("fn", 0)
        file = it.suite.config.functions_root / "fn" / "index.py"
        editor = await Editor.attach(url, str(file), BREAK_LINE)
        call = asyncio.ensure_future(it.call("fn", 21))
        stopped = await editor.hear("stopped")
        assert stopped["reason"] == "breakpoint"
        assert (await it.call("other", 4))["result"] == [8, os.getpid()]
        await asyncio.sleep(1.5)  # beyond the function's time-out
        assert not call.done()
        editor.ask("stackTrace", {"threadId": stopped["threadId"]})
        (frame, *_) = (await editor.answer("stackTrace"))["stackFrames"]
        assert (frame["name"], frame["line"]) == ("main", BREAK_LINE)
        editor.ask("continue", {"threadId": stopped["threadId"]})
        result, pid = (await call)["result"]
        assert result == 42
        assert pid != os.getpid()
        await editor.close()
        port = url.rpartition(":")[2]
        file.write_text(CODE.replace("* 2", "* 3"), encoding="utf-8")
        assert (await it.call("fn", 2))["result"][0] == 6
        assert await it.suite.control.inspect("fn", int(port)) == f"debugpy://127.0.0.1:{port}"


async def test_process_function_has_no_time_out_once_it_is_inspected(stage):
    code = "import time\ndef main(event, context): time.sleep(event); return 1"
    generation = await stage.load(code)
    url = await stage.runtime.inspect(generation, 0)
    assert url.startswith("debugpy://127.0.0.1:")
    assert await stage.result(generation, 0.8, timeout_s=0.1) == 1


async def test_without_debugpy_it_is_said_what_to_install(stage, monkeypatch):
    generation = await stage.load("def main(event, context): return 1")
    monkeypatch.setattr(python_inspect, "find_spec", lambda name: None)
    with pytest.raises(InvalidParam, match=r"pip install 'cloud-emu\[debug\]'"):
        await stage.runtime.inspect(generation, 0)
    assert Debugger().listen(0) == ""
    assert await stage.result(generation) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="processes are listed by /proc")
async def test_debugger_leaves_no_process_behind(stage):
    generation = await stage.load("import os\ndef main(event, context): return os.getpid()")
    await stage.runtime.inspect(generation, 0)
    group = await stage.result(generation)
    await stage.runtime.close()
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                os.killpg(group, 0)
            except ProcessLookupError:
                break
            await asyncio.sleep(0.01)
