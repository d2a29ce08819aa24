"""Owns HTTP functions in Python: a program that listens on a port, served by events.

Not here: the program's own process (`python_web_child`), what start files say (`bootstrap`). The
one idea: as for Node, an event of HTTP access becomes a request to the program's server and what
that answers is the result; a body of no known length is passed on while it comes.
"""

import base64
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from emulator.functions.base import Bundle, LoadFailed, Problem
from emulator.functions.bootstrap import roots_of
from emulator.functions.python_web_child import REPORT_VARIABLE

PORT: Final = 9000
"""The platform's: what programs are told, not what they get."""
LOOK_EVERY_S: Final = 0.05
LOOKS_MAX: Final = 180
"""It is to listen within nine seconds."""
SOCKET: Final = "x-cloud-emu-socket"
"""How it is said where the server takes a WebSocket: `PORT PATH`."""
PIECE_MAX_BYTES: Final = 64 * 1024
_CHILD: Final = Path(__file__).with_name("python_web_child.py")
_NOT_PASSED: Final = frozenset(
    {"connection", "content-length", "date", "host", "keep-alive", "transfer-encoding", "upgrade"}
)
_BODILESS: Final = frozenset({"GET", "HEAD"})


class WebProgram:
    """A program that was started, as a module with a handler."""

    def __init__(self, bundle: Bundle, folders: tuple[Path, ...]) -> None:
        assert bundle.web is not None, "a program that listens"
        self._name = bundle.name
        self._roots = roots_of(bundle)
        # Held for as long as the module is: its input is what keeps the program alive.
        self._child, self._address = _started(bundle, folders)

    def main(self, event: Any, context: Any) -> dict[str, Any]:
        """Answer an event of HTTP access as the program does; raises for any other event."""
        del context
        if not isinstance(event, dict) or not isinstance(event.get("httpMethod"), str):
            raise TypeError(
                f"{self._name} is an HTTP function: send it a request, on its path of the site or "
                "at the gateway with ?webfn=true"
            )
        given = event.get("headers") or {}
        if given.get("sec-websocket-key") and given.get("upgrade", "").lower() == "websocket":
            place = f"{self._address[1]} {self._target(event)}"
            return {"statusCode": 200, "headers": {SOCKET: place}}
        connection = HTTPConnection(*self._address)
        try:
            answer = self._ask(connection, event)
        except (HTTPException, OSError) as fault:
            connection.close()
            raise RuntimeError(f"the server gave no answer: {fault}") from None
        head = {"statusCode": answer.status, "headers": _headers(answer)}
        if answer.length is None:
            return {**head, "body": _pieces(connection, answer)}
        body = base64.b64encode(answer.read()).decode()
        connection.close()
        return {**head, "body": body, "isBase64Encoded": True}

    def _target(self, event: Mapping[str, Any]) -> str:
        path = "/" if event["path"] in self._roots else event["path"]
        query = urlencode(event.get("multiValueQueryStringParameters") or {}, doseq=True)
        return quote(path, safe="/:@!$&'()*+,;=~") + (f"?{query}" if query else "")

    def _ask(self, connection: HTTPConnection, event: Mapping[str, Any]) -> HTTPResponse:
        method, text = event["httpMethod"], event.get("body") or ""
        body = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
        connection.putrequest(
            method, self._target(event), skip_host=True, skip_accept_encoding=True
        )
        given = dict(event.get("headers") or {})
        connection.putheader("host", given.get("host", f"localhost:{PORT}").encode())
        for name, value in given.items():
            if name not in _NOT_PASSED:
                connection.putheader(name, value.encode())
        if body or method not in _BODILESS:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body or None)
        return connection.getresponse()


def _started(
    bundle: Bundle, folders: tuple[Path, ...]
) -> "tuple[subprocess.Popen[bytes], tuple[str, int]]":
    """Start the program and return it with where it listens; raises LoadFailed."""
    assert bundle.web is not None
    own = bundle.variables.get("PYTHONPATH", "")
    places = [*map(str, folders), *(str(bundle.folder / each) for each in own.split(":") if each)]
    with socket.create_server(("127.0.0.1", 0)) as waiting:
        variables = {
            **os.environ,
            "PORT": str(PORT),
            "PYTHONUNBUFFERED": "1",
            # Django would start itself anew, past the process that knows about ports.
            "RUN_MAIN": "true",
            "PYTHONPATH": os.pathsep.join(places),
            REPORT_VARIABLE: str(waiting.getsockname()[1]),
        }
        child = subprocess.Popen(
            [sys.executable, str(_CHILD), *bundle.web],
            cwd=bundle.folder,
            env=variables,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        waiting.settimeout(LOOK_EVERY_S)
        for _ in range(LOOKS_MAX):
            try:
                connection, _ = waiting.accept()
            except TimeoutError:
                if child.poll() is not None:
                    raise _failed(bundle, f"ended with {child.returncode}") from None
                continue
            with connection, connection.makefile("r") as said:
                host, number = said.readline().split()
            return child, (host, int(number))
    assert child.stdin is not None, "a pipe"
    child.stdin.close()
    raise _failed(bundle, f"listens on no port: an HTTP function does, on {PORT}")


def _failed(bundle: Bundle, what: str) -> LoadFailed:
    return LoadFailed(
        Problem(file=str(bundle.entry), line=0, message=f"{bundle.entry.name} {what}")
    )


def _headers(answer: HTTPResponse) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for name, value in answer.getheaders():
        if name.lower() not in _NOT_PASSED:
            # Bytes came as characters, one each.
            text = value.encode("latin-1", "replace").decode("utf-8", "replace")
            told.setdefault(name.lower(), []).append(text)
    return told


def _pieces(connection: HTTPConnection, answer: HTTPResponse) -> Iterator[bytes]:
    try:
        while piece := answer.read1(PIECE_MAX_BYTES):
            yield piece
    finally:
        connection.close()
