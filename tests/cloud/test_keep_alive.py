import socket
from threading import Event, Thread

import pytest

from emulator.cloud.keep_alive import Connections
from emulator.core.errors import EmulatorError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BYE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """Answers each connection with a list of bytes, then hangs up."""

    def __init__(self, *answers):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/path"
        self.heard = []
        self.hung_up = Event()
        self.thread = Thread(target=self.serve, args=(answers,))
        self.thread.start()

    def serve(self, answers):
        for of_one_connection in answers:
            connection, _ = self.listener.accept()
            with connection:
                for answer in of_one_connection:
                    self.heard.append(connection.recv(65536))
                    connection.sendall(answer)
            self.hung_up.set()

    def close(self):
        self.thread.join(10)
        self.listener.close()


@pytest.fixture
def peer():
    peers = []

    def make(*answers):
        peers.append(Peer(*answers))
        return peers[-1]

    yield make
    for each in peers:
        each.close()


def test_a_connection_is_used_again(peer):
    server = peer([OK, OK])
    connections = Connections()
    for _ in range(2):
        assert connections.request("GET", server.url) == (200, b"ok")
    assert [each.split()[1] for each in server.heard] == [b"/path", b"/path"]
    connections.close()


def test_a_connection_the_other_side_closed_is_replaced(peer):
    server = peer([OK], [OK])
    connections = Connections()
    assert connections.request("GET", server.url)[1] == b"ok"
    assert server.hung_up.wait(10)
    assert connections.request("GET", server.url)[1] == b"ok"
    connections.close()


def test_a_connection_that_says_it_closes_is_not_kept(peer):
    server = peer([BYE], [OK])
    connections = Connections()
    for _ in range(2):
        assert connections.request("GET", server.url) == (200, b"ok")
    connections.close()


def test_nobody_there_is_told_with_the_address():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(EmulatorError, match=f"no answer from http://127.0.0.1:{port}") as caught:
        Connections().request("GET", f"http://127.0.0.1:{port}")
    assert "cloud-emu start" in caught.value.hint


def test_an_answer_that_is_no_http_is_told(peer):
    server = peer([b"hello\r\n\r\n"])
    with pytest.raises(EmulatorError, match="no answer from"):
        Connections().request("GET", server.url)


def test_proxies_of_the_environment_are_passed_by(peer, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert Connections().request("GET", peer([BYE]).url)[1] == b"ok"
