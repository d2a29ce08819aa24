"""Frames however they are cut, and connections that only the worker gets."""

import asyncio
import gc
import socket
import sys
import warnings

import pytest

from emulator.functions.process_channel import (
    FRAME_MAX_BYTES,
    Channel,
    LoopbackEndpoint,
    PairEndpoint,
    frame,
)

FRAMES = [("a", b""), ("b", b"x" * 3), ("c", b"y" * 1000), ("d", b"")]


class Heard:
    def __init__(self) -> None:
        self.frames: list[tuple[str, bytes]] = []
        self.is_lost = asyncio.Event()
        self.channel = Channel(
            lambda kind, payload: self.frames.append((kind, payload)), self.is_lost.set
        )


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 500, 5000])
async def test_frames_are_whole_however_they_arrive(size):
    heard = Heard()
    data = b"".join(frame(kind, payload) for kind, payload in FRAMES)
    for at in range(0, len(data), size):
        heard.channel.data_received(data[at : at + size])
    assert heard.frames == FRAMES


async def test_frame_beyond_reason_ends_the_connection():
    reader_writer: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(
        lambda reader, writer: reader_writer.set_result(writer), "127.0.0.1", 0
    )
    heard = Heard()
    await asyncio.get_running_loop().create_connection(
        lambda: heard.channel, *server.sockets[0].getsockname()
    )
    writer = await reader_writer
    writer.write((FRAME_MAX_BYTES + 1).to_bytes(4, "big") + b"x")
    await asyncio.wait_for(heard.is_lost.wait(), 5)
    writer.close()
    server.close()
    heard.channel.send("a", b"dropped")


async def test_loopback_takes_only_who_knows_the_secret():
    endpoint = LoopbackEndpoint("the-secret")
    way, port, secret = endpoint.address.split(":")
    assert (way, secret) == ("tcp", "the-secret")
    heard = Heard()
    connecting = asyncio.ensure_future(endpoint.connect(heard.channel))
    for wrong in (b"no-secrets", b"short"):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
        writer.write(wrong)
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    writer.write(b"the-secret" + frame("r", b"{}"))
    await asyncio.wait_for(connecting, 5)
    heard.channel.send("L", b"1")
    assert await asyncio.wait_for(reader.readexactly(6), 5) == frame("L", b"1")
    writer.close()
    await asyncio.wait_for(heard.is_lost.wait(), 5)
    assert heard.frames == [("r", b"{}")]
    endpoint.close()


async def test_endpoints_that_nobody_took_up_are_closed_without_a_word():
    for endpoint in (PairEndpoint(), LoopbackEndpoint("secret")):
        endpoint.close()
        endpoint.close()


async def test_a_start_given_up_while_a_secret_arrives_leaves_no_connection_behind(monkeypatch):
    endpoint = LoopbackEndpoint("the-secret")
    reading = asyncio.Event()

    async def is_known(_loop, _connection):
        reading.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(endpoint, "_is_known", is_known)
    connecting = asyncio.create_task(endpoint.connect(Heard().channel))
    port = int(endpoint.address.split(":")[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.wait_for(reading.wait(), 5)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    endpoint.close()


@pytest.mark.parametrize("turns", range(6))
async def test_a_start_given_up_just_as_somebody_connects_loses_no_connection(turns):
    endpoint = LoopbackEndpoint("the-secret")
    connecting = asyncio.create_task(endpoint.connect(Heard().channel))
    for _ in range(3):
        await asyncio.sleep(0)
    client = socket.create_connection(("127.0.0.1", int(endpoint.address.split(":")[1])), 5)
    for _ in range(turns):
        await asyncio.sleep(0)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    endpoint.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unraisable = []
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sys, "unraisablehook", unraisable.append)
            del connecting
            gc.collect()
    assert [str(each.exc_value) for each in unraisable] == []
    client.close()
