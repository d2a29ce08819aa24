"""`cloud-emu messages`."""

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit


def send(ready, **data):
    parts = urlsplit(ready["urls"]["api"])
    connection = HTTPConnection(parts.hostname, parts.port, timeout=5)
    body = {
        "action": "wx.api",
        "apiName": "subscribeMessage.send",
        "requestData": json.dumps(data),
    }
    connection.request("POST", "/admin", json.dumps(body))
    connection.getresponse().read()
    connection.close()


def test_what_was_sent_is_shown_newest_last(suite):
    cli, ready = suite
    cli("reset")
    assert cli("messages").out == "nothing was sent\n"
    send(ready, touser="o", template_id="t", data={"thing1": {"value": "一件事"}})
    send(ready, touser="o", template_id="t", data={"thing1": {"value": ""}})
    shown = cli("messages")
    assert shown.code == 0
    first, data, second, _ = shown.out.splitlines()
    assert first.endswith("openapi.subscribeMessage.send ok")
    assert "一件事" in data
    assert "47003 argument invalid! data.thing1.value is empty" in second
    told = cli("messages", "--json").json
    assert [each["result"]["errcode"] for each in told] == [0, 47003]
