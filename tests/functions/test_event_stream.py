"""The text of server-sent events, and the object a handler sends them with."""

import asyncio

import pytest

from emulator.functions.body_stream import BodyStream
from emulator.functions.event_stream import HandlerContext, ServerSentEvents, encode, open_events


@pytest.mark.parametrize(
    ("event", "sent"),
    [
        ({"data": "plain"}, "data: plain\n\n"),
        ({"data": ""}, "data: \n\n"),
        ({"data": "two\nlines"}, "data: two\ndata: lines\n\n"),
        ({"data": "a\r\r\nb\n\n\nc"}, "data: a\ndata: b\ndata: c\n\n"),
        ({"data": " kept "}, "data:  kept \n\n"),
        ({"data": {"a": "é\n"}}, 'data: {"a":"é\\n"}\n\n'),
        ({"data": [1, None]}, "data: [1,null]\n\n"),
        ({"data": 7}, "data: 7\n\n"),
        ({"data": None}, "data: null\n\n"),
        ({"data": b"bytes"}, "data: bytes\n\n"),
        ({"comment": "c"}, ": c\n\n"),
        (
            {"data": "d", "retry": 1, "id": "i", "event": "e", "comment": "c"},
            ": c\nevent: e\nid: i\nretry: 1\ndata: d\n\n",
        ),
        ({"event": "a\ndata: forged"}, "event: a data: forged\n\n"),
        ({}, ""),
        ({"other": 1}, ""),
        ("raw", "raw"),
        (b"raw", "raw"),
        ([{"data": 1}, "raw"], "data: 1\n\nraw"),
        (None, ""),
        (7, ""),
    ],
)
def test_an_event_is_sent_as_the_platform_sends_it(event, sent):
    assert encode(event) == sent.encode()


@pytest.fixture
async def stream():
    return BodyStream(lambda _: None)


async def test_headers_may_be_added_but_not_what_makes_it_a_stream(stream):
    opened = open_events(
        stream, print, keepalive=False, headers={"X-Own": "1", "content-type": "text/html"}
    )
    assert isinstance(opened, ServerSentEvents)
    assert stream.head["statusCode"] == 200
    assert {name.lower(): value for name, value in stream.head["headers"].items()} == {
        "x-own": "1",
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
    }
    assert stream.heartbeat == b""


async def test_fields_may_be_given_by_name_and_beside_an_event(stream):
    sse = open_events(stream, print, keepalive=True, headers={})
    assert sse.send(event="news", id=1, data={"n": 1})
    assert sse.send({"data": "d"}, event="e")
    sse.end(event="last", comment="c")
    assert await stream.take(1) == (
        b'event: news\nid: 1\ndata: {"n":1}\n\nevent: e\ndata: d\n\n: c\nevent: last\n\n'
    )
    assert not sse.send(data="late")


async def test_there_is_one_answer(stream):
    stream.begin({"statusCode": 200})
    assert open_events(stream, print, keepalive=True, headers={}) is None


async def test_the_context_is_the_dictionary_it_was_and_opens_one_stream():
    opened = []

    def opens(*, keepalive, headers):
        opened.append((keepalive, headers))
        return len(opened)

    context = HandlerContext.for_visitor({"request_id": "r"}, opens)
    assert (context, context["request_id"]) == ({"request_id": "r"}, "r")
    assert context.events is None
    assert [context.sse({"keepalive": False, "headers": {"a": "b"}}), context.sse()] == [1, 1]
    assert opened == [(False, {"a": "b"})]
    assert HandlerContext({}).sse() is None


async def test_closing_is_heard_on_the_loop_of_the_handler(stream):
    sse = open_events(stream, print, keepalive=True, headers={})
    heard = []
    sse.on("close", lambda: heard.append(1)).on("other", lambda: heard.append(2))
    assert not sse.closed
    stream.close()
    assert sse.closed
    assert heard == [], "not by whoever closes it"
    while not heard:
        await asyncio.sleep(0)
    assert heard == [1]
