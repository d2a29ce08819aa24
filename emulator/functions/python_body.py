"""Owns a handler's body that is a generator: what may be one, and how it is run to its end.

Not here: server-sent events (`event_stream`). The one idea: the generator runs where its kind
belongs, a plain one on a thread, an asynchronous one on the function's loop, no faster than its
pieces are taken; when nobody takes them it is closed.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from types import AsyncGeneratorType, GeneratorType
from typing import Any, Final

import orjson

from emulator.core.records import dataclass
from emulator.functions.body_stream import BodyStream, ReaderGone
from emulator.functions.python_result import NotJson, to_json

_PLAIN_HEAD: Final[Mapping[str, Any]] = {"statusCode": 200}


@dataclass(frozen=True, slots=True)
class Body:
    """The pieces of a body and the integration response they belong to, without them."""

    head: Mapping[str, Any]
    pieces: Any

    @property
    def is_async(self) -> bool:
        """Tell whether its pieces are awaited."""
        return isinstance(self.pieces, AsyncIterator)

    def begin(self, stream: BodyStream) -> None:
        """Send the head.

        Raises:
            NotJson: it has what no header can hold.
        """
        stream.begin(orjson.loads(to_json(dict(self.head))))

    def run(self, stream: BodyStream) -> None:
        """Send every piece, blocking the thread while enough waits."""
        try:
            for piece in self.pieces:
                if not stream.put(_bytes(piece)):
                    stream.wait_for_room()
            stream.end()
        except ReaderGone:
            pass
        finally:
            close = getattr(self.pieces, "close", None)
            if close is not None:
                close()

    async def run_awaiting(self, stream: BodyStream) -> None:
        """Send every piece, waiting on the loop while enough waits."""
        try:
            async for piece in self.pieces:
                if not stream.put(_bytes(piece)):
                    await stream.room()
            stream.end()
        except ReaderGone:
            pass
        finally:
            close = getattr(self.pieces, "aclose", None)
            if close is not None:
                await close()


def body_of(value: Any) -> Body | None:
    """Return the body that a result is or has in pieces, None for a result that is whole."""
    if isinstance(value, GeneratorType | AsyncGeneratorType):
        return Body(_PLAIN_HEAD, value)
    if isinstance(value, Mapping) and "statusCode" in value:
        pieces = value.get("body")
        if isinstance(pieces, Iterator | AsyncIterator):
            return Body({name: value[name] for name in value if name != "body"}, pieces)
    return None


def _bytes(piece: Any) -> bytes:
    """Return a piece as it is sent; raises NotJson for what is neither text nor bytes."""
    if isinstance(piece, str):
        return piece.encode("utf-8", "replace")
    if isinstance(piece, bytes | bytearray | memoryview):
        return bytes(piece)
    raise NotJson(f"a piece of the body is of type {type(piece).__name__}; send text or bytes")
