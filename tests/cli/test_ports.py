"""Ports that can be taken, and who has those that cannot."""

import os
import socket
import subprocess
import sys

import pytest

from emulator.cli import ports
from emulator.cli.output import Failed
from emulator.cli.ports import Holder, holder_of, refuse_busy_ports, suite_at

LISTEN = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def held():
    """A port that another process listens on, and that process's id."""
    with subprocess.Popen(
        [sys.executable, "-c", LISTEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield int(process.stdout.readline()), process.pid
        process.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_free_ports_and_any_port_are_no_trouble():
    refuse_busy_ports("127.0.0.1", 0, 0)
    refuse_busy_ports("127.0.0.1", free_port(), 0)


def test_the_process_on_a_port_is_found(held):
    port, pid = held
    holder = holder_of(port)
    assert holder is not None
    assert holder.pid == pid
    assert "python" in holder.name.lower()


def test_nobody_is_found_on_a_free_port():
    assert holder_of(free_port()) is None


def test_a_taken_port_is_refused_with_its_holder_and_the_way_out(held):
    port, pid = held
    with pytest.raises(Failed) as raised:
        refuse_busy_ports("127.0.0.1", port, 0)
    assert f"port {port} is taken by " in raised.value.message
    assert f"(pid {pid})" in raised.value.message
    assert raised.value.hint == "stop it, or take free ones: --port 0"


def test_both_taken_ports_are_told_at_once(held):
    port, _ = held
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(Failed) as raised:
        refuse_busy_ports("127.0.0.1", port, other.getsockname()[1])
    assert raised.value.message.count("is taken") == 2
    assert raised.value.hint == "stop it, or take free ones: --port 0 --site-port 0"


def test_a_port_whose_connections_are_closing_is_free():
    """What a server that was just stopped leaves behind must not keep the next one out."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
        accepted.close()
        client.recv(1)
        client.close()
    refuse_busy_ports("127.0.0.1", port, 0)


@pytest.mark.parametrize(
    ("host", "message"),
    [
        pytest.param("192.0.2.1", "192.0.2.1 is no address of this machine", id="foreign"),
        pytest.param("no host", "no address for host no host", id="unknown"),
    ],
)
def test_a_host_that_is_not_here_is_told(host, message):
    with pytest.raises(Failed, match=message):
        refuse_busy_ports(host, free_port(), 0)
    with pytest.raises(Failed, match=message):
        refuse_busy_ports(host, 0, 0)


def test_a_port_for_administrators_is_told(monkeypatch):
    def refused(host: str, port: int) -> OSError:
        return PermissionError(13, os.strerror(13))

    monkeypatch.setattr(ports, "_try_to_take", refused)
    with pytest.raises(Failed, match="port 80 may not be taken by this user"):
        refuse_busy_ports("127.0.0.1", 80, 0)


@pytest.mark.parametrize(
    ("holder", "sentence"),
    [
        pytest.param(Holder(), "; who holds it could not be found out", id="nobody"),
        pytest.param(Holder(pid=7), " by a process (pid 7)", id="no-name"),
        pytest.param(Holder(pid=7, name="nginx"), " by nginx (pid 7)", id="program"),
        pytest.param(
            Holder(pid=7, env="e", project="/p"),
            " by the suite of /p (environment e, pid 7)",
            id="suite",
        ),
    ],
)
def test_a_holder_is_told_as_far_as_it_is_known(holder, sentence):
    assert holder.sentence() == sentence


def test_nobody_is_no_suite():
    assert suite_at("127.0.0.1", free_port()) is None


def test_what_windows_and_macos_print_is_understood(monkeypatch):
    netstat = (
        "  Proto  Local Address          Foreign Address        State           PID\r\n"
        "  TCP    127.0.0.1:8270         127.0.0.1:50000        ESTABLISHED     1\r\n"
        "  TCP    127.0.0.1:8270         0.0.0.0:0              ABHÖREN         4242\r\n"
    )
    monkeypatch.setattr(ports, "answer_of", lambda *command: netstat)
    assert ports._pid_by_netstat(8270) == 4242
    assert ports._pid_by_netstat(8271) is None
    monkeypatch.setattr(ports, "answer_of", lambda *command: "p4242\nf3\n")
    assert ports._pid_by_lsof(8270) == 4242
    monkeypatch.setattr(ports, "answer_of", lambda *command: "")
    assert ports._pid_by_lsof(8270) is None
