"""Functions that are open to debuggers from the start: which, where, and that they really are."""

import json
import socket
from types import SimpleNamespace
from urllib.parse import urlsplit

import aiohttp
import click
import pytest

from emulator.cli.debuggers import ALL, Wish, open_functions, wishes_of
from emulator.core.errors import ConfigurationError, FunctionFailed, InvalidParam

pytestmark = pytest.mark.timeout(120)

FUNCTIONS = {"add": "node", "pay": "python", "plan": "python", "tick": "python", "zip": "node"}
STATES = {"pay": "failed"}
WAIT_S = 60


class Suite:
    """A suite that opens whatever it is asked to, but for what has a fault."""

    def __init__(self, faults=None):
        self.control = SimpleNamespace(inspect=self.inspect)
        self._faults = faults or {}

    def info(self):
        return {
            "functions": [
                {"name": name, "language": language, "state": STATES.get(name, "ready")}
                for name, language in FUNCTIONS.items()
            ]
        }

    async def inspect(self, name, port):
        if name in self._faults:
            raise self._faults[name]
        return f"{name} at {port}"


async def opened(*wishes, faults=None):
    found = []
    await open_functions(Suite(faults), wishes, found)
    return {each["function"]: each["url"] or each["problem"] for each in found}


@pytest.mark.parametrize(
    ("given", "wishes"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([ALL], [Wish(ALL)], id="all"),
        pytest.param(["a", "b:5700", "a"], [Wish("a"), Wish("b", 5700)], id="names-and-ports"),
        pytest.param(["a:0"], [Wish("a", 0)], id="any-port"),
    ],
)
def test_a_wish_is_a_name_and_maybe_a_port(given, wishes):
    assert wishes_of(given) == wishes


@pytest.mark.parametrize("port", ["", "x", "-1", "65536", "1:2", "٣"])
def test_a_wish_for_no_port_is_refused(port):
    with pytest.raises(click.BadParameter, match="is not a port"):
        wishes_of([f"a:{port}"])


async def test_nothing_is_opened_unless_asked_for():
    assert await opened() == {}


async def test_ports_count_up_from_what_debuggers_of_a_language_expect():
    told = await opened(Wish("plan"), Wish("zip"), Wish("pay"), Wish("tick", 6000))
    assert told == {
        "plan": "plan at 5678",
        "zip": "zip at 9229",
        "pay": "pay at 5679",
        "tick": "tick at 6000",
    }


async def test_all_functions_are_opened_those_that_were_named_first_and_broken_ones_last():
    told = await opened(Wish(ALL), Wish("tick"))
    assert list(told) == ["tick", "add", "plan", "zip", "pay"]
    assert (told["tick"], told["plan"], told["zip"]) == (
        "tick at 5678",
        "plan at 5679",
        "zip at 9230",
    )


async def test_a_name_that_no_function_has_stops_the_start():
    with pytest.raises(ConfigurationError, match='no function "plam"') as refused:
        await opened(Wish("pay"), Wish("plam"))
    assert refused.value.hint == 'did you mean "plan"?'
    with pytest.raises(ConfigurationError) as refused:
        await opened(Wish("./project"))
    assert refused.value.hint == (
        "this suite serves add, pay, plan, tick, zip; a project is named before --inspect"
    )


async def test_what_keeps_debuggers_out_is_told_and_stops_the_start_where_a_name_was_given():
    faults = {"pay": InvalidParam("pay cannot be inspected"), "plan": FunctionFailed("not loaded")}
    told = await opened(Wish(ALL), Wish("plan"), faults=faults)
    assert (told["pay"], told["plan"]) == ("pay cannot be inspected", "not loaded")
    with pytest.raises(InvalidParam):
        await opened(Wish("pay"), faults=faults)


def test_an_unknown_name_is_code_2(cli):
    done = cli.in_a_process("start", "--port", "0", "--site-port", "0", "--inspect=hallo")
    assert done.code == 2
    assert 'no function "hallo"' in done.err
    assert 'did you mean "hello"?' in done.err


async def test_node_s_inspector_answers_from_the_start(cli):
    (cli.project / "functions" / "add").mkdir()
    (cli.project / "functions" / "add" / "index.js").write_text("exports.main = () => process.pid")
    _, ready = cli.start("--inspect=add:0")
    (told,) = ready["debuggers"]
    assert (told["function"], told["problem"]) == ("add", "")
    asked = {"id": 1, "method": "Runtime.evaluate", "params": {"expression": "process.pid"}}
    async with aiohttp.ClientSession() as session, session.ws_connect(told["url"]) as debugger:
        await debugger.send_json(asked)
        answer = await debugger.receive_json(timeout=WAIT_S)
    done = cli("fn", "invoke", "add")
    assert answer["result"]["result"]["value"] == done.json


def test_an_editor_shakes_hands_with_a_python_function_from_the_start(cli):
    _, ready = cli.start("--inspect=hello:0")
    (told,) = ready["debuggers"]
    at = urlsplit(told["url"])
    assert at.scheme == "debugpy"
    asked = {"seq": 1, "type": "request", "command": "initialize", "arguments": {"adapterID": "x"}}
    body = json.dumps(asked).encode()
    with socket.create_connection((at.hostname, at.port), timeout=WAIT_S) as editor:
        editor.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        with editor.makefile("rb") as answers:
            told = list(_messages(answers, until="initialize"))
    assert told[-1]["success"]
    assert cli("fn", "invoke", "hello").json == {"event": {}}


def _messages(stream, *, until):
    """Yield messages of the debug adapter protocol up to the answer to a command."""
    while True:
        length = 0
        while line := stream.readline().strip():
            if line.startswith(b"Content-Length:"):
                length = int(line.split(b":")[1])
        message = json.loads(stream.read(length))
        yield message
        if message.get("command") == until:
            return
