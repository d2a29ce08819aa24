"""The client of the control API against a server of the standard library."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from emulator.cli.control import ControlClient, Unreachable, path_of
from emulator.cli.output import Failed


class Api(BaseHTTPRequestHandler):
    """Answers what the server was told to, and remembers what it was asked."""

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.server.asked.append((self.command, self.path, self.rfile.read(length)))
        status, body = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.asked, server.answer = [], (200, b'{"ok": true}')
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(api: ThreadingHTTPServer) -> ControlClient:
    return ControlClient(f"http://127.0.0.1:{api.server_port}/")


def test_a_question_goes_out_with_its_query(client, api):
    assert client.get("/_emu/logs", function="a b", limit=5, request_id="", x=None) == {"ok": True}
    assert api.asked == [("GET", "/_emu/logs?function=a+b&limit=5", b"")]


def test_a_command_goes_out_as_json(client, api):
    assert client.post("/_emu/seed", {"名": 1}) == {"ok": True}
    method, path, body = api.asked[0]
    assert (method, path, json.loads(body)) == ("POST", "/_emu/seed", {"名": 1})


def test_names_of_any_characters_stay_one_segment():
    assert path_of("functions", "a/b c", "invoke") == "/_emu/functions/a%2Fb%20c/invoke"


def test_a_refusal_is_told_as_the_suite_told_it(client, api):
    api.answer = (404, b'{"code": "FUNCTION_NOT_FOUND", "message": "no pay", "hint": "found: a"}')
    with pytest.raises(Failed) as raised:
        client.post("/_emu/functions/pay/invoke")
    refused = raised.value
    assert (refused.code, refused.message, refused.hint) == (
        "FUNCTION_NOT_FOUND",
        "no pay",
        "found: a",
    )


def test_an_answer_that_is_no_json_is_told_with_its_status(client, api):
    api.answer = (500, b"<html>")
    with pytest.raises(Failed, match="the suite answered 500: <html>"):
        client.get("/_emu/info")


def test_a_status_may_be_expected(client, api):
    api.answer = (503, b'{"status": "starting"}')
    assert client.get("/_emu/health", accept=(200, 503)) == {"status": "starting"}


def test_events_are_read_until_the_end(client, api):
    api.answer = (200, b': listening\n\ndata: {"a": 1}\n\n: still here\n\ndata: {"a": 2}\n\n')
    assert list(client.stream("/_emu/logs", function="")) == [{"a": 1}, {"a": 2}]
    assert api.asked[0][1] == "/_emu/logs?follow=1"


def test_a_refused_stream_is_told(client, api):
    api.answer = (403, b'{"code": "FOREIGN_ORIGIN", "message": "no"}')
    with pytest.raises(Failed, match="no"):
        client.stream("/_emu/logs")


def test_nobody_there_is_told_with_the_address():
    client = ControlClient("http://127.0.0.1:9", timeout_s=1)
    with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:9"):
        client.get("/_emu/info")
    with pytest.raises(Unreachable):
        client.stream("/_emu/logs")


@pytest.mark.parametrize("url", ["https://a", "127.0.0.1:8270", "", "http://"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(Failed, match="is no address of a suite"):
        ControlClient(url)
