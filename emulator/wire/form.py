"""Owns reading a small multipart form as a request body: its parts by name.

Not here: forms that hold files and are streamed (`wire.storage`).
"""

from typing import Final

from emulator.core.errors import InvalidParam
from emulator.wire.fields import Body
from emulator.wire.multipart import MultipartParser, PartHead, boundary_of

BYTES_FIELDS: Final = frozenset({"requestData", "apiOptions"})
"""What wx-server-sdk sends as bytes; every other part is text."""


def read_form(raw: bytes, content_type: str) -> Body:
    """Return the parts of a form, the last of a name.

    Raises:
        MalformedForm: it is no complete form.
        InvalidParam: a part that is text is not UTF-8.
    """
    parser = MultipartParser(boundary_of(content_type))
    body: Body = {}
    name, content = "", bytearray()
    for event in parser.feed(raw):
        if isinstance(event, PartHead):
            name, content = event.name, bytearray()
        elif isinstance(event, bytes | memoryview):
            content += event
        else:
            body[name] = bytes(content) if name in BYTES_FIELDS else _text(name, bytes(content))
    parser.close()
    return body


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as fault:
        raise InvalidParam(f"{name:.60} is not UTF-8: {fault}") from fault
