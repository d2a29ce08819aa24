"""The channel a body goes through: bounds, ends, and two sides that may leave at any time."""

import asyncio
import threading

import pytest

from emulator.functions import body_stream as module
from emulator.functions.body_stream import BodyStream, ReaderGone, ReadsTooSlowly

LONG_S = 30.0


@pytest.fixture
async def stream():
    return BodyStream(lambda _: None)


async def read_all(stream):
    pieces = []
    while (piece := await stream.take(LONG_S)) is not None:
        pieces.append(piece)
    return b"".join(pieces)


async def test_pieces_of_another_thread_arrive_in_order_and_then_the_end(stream):
    def write():
        for number in range(1_000):
            if not stream.put(b"%d," % number):
                stream.wait_for_room()
        stream.end()

    thread = threading.Thread(target=write)
    thread.start()
    assert await read_all(stream) == b"".join(b"%d," % number for number in range(1_000))
    thread.join()
    assert await stream.take(LONG_S) is None


async def test_a_writer_waits_when_enough_waits(stream, monkeypatch):
    monkeypatch.setattr(module, "WAITING_MAX_BYTES", 10)
    most = 0

    def write():
        nonlocal most
        for _ in range(100):
            if not stream.put(b"12345"):
                most = max(most, stream._bytes)
                stream.wait_for_room()
        stream.end()

    thread = threading.Thread(target=write)
    thread.start()
    assert len(await read_all(stream)) == 500
    thread.join()
    assert most == 15


async def test_a_writer_on_a_loop_awaits_room(stream, monkeypatch):
    monkeypatch.setattr(module, "WAITING_MAX_BYTES", 4)
    assert stream.put(b"1234")
    assert not stream.put(b"5")
    waits = asyncio.create_task(stream.room())
    await asyncio.sleep(0)
    assert not waits.done()
    assert await stream.take(LONG_S) == b"12345"
    await waits
    await stream.room()


async def test_a_writer_that_does_not_wait_is_cut_off(stream, monkeypatch):
    monkeypatch.setattr(module, "UNREAD_MAX_BYTES", 10)
    stream.put(b"12345678901")
    with pytest.raises(ReadsTooSlowly):
        stream.put(b"1")
    with pytest.raises(ReaderGone):
        stream.put(b"1")
    assert await stream.take(LONG_S) is None


async def test_who_waits_for_room_hears_that_the_reader_left(stream, monkeypatch):
    monkeypatch.setattr(module, "WAITING_MAX_BYTES", 1)
    stream.put(b"12")
    thread = threading.Thread(target=stream.wait_for_room)
    thread.start()
    waits = asyncio.create_task(stream.room())
    await asyncio.sleep(0)
    stream.close()
    thread.join(LONG_S)
    assert not thread.is_alive()
    await waits
    with pytest.raises(ReaderGone):
        stream.put(b"3")


@pytest.mark.parametrize("over", ["end", "close"])
async def test_its_end_is_told_once_however_it_comes(stream, over):
    heard = []
    stream.when_over(lambda: heard.append("before"))
    getattr(stream, over)()
    stream.close()
    stream.end()
    stream.when_over(lambda: heard.append("after"))
    assert heard == ["before", "after"]


async def test_nothing_at_the_time_out_is_not_the_end(stream):
    assert await stream.take(0.001) == b""
    stream.end()
    assert await stream.take(0.001) is None


async def test_what_waits_is_read_before_the_end(stream):
    stream.put(b"last")
    stream.end()
    assert await stream.take(LONG_S) == b"last"
    assert await stream.take(LONG_S) is None


async def test_a_head_is_told_on_the_readers_loop():
    begun = asyncio.get_running_loop().create_future()
    stream = BodyStream(begun.set_result)
    await asyncio.to_thread(stream.begin, {"statusCode": 200})
    assert (await begun) is stream
    assert stream.head == {"statusCode": 200}


def test_a_loop_that_has_ended_reads_no_more():
    async def make():
        return BodyStream(lambda _: None)

    stream = asyncio.run(make())
    stream.begin({})
    with pytest.raises(ReaderGone):
        stream.put(b"1")
