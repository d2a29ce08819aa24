"""A database with listeners, and clients that do what the realtime package of js-sdk does."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from emulator.ambient import CountedIds, ManualClock
from emulator.core import commands
from emulator.core.errors import EmulatorError
from emulator.services.access import Access
from emulator.services.advisor import Advisor
from emulator.services.auth import SOURCE
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.permissions import Permissions, PermissionSettings
from emulator.services.permitted import PermittedDatabase
from emulator.services.planning import Reader
from emulator.services.watch import Watches
from emulator.stores.base import DocumentStore
from emulator.stores.memory import MemoryDocumentStore
from emulator.wire.watch_protocol import Around, NotLoggedIn, WatchSession

ALICE = Caller(kind="user", openid="alice", source=SOURCE)
BOB = Caller(kind="user", openid="bob", source=SOURCE)
CALLERS = {"admin": ADMINISTRATOR, "alice": ALICE, "bob": BOB}


class WatchWorld:
    """The collections `c` and `d`, who may watch them, and who does."""

    def __init__(self, *, store: DocumentStore | None = None, **permissions: Any) -> None:
        self.store = store or MemoryDocumentStore()
        clock, ids, bus = ManualClock(), CountedIds(), Bus()
        self.permissions = Permissions(PermissionSettings(collections=permissions))
        access = Access(self.permissions)
        reader = Reader(clock=clock, advisor=Advisor(clock))
        parts: dict[str, Any] = {"access": access, "bus": bus, "clock": clock, "ids": ids}
        self.database = PermittedDatabase(self.store, reader=reader, **parts)
        self.watches = Watches(self.store, reader=reader, **parts)
        self.due: list[Callable[[], None]] = []
        self.around = Around(
            watches=self.watches,
            login=self._log_in,
            env_id="test",
            later=lambda _, call: self.due.append(call),
        )
        for name in ("c", "d"):
            self.database.create_collection(
                commands.CreateCollection(collection=name), ADMINISTRATOR
            )

    @staticmethod
    def _log_in(signature: str) -> Caller:
        if signature not in CALLERS:
            raise NotLoggedIn("nobody")
        return CALLERS[signature]

    def settle(self) -> None:
        """Let the time pass that clients are given after a first result."""
        due, self.due = self.due, []
        for call in due:
            call()

    async def quiet(self) -> None:
        """Let everything be told that happened."""
        self.settle()
        while self.watches.running():
            await asyncio.sleep(0)

    def add(self, document: dict[str, Any], collection: str = "c") -> None:
        insert = commands.Insert(collection=collection, documents=(document,))
        self.database.insert(insert, ADMINISTRATOR)

    def update(self, filter_: Any, update: Any, *, replace: bool = False, **more: Any) -> None:
        update = commands.Update(
            collection="c",
            filter=filter_,
            update=update,
            multi=not replace,
            replace=replace,
            **more,
        )
        self.database.update(update, ADMINISTRATOR)

    def remove(self, filter_: Any, collection: str = "c") -> None:
        remove = commands.Remove(collection=collection, filter=filter_, multi=True)
        self.database.remove(remove, ADMINISTRATOR)

    async def find(self, filter_: Any, sort: Any = (), limit: int | None = None) -> list[Any]:
        find = commands.Find(collection="c", filter=filter_, sort=sort, limit=limit)
        return list((await self.database.find(find, ADMINISTRATOR)).documents)


class Connection:
    """One connection of a client; `said` are the messages that came and were not taken."""

    def __init__(self, world: WatchWorld, user: str | None = "admin") -> None:
        self.said: list[dict[str, Any]] = []
        self.session = WatchSession(world.around, lambda text: self.said.append(orjson.loads(text)))
        self.requests = 0
        if user is not None:
            answer = self.ask("LOGIN", None, exMsgData={"signStr": user})
            assert answer["msgData"] == {"envId": "test"}

    def ask(self, kind: str, data: Any, **more: Any) -> dict[str, Any]:
        """Send a message and return its answer."""
        self.requests += 1
        request_id = f"r{self.requests}"
        message = {"msgType": kind, "requestId": request_id, "msgData": data, **more}
        self.session.receive(orjson.dumps(message))
        answers = [each for each in self.said if each["requestId"] == request_id]
        assert len(answers) == 1, f"{kind} was answered with {answers}"
        self.said.remove(answers[0])
        return answers[0]

    def tell(self, kind: str, data: Any, **more: Any) -> None:
        """Send a message that has no answer."""
        message = {"msgType": kind, "requestId": "r", "msgData": data, **more}
        self.session.receive(orjson.dumps(message))


class Copy:
    """The list and the counter of one `watch()`, kept as the package keeps them."""

    def __init__(self) -> None:
        self.docs: list[dict[str, Any]] = []
        self.changes: list[tuple[str, str, Any]] = []
        self.number = 0
        self.query_id = ""

    def begin(self, answer: dict[str, Any]) -> None:
        """Take the answer to an INIT_WATCH."""
        if answer["msgType"] == "ERROR":
            raise Refused(answer["msgData"]["code"])
        assert answer["msgType"] == "INIT_EVENT"
        self.query_id = answer["msgData"]["queryID"]
        self.number = answer["msgData"]["currEvent"] - 1
        for event in answer["msgData"]["events"]:
            event["ID"] = self.number + 1
        self._take(answer["msgData"]["events"])
        self.number = answer["msgData"]["currEvent"]

    def go_on(self, message: dict[str, Any]) -> None:
        """Take the answer to a REBUILD_WATCH, or what came by itself."""
        if message["msgType"] == "ERROR":
            raise Refused(message["msgData"]["code"])
        assert message["msgType"] == "NEXT_EVENT"
        self._take(message["msgData"]["events"])
        assert self.number == message["msgData"]["currEvent"]

    def _take(self, events: list[dict[str, Any]]) -> None:
        begun = False
        for place, event in enumerate(events):
            assert event["ID"] == self.number + 1, "the package would ask for a rebuild"
            kind, queue, document_id = event["DataType"], event["QueueType"], event["DocID"]
            self.changes.append((kind, queue, document_id))
            doc = orjson.loads(event["Doc"]) if event["Doc"] != "{}" else None
            at = next((n for n, each in enumerate(self.docs) if each["_id"] == document_id), None)
            if queue == "init":
                self.docs = [*self.docs, doc] if begun else [doc]
                begun = True
            elif queue == "enqueue":
                assert at is None, "it is there already"
                assert doc is not None, "the package has no such document"
                self.docs.append(doc)
            elif queue == "dequeue":
                assert at is not None, "it was not there"
                assert doc is not None or kind != "replace", "the package insists on a document"
                del self.docs[at]
            else:
                assert at is not None, "it was not there"
                if kind == "update":
                    self._check_paths(self.docs[at], doc, event)
                self.docs[at] = doc
            if place == len(events) - 1 or events[place + 1]["ID"] != event["ID"]:
                self.number = event["ID"]

    @staticmethod
    def _check_paths(old: Any, new: Any, event: dict[str, Any]) -> None:
        """Insist on that the paths alone would make the new document of the old one."""
        made = orjson.loads(orjson.dumps(old))
        for path, value in orjson.loads(event["UpdatedFields"]).items():
            *above, last = path.split(".")
            place = made
            for part in above:
                place = place[part]
            place[last] = value
        for path in orjson.loads(event["removedFields"]):
            *above, last = path.split(".")
            place = made
            for part in above:
                place = place[part]
            del place[last]
        assert made == new


class Client(Copy):
    """One `watch()` over a session."""

    def __init__(
        self, connection: Connection, query: Any, watch_id: str = "w", **more: Any
    ) -> None:
        super().__init__()
        self.watch_id = watch_id
        self.rebuilds = 0
        self.connection = connection
        data = {"envId": "test", "collName": "c", "query": orjson.dumps(query).decode(), **more}
        self.begin(connection.ask("INIT_WATCH", data, watchId=watch_id))

    def rebuild(self, connection: Connection | None = None) -> None:
        """Go on where it was, maybe on another connection."""
        self.rebuilds += 1
        self.connection = connection or self.connection
        data = {"envId": "test", "collName": "c", "queryID": self.query_id, "eventID": self.number}
        self.go_on(self.connection.ask("REBUILD_WATCH", data, watchId=self.watch_id))

    def listen(self) -> None:
        """Take what came on the connection."""
        mine = [each for each in self.connection.said if each.get("watchId") == self.watch_id]
        for message in mine:
            self.connection.said.remove(message)
            self.go_on(message)

    def check(self) -> int:
        """Return the number that the server knows as the last."""
        data = {"queryID": self.query_id, "eventID": self.number}
        answer = self.connection.ask("CHECK_LAST", data, watchId=self.watch_id)
        assert answer["msgType"] == "CHECK_EVENT"
        return int(answer["msgData"]["currEvent"])

    def taken(self) -> list[tuple[str, str, Any]]:
        """Return the changes since it was asked last."""
        changes, self.changes = self.changes, []
        return changes


class Refused(EmulatorError):
    """The server ended the listener with this code."""
