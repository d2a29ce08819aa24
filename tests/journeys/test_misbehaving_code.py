"""Code that misbehaves fails its own call, over every way in, and the suite serves on."""

import asyncio
import json

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ENDS_S = 8
"""Far more than the functions' time-out of one second on a busy machine."""

FAILING = {
    "unserializable": ("def main(event, context):\n    return {1, object}", "JSON"),
    "itself": ("def main(event, context):\n    a = []\n    a.append(a)\n    return a", ""),
    "exits": ("import sys\ndef main(event, context):\n    sys.exit(3)", "SystemExit"),
    "leaves": ("import os\ndef main(event, context):\n    os._exit(3)", "SystemExit: 3"),
    "leavesAsync": ("import os\nasync def main(event, context):\n    os._exit(3)", "SystemExit"),
    "exitsAsync": ("async def main(event, context):\n    raise SystemExit", "SystemExit"),
    "interrupts": ("def main(event, context):\n    raise KeyboardInterrupt", "KeyboardInterrupt"),
    "interruptsAsync": (
        "async def main(event, context):\n    raise KeyboardInterrupt('now')",
        "KeyboardInterrupt",
    ),
    "raisesBase": ("def main(event, context):\n    raise BaseException('odd')", "odd"),
    "raisesBaseAsync": ("async def main(event, context):\n    raise BaseException('odd')", "odd"),
    "cancelsItself": (
        "import asyncio\nasync def main(event, context):\n    raise asyncio.CancelledError",
        "",
    ),
    "stopsIteration": ("async def main(event, context):\n    raise StopIteration(1)", ""),
    "unprintable": (
        "class Odd(Exception):\n    def __str__(self):\n        raise ValueError('no text')\n"
        "def main(event, context):\n    raise Odd",
        "",
    ),
    "overflows": ("def main(event, context):\n    return main(event, context)", "recursion"),
    "overflowsAsync": (
        "async def main(event, context):\n    return await main(event, context)",
        "recursion",
    ),
    "callsItself": (
        "from emulator import cloud\n"
        "def main(event, context):\n    return cloud.call_function(name='callsItself')",
        "",
    ),
    "missingModule": (
        "import no_such_module\ndef main(event, context):\n    pass",
        "no_such_module",
    ),
    "exitsOnLoad": ("import sys\nsys.exit(1)\ndef main(event, context):\n    pass", "SystemExit"),
}
TIMED_OUT = {
    "spins": "def main(event, context):\n    while True:\n        pass",
    "spinsAsync": "async def main(event, context):\n    while True:\n        pass",
    "sleeps": "import time\ndef main(event, context):\n    time.sleep(6)",
    "sleepsAsync": "import time\nasync def main(event, context):\n    time.sleep(6)",
    "waitsForEver": (
        "import asyncio\nasync def main(event, context):\n    await asyncio.Event().wait()"
    ),
    "swallowsCancel": (
        "import asyncio\nasync def main(event, context):\n    while True:\n        try:\n"
        "            await asyncio.sleep(3600)\n        except asyncio.CancelledError:\n"
        "            pass"
    ),
}
HARMLESS = {
    "changesFolder": "import os\ndef main(event, context):\n    os.chdir('/')\n    return 'done'",
    "changesPath": (
        "import sys\ndef main(event, context):\n    sys.path.clear()\n    sys.path[:] = ['/x']\n"
        "    return 'done'"
    ),
    "changesEnvironment": (
        "import os\ndef main(event, context):\n    os.environ['X_LEFT'] = 'x'\n"
        "    os.environ.pop('PATH', None)\n    return 'done'"
    ),
    "closesOutput": (
        "import sys\ndef main(event, context):\n    sys.stdout.close()\n    sys.stderr.close()\n"
        "    return 'done'"
    ),
    "replacesJson": (
        "import json\ndef main(event, context):\n    json.dumps = json.loads = None\n"
        "    return 'done'"
    ),
    "forks": (
        "import os\ndef main(event, context):\n    child = os.fork()\n    if child == 0:\n"
        "        os._exit(7)\n    return {7: 'done'}[os.waitpid(child, 0)[1] >> 8]"
    ),
    "forgetsChildren": (
        "import subprocess, sys\ndef main(event, context):\n"
        "    subprocess.Popen([sys.executable, '-c', 'pass'])\n    return 'done'"
    ),
    "forksThreads": (
        "import threading, time\ndef main(event, context):\n    for _ in range(50):\n"
        "        threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()\n"
        "    return 'done'"
    ),
    "threadsThatRaise": (
        "import threading\ndef main(event, context):\n    def run():\n        raise SystemExit\n"
        "    threads = [threading.Thread(target=run) for _ in range(20)]\n"
        "    [each.start() for each in threads]\n    [each.join() for each in threads]\n"
        "    return 'done'"
    ),
    "warnsAsErrors": (
        "import warnings\ndef main(event, context):\n    warnings.simplefilter('error')\n"
        "    return 'done'"
    ),
    "noSignals": (
        "import signal\ndef main(event, context):\n    try:\n"
        "        signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    except ValueError:\n"
        "        pass\n    return 'done'"
    ),
}
GOOD = (
    "import os, sys\n"
    "def main(event, context):\n"
    "    print('seen')\n"
    "    return {'left': os.environ.get('X_LEFT'), 'path': sys.path != []}"
)
GOOD_ASYNC = (
    "import asyncio\nasync def main(event, context):\n    await asyncio.sleep(0)\n    return 'up'"
)


@pytest.fixture(params=["inline", "process"], autouse=True)
def runtime(request, monkeypatch):
    """Each of it holds wherever functions run."""
    monkeypatch.setenv("CLOUD_EMU_RUNTIME", request.param)


async def assert_serves_on(client):
    async with asyncio.timeout(ENDS_S):
        assert await client.result("good") == {"left": None, "path": True}
        assert await client.result("goodAsync") == "up"
        assert await client.visit("goodAsync") == (200, b"up")


async def started(world, functions, **settings):
    world.write({**functions, "good": GOOD, "goodAsync": GOOD_ASYNC}, **settings)
    return world.client(await asyncio.to_thread(world.start, "--ephemeral"))


FAILED = frozenset({"FUNCTIONS_EXECUTE_FAIL"})
CODES = {"callsItself": FAILED | {"FUNCTIONS_TIME_LIMIT_EXCEEDED"}}
"""Sixteen processes for one that calls itself may take longer to start than its second."""


async def test_failures_of_every_kind_are_the_calls_own(world):
    client = await started(world, {name: code for name, (code, _) in FAILING.items()})
    problems = []
    for name, (_, words) in FAILING.items():
        async with asyncio.timeout(ENDS_S):
            told = await client.call(name)
            status, body = await client.visit(name)
        if told.get("code") not in CODES.get(name, FAILED) or words not in told["message"]:
            problems.append((name, told))
        visited = json.loads(body)
        if status < 500 or "code" not in visited or "Traceback" in visited["message"]:
            problems.append((name, status, body))
        await assert_serves_on(client)
    assert not problems


async def test_code_that_does_not_return_is_answered_on_time(world):
    client = await started(world, TIMED_OUT)
    problems = []
    loop = asyncio.get_running_loop()
    for name in TIMED_OUT:
        begun = loop.time()
        told, (status, body) = await asyncio.gather(client.call(name), client.visit(name))
        if "timed out after 1 seconds" not in told["message"] or loop.time() - begun > ENDS_S:
            problems.append((name, told, loop.time() - begun))
        if status != 504:
            problems.append((name, status, body))
        try:
            await assert_serves_on(client)
        except TimeoutError:
            problems.append((name, "does not serve on"))
    assert not problems


async def test_what_code_does_to_the_process_stays_with_it(world):
    client = await started(world, HARMLESS)
    problems = []
    for name in HARMLESS:
        told = await client.call(name)
        try:
            assert json.loads(told["data"]["response_data"]) == "done"
            assert await client.visit(name) == (200, b"done")
            await assert_serves_on(client)
        except (AssertionError, KeyError, TimeoutError) as fault:
            problems.append((name, told, fault))
    assert not problems
    client.process.popen.terminate()
    assert await asyncio.to_thread(client.process.wait) == 0


async def test_a_flood_of_output_is_cut_and_takes_no_memory(world):
    """A hundred megabytes of print: the caller is answered and the process stays small."""
    flood = "def main(event, context):\n    for _ in range(1000):\n        print('x' * 100_000)"
    line = "def main(event, context):\n    print('x' * 100_000_000)\n    return 'done'"
    client = await started(world, {"flood": flood, "line": line}, timeout=30)
    await client.call("good")
    before_mb = client.process.memory_mb()
    for name in ("flood", "line", "flood", "line"):
        told = await client.call(name)
        assert "data" in told, told
        await assert_serves_on(client)
    assert client.process.memory_mb() < before_mb + 250


async def test_code_that_deletes_its_own_folder_answers_and_is_unknown_soon(world):
    """The last good code serves until the watcher has seen that nothing comes in its place."""
    code = (
        "import shutil, os\nasync def main(event, context):\n"
        "    shutil.rmtree(os.path.dirname(__file__))\n    return 'done'"
    )
    client = await started(world, {"gone": code})
    assert await client.result("gone") == "done"
    async with asyncio.timeout(ENDS_S):
        while (told := await client.call("gone"))["code"] != "FUNCTION_NOT_FOUND":
            assert told["code"] == "FUNCTIONS_EXECUTE_FAIL"
        while (await client.visit("gone"))[0] != 404:
            pass
    await assert_serves_on(client)
    world.write({"gone": "def main(event, context):\n    return 'again'"})
    assert await client.result("gone") == "again"
