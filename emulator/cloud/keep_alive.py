"""Owns the connections of a script to the suite: kept open, used by one thread at a time.

Not here: what is asked (`http`). Proxies are passed by: the suite is on this machine, whatever the
variables say.
"""

import http.client
import socket
import weakref
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from emulator.core.errors import EmulatorError

REQUEST_TIMEOUT_S: Final = 75.0
"""A function may run for a minute; the answer comes after that."""

IDLE_CONNECTIONS_MAX: Final = 16

Idle = deque[http.client.HTTPConnection]


class Connections:
    """Idle connections by address."""

    def __init__(self) -> None:
        self._idle: defaultdict[str, Idle] = defaultdict(deque)
        # A script just ends; its connections end with it.
        self._closing = weakref.finalize(self, _close_all, self._idle)

    def request(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Return status and body of the answer.

        Raises:
            EmulatorError: nobody answers at that address.
        """
        address = urlsplit(url)
        target = f"{address.path or '/'}?{address.query}" if address.query else address.path or "/"
        connection = self._open(address)
        try:
            connection.request(method, target, body, dict(headers or {}))
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as fault:
            connection.close()
            raise EmulatorError(
                f"no answer from {address.scheme}://{address.netloc}: {fault}",
                hint="is the suite running? cloud-emu start, or cloud-emu status",
            ) from fault
        idle = self._idle[address.netloc]
        if response.will_close or len(idle) >= IDLE_CONNECTIONS_MAX:
            connection.close()
        else:
            idle.append(connection)
        return response.status, content

    def close(self) -> None:
        """Close the idle connections."""
        self._closing()

    def _open(self, address: SplitResult) -> http.client.HTTPConnection:
        idle = self._idle[address.netloc]
        while idle:
            try:
                connection = idle.pop()
            except IndexError:  # another thread was faster
                break
            if _is_open(connection):
                return connection
            connection.close()
        kind = (
            http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        )
        return kind(address.netloc, timeout=REQUEST_TIMEOUT_S)


def _close_all(known: Mapping[str, Idle]) -> None:
    for idle in known.values():
        while idle:
            idle.pop().close()


def _is_open(connection: http.client.HTTPConnection) -> bool:
    """Tell whether the other side has not hung up: an idle connection has nothing to read."""
    if connection.sock is None:
        return False
    connection.sock.settimeout(0)
    try:
        connection.sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        connection.sock.settimeout(REQUEST_TIMEOUT_S)
        return True
    except OSError:
        return False
    return False
