import asyncio
import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.wire.exchange import Binary
from emulator.wire.short_way import BODY_MAX_BYTES, HEAD_MAX_BYTES, PIPELINE_MAX_BYTES, ShortWay

HEADERS = {"Host": "127.0.0.1:8080", "Content-Type": "application/json"}
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nlong way"


def post(body=b"{}", *, path="/door", version="1.1", drop=(), **headers):
    fields = {**HEADERS, "Content-Length": str(len(body)), **headers}
    lines = [
        f"{name.replace('_', '-')}: {value}" for name, value in fields.items() if name not in drop
    ]
    return "\r\n".join([f"POST {path} HTTP/{version}", *lines, "", ""]).encode() + body


class LongWay(asyncio.Protocol):
    """What takes the rest: it keeps what it got and says so."""

    def __init__(self, taken):
        self.taken = taken

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.taken.append(data)
        self.transport.write(LONG)


class Peer:
    """A server with a short way, and a client's connection to it."""

    def __init__(self):
        self.seen = []
        self.taken = []
        self.gates = {}
        self.answers = {}
        self.doors = {
            ("POST", "/door"): self.door,
            ("GET", "/door"): self.door,
            ("POST", "/broken"): self.broken,
            ("GET", "/pieces"): self.pieces,
        }

    async def door(self, whole):
        self.seen.append(whole)
        gate = self.gates.get(whole.body)
        if gate is not None:
            await gate.wait()
        return self.answers.get(whole.body, b'{"got":%d}' % len(whole.body))

    async def pieces(self, whole):
        for piece in (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", b"in", b"to"):
            await whole.connection.send(piece)

    async def broken(self, whole):
        raise ZeroDivisionError("a fault of ours")

    async def start(self, **options):
        loop = asyncio.get_running_loop()
        self.way = ShortWay(
            lambda method, path: self.doors.get((method, path)),
            admits=lambda host: host == HEADERS["Host"],
            hand_over=lambda: LongWay(self.taken),
            loop=loop,
            **options,
        )
        self.server = await loop.create_server(self.way, "127.0.0.1", 0)
        return self

    async def connect(self):
        return await asyncio.open_connection(*self.server.sockets[0].getsockname())

    async def stop(self, grace_s=0.0):
        self.server.close()
        await self.way.close(grace_s)


@pytest.fixture
async def peer():
    peer = await Peer().start()
    yield peer
    await peer.stop()


async def answer_of(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(re.search(rb"Content-Length: (\d+)", head)[1])
    return await reader.readexactly(length)


async def test_a_small_request_is_answered_and_the_connection_stays(peer):
    reader, writer = await peer.connect()
    for body in (b"{}", b'{"a":1}', b""):
        writer.write(post(body))
        assert await answer_of(reader) == b'{"got":%d}' % len(body)
    assert [whole.body for whole in peer.seen] == [b"{}", b'{"a":1}', b""]
    assert peer.seen[0].path == "/door"
    assert peer.seen[0].headers["content-type"] == "application/json"
    assert peer.taken == []
    writer.close()


async def test_a_head_that_is_said_again_still_goes_where_it_leads_now(peer):
    reader, writer = await peer.connect()
    for body in (b'{"a":1}', b'{"b":2}', b'{"c":"longer"}', b'{"a":1}'):
        writer.write(post(body))
        assert await answer_of(reader) == b'{"got":%d}' % len(body)
    assert [whole.body[:4] for whole in peer.seen] == [b'{"a"', b'{"b"', b'{"c"', b'{"a"']
    writer.write(post(b'{"a":1}')[:-3])
    await writer.drain()
    writer.write(b":2}" + post(b'{"a":1}'))
    assert [await answer_of(reader) for _ in range(2)] == [b'{"got":7}'] * 2
    assert peer.seen[-2].body == b'{"a":2}'
    with pytest.raises(TypeError):
        peer.seen[-1].headers["host"] = "another"
    peer.doors.clear()
    writer.write(post(b'{"a":1}'))
    assert await answer_of(reader) == b"long way"
    assert b"".join(peer.taken) == post(b'{"a":1}')
    writer.close()


async def test_an_answer_may_have_a_status_and_headers_of_its_own(peer):
    refused = Binary(b"no", "text/plain", 403, (("X-Request-Id", "r1"),))
    peer.answers[b"refuse"] = refused
    reader, writer = await peer.connect()
    writer.write(post(b"refuse") + post())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"\r\nX-Request-Id: r1\r\n" in head
    assert await reader.readexactly(2) == b"no"
    assert await answer_of(reader) == b'{"got":2}'
    writer.close()


async def test_the_answer_says_its_type_and_length(peer):
    peer.answers[b"picture"] = Binary(b"\x89PNG", "image/png")
    reader, writer = await peer.connect()
    writer.write(post(b"json") + post(b"picture"))
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"Content-Type: application/json; charset=utf-8\r\n" in head
    assert await reader.readexactly(9) == b'{"got":4}'
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Type: image/png\r\nContent-Length: 4\r\n" in head
    assert await reader.readexactly(4) == b"\x89PNG"
    writer.close()


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(post().replace(b"POST", b"PUT"), id="another method"),
        pytest.param(post().replace(b"POST", b"HEAD"), id="a method without an answer's body"),
        pytest.param(post(path="/elsewhere"), id="another path"),
        pytest.param(post(path="/do%6fr"), id="an escaped path"),
        pytest.param(post(path="/door?a=<1>"), id="an odd query"),
        pytest.param(post(version="1.0"), id="an older HTTP"),
        pytest.param(post(Host="evil.example"), id="another host"),
        pytest.param(post(drop=["Host"]), id="no host"),
        pytest.param(post(drop=["Content-Length"]), id="no length"),
        pytest.param(post(Content_Length="+2", drop=["Content-Length"]), id="a signed length"),
        pytest.param(post(Content_Length="²", drop=["Content-Length"]), id="no ASCII digit"),
        pytest.param(
            post(Content_Length="9" * 5_000, drop=["Content-Length"]), id="a length beyond numbers"
        ),
        pytest.param(post(content_length="2"), id="two lengths"),
        pytest.param(post(Transfer_Encoding="chunked"), id="chunks"),
        pytest.param(post(Origin="http://localhost:8080"), id="a page"),
        pytest.param(post(Connection="close"), id="a last request"),
        pytest.param(post(Connection="Upgrade", Upgrade="websocket"), id="an upgrade"),
        pytest.param(post(Expect="100-continue"), id="an expectation"),
        pytest.param(post(Content_Encoding="gzip"), id="a packed body"),
        pytest.param(post(X_Odd="a\x01b"), id="a control character"),
        pytest.param(post(X_Odd="é"), id="a header that is not ASCII"),
        pytest.param(post().replace(b"Content-Type:", b"Content-Type :"), id="a blank in a name"),
        pytest.param(post().replace(b"Content-Type:", b" folded:"), id="a folded header"),
        pytest.param(post().replace(b"Content-Type: a", b"Content-Type a"), id="no colon"),
        pytest.param(post(X_Long="x" * HEAD_MAX_BYTES), id="a long head"),
        pytest.param(post(b"x" * (BODY_MAX_BYTES + 1)), id="a long body"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", id="no HTTP at all"),
        pytest.param(b"\r\n" + post(), id="an empty line first"),
    ],
)
async def test_whatever_is_unusual_is_handed_over_whole_and_for_good(peer, request_):
    reader, writer = await peer.connect()
    writer.write(post(b"first"))
    assert await answer_of(reader) == b'{"got":5}'
    writer.write(request_)
    assert await answer_of(reader) == b"long way"
    while sum(map(len, peer.taken)) < len(request_):
        assert await answer_of(reader) == b"long way"
    assert b"".join(peer.taken) == request_
    writer.write(post(b"after"))
    assert await answer_of(reader) == b"long way"
    assert [whole.body for whole in peer.seen] == [b"first"]
    assert peer.way.open == set()
    writer.close()


async def test_a_get_has_no_body_and_may_have_a_query(peer):
    reader, writer = await peer.connect()
    writer.write(b"GET /door?a=1&b=%20x+y&a=2&c HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n")
    assert await answer_of(reader) == b'{"got":0}'
    (seen,) = peer.seen
    assert (seen.method, seen.path) == ("GET", "/door")
    assert seen.raw_query == "a=1&b=%20x+y&a=2&c"
    assert list(seen.query.items()) == [("a", "1"), ("b", " x y"), ("a", "2"), ("c", "")]
    writer.close()


async def test_an_answer_may_be_sent_in_pieces(peer):
    reader, writer = await peer.connect()
    get = b"GET /pieces HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"
    for _ in range(2):
        writer.write(get)
        assert await answer_of(reader) == b"into"
    writer.close()


async def test_pieces_for_a_client_that_left_are_refused(peer):
    transport, connection = _connected(peer.way)
    transport.close()
    with pytest.raises(ConnectionResetError):
        await connection.send(b"piece")
    connection.connection_lost(None)
    with pytest.raises(ConnectionResetError):
        await connection.send(b"piece")
    assert transport.written == []


async def test_an_answer_without_a_body_says_no_length(peer):
    peer.answers[b"{}"] = Binary(b"", "", 204)
    reader, writer = await peer.connect()
    writer.write(post())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head == b"HTTP/1.1 204 No Content\r\n\r\n"
    writer.close()


async def test_a_connection_that_says_it_stays_open_is_usual(peer):
    reader, writer = await peer.connect()
    writer.write(post(Connection="Keep-Alive"))
    assert await answer_of(reader) == b'{"got":2}'
    writer.close()


@settings(max_examples=60)
@given(
    bodies=st.lists(st.binary(max_size=40), min_size=1, max_size=5),
    cuts=st.lists(st.integers(min_value=0, max_value=2_000), max_size=12),
)
def test_however_it_is_cut_each_request_is_answered_once_and_in_order(bodies, cuts):
    stream = b"".join(post(body) for body in bodies)
    edges = sorted({0, len(stream), *(cut % len(stream) for cut in cuts)})

    async def law():
        peer = await Peer().start()
        (transport, connection) = _connected(peer.way)
        for start, end in itertools.pairwise(edges):
            connection.data_received(stream[start:end])
            await asyncio.sleep(0)
        while len(transport.written) < len(bodies):
            await asyncio.sleep(0)
        await peer.stop()
        assert [whole.body for whole in peer.seen] == bodies
        assert peer.taken == []
        told = [written.partition(b"\r\n\r\n")[2] for written in transport.written]
        assert told == [b'{"got":%d}' % len(body) for body in bodies]

    asyncio.run(law())


class _Transport(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.written = []
        self.closed = False
        self.reads = True

    def write(self, data):
        self.written.append(data)

    def close(self):
        self.closed = True

    abort = close

    def set_protocol(self, protocol):
        self.protocol = protocol

    def is_closing(self):
        return self.closed

    def pause_reading(self):
        self.reads = False

    def resume_reading(self):
        self.reads = True


def _connected(way):
    transport, connection = _Transport(), way()
    connection.connection_made(transport)
    return transport, connection


async def test_the_next_answer_waits_for_the_one_before(peer):
    gate = peer.gates[b"slow"] = asyncio.Event()
    transport, connection = _connected(peer.way)
    connection.data_received(post(b"slow") + post(b"fast"))
    await asyncio.sleep(0)
    assert [whole.body for whole in peer.seen] == [b"slow"]
    gate.set()
    while len(transport.written) < 2:
        await asyncio.sleep(0)
    assert [whole.body for whole in peer.seen] == [b"slow", b"fast"]


async def test_a_client_that_sends_and_does_not_wait_is_left_unread_for_a_while(peer):
    gate = peer.gates[b"slow"] = asyncio.Event()
    transport, connection = _connected(peer.way)
    connection.data_received(post(b"slow"))
    await asyncio.sleep(0)
    many = [post(b"x" * 1_000)] * (PIPELINE_MAX_BYTES // 1_000 + 1)
    for each in many:
        connection.data_received(each)
    assert not transport.reads
    gate.set()
    while len(transport.written) < len(many) + 1:
        await asyncio.sleep(0)
    assert transport.reads


async def test_a_client_that_does_not_read_gets_no_second_answer_yet(peer):
    transport, connection = _connected(peer.way)
    connection.pause_writing()
    connection.data_received(post(b"one") + post(b"two"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(transport.written) == 1
    connection.resume_writing()
    while len(transport.written) < 2:
        await asyncio.sleep(0)


async def test_a_client_that_leaves_does_not_end_what_it_asked_for(peer):
    gate = peer.gates[b"slow"] = asyncio.Event()
    transport, connection = _connected(peer.way)
    connection.data_received(post(b"slow"))
    await asyncio.sleep(0)
    (task,) = connection.close()
    connection.connection_lost(None)
    gate.set()
    await task
    assert transport.written == []
    assert peer.way.open == set()


async def test_what_comes_on_a_connection_that_closes_is_not_handed_over(peer):
    gate = peer.gates[b"slow"] = asyncio.Event()
    transport, connection = _connected(peer.way)
    connection.data_received(post(b"slow") + b"GET /elsewhere HTTP/1.1\r\n\r\n")
    await asyncio.sleep(0)
    transport.close()
    gate.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert transport.written == []
    assert peer.taken == []


async def test_a_fault_behind_a_door_ends_the_connection_not_the_server(peer):
    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, told: faults.append(told))
    reader, writer = await peer.connect()
    writer.write(post(path="/broken"))
    assert await reader.read() == b""
    writer.close()
    reader, writer = await peer.connect()
    writer.write(post())
    assert await answer_of(reader) == b'{"got":2}'
    writer.close()


async def test_closing_waits_for_what_is_under_way_and_not_for_the_idle(peer):
    gate = peer.gates[b"slow"] = asyncio.Event()
    idle, busy = _connected(peer.way), _connected(peer.way)
    busy[1].data_received(post(b"slow"))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(peer.way.close(60))
    await asyncio.sleep(0)
    assert idle[0].closed
    assert not busy[0].closed
    gate.set()
    await closing
    assert busy[0].closed
    assert len(busy[0].written) == 1


async def test_closing_does_not_wait_for_ever(peer):
    peer.gates[b"slow"] = asyncio.Event()
    transport, connection = _connected(peer.way)
    connection.data_received(post(b"slow"))
    await asyncio.sleep(0)
    await peer.way.close(0.01)
    assert transport.closed
    assert transport.written == []


async def test_a_connection_that_says_nothing_for_long_is_closed():
    peer = await Peer().start(idle_max_s=0.01)
    reader, writer = await peer.connect()
    assert await reader.read() == b""
    writer.close()
    await peer.stop()
