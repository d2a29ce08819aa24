"""Owns one WebSocket of a program to a suite: RFC 6455 as far as text messages need it.

Not here: what is said (`watch_feed`). The one idea: bytes that arrived wait in a buffer until they
are a whole frame, so that a read may give up at any moment and be taken up again. Proxies are
passed by: the suite is on this machine, whatever the variables say.
"""

import hashlib
import os
import socket
import ssl
import struct
import threading
from base64 import b64encode
from contextlib import suppress
from typing import Final, NamedTuple
from urllib.parse import urlsplit

CONNECT_TIMEOUT_S: Final = 10.0
HEAD_MAX_BYTES: Final = 16 * 1024
MESSAGE_MAX_BYTES: Final = 64 * 1024 * 1024
READ_BYTES: Final = 64 * 1024
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTINUED, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_LENGTHS: Final = {126: struct.Struct("!H"), 127: struct.Struct("!Q")}


class WebSocketClosed(OSError):
    """The connection is over, or never was one."""


class Frame(NamedTuple):
    """A frame at the start of some bytes, and how many of them it takes."""

    is_last: bool
    kind: int
    payload: bytes
    size: int


def read_frame(data: bytes | bytearray) -> Frame | None:
    """Return the first frame, None while more bytes are needed.

    Raises:
        WebSocketClosed: it is longer than a message may be, or masked, which servers never do.
    """
    if len(data) < 2:
        return None
    length, start = data[1] & 0x7F, 2
    if data[1] & 0x80 or data[0] & 0x70:
        raise WebSocketClosed("the server sent a frame that no server sends")
    if length in _LENGTHS:
        shape = _LENGTHS[length]
        start += shape.size
        if len(data) < start:
            return None
        (length,) = shape.unpack_from(data, 2)
    if length > MESSAGE_MAX_BYTES:
        raise WebSocketClosed(f"a message of {length} bytes; {MESSAGE_MAX_BYTES} are read")
    end = start + length
    if len(data) < end:
        return None
    return Frame(bool(data[0] & 0x80), data[0] & 0x0F, bytes(data[start:end]), end)


def write_frame(kind: int, payload: bytes, mask: bytes) -> bytes:
    """Return a frame as clients send it."""
    length = len(payload)
    head = bytes([0x80 | kind])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 65_536:
        head += bytes([0x80 | 126]) + _LENGTHS[126].pack(length)
    else:
        head += bytes([0x80 | 127]) + _LENGTHS[127].pack(length)
    whole = mask * (length // 4 + 1)
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(whole[:length], "big")
    return head + mask + masked.to_bytes(length, "big")


class WebSocket:
    """A connection: one thread reads, any thread sends or closes."""

    def __init__(self, url: str) -> None:
        """Connect; raises OSError."""
        address = urlsplit(url)
        host, is_secure = address.hostname or "", address.scheme == "wss"
        port = address.port or (443 if is_secure else 80)
        self._socket = socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S)
        self._sending = threading.Lock()
        self._buffer = bytearray()
        self._parts = bytearray()
        try:
            if is_secure:
                context = ssl.create_default_context()
                self._socket = context.wrap_socket(self._socket, server_hostname=host)
            self._shake_hands(address.netloc, address.path or "/")
        except BaseException:
            self._socket.close()
            raise

    def send(self, text: str) -> None:
        """Send a message; raises OSError."""
        self._send(_TEXT, text.encode())

    def receive(self, timeout_s: float) -> str:
        """Return the next message.

        Raises:
            TimeoutError: none came in time; the connection stays good.
            WebSocketClosed: it is over.
            OSError: it is lost.
        """
        while True:
            frame = read_frame(self._buffer)
            if frame is None:
                self._fill(timeout_s)
                continue
            del self._buffer[: frame.size]
            if frame.kind == _CLOSE:
                code = int.from_bytes(frame.payload[:2], "big") or 1005
                raise WebSocketClosed(f"the suite closed the connection: {code}")
            if frame.kind == _PING:
                self._send(_PONG, frame.payload)
            elif frame.kind in (_TEXT, _BINARY, _CONTINUED):
                self._parts += frame.payload
                if len(self._parts) > MESSAGE_MAX_BYTES:
                    raise WebSocketClosed(f"a message of more than {MESSAGE_MAX_BYTES} bytes")
                if frame.is_last:
                    text = self._parts.decode()
                    self._parts.clear()
                    return text

    def close(self) -> None:
        """End the connection, also for a thread that waits for a message."""
        with suppress(OSError):
            self._send(_CLOSE, struct.pack("!H", 1000))
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _send(self, kind: int, payload: bytes) -> None:
        with self._sending:
            self._socket.sendall(write_frame(kind, payload, os.urandom(4)))

    def _fill(self, timeout_s: float) -> None:
        self._socket.settimeout(timeout_s)
        data = self._socket.recv(READ_BYTES)
        if not data:
            raise WebSocketClosed("the connection was lost")
        self._buffer += data

    def _shake_hands(self, host: str, path: str) -> None:
        key = b64encode(os.urandom(16))
        asked = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self._socket.sendall(asked.encode())
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > HEAD_MAX_BYTES:
                raise WebSocketClosed(f"{host} is no suite: its answer has no end")
            self._fill(CONNECT_TIMEOUT_S)
        head = bytes(self._buffer[:end]).decode("latin-1")
        del self._buffer[: end + 4]
        status, *fields = head.split("\r\n")
        pairs = (field.partition(":") for field in fields)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        proof = b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest()).decode()
        if status.split(" ")[1:2] != ["101"] or headers.get("sec-websocket-accept") != proof:
            raise WebSocketClosed(f"{host}{path} is no realtime connection: {status[:100]}")
