"""Calls: who calls with what, within which limits, and what came of it."""

import asyncio
from dataclasses import replace

import pytest

from emulator.core.commands import CallFunction
from emulator.core.errors import FunctionFailed, FunctionNotFound, InvalidParam
from emulator.functions.base import Problem
from emulator.services.caller import Caller

ADMIN = Caller(kind="administrator")


async def echo(event, invocation):
    return event


async def test_result_of_a_call_is_json_text(stage):
    await stage.save("echo", echo)
    called = await stage.functions.call(CallFunction(name="echo", event={"a": [1]}), ADMIN)
    assert called.result == b'{"a":[1]}'
    assert called.request_id == stage.recorder.requests()[-1].request_id


async def test_unknown_function_is_refused_with_the_names_that_exist(stage):
    await stage.save("echo", echo)
    with pytest.raises(FunctionNotFound) as refused:
        await stage.functions.invoke("Echo", {}, ADMIN)
    assert "echo" in refused.value.hint


async def test_exception_becomes_the_clouds_execute_fail(stage):
    async def broken(event, invocation):
        raise ValueError("no stock left")

    await stage.save("broken", broken)
    with pytest.raises(FunctionFailed, match="no stock left"):
        await stage.functions.call(CallFunction(name="broken"), ADMIN)
    assert stage.recorder.requests()[-1].ok is False


async def test_event_that_is_not_json_is_refused(stage):
    await stage.save("echo", echo)
    with pytest.raises(InvalidParam, match="not JSON"):
        await stage.functions.call(CallFunction(name="echo", event={1, 2}), ADMIN)


async def test_event_of_a_nested_call_is_a_copy(stage):
    async def change(event, invocation):
        event["list"].append(1)
        return

    await stage.save("change", change)
    event = {"list": []}
    await stage.functions.call(CallFunction(name="change", event=event), ADMIN)
    assert event == {"list": []}


@pytest.mark.parametrize(
    ("caller", "user_info", "source"),
    [
        pytest.param(
            Caller(kind="user", openid="oUser", source="wx_client"),
            {"appId": "wxtest", "openId": "oUser"},
            "wx_client",
            id="user",
        ),
        pytest.param(
            Caller(kind="user", openid="oUser", source="wx_client").inside_function("r"),
            {"appId": "wxtest"},
            "wx_client,scf",
            id="function",
        ),
        pytest.param(
            Caller(kind="administrator", source="wx_trigger"), None, "wx_trigger", id="timer"
        ),
    ],
)
async def test_user_info_and_source_follow_the_caller(stage, caller, user_info, source):
    async def who(event, invocation):
        return [event.get("userInfo"), invocation.session.wx_context["SOURCE"]]

    await stage.save("who", who)
    invoked = await stage.functions.invoke("who", {}, caller)
    assert invoked.outcome.result.decode() == (f"[{_json(user_info)},{_json(source)}]")


def _json(value):
    import orjson

    return orjson.dumps(value).decode()


async def test_nested_call_loses_the_user(stage):
    async def who(event, invocation):
        return invocation.session.wx_context["OPENID"]

    await stage.save("who", who)
    caller = Caller(kind="user", openid="oUser", source="wx_client")
    nested = caller.inside_function("r")
    assert (await stage.functions.invoke("who", {}, nested)).outcome.result == b'""'


async def test_triggers_deeper_than_the_limit_are_refused(stage):
    await stage.save("echo", echo)
    with pytest.raises(FunctionFailed, match="triggers deep"):
        await stage.functions.invoke("echo", {}, Caller(kind="administrator", depth=9))


async def test_functions_that_call_each_other_for_ever_are_cut(stage):
    await stage.save("echo", echo)
    source = ",".join(["wx_client"] + ["scf"] * 16)
    with pytest.raises(FunctionFailed, match="each other"):
        await stage.functions.invoke("echo", {}, Caller(kind="administrator", source=source))


async def test_call_under_way_counts_as_running_until_it_ends(stage):
    go = asyncio.Event()

    async def waits(event, invocation):
        await go.wait()

    await stage.save("waits", waits)
    call = asyncio.create_task(stage.functions.invoke("waits", {}, ADMIN))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert "waits" in stage.functions.running()[0]
    go.set()
    await call
    assert stage.functions.running() == []


async def test_lines_of_a_call_are_kept_with_its_request_id(stage):
    async def says(event, invocation):
        invocation.log("info", "hello")

    await stage.save("says", says)
    invoked = await stage.functions.invoke("says", {}, ADMIN)
    assert invoked.logs == [("info", "hello")]
    assert stage.recorder.logs(request_id=invoked.request_id)[0].line == "hello"


async def test_code_of_an_invocation_is_known_by_its_request_even_when_it_has_ended(stage):
    seen = []

    async def ask(event, invocation):
        seen.append((invocation.request_id, stage.functions.caller_of(invocation.request_id)))

    await stage.save("ask", ask)
    user = Caller(kind="user", openid="oAda", source="wx_client", depth=2)
    await stage.functions.invoke("ask", {}, user)
    ((request_id, inside),) = seen
    assert (inside.kind, inside.openid, inside.source) == ("administrator", "", "wx_client,scf")
    assert (inside.depth, inside.request_id) == (2, request_id)
    assert stage.functions.caller_of(request_id) == inside
    assert stage.functions.caller_of("no-such-request") is None


async def test_function_that_no_debugger_can_be_attached_to_says_what_to_do(stage):
    await stage.save("echo", echo)
    with pytest.raises(InvalidParam, match="where no function can be inspected") as refused:
        await stage.functions.inspect("echo", 0)
    assert "debugpy" in refused.value.hint


async def test_function_that_does_not_load_cannot_be_inspected(stage):
    await stage.save("broken", Problem(file="index.js", line=3, message="SyntaxError"))
    with pytest.raises(FunctionFailed, match=r"index\.js:3: SyntaxError"):
        await stage.functions.inspect("broken", 0)


async def test_node_function_is_told_once_a_load_why_it_has_no_openid(stage):
    async def main(event, invocation):
        return invocation.session.wx_context["OPENID"]

    await stage.save("inner", main)
    bundle = replace(stage.on_disk["inner"], language="node", digest="other")
    stage.on_disk["inner"] = bundle
    await stage.registry.reload("inner")
    nested = Caller(kind="administrator", source="wx_client,scf")
    for _ in range(2):
        assert (await stage.functions.invoke("inner", {}, nested)).outcome.result == b'""'
    told = [line for line in stage.lines() if line.startswith("OPENID is empty in inner")]
    assert len(told) == 1
