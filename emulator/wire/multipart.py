"""Owns multipart/form-data as a stream: chunks of bytes in, parts and their bytes out.

Not here: any I/O, nor what the parts mean (`wire.storage`). The one idea: a boundary is looked for
in whole chunks, and only an end of a chunk that may be the beginning of a boundary waits for the
next one; everything else goes on without being copied. RFC 7578 and 2046; every length is bounded.
"""

import re
from collections.abc import Callable
from enum import Enum
from typing import Final

from emulator.core.errors import InvalidParam
from emulator.core.records import dataclass

BOUNDARY_BYTES_MAX: Final = 200
"""RFC 2046 allows 70; some clients do not count."""
PREAMBLE_BYTES_MAX: Final = 4096
PART_HEAD_BYTES_MAX: Final = 16 * 1024
PARTS_MAX: Final = 100
PADDING_BYTES_MAX: Final = 64

_BOUNDARY: Final = re.compile(r';\s*boundary=(?:"([^"]+)"|([^\s;"]+))', re.IGNORECASE)
_PARAMETER: Final = re.compile(r';\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))')


class MalformedForm(InvalidParam):
    """The body is not the form it claims to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartHead:
    """A part begins; `file_name` is None where the sender gave none."""

    name: str
    file_name: str | None
    content_type: str


class PartEnd(Enum):
    """A part is complete."""

    PART_END = "part end"


PART_END: Final = PartEnd.PART_END

Event = PartHead | bytes | memoryview | PartEnd


def boundary_of(content_type: str) -> bytes:
    """Return the boundary that a Content-Type header names.

    Raises:
        MalformedForm: the header is of another type or names none.
    """
    kind = content_type.partition(";")[0].strip().lower()
    found = _BOUNDARY.search(content_type)
    if kind != "multipart/form-data" or found is None:
        raise MalformedForm(
            f"the body is {kind or 'of no type'}, not multipart/form-data with a boundary"
        )
    boundary = (found[1] or found[2]).encode("utf-8", "surrogateescape")
    if len(boundary) > BOUNDARY_BYTES_MAX:
        raise MalformedForm(f"the boundary is longer than {BOUNDARY_BYTES_MAX} bytes")
    return boundary


class MultipartParser:
    """Bytes of one form to events; `feed` them in pieces of any size, then `close`."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        # A form may begin with its first boundary: let that look like all the others.
        self._rest = b"\r\n"
        self._step: Callable[[bytes, int, list[Event]], int] = self._preamble
        self._preamble_bytes = 0
        self._parts = 0

    @property
    def ended(self) -> bool:
        """Tell whether the last boundary was seen; what follows it means nothing."""
        return self._step == self._epilogue

    def feed(self, data: bytes) -> list[Event]:
        """Return what these bytes complete; a part's bytes come as they arrive.

        Raises:
            MalformedForm: they are no form, or a part of it is beyond its bound.
        """
        events: list[Event] = []
        data = self._rest + data if self._rest else data
        at = 0
        step = None
        while step != self._step:
            step = self._step
            at = step(data, at, events)
        self._rest = data[at:]
        return events

    def close(self) -> None:
        """Note that there is no more.

        Raises:
            MalformedForm: the form is not complete.
        """
        if not self.ended:
            raise MalformedForm("the form ends before its last boundary")

    # A step reads from a position on, either names the step that goes on or leaves itself in
    # place to wait for more bytes, and returns the position of the first byte it has not used.

    def _preamble(self, data: bytes, at: int, events: list[Event]) -> int:
        del events
        found = data.find(self._delimiter, at)
        if found >= 0:
            self._step = self._boundary
            return found + len(self._delimiter)
        kept = max(at, len(data) - len(self._delimiter) + 1)
        self._preamble_bytes += kept - at
        if self._preamble_bytes > PREAMBLE_BYTES_MAX:
            raise MalformedForm(f"no boundary in the first {PREAMBLE_BYTES_MAX} bytes of the form")
        return kept

    def _boundary(self, data: bytes, at: int, events: list[Event]) -> int:
        del events
        if data.startswith(b"--", at):
            self._step = self._epilogue
            return len(data)
        end = at
        while data[end : end + 1] in (b" ", b"\t") and end - at <= PADDING_BYTES_MAX:
            end += 1
        if data.startswith(b"\r\n", end):
            self._parts += 1
            if self._parts > PARTS_MAX:
                raise MalformedForm(f"the form has more than {PARTS_MAX} parts")
            self._step = self._head
            return end + 2
        if data[end:] not in (b"", b"\r") and data[at:] != b"-":
            raise MalformedForm("a boundary is followed by something else than a line's end")
        return at

    def _head(self, data: bytes, at: int, events: list[Event]) -> int:
        end = data.find(b"\r\n\r\n", at)
        if (len(data) if end < 0 else end) - at > PART_HEAD_BYTES_MAX:
            raise MalformedForm(f"the head of a part is longer than {PART_HEAD_BYTES_MAX} bytes")
        if end < 0:
            return at
        events.append(_part_head(data[at:end]))
        self._step = self._body
        return end + 4

    def _body(self, data: bytes, at: int, events: list[Event]) -> int:
        found = data.find(self._delimiter, at)
        end = self._end_of_sure(data, at) if found < 0 else found
        if end > at:
            events.append(data if end - at == len(data) else memoryview(data)[at:end])
        if found < 0:
            return end
        events.append(PART_END)
        self._step = self._boundary
        return found + len(self._delimiter)

    def _epilogue(self, data: bytes, at: int, events: list[Event]) -> int:
        del at, events
        return len(data)

    def _end_of_sure(self, data: bytes, at: int) -> int:
        """Return where bytes begin that may turn out to be the delimiter's first ones."""
        # Only its first byte is a carriage return, so the last one in the data decides.
        last = data.rfind(b"\r", max(at, len(data) - len(self._delimiter) + 1))
        return last if last >= 0 and self._delimiter.startswith(data[last:]) else len(data)


def _part_head(head: bytes) -> PartHead:
    lines = head.decode("utf-8", "replace").split("\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    disposition = headers.get("content-disposition", "")
    parameters = {
        found[1].lower(): found[2].replace('\\"', '"') if found[2] is not None else found[3]
        for found in _PARAMETER.finditer(disposition)
    }
    if not disposition.lower().startswith("form-data") or "name" not in parameters:
        raise MalformedForm("a part of the form has no name")
    return PartHead(
        name=parameters["name"],
        file_name=parameters.get("filename"),
        content_type=headers.get("content-type", ""),
    )
