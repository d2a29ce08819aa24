"""Owns talking to a running suite over its control API.

Not here: where the suite is (`cli.discovery`). The one idea: the standard library's HTTP client is
enough, ignores proxies and starts fast.
"""

import http.client
import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from emulator.cli.output import Failed

TIMEOUT_DEFAULT_S: Final = 10.0
ANSWER_SIZE_MAX_BYTES: Final = 512 * 1024 * 1024


class Unreachable(Failed):
    """Nobody answers at the address."""

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="does the suite still run? cloud-emu status", code="GONE")


class ControlClient:
    """The control API at one address."""

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_DEFAULT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise Failed(f"{url} is no address of a suite", hint="such as http://127.0.0.1:8270")
        self.url = url.rstrip("/")
        self._host, self._port = parts.hostname, parts.port or 80
        self._timeout_s = timeout_s

    def get(
        self,
        path: str,
        *,
        accept: tuple[int, ...] = (200,),
        wait_s: float | None = None,
        **query: object,
    ) -> Any:
        """Return the JSON answer to a GET, waiting `wait_s` for it instead of the usual time.

        Raises:
            Unreachable: nobody answers.
            Failed: the suite refused.
        """
        limit_s = self._timeout_s if wait_s is None else wait_s
        return self._call("GET", _with_query(path, query), None, accept, limit_s)

    def text(self, path: str) -> str:
        """Return the answer to a GET that is no JSON; raises as `get` does."""
        status, raw = self._exchange("GET", path, None, self._timeout_s)
        if status != 200:
            raise _refusal(status, raw)
        return raw.decode()

    def post(self, path: str, body: object = None, *, timeout_s: float | None = None) -> Any:
        """Return the JSON answer to a POST; raises as `get` does."""
        payload = b"" if body is None else json.dumps(body).encode()
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        return self._call("POST", path, payload, (200, 202), limit_s)

    def delete(self, path: str) -> Any:
        """Return the JSON answer to a DELETE; raises as `get` does."""
        return self._call("DELETE", path, None, (200,), self._timeout_s)

    def stream(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        """Return the server-sent events of a path; when this returns, none can be missed."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request("GET", _with_query(path, {**query, "follow": 1}))
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as fault:
            connection.close()
            raise Unreachable(f"{self.url}: {fault}") from fault
        if response.status != 200:
            raw = response.read(ANSWER_SIZE_MAX_BYTES)
            connection.close()
            raise _refusal(response.status, raw)
        return self._events(connection, response)

    def _events(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse
    ) -> Iterator[dict[str, Any]]:
        try:
            for line in response:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
        except (OSError, http.client.HTTPException):
            return  # the suite is gone, which ends its events
        finally:
            connection.close()

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None,
        accept: tuple[int, ...],
        timeout_s: float,
    ) -> Any:
        status, raw = self._exchange(method, path, body, timeout_s)
        if status not in accept:
            raise _refusal(status, raw)
        return _json(raw)

    def _exchange(
        self, method: str, path: str, body: bytes | None, timeout_s: float
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        headers = {"Content-Type": "application/json"} if body else {}
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            raw = response.read(ANSWER_SIZE_MAX_BYTES)
        except (OSError, http.client.HTTPException) as fault:
            raise Unreachable(f"{self.url}: {fault}") from fault
        finally:
            connection.close()
        return response.status, raw


def path_of(*segments: str) -> str:
    """Return a path of the control API; segments may hold any character."""
    return "/_emu/" + "/".join(quote(segment, safe="") for segment in segments)


def _with_query(path: str, query: dict[str, object]) -> str:
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def _refusal(status: int, raw: bytes) -> Failed:
    told = _json(raw)
    if isinstance(told, dict) and "message" in told:
        code = str(told.get("code", status))
        return Failed(str(told["message"]), hint=str(told.get("hint") or ""), code=code)
    return Failed(
        f"the suite answered {status}: {raw[:200].decode(errors='replace')}", code=str(status)
    )


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
