import pytest

from emulator import cloud


def test_the_caller_is_known_by_the_names_of_the_platform(bound):
    context = cloud.get_wx_context()
    assert context == {"OPENID": "oUser", "APPID": "wxDemo", "ENV": "demo-env"}
    assert cloud.getWXContext() == context
    context["OPENID"] = "mine"
    assert cloud.get_wx_context()["OPENID"] == "oUser"


def test_what_is_not_known_of_the_caller_says_why(bound):
    bound.rebind(wx_context={"OPENID": "", "SOURCE": "wx_client,scf"})
    context = cloud.get_wx_context()
    assert context.get("OPENID") is None
    assert "OPENID" not in context
    with pytest.raises(cloud.CloudError, match=r"OPENID is not known: .* came from wx_client,scf"):
        context["OPENID"]
    with pytest.raises(KeyError):
        context["OPENID"]


def test_the_logger_writes_one_json_line_an_entry(bound):
    log = cloud.logger()
    log.log({"a": 1})
    log.info({"名": object})
    log.warn("careful")
    log.error({"wrong": None})
    assert bound.logs == [
        ("log", '{"a": 1}'),
        ("info", '{"名": "<class \'object\'>"}'),
        ("warn", "careful"),
        ("error", '{"wrong": null}'),
    ]
