"""Frames as RFC 6455 has them, and connections that are none."""

import socket
import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.cloud.websocket import (
    MESSAGE_MAX_BYTES,
    Frame,
    WebSocket,
    WebSocketClosed,
    read_frame,
    write_frame,
)


def unmasked(frame: bytes) -> bytes:
    """Return what a client sent as a server sends it."""
    length, start = frame[1] & 0x7F, 2
    start += {126: 2, 127: 8}.get(length, 0)
    mask, payload = frame[start : start + 4], frame[start + 4 :]
    plain = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return frame[:1] + bytes([length]) + frame[2:start] + plain


@given(st.binary(max_size=200) | st.sampled_from([b"x" * size for size in (125, 126, 65_536)]))
def test_what_is_written_is_read(payload):
    frame = unmasked(write_frame(1, payload, b"\x01\x02\xff\x00"))
    assert read_frame(frame + b"rest") == Frame(True, 1, payload, len(frame))
    for end in (0, 1, len(frame) - 1):
        assert read_frame(frame[:end]) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x81\x81\0\0\0\0a", id="masked"),
        pytest.param(b"\xc1\x01a", id="reserved"),
        pytest.param(b"\x81\x7f" + (MESSAGE_MAX_BYTES + 1).to_bytes(8, "big"), id="too long"),
    ],
)
def test_what_no_server_sends_ends_the_connection(data):
    with pytest.raises(WebSocketClosed):
        read_frame(data)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
        b"garbage without an end",
        b"x" * 40_000,
        b"",
    ],
)
def test_an_answer_that_is_no_websocket_is_refused(answer):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                with suppress(OSError):  # the client may have had enough before the end
                    connection.sendall(answer)
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(4096)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(OSError):
            WebSocket(f"ws://127.0.0.1:{server.getsockname()[1]}/ws")
        thread.join(10)


async def test_messages_in_parts_and_pings_and_the_end():
    from aiohttp import web
    from aiohttp.test_utils import TestServer

    async def talk(request):
        told = web.WebSocketResponse(autoping=True)
        await told.prepare(request)
        transport = request.transport
        transport.write(b"\x01\x02ab\x89\x01!\x80\x02cd")  # a text in two parts, a ping between
        heard = await told.receive_str()
        await told.send_str(heard * 2)
        await told.close(code=4000)
        return told

    app = web.Application()
    app.router.add_get("/ws", talk)
    async with TestServer(app) as server:
        import asyncio

        def client():
            one = WebSocket(f"ws://127.0.0.1:{server.port}/ws")
            assert one.receive(10) == "abcd"
            with pytest.raises(TimeoutError):
                one.receive(0.01)
            one.send("é" * 70_000)
            assert one.receive(10) == "é" * 140_000
            with pytest.raises(WebSocketClosed, match="4000"):
                one.receive(10)
            one.close()
            with pytest.raises(OSError):
                one.send("more")

        await asyncio.wait_for(asyncio.to_thread(client), 30)
