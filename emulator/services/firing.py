"""Owns firing a trigger by hand: the call it makes, with a given event or one made up for it.

Not here: what makes triggers fire by themselves (`services.timers`, `services.dispatcher`, HTTP).
The one idea: what is made up is as near to the truth as can be had, the newest document or file
that fits, so that a function can be tried without writing anything.
"""

from collections.abc import Sequence

import orjson

from emulator.ambient import Clock, Ids
from emulator.core.changes import Change, Operation
from emulator.core.errors import FunctionNotFound, InvalidParam
from emulator.core.values import Document, Value
from emulator.functions.base import Bundle, DatabaseTrigger, StorageTrigger, StoredFile
from emulator.functions.triggers.http import METHODS, http_event
from emulator.services.caller import Caller
from emulator.services.dispatcher import Dispatcher
from emulator.services.functions import Functions, Invoked
from emulator.services.http_routes import HttpRoute, HttpRoutes
from emulator.services.registry import Registry
from emulator.services.storage import Storage
from emulator.services.timers import Timers
from emulator.stores.base import DocumentStore

TRIGGERED = Caller(kind="administrator", source="wx_trigger", depth=1)
VISITOR = Caller(kind="anonymous", source="wx_http")
EXAMPLE: Document = {"_id": "example"}
OPERATIONS: Sequence[Operation] = ("insert", "update", "remove")


class Firing:
    """The triggers of one environment, by hand."""

    def __init__(  # noqa: PLR0913  # what it depends on, each once
        self,
        functions: Functions,
        registry: Registry,
        *,
        timers: Timers,
        dispatcher: Dispatcher,
        http_routes: HttpRoutes,
        store: DocumentStore,
        storage: Storage,
        clock: Clock,
        ids: Ids,
        env_id: str,
    ) -> None:
        self._functions = functions
        self._registry = registry
        self._timers = timers
        self._dispatcher = dispatcher
        self._routes = http_routes
        self._store = store
        self._storage = storage
        self._clock = clock
        self._ids = ids
        self._env_id = env_id

    async def fire(self, function: str, trigger: str, event: Value = None) -> Invoked:
        """Call the trigger's function now, with this event, else with one made up.

        Raises:
            FunctionNotFound: no such function or trigger.
            InvalidParam: nothing can be made up.
        """
        kind, config = self._known(function, trigger)
        if kind == "timer" and event is None:
            return await self._timers.fire(function, trigger)
        caller = VISITOR if kind == "http" else TRIGGERED
        if event is None:
            event = self._made_up(function, trigger, kind, config)
        own = orjson.loads(orjson.dumps(event))
        return await self._functions.invoke(function, own, caller)

    def _known(self, function: str, trigger: str) -> tuple[str, Value]:
        bundles: Sequence[Bundle] = self._registry.bundles()
        for bundle in bundles:
            for each in bundle.triggers:
                if (bundle.name, each.name) == (function, trigger):
                    return each.kind, each.config
        known = [f"{bundle.name}/{each.name}" for bundle in bundles for each in bundle.triggers]
        raise FunctionNotFound(
            f"no trigger {function}/{trigger}", hint=f"triggers: {', '.join(known) or 'none'}"
        )

    def _made_up(self, function: str, trigger: str, kind: str, config: Value) -> Value:
        listening = self._dispatcher.listening
        for owner, name, database in listening.database:
            if (owner, name) == (function, trigger):
                return self._of_change(database, str(config["collection"]))
        for owner, name, stored in listening.storage:
            if (owner, name) == (function, trigger):
                return self._of_file(stored, str((config or {}).get("prefix", "")))
        for route in self._routes.all():
            if (route.function, route.trigger) == (function, trigger):
                return self._of_request(route)
        raise InvalidParam(
            f"{kind} trigger {function}/{trigger} is not heard of yet", hint="give an event"
        )

    def _of_change(self, trigger: DatabaseTrigger, collection: str) -> Value:
        kept = self._store.collection(collection)
        documents = kept.snapshot() if kept is not None else []
        document = documents[-1] if documents else EXAMPLE
        for operation in OPERATIONS:
            change = Change(
                sequence=self._store.sequence,
                collection=collection,
                operation=operation,
                document_id=document["_id"],
                before=None if operation == "insert" else document,
                after=None if operation == "remove" else document,
            )
            if trigger.matches(change):
                return trigger.event([change], env_id=self._env_id, moment_ms=self._clock.now_ms())
        raise InvalidParam(f"no change of {collection} fits the trigger", hint="give an event")

    def _of_file(self, trigger: StorageTrigger, prefix: str) -> Value:
        known = sorted(self._storage.list(prefix), key=lambda info: info.updated_ms)
        path = known[-1].cloud_path if known else f"{prefix}example.txt"
        for operation in ("put", "delete"):
            file = StoredFile(
                cloud_path=path,
                file_id=self._storage.file_id(path),
                operation="put" if operation == "put" else "delete",
                size_bytes=known[-1].size_bytes if known else 0,
                content_type=known[-1].content_type if known else "text/plain",
            )
            if trigger.matches(file):
                return trigger.event(file, env_id=self._env_id, moment_ms=self._clock.now_ms())
        raise InvalidParam(f"no file below {prefix!r} fits the trigger", hint="give an event")

    def _of_request(self, route: HttpRoute) -> Value:
        path = route.compiled.path
        method = next(each for each in METHODS if route.compiled.matches(each, path))
        return http_event(
            method=method,
            path=route.compiled.path_told(path),
            request_id=self._ids.request_id(),
            env_id=self._env_id,
        )
