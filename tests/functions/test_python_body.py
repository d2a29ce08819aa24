"""Which results are bodies in pieces, and that their generators are closed."""

import pytest

from emulator.functions.body_stream import BodyStream
from emulator.functions.python_body import body_of
from emulator.functions.python_result import NotJson


def pieces():
    yield "a"


async def pieces_awaited():
    yield "a"


@pytest.mark.parametrize(
    ("value", "head"),
    [
        (pieces, {"statusCode": 200}),
        (pieces_awaited, {"statusCode": 200}),
        (lambda: {"statusCode": 201, "headers": {"a": "b"}, "body": pieces()},
         {"statusCode": 201, "headers": {"a": "b"}}),
        (lambda: {"statusCode": 201, "body": iter("abc")}, {"statusCode": 201}),
        (lambda: {"body": pieces()}, None),
        (lambda: {"statusCode": 200, "body": "whole"}, None),
        (lambda: {"statusCode": 200, "body": ["a"]}, None),
        (lambda: iter("abc"), None),
        (lambda: "whole", None),
    ],
)  # fmt: skip
def test_a_body_in_pieces_is_a_generator_or_in_an_integration_response(value, head):
    body = body_of(value())
    assert (None if body is None else body.head) == head


class Noted:
    """An iterator that notes its closing."""

    def __init__(self, *pieces):
        self.pieces, self.closed = iter(pieces), False

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.pieces)

    def close(self):
        self.closed = True


@pytest.mark.parametrize("ending", ["whole", "left", "wrong"])
async def test_it_is_closed_however_it_ends(ending):
    stream = BodyStream(lambda _: None)
    noted = Noted("a", bytearray(b"b"), *([7] if ending == "wrong" else []))
    body = body_of({"statusCode": 200, "body": noted})
    if ending == "left":
        stream.close()
    if ending == "wrong":
        with pytest.raises(NotJson, match="type int; send text or bytes"):
            body.run(stream)
    else:
        body.run(stream)
    assert noted.closed
    if ending == "whole":
        assert await stream.take(1) == b"ab"
    assert stream.ended == (ending == "whole")


async def test_an_asynchronous_one_is_closed_when_nobody_reads():
    closed = []

    async def noted():
        try:
            yield "a"
            yield "b"
        finally:
            closed.append(1)

    stream = BodyStream(lambda _: None)
    body = body_of(noted())
    assert body.is_async
    original = stream.put
    stream.put = lambda piece: original(piece) and (stream.close() or True)
    await body.run_awaiting(stream)
    assert closed == [1]


async def test_a_head_that_no_header_can_hold_is_refused():
    body = body_of({"statusCode": 200, "headers": {"a": {1}}, "body": pieces()})
    with pytest.raises(NotJson):
        body.begin(BodyStream(lambda _: None))
