"""Owns a running suite as programs ask and tell it: documents, calls, clock, triggers, users.

Not here: starting one (`testing.running`) and how a suite is found (`cli.discovery`). The one idea:
a call is one request to the control API, so a suite in this process, in another and in a container
are the same; where the thread runs an event loop the answer is awaited, anywhere else it is the
answer, as with the `cloud` object.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeAlias

from emulator.cli.connect import connect as find_suite
from emulator.cli.control import ControlClient, path_of
from emulator.cli.output import Failed
from emulator.core.errors import EmulatorError

ADVANCE_MAX_S: Final = 3_600.0
"""Everything due on the way is called and waited for."""
CALL_MAX_S: Final = 90.0
"""A function may run for a minute."""
IDLE_ASK_S: Final = 5.0
"""What an answer may take over the time that was given."""

Answer: TypeAlias = Any
"""JSON data, or in a thread with an event loop an awaitable of it."""

Moment: TypeAlias = datetime | str | int
"""A date, a text such as `2026-01-31T09:00`, or milliseconds."""
Duration: TypeAlias = timedelta | str | float
"""A difference, a text such as `1d2h`, or seconds."""


class Refused(EmulatorError):
    """The suite refused, or nobody answers."""

    def __init__(self, fault: Failed) -> None:
        super().__init__(fault.message, hint=fault.hint)
        self.code = fault.code  # type: ignore[misc]  # here the code is the answer's, not the class's


def connect(project: str | Path = ".", *, url: str = "") -> "Emulator":
    """Return the suite that runs for a project, or at an address.

    Without either, `CLOUD_EMU_URL` says which, as inside `cloud-emu exec`.

    Raises:
        Refused: no suite runs for it.
    """
    if url:
        return Emulator(url)
    try:
        return Emulator(find_suite(Path(project)).url)
    except Failed as fault:
        raise Refused(fault) from None


class _Part:
    """Some calls of one suite."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    def _get(
        self,
        path: str,
        read: Callable[[Any], Any] | None = None,
        *,
        wait_s: float = CALL_MAX_S,
        **query: str | float,
    ) -> Answer:
        return _asked(lambda: self._client.get(path, accept=(200,), wait_s=wait_s, **query), read)

    def _post(
        self,
        path: str,
        body: object = None,
        read: Callable[[Any], Any] | None = None,
        *,
        timeout_s: float = CALL_MAX_S,
    ) -> Answer:
        return _asked(lambda: self._client.post(path, body, timeout_s=timeout_s), read)


class Clock(_Part):
    """The clock that dates, timers, rules and tokens of the suite follow."""

    def show(self) -> Answer:
        """Return `{"now", "local", "now_ms", "frozen", "offset_ms"}`."""
        return self._get("/_emu/clock")

    def set(self, moment: Moment) -> Answer:
        """Jump to a moment; timers in between count as missed."""
        shown = moment.isoformat() if isinstance(moment, datetime) else moment
        return self._turn({"set": shown})

    def advance(self, duration: Duration) -> Answer:
        """Go on, calling everything due on the way in order; returns when all of it has run.

        The answer has how many timers `fired`.
        """
        seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
        return self._turn({"advance": seconds})

    def freeze(self) -> Answer:
        """Stand still until it is set, advanced or resumed."""
        return self._turn({"freeze": True})

    def resume(self) -> Answer:
        """Run on from the moment shown."""
        return self._turn({"resume": True})

    def _turn(self, wish: Mapping[str, Any]) -> Answer:
        return self._post("/_emu/clock", wish, timeout_s=ADVANCE_MAX_S)


class Triggers(_Part):
    """The triggers of the suite's functions."""

    def list(self) -> Answer:
        """Return `[{"function", "trigger", "type", "config", "paused", "next_fires", …}]`."""
        return self._get("/_emu/triggers", lambda told: told["triggers"])

    def fire(self, function: str, trigger: str, event: Any = None) -> Answer:
        """Fire a trigger now; answers like `invoke`."""
        told = {} if event is None else {"event": event}
        return self._post(path_of("triggers", function, trigger, "fire"), told)

    def pause(self, function: str, trigger: str) -> Answer:
        """Stop a trigger; what it misses is not called."""
        return self._post(path_of("triggers", function, trigger, "pause"))

    def resume(self, function: str, trigger: str) -> Answer:
        """Let a trigger go on."""
        return self._post(path_of("triggers", function, trigger, "resume"))

    def failed(self) -> Answer:
        """Return the triggered and asynchronous calls that were given up, oldest first."""
        return self._get("/_emu/dead-letters")

    def replay(self, number: int | None = None) -> Answer:
        """Call what was given up again, one by its number or all; returns how many."""
        body = {} if number is None else {"number": number}
        return self._post("/_emu/dead-letters/replay", body, lambda told: told["replayed"])


class Users(_Part):
    """The users of the suite."""

    def list(self) -> Answer:
        """Return the users, oldest first."""
        return self._get("/_emu/users")

    def add(self, name: str = "", **known_by: str) -> Answer:
        """Make a user, by `openid`, `unionid`, `phone`, `username`, `email` or `password`."""
        fields = {key: value for key, value in {"name": name, **known_by}.items() if value}
        return self._post("/_emu/users", fields)

    def use(self, openid: str) -> Answer:
        """Let this be whoever does not say who it is, from now on."""
        return self._post("/_emu/users/current", {"openid": openid})

    def sign_in(self, uid: str) -> Answer:
        """Return `{"access_token", "refresh_token", "expires_in"}` without any proof."""
        return self._post(path_of("users", uid, "tokens"))

    def remove(self, uid: str) -> Answer:
        """Remove a user; what it made stays."""
        return _asked(lambda: self._client.delete(path_of("users", uid)), None)


class TriggersDisabled:
    """A block in which database and storage triggers hear of nothing: `with` or `async with`.

    Blocks may lie inside each other: the one outside lets them hear again.
    """

    def __init__(self, switch: Callable[[Mapping[str, bool]], Answer]) -> None:
        self._switch = switch
        self._was = True

    def __enter__(self) -> None:
        if _loop_here() is not None:
            raise RuntimeError("this thread runs an event loop: write `async with`")
        self._was = self._switch({"enabled": False})["was"]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._switch({"enabled": self._was})

    async def __aenter__(self) -> None:
        self._was = (await self._switch({"enabled": False}))["was"]

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self._switch({"enabled": self._was})


class Emulator(_Part):
    """One running suite.

    Every call raises Refused, at once or where it is awaited, with the code that the suite answered
    or `GONE` when nobody does.
    """

    def __init__(self, url: str) -> None:
        try:
            super().__init__(ControlClient(url))
        except Failed as fault:
            raise Refused(fault) from None
        self.clock = Clock(self._client)
        self.triggers = Triggers(self._client)
        self.users = Users(self._client)

    @property
    def url(self) -> str:
        """Return the address of the API port."""
        return self._client.url

    def info(self) -> Answer:
        """Return what there is to know: `urls`, `variables`, `functions`, `timers` and so on."""
        return self._get("/_emu/info")

    def idle(self, timeout_s: float = 10.0) -> Answer:
        """Wait until nothing is queued or running; returns what still is at the time-out.

        The sentences are in a list, which is empty when the suite is idle.
        """
        wait_s = timeout_s + IDLE_ASK_S
        return self._get(
            "/_emu/idle", lambda told: told.get("running", []), wait_s=wait_s, timeout_s=timeout_s
        )

    def reset(self) -> Answer:
        """Empty documents, files, messages, logs and usage."""
        return self._post("/_emu/reset")

    def seed(
        self,
        collections: Mapping[str, Sequence[Mapping[str, Any]]],
        *,
        replace: bool = False,
        triggers: bool = False,
    ) -> Answer:
        """Load documents as administrator; returns how many of each collection.

        Dates and ids are tagged as in Extended JSON. `replace` drops everything else first, with
        `triggers` database triggers hear of it.
        """
        plain = {name: list(documents) for name, documents in collections.items()}
        body = {"collections": plain, "replace": replace, "triggers": triggers}
        return self._post("/_emu/seed", body, lambda told: told["collections"])

    def documents(self, collection: str) -> Answer:
        """Return the documents of a collection, oldest first; dates and ids are tagged."""
        return self._get(path_of("collections", collection))

    def files(self, prefix: str = "") -> Answer:
        """Return `[{"path", "file_id", "size_bytes", "owner", "updated_at"}]`."""
        return self._get("/_emu/storage", prefix=prefix)

    def invoke(
        self, name: str, event: Any = None, *, openid: str | None = None, source: str = "wx_client"
    ) -> Answer:
        """Call a function, as a user or as administrator.

        Returns `{"result" or "error", "request_id", "duration_ms", "logs"}`.
        """
        body = {"event": {} if event is None else event, "openid": openid, "source": source}
        return self._post(path_of("functions", name, "invoke"), body)

    def triggers_disabled(self) -> TriggersDisabled:
        """Return a block, `with` or `async with`, for the time of a seed."""
        return TriggersDisabled(partial(self._post, "/_emu/triggers"))

    def trace(
        self, *, request_id: str = "", trace_id: str = "", limit: int = 100, form: str = "tree"
    ) -> Answer:
        """Return what happened and why: spans inside each other, or `form="otlp"`."""
        return self._get(
            "/_emu/trace", request_id=request_id, trace_id=trace_id, limit=limit, form=form
        )

    def metrics(self) -> Answer:
        """Return the figures in Prometheus' text format."""
        return _asked(lambda: self._client.text("/_emu/metrics"), None)

    def usage(self, plan: str = "") -> Answer:
        """Return what was used, against what a price list gives for nothing."""
        return self._get("/_emu/usage", plan=plan)

    def logs(
        self, *, function: str = "", request_id: str = "", level: str = "", limit: int = 100
    ) -> Answer:
        """Return the newest log lines that fit, oldest first."""
        return self._get(
            "/_emu/logs", function=function, request_id=request_id, level=level, limit=limit
        )

    def requests(self, limit: int = 100) -> Answer:
        """Return the newest calls of functions, oldest first."""
        return self._get("/_emu/requests", limit=limit)

    def messages(self) -> Answer:
        """Return the calls of open APIs and of payment, newest last."""
        return self._get("/_emu/messages")

    def inbox(self, to: str = "") -> Answer:
        """Return what would have been sent by mail and text message, newest last."""
        return self._get("/_emu/inbox", to=to)

    def follow(self, kind: str = "logs") -> Iterator[dict[str, Any]]:
        """Yield new entries of `logs` or `requests` as they come, blocking in between."""
        return self._client.stream(f"/_emu/{kind}")


def _asked(ask: Callable[[], Any], read: Callable[[Any], Any] | None) -> Answer:
    """Return the answer, or where a loop runs what it is awaited by; it is asked at once."""

    def answer() -> Any:
        try:
            told = ask()
        except Failed as fault:
            raise Refused(fault) from None
        return told if read is None else read(told)

    loop = _loop_here()
    return answer() if loop is None else loop.run_in_executor(None, answer)


def _loop_here() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
