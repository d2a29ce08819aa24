"""Owns the connection of one `watch()`: opened, kept, opened anew, on a thread of its own.

Not here: what events mean (`watch_state`) and who hears of them (`watch`). The one idea: a lost
connection is no news for the program; the next one goes on at the last event. Only what will not
get better by trying again is told as an error.
"""

import itertools
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol

from emulator.cloud.watch_state import EventsMissed, Snapshot, WatchState
from emulator.cloud.websocket import WebSocket
from emulator.core.errors import EmulatorError

QUIET_S: Final = 10.0
"""Nothing heard for so long: the other side is asked whether it is there."""
QUIETS_MAX: Final = 2
PAUSES_S: Final = (0.0, 0.1, 0.5, 2.0, 5.0, 10.0)
"""Before each attempt to connect again; after the last one it is given up."""
SIGN_AGAIN: Final = frozenset(
    {"CHECK_LOGIN_FAILED", "SIGN_EXPIRED_ERROR", "SIGN_INVALID_ERROR", "ACCESS_TOKEN_EXPIRED"}
)
BEGIN_ANEW: Final = "QUERYID_INVALID_ERROR"


class Signed(NamedTuple):
    """Where the realtime connection is, and what opens it."""

    url: str
    env_id: str
    signature: str


class Hears(Protocol):
    """Whoever watches; called on the feed's thread, which may be kept waiting."""

    def changed(self, snapshot: Snapshot) -> None:
        """Hear of what is new."""
        ...

    def failed(self, fault: EmulatorError) -> None:
        """Hear that nothing follows, and why."""
        ...


class WatchFailed(EmulatorError):
    """The suite ended a watch; the code is what it said."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # here the code is the message's, not the class's


class ConnectionLost(EmulatorError):
    """The suite does not answer any more."""


class WatchFeed:
    """One watch, from `start` to `close` or to its failure."""

    def __init__(self, sign: Callable[[], Signed], state: WatchState, hears: Hears) -> None:
        self._sign = sign
        self._state = state
        self._hears = hears
        self._ended = threading.Event()
        self._socket: WebSocket | None = None
        self._numbers = itertools.count(1)
        self._failures = 0
        self._was_open = False

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="cloud-watch", daemon=True).start()

    def close(self) -> None:
        """End it; nothing is told any more."""
        self._ended.set()
        socket = self._socket
        if socket is not None:
            socket.close()

    def _run(self) -> None:
        while not self._ended.wait(PAUSES_S[self._failures]):
            fault = self._connected()
            if fault is None or self._ended.is_set():
                continue
            self._failures += 1
            code = fault.code if isinstance(fault, WatchFailed) else ""
            may_get_better = not code or code in SIGN_AGAIN or code == BEGIN_ANEW
            is_over = not self._was_open or self._failures >= len(PAUSES_S)
            if is_over or not may_get_better:
                self._hears.failed(fault)
                return
            if code == BEGIN_ANEW:
                self._state.forget()

    def _connected(self) -> EmulatorError | None:
        """Follow one connection to its end and return what ended it."""
        try:
            signed = self._sign()
            self._socket = socket = WebSocket(signed.url)
        except EmulatorError as fault:
            return fault
        except (OSError, KeyError, TypeError) as fault:
            return ConnectionLost(f"no realtime connection: {fault}")
        try:
            self._follow(socket, signed)
        except WatchFailed as fault:
            return fault
        except (OSError, ValueError, KeyError, TypeError) as fault:
            # A peer that speaks otherwise is no better than one that is silent.
            return ConnectionLost(f"the realtime connection was lost: {fault}")
        finally:
            socket.close()
        return None

    def _follow(self, socket: WebSocket, signed: Signed) -> None:
        login = {"envId": signed.env_id, "accessToken": "", "referrer": "python"}
        self._say(socket, "LOGIN", login, {"runtime": "python", "signStr": signed.signature})
        quiets = 0
        while not self._ended.is_set():
            try:
                message = json.loads(socket.receive(QUIET_S))
            except TimeoutError:
                quiets += 1
                if quiets > QUIETS_MAX:
                    raise
                self._say(socket, "PING", None)
                continue
            quiets = 0
            self._hear(socket, signed, message.get("msgType"), message.get("msgData"))

    def _hear(self, socket: WebSocket, signed: Signed, kind: str, told: Any) -> None:
        if isinstance(told, dict) and told.get("code"):
            raise WatchFailed(str(told["code"]), str(told.get("message", "")))
        if kind == "LOGIN_RES":
            self._say(socket, *self._state.opening(signed.env_id))
        elif kind in ("INIT_EVENT", "NEXT_EVENT"):
            try:
                snapshot = self._state.take(told)
            except EventsMissed:
                self._say(socket, *self._state.opening(signed.env_id))
                return
            self._failures, self._was_open = 0, True
            if snapshot is not None:
                self._hears.changed(snapshot)

    def _say(self, socket: WebSocket, kind: str, data: Any, signature: Any = None) -> None:
        message = {
            "watchId": "watch",
            "requestId": f"request_{next(self._numbers)}",
            "msgType": kind,
            "msgData": data,
            **({"exMsgData": signature} if signature else {}),
        }
        with suppress(BrokenPipeError):  # the next read tells
            socket.send(json.dumps(message))
