"""Aggregations between writes of all kinds, against a store that keeps nothing between them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from emulator.ambient import CountedIds, ManualClock
from emulator.core import commands
from emulator.core.aggregate import column_patches
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.ordering import identical
from emulator.core.values import Document
from emulator.services import aggregation, column_cache
from emulator.services.access import Access
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR
from emulator.services.database import Database
from emulator.stores.base import Create, Delete, Drop, Put, Write
from emulator.stores.contents import owned
from emulator.stores.memory import MemoryDocumentStore
from emulator.stores.overlay import OverlayStore
from emulator.stores.tiny import TinyDocumentStore
from emulator.stores.versions import VersionedStore

NUMBERS = st.integers(0, 30)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.floats(-2, 2), st.sampled_from(["", "a", "b"])
)
BODIES = st.fixed_dictionaries(
    {}, optional={"a": VALUES, "b": VALUES, "c": st.one_of(VALUES, st.builds(dict, d=VALUES))}
)
BATCHES = st.lists(st.tuples(NUMBERS, BODIES), max_size=12, unique_by=lambda each: each[0])
PIPELINES: list[list[Document]] = [
    [{"$group": {"_id": "$a", "n": {"$sum": "$b"}, "all": {"$push": "$c.d"}}}],
    [{"$group": {"_id": {"a": "$a", "d": "$c.d"}, "n": {"$sum": 1}, "most": {"$max": "$b"}}}],
    [{"$match": {"a": {"$gte": 0}}}, {"$group": {"_id": "$b", "ids": {"$push": "$_id"}}}],
    [{"$match": {"a": 1, "b": {"$ne": "a"}}}, {"$count": "n"}],
    [{"$limit": 7}, {"$group": {"_id": "$a", "ids": {"$push": "$_id"}}}],
    [{"$sortByCount": "$c.d"}],
    [{"$group": {"_id": "$c", "v": {"$sum": {"$multiply": ["$b", 2]}}}}],
    [{"$sort": {"a": 1, "_id": 1}}, {"$project": {"b": 1}}],
]


class ColumnsMachine(RuleBasedStateMachine):
    """One store, aggregated by a database that keeps columns and by new ones that have none."""

    def __init__(self) -> None:
        super().__init__()
        self.patching = pytest.MonkeyPatch()
        for name, value in {"DOCUMENTS_MIN": 1, "CHANGES_MAX": 8, "COLLECTIONS_MAX": 2}.items():
            self.patching.setattr(column_cache, name, value)
        self.patching.setattr(column_patches, "STEP_ROWS", 16)
        # Slices of four documents, and a turn of the loop after each.
        self.patching.setattr(aggregation, "SLICE_LEAST_DOCUMENTS", 1)
        self.patching.setattr(aggregation, "SLICE_S", 0)
        self.loop = asyncio.new_event_loop()

    @initialize(is_tiny=st.booleans(), bodies=BATCHES)
    def begin(self, is_tiny: bool, bodies: list[tuple[int, Document]]) -> None:
        store: Any = MemoryDocumentStore()
        if is_tiny:
            store = TinyDocumentStore.open(Path(), mode="memory", clock=ManualClock())
        self.store = VersionedStore(store)
        self.store.commit([Create("c"), Create("other")])
        self.database = self.databased(self.store)
        self.overwrite(bodies)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.loop.run_until_complete(self.store.close())
        self.loop.close()
        self.patching.undo()

    def databased(self, store: Any) -> Database:
        return Database(store, access=Access(), bus=Bus(), clock=ManualClock(), ids=CountedIds())

    async def asked(self, database: Database, pipeline: list[Document], name: str) -> list[Any]:
        stages = tuple(owned([*pipeline, {"$limit": 10_000}]))
        command = commands.Aggregate(collection=name, pipeline=stages)
        try:
            return list((await database.aggregate(command, ADMINISTRATOR)).documents)
        except DatabaseRequestFailed as refusal:
            return [refusal.mongo_code]

    def expected(self, pipeline: list[Document], name: str) -> list[Any]:
        return self.loop.run_until_complete(self.asked(self.databased(self.store), pipeline, name))

    # --- writes, by the service and past it ---

    @rule(bodies=BATCHES)
    def overwrite(self, bodies: list[tuple[int, Document]]) -> None:
        """Write as an import does, which the service is not told of."""
        self.store.commit([Put("c", {"_id": number, **body}) for number, body in bodies])

    @rule(numbers=st.lists(NUMBERS, max_size=4, unique=True))
    def remove_past_the_service(self, numbers: list[int]) -> None:
        self.store.commit([Delete("c", number) for number in numbers])

    @rule(bodies=st.lists(BODIES, min_size=1, max_size=4))
    def insert(self, bodies: list[Document]) -> None:
        self.database.insert(
            commands.Insert(collection="c", documents=tuple(bodies)), ADMINISTRATOR
        )

    @rule(least=NUMBERS, most=NUMBERS, body=BODIES)
    def update(self, least: int, most: int, body: Document) -> None:
        command = commands.Update(
            collection="c",
            filter={"_id": {"$gte": least, "$lte": most}},
            update={"$set": {"x": 1, **body}},
            multi=True,
        )
        self.database.update(command, ADMINISTRATOR)

    @rule(number=NUMBERS, body=BODIES)
    def replace_one(self, number: int, body: Document) -> None:
        command = commands.Update(
            collection="c", filter={"_id": number}, update=body, replace=True, upsert=True
        )
        self.database.update(command, ADMINISTRATOR)

    @rule(least=NUMBERS, most=NUMBERS)
    def remove(self, least: int, most: int) -> None:
        filter_ = {"_id": {"$gte": least, "$lte": most}}
        command = commands.Remove(collection="c", filter=filter_, multi=True)
        self.database.remove(command, ADMINISTRATOR)

    @rule(again=BATCHES, told=st.booleans())
    def drop(self, again: list[tuple[int, Document]], told: bool) -> None:
        if told:
            self.database.drop_collection(commands.DropCollection(collection="c"), ADMINISTRATOR)
        writes: list[Write] = [Drop("c"), Create("c")]
        self.store.commit([*writes, *(Put("c", {"_id": n, **body}) for n, body in again)])

    @rule(bodies=BATCHES, numbers=st.lists(NUMBERS, max_size=3))
    def transaction(self, bodies: list[tuple[int, Document]], numbers: list[int]) -> None:
        snapshot = self.store.open()
        overlay = OverlayStore(self.store, snapshot)
        for number in numbers:
            overlay.commit([Delete("c", number)])
        overlay.commit([Put("c", {"_id": number, **body}) for number, body in bodies])
        writes = overlay.writes()
        snapshot.close()
        self.store.commit(writes)

    @rule(body=BODIES)
    def write_elsewhere(self, body: Document) -> None:
        self.store.commit([Put("other", {"_id": 1, **body})])

    # --- reads ---

    @rule(pipeline=st.sampled_from(PIPELINES), name=st.sampled_from(["c", "c", "c", "other"]))
    def compare(self, pipeline: list[Document], name: str) -> None:
        found = self.loop.run_until_complete(self.asked(self.database, pipeline, name))
        assert identical(found, self.expected(pipeline, name))

    @rule(
        pipelines=st.lists(st.sampled_from(PIPELINES), min_size=2, max_size=3),
        bodies=BATCHES,
        turns=st.integers(0, 9),
    )
    def compare_side_by_side(
        self, pipelines: list[list[Document]], bodies: list[tuple[int, Document]], turns: int
    ) -> None:
        """Aggregate while a write commits: what has begun sees nothing of it."""

        async def both() -> tuple[list[list[Any]], list[list[Any]]]:
            begun = [self.begun(each) for each in pipelines]
            for _ in range(turns):
                await asyncio.sleep(0)
            self.overwrite(bodies)
            later = [self.begun(each) for each in pipelines]
            return await asyncio.gather(*begun), await asyncio.gather(*later)

        before = [self.expected(each, "c") for each in pipelines]
        for pipeline in [*pipelines, *pipelines]:
            self.compare(pipeline, "c")
        begun, later = self.loop.run_until_complete(both())
        after = [self.expected(each, "c") for each in pipelines]
        assert identical(later, after)
        assert identical(begun, before if turns else after)

    def begun(self, pipeline: list[Document]) -> "asyncio.Task[list[Any]]":
        return asyncio.ensure_future(self.asked(self.database, pipeline, "c"))


TestColumnsMachine = ColumnsMachine.TestCase
TestColumnsMachine.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
