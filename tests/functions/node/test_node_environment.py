"""The variables by which an SDK knows who calls, and what a process inherits."""

import pytest

from emulator.functions.node_environment import INHERITED_NOT, identity_variables, token_names
from emulator.functions.process_environment import process_variables


def test_user_is_named_with_the_way_the_call_came():
    found = identity_variables(
        {"OPENID": "oAda", "APPID": "wx1", "UNIONID": "", "ENV": "env", "SOURCE": "wx_client"}
    )
    assert found.pop("WX_CONTEXT_KEYS").startswith("WX_CLIENTIP,")
    assert found == {
        "WX_OPENID": "oAda",
        "WX_APPID": "wx1",
        "TCB_SOURCE": "wx_client",
        "WX_CLIENTIP": "127.0.0.1",
        "TCB_SOURCE_IP": "127.0.0.1",
        "LOGINTYPE": "WECHAT-OPENID",
    }


def test_call_without_a_user_names_none():
    found = identity_variables({"OPENID": "", "SOURCE": "wx_client,scf"})
    assert not {"WX_OPENID", "WX_CLIENTIP", "LOGINTYPE", "TRIGGER_SRC"} & set(found)


@pytest.mark.parametrize(
    ("known", "address"),
    [
        ({"TCB_UUID": "u1", "SOURCE": "web"}, "127.0.0.1"),
        ({"SOURCE": "wx_http", "CLIENTIP": "10.0.0.1"}, "10.0.0.1"),
        ({"SOURCE": "wx_trigger"}, None),
        ({"SOURCE": "wx_client,scf"}, None),
    ],
)
def test_address_of_a_client_is_told_where_there_is_one(known, address):
    assert identity_variables(known).get("TCB_SOURCE_IP") == address


def test_timer_is_told_as_the_platform_does():
    known = {"SOURCE": "wx_trigger"}
    assert identity_variables(known)["TRIGGER_SRC"] == "timer"
    assert "WX_TRIGGER_API_TOKEN_V0" in token_names(known)


def test_tokens_are_those_that_the_sdks_send():
    assert token_names({"SOURCE": "wx_client"}) == ("WX_API_TOKEN", "TCB_SESSIONTOKEN")


@pytest.mark.parametrize("name", ["NODE_OPTIONS", "NODE_PATH", "NODE_CHANNEL_FD"])
def test_what_would_change_every_process_is_not_inherited(monkeypatch, name):
    monkeypatch.setenv(name, "x")
    monkeypatch.setenv("OWN", "kept")
    found = process_variables(INHERITED_NOT)
    assert name not in found
    assert (found["OWN"], found["TZ"]) == ("kept", "UTC")
