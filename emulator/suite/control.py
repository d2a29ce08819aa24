"""Owns how a running suite is asked and told: what the control API, the CLI and tests see.

Not here: routes (`wire.control`) and the parts' own work. The one idea: it gathers answers from
the parts and shapes them as JSON data; it decides nothing.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import orjson

from emulator import __version__
from emulator.config import Config
from emulator.core.errors import FunctionNotFound
from emulator.core.values import Document, Value
from emulator.functions.base import Failure, Manner
from emulator.services.caller import Caller
from emulator.services.firing import Firing
from emulator.services.functions import Invoked
from emulator.services.registry import FunctionState
from emulator.services.timers import Timer
from emulator.suite.assembly import Parts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NESTED_MAX: Final = 250
"""Levels of a result that are shown for certain."""
TOO_DEEP: Final = (
    f"the result nests more than {NESTED_MAX} levels deep; SDKs get it, it cannot be shown here"
)


class SuiteControl:
    """One running suite, as others see it."""

    def __init__(
        self,
        config: Config,
        parts: Parts,
        *,
        urls: Callable[[], Mapping[str, str]],
        variables: Callable[[], Mapping[str, str]],
        notices: Callable[[], Sequence[str]],
    ) -> None:
        self.ready = False
        self.stopping = asyncio.Event()
        self._config = config
        self._parts = parts
        self._urls = urls
        self._variables = variables
        self._notices = notices
        self._firing = Firing(
            parts.functions,
            parts.registry,
            timers=parts.timers,
            dispatcher=parts.dispatcher,
            http_routes=parts.http_routes,
            store=parts.store,
            storage=parts.storage,
            clock=parts.clock,
            ids=parts.ids,
            env_id=config.emulator.env,
        )
        self._zone = ZoneInfo(config.triggers.time_zone)

    def info(self) -> dict[str, Value]:
        """Return what there is to know of the suite, as JSON data."""
        config, parts = self._config, self._parts
        return {
            "env": config.emulator.env,
            "profile": config.emulator.profile,
            "version": __version__,
            "pid": os.getpid(),
            "project": str(config.project),
            "urls": dict(self._urls()),
            "variables": dict(self._variables()),
            "data_dir": None if config.ephemeral else str(config.data_dir),
            "functions_root": str(config.functions_root) if config.functions_root else None,
            "site_root": str(config.hosting.root) if config.hosting.root else None,
            "functions": [_function(state) for state in parts.registry.states()],
            "timers": [self._timer(timer) for timer in parts.timers.states()],
            "collections": parts.store.names(),
            "permission": parts.access.permissions.default,
            "notices": [
                *config.notes,
                *self._notices(),
                *parts.http_routes.notices(),
                *parts.store.notices(),
                *parts.blobs.notices(),
                *parts.indexes.notices,
                *parts.rules.notices,
            ],
        }

    async def idle(self, timeout_s: float) -> list[str]:
        """Wait until nothing is queued or running; returns what still is at the time-out."""
        return await self._parts.activity.idle(timeout_s)

    async def reset(self) -> None:
        """Empty documents, files, logs, usage and what was given up."""
        await self._parts.datasets.reset()
        self._parts.openapi.clear()
        self._parts.dispatcher.clear()
        self._parts.recorder.trace.tell()
        self._parts.figures.usage.clear()
        self._parts.identity.auth.clear()
        self._parts.access.record.clear()

    async def seed(
        self, collections: dict[str, list[Document]], *, replace: bool, triggers: bool
    ) -> dict[str, int]:
        """Load documents as administrator; with `triggers` each one fires as an insert would."""
        return await self._parts.datasets.seed(collections, replace=replace, triggers=triggers)

    def collection(self, name: str) -> list[Document]:
        """Return the documents of a collection; raises CollectionNotExist."""
        return self._parts.datasets.documents(name)

    async def invoke(
        self,
        name: str,
        event: Value,
        *,
        openid: str | None,
        source: str,
        cold: bool = False,
    ) -> dict[str, Value]:
        """Call a function as that user; raises FunctionNotFound, other failures are answered."""
        caller = Caller(
            kind="user" if openid else "administrator", openid=openid or "", source=source
        )
        # A copy: the platform's `userInfo` is put into it, and the handler may keep it.
        own = orjson.loads(orjson.dumps(event))
        manner = Manner(cold=cold)
        return _invoked(await self._parts.functions.invoke(name, own, caller, manner=manner))

    def instances(self) -> list[dict[str, Value]]:
        """Return the instances of functions' code there are now."""
        return [asdict(each) for each in self._parts.functions.instances()]

    async def restart(self, name: str) -> None:
        """Have the next call begin with nothing in memory; raises FunctionNotFound."""
        await self._parts.registry.restart(name)

    async def inspect(self, name: str, port: int) -> str:
        """Open a function to debuggers; raises FunctionNotFound or InvalidParam."""
        return await self._parts.functions.inspect(name, port)

    def call_soon(self, name: str, event: Value, *, openid: str | None, source: str) -> None:
        """Call a function when its turn comes, as that user, and again if it fails.

        Raises:
            FunctionNotFound: no such function.
            QueueFull: too many calls wait already.
        """
        if not self._parts.functions.has(name):
            raise FunctionNotFound.named(name)
        caller = Caller(
            kind="user" if openid else "administrator", openid=openid or "", source=source
        )
        self._parts.dispatcher.call_soon(name, event, caller)

    async def fire(self, function: str, trigger: str, event: Value = None) -> dict[str, Value]:
        """Fire a trigger now, with an event or one made up; raises FunctionNotFound."""
        return _invoked(await self._firing.fire(function, trigger, event))

    def files(self, prefix: str) -> list[dict[str, Value]]:
        """Return the stored files whose cloud path starts with the prefix."""
        storage = self._parts.storage
        return [
            {
                "path": file.cloud_path,
                "file_id": storage.file_id(file.cloud_path),
                "size_bytes": file.size_bytes,
                "owner": file.owner,
                "updated_at": _iso(file.updated_ms),
            }
            for file in storage.list(prefix)
        ]

    def logs(
        self, *, function: str = "", request_id: str = "", level: str = "", limit: int = 100
    ) -> list[dict[str, Value]]:
        """Return the newest log lines that fit and are at least as grave, oldest first."""
        lines = self._parts.recorder.logs(
            function=function, request_id=request_id, level=level, limit=limit
        )
        return [line.told() for line in lines]

    def requests(self, limit: int) -> list[dict[str, Value]]:
        """Return the newest calls, oldest first."""
        return [record._asdict() for record in self._parts.recorder.requests(limit)]

    def follow(self, kind: str) -> AsyncIterator[dict[str, Value]]:
        """Yield new log lines or calls as they come."""
        return self._parts.recorder.stream(kind)

    def messages(self) -> list[dict[str, Value]]:
        """Return the calls of open APIs and of payment, newest last."""
        return self._parts.openapi.outbox.messages()

    async def settle(self, out_trade_no: str, *, succeeds: bool) -> dict[str, Value]:
        """Pay an open order, or let its payment fail; raises InvalidParam."""
        order = await self._parts.openapi.payments.settle(out_trade_no, succeeds=succeeds)
        return {"out_trade_no": order.out_trade_no, "trade_state": order.state}

    def request_stop(self) -> None:
        """Ask whoever runs the suite to stop it."""
        self.stopping.set()

    def _timer(self, timer: Timer) -> dict[str, Value]:
        moment = (
            None
            if timer.next_fire_ms is None
            else _EPOCH + timedelta(milliseconds=timer.next_fire_ms)
        )
        return {
            "function": timer.function,
            "trigger": timer.trigger,
            "expression": timer.expression,
            "next_fire": None if moment is None else moment.astimezone(self._zone).isoformat(),
            "notes": list(timer.compiled.notes),
        }


def _function(state: FunctionState) -> dict[str, Value]:
    bundle, problem = state.bundle, state.problem
    return {
        "name": bundle.name,
        "language": bundle.language,
        "state": state.state,
        "file": str(bundle.entry),
        "timeout_s": bundle.timeout_s,
        "generation": state.generation,
        "problem": None
        if problem is None
        else {"file": problem.file, "line": problem.line, "message": problem.message},
        "problems": [asdict(each) for each in bundle.problems],
        "triggers": [
            {"name": trigger.name, "type": trigger.kind, "config": trigger.config}
            for trigger in bundle.triggers
        ],
    }


def _is_shallow(result: bytes) -> bool:
    """Tell whether a result, as JSON text, can be part of another answer."""
    if result.count(b"[") + result.count(b"{") <= NESTED_MAX:
        return True
    try:
        orjson.dumps([[orjson.loads(result)]])
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return False
    return True


def _invoked(invoked: Invoked) -> dict[str, Value]:
    outcome = invoked.outcome
    told: dict[str, Value] = {
        "request_id": invoked.request_id,
        "duration_ms": outcome.duration_ms,
        "logs": [{"level": level, "line": line} for level, line in invoked.logs],
    }
    failure = outcome.failure
    if failure is None and _is_shallow(outcome.result):
        return {"result": orjson.loads(outcome.result), **told}
    if failure is None:
        failure = Failure(kind="result", message=TOO_DEEP)
    error = {
        "code": "FUNCTIONS_EXECUTE_FAIL",
        "kind": failure.kind,
        "message": failure.message,
        "stack": failure.stack,
    }
    return {"error": error, **told}


def _iso(moment_ms: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=moment_ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment_ms % 1000:03d}Z"
