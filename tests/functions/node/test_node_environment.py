"""The variables by which an SDK knows who calls, and what a process inherits."""

import pytest

from emulator.cloud.session import Session
from emulator.functions.base import Invocation
from emulator.functions.node_environment import identity_variables, process_variables


def invocation(**wx_context: object) -> Invocation:
    def log(level: str, line: str) -> None:
        return

    session = Session(
        transport=None,  # type: ignore[arg-type]  # nothing travels here
        env_id="env",
        wx_context=wx_context,  # type: ignore[arg-type]  # texts and nothing
        request_id="r1",
        log=log,
    )
    return Invocation(
        request_id="r1",
        event=None,
        context={},
        variables={},
        session=session,
        timeout_s=3,
        log=log,
    )


def test_user_is_named_with_the_way_the_call_came():
    found = identity_variables(
        invocation(OPENID="oAda", APPID="wx1", UNIONID="", ENV="env", SOURCE="wx_client")
    )
    assert found.pop("WX_CONTEXT_KEYS").startswith("WX_CLIENTIP,")
    assert found == {
        "WX_API_TOKEN": "r1",
        "TCB_SESSIONTOKEN": "r1",
        "WX_OPENID": "oAda",
        "WX_APPID": "wx1",
        "TCB_SOURCE": "wx_client",
        "WX_CLIENTIP": "127.0.0.1",
        "LOGINTYPE": "WECHAT-OPENID",
    }


def test_call_without_a_user_names_none():
    found = identity_variables(invocation(OPENID="", SOURCE="wx_client,scf"))
    assert not {"WX_OPENID", "WX_CLIENTIP", "LOGINTYPE", "TRIGGER_SRC"} & set(found)


def test_timer_is_told_as_the_platform_does():
    found = identity_variables(invocation(SOURCE="wx_trigger"))
    assert (found["TRIGGER_SRC"], found["WX_TRIGGER_API_TOKEN_V0"]) == ("timer", "r1")


@pytest.mark.parametrize("name", ["NODE_OPTIONS", "NODE_PATH", "NODE_CHANNEL_FD"])
def test_what_would_change_every_process_is_not_inherited(monkeypatch, name):
    monkeypatch.setenv(name, "x")
    monkeypatch.setenv("OWN", "kept")
    found = process_variables()
    assert name not in found
    assert (found["OWN"], found["TZ"]) == ("kept", "UTC")


def test_no_proxy_stands_between_a_function_and_the_suite(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "intern")
    assert process_variables()["NO_PROXY"] == "intern,127.0.0.1,localhost,::1"
