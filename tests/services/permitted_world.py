"""A database with permissions over a memory store, and people to use it."""

from typing import Any

from emulator.ambient import CountedIds, ManualClock
from emulator.core import commands
from emulator.core.errors import PermissionDenied
from emulator.services.access import Access
from emulator.services.access_record import AccessRecord
from emulator.services.advisor import Advisor
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.permissions import Permissions, PermissionSettings
from emulator.services.permitted import PermittedDatabase
from emulator.services.planning import Reader
from emulator.services.recorder import Recorder
from emulator.stores.base import Create, Put
from emulator.stores.memory import MemoryDocumentStore

NOW_MS = 1_700_000_000_000
PEOPLE = {
    "alice": Caller(kind="user", openid="alice", source="wx_client", request_id="r1"),
    "carol": Caller(kind="user", openid="carol", source="wx_client"),
    "web": Caller(kind="user", uid="u1", login_type="EMAIL", source="wx_client"),
    "nobody": Caller(kind="anonymous", source="wx_client"),
    "admin": ADMINISTRATOR,
}
DOCUMENTS = (
    {"_id": "mine", "_openid": "alice", "age": 20, "open": True, "members": ["alice", "bob"]},
    {"_id": "foreign", "_openid": "bob", "age": 5, "open": False, "members": ["bob"]},
    {"_id": "loose", "age": 15, "open": True},
)


class PermittedWorld:
    """One collection `c`, others by name, and what is permitted in them."""

    def __init__(self, permission: Any = "PRIVATE", **options: Any) -> None:
        self.clock = ManualClock(NOW_MS)
        self.store = MemoryDocumentStore()
        self.recorder = Recorder(self.clock)
        self.permissions = Permissions(PermissionSettings(collections={"c": permission}, **options))
        self.access = Access(self.permissions, AccessRecord(self.recorder))
        self.database = PermittedDatabase(
            self.store,
            access=self.access,
            bus=Bus(),
            clock=self.clock,
            ids=CountedIds(),
            reader=Reader(clock=self.clock, advisor=Advisor(self.clock)),
        )
        self.put("c", *DOCUMENTS)

    def put(self, collection: str, *documents: Any) -> None:
        self.store.commit(
            [Create(collection), *(Put(collection, dict(each)) for each in documents)]
        )

    def stored(self, document_id: str, collection: str = "c") -> Any:
        found = self.store.collection(collection)
        return None if found is None else found.by_id(document_id)

    def lines(self) -> list[str]:
        return [entry.line for entry in self.recorder.logs()]

    async def find(self, filter_: Any, who: str = "alice", **options: Any) -> list[Any]:
        command = commands.Find(collection="c", filter=filter_, **options)
        return [each["_id"] for each in (await self.database.find(command, PEOPLE[who])).documents]

    async def count(self, filter_: Any, who: str = "alice") -> int:
        return await self.database.count(
            commands.Count(collection="c", filter=filter_), PEOPLE[who]
        )

    async def aggregate(self, *pipeline: Any, who: str = "alice") -> list[Any]:
        command = commands.Aggregate(collection="c", pipeline=pipeline)
        return list((await self.database.aggregate(command, PEOPLE[who])).documents)

    def add(self, document: Any, who: str = "alice") -> Any:
        command = commands.Insert(collection="c", documents=(document,))
        (made,) = self.database.insert(command, PEOPLE[who]).ids
        return self.stored(made)

    def update(self, filter_: Any, update: Any, who: str = "alice", **options: Any) -> int:
        command = commands.Update(collection="c", filter=filter_, update=update, **options)
        updated = self.database.update(command, PEOPLE[who])
        return updated.matched + (updated.upserted_id is not None)

    def set(self, document_id: str, document: Any, who: str = "alice") -> int:
        return self.update({"_id": document_id}, document, who, replace=True, upsert=True)

    def remove(self, filter_: Any, who: str = "alice", *, multi: bool = True) -> int:
        command = commands.Remove(collection="c", filter=filter_, multi=multi)
        return self.database.remove(command, PEOPLE[who]).count

    async def outcome(self, operation: str, who: str) -> Any:
        """Return how many documents an operation of the table read or changed, `no` if denied."""
        try:
            answer = OPERATIONS[operation](self, who)
            return await answer if hasattr(answer, "__await__") else answer
        except PermissionDenied as denial:
            return "no" if denial.message == "Permission denied" and denial.hint else denial.message


async def _length(found: Any) -> int:
    return len(await found)


def _own(who: str) -> str:
    return PEOPLE[who].owner_id or "x"


OPERATIONS: dict[str, Any] = {
    "read all": lambda world, who: _length(world.find({}, who)),
    "read mine": lambda world, who: _length(world.find({"_id": "mine"}, who)),
    "read foreign": lambda world, who: _length(world.find({"_id": "foreign"}, who)),
    "read missing": lambda world, who: _length(world.find({"_id": "missing"}, who)),
    "read bob's": lambda world, who: _length(world.find({"_openid": "bob"}, who)),
    "read own": lambda world, who: _length(world.find({"_openid": "{openid}"}, who)),
    "count": lambda world, who: world.count({}, who),
    "aggregate": lambda world, who: _length(world.aggregate({"$match": {}}, who=who)),
    "group": lambda world, who: _length(world.aggregate({"$group": {"_id": "$_id"}}, who=who)),
    "add": lambda world, who: bool(world.add({"a": 1}, who)),
    "add as bob": lambda world, who: bool(world.add({"_openid": "bob"}, who)),
    "update mine": lambda world, who: world.update({"_id": "mine"}, {"$set": {"a": 1}}, who),
    "update foreign": lambda world, who: world.update({"_id": "foreign"}, {"$set": {"a": 1}}, who),
    "update all": lambda world, who: world.update({}, {"$set": {"a": 1}}, who, multi=True),
    "set mine": lambda world, who: world.set("mine", {"a": 1}, who),
    "set foreign": lambda world, who: world.set("foreign", {"a": 1}, who),
    "set new": lambda world, who: world.set("new", {"a": 1}, who),
    "take over": lambda world, who: world.update(
        {"_id": "foreign"}, {"$set": {"_openid": _own(who)}}, who
    ),
    "give away": lambda world, who: world.update(
        {"_id": "mine"}, {"$set": {"_openid": "bob"}}, who
    ),
    "remove mine": lambda world, who: world.remove({"_id": "mine"}, who),
    "remove foreign": lambda world, who: world.remove({"_id": "foreign"}, who),
    "remove all": lambda world, who: world.remove({}, who),
}
