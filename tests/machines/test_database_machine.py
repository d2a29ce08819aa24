"""The database service against a list of documents and the plain models, whatever is asked of it.

Indexes come and go meanwhile, and change nothing but which way an answer is found.
"""

import asyncio
import importlib.util
import sys
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from emulator.ambient import CountedIds, ManualClock
from emulator.core import commands
from emulator.core.errors import DatabaseRequestFailed, DuplicateKey
from emulator.core.limits import WECHAT
from emulator.core.ordering import identical
from emulator.services.access import Access
from emulator.services.bus import Bus
from emulator.services.caller import ADMINISTRATOR
from emulator.services.database import Database
from emulator.services.indexes import Indexes
from emulator.stores.memory import MemoryDocumentStore

PROPERTIES = Path(__file__).resolve().parents[1] / "core" / "properties"


def load(name):
    spec = importlib.util.spec_from_file_location(name, PROPERTIES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


model = load("property_models")
values = load("property_values")

IDS = st.sampled_from(["a", "b", "c", "d", 1, 2])
SCALARS = st.sampled_from([None, True, 0, 1, 2, 1.5, "", "a", "ab"])
FIELDS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(values.NAMES, SCALARS, max_size=2),
    max_size=3,
)
NAMES = st.sampled_from(["a", "b", "c"])
CLAUSES = st.one_of(
    st.builds(lambda name, value: {name: value}, NAMES, SCALARS | st.lists(SCALARS, max_size=2)),
    st.builds(
        lambda name, operator, value: {name: {operator: value}},
        NAMES,
        st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$ne"]),
        SCALARS,
    ),
    st.builds(lambda name, some: {name: {"$in": some}}, NAMES, st.lists(SCALARS, max_size=3)),
    st.builds(lambda key: {"_id": key}, IDS),
    values.FILTERS,
)
FILTERS = st.one_of(
    CLAUSES,
    st.just({}),
    st.builds(lambda one, two: {**one, **two}, CLAUSES, CLAUSES),
    st.builds(lambda one, two: {"$or": [one, two]}, CLAUSES, CLAUSES),
)
SORTS = st.sampled_from([(), (("a", 1),), (("a", -1),), (("b", 1),), (("c.0", -1),)])


class DatabaseMachine(RuleBasedStateMachine):
    """Whatever happens, every answer is the plain model's."""

    @initialize()
    def start(self):
        self.clock = ManualClock(1_700_000_000_000)
        store = MemoryDocumentStore()
        access = Access()
        self.database = Database(
            store, access=access, bus=Bus(), clock=self.clock, ids=CountedIds()
        )
        self.indexes = Indexes(store, access=access, limits=WECHAT)
        self.database.create_collection(commands.CreateCollection(collection="c"), ADMINISTRATOR)
        self.expected = []

    # --- writes ---

    @rule(fields=FIELDS, key=IDS)
    def insert(self, fields, key):
        document = {"_id": key, **fields}
        command = commands.Insert(collection="c", documents=(document,))
        try:
            self.database.insert(command, ADMINISTRATOR)
        except DuplicateKey:
            assert any(model.compare(one["_id"], key) == 0 for one in self.expected)
        else:
            self.expected.append(document)

    @rule(wanted=FILTERS, name=NAMES, value=SCALARS, multi=st.booleans())
    def set_field(self, wanted, name, value, multi):
        self.update(wanted, {"$set": {name: value}}, lambda one: {**one, name: value}, multi=multi)

    @rule(wanted=FILTERS, name=NAMES, multi=st.booleans())
    def unset_field(self, wanted, name, multi):
        self.update(
            wanted,
            {"$unset": {name: ""}},
            lambda one: {key: value for key, value in one.items() if key != name},
            multi=multi,
        )

    @rule(wanted=FILTERS, name=NAMES, value=SCALARS)
    def push(self, wanted, name, value):
        def pushed(one):
            old = one.get(name, [])
            return {**one, name: [*old, value]} if type(old) is list else None

        self.update(wanted, {"$push": {name: value}}, pushed, multi=True)

    @rule(wanted=FILTERS, name=NAMES, amount=st.sampled_from([1, -1, 0, 0.5]))
    def increment(self, wanted, name, amount):
        def raised(one):
            old = one.get(name, 0)
            return {**one, name: old + amount} if type(old) in (int, float) else None

        self.update(wanted, {"$inc": {name: amount}}, raised, multi=True)

    @rule(wanted=FILTERS, fields=FIELDS)
    def replace(self, wanted, fields):
        chosen = self.matching(wanted)[:1]
        command = commands.Update(collection="c", filter=wanted, update=fields, replace=True)
        assert self.database.update(command, ADMINISTRATOR).matched == len(chosen)
        for document in chosen:
            self.swap(document, {"_id": document["_id"], **fields})

    @rule(wanted=FILTERS, multi=st.booleans())
    def remove(self, wanted, multi):
        chosen = self.matching(wanted)
        chosen = chosen if multi else chosen[:1]
        command = commands.Remove(collection="c", filter=wanted, multi=multi)
        assert self.database.remove(command, ADMINISTRATOR).count == len(chosen)
        self.expected = [one for one in self.expected if not any(one is gone for gone in chosen)]

    def update(self, wanted, update, successor, *, multi):
        """Update both; where the model finds a document that refuses, all stay as they were."""
        chosen = self.matching(wanted)
        chosen = chosen if multi else chosen[:1]
        made = [successor(one) for one in chosen]
        command = commands.Update(collection="c", filter=wanted, update=update, multi=multi)
        try:
            updated = self.database.update(command, ADMINISTRATOR)
        except DatabaseRequestFailed:
            assert None in made
            return
        assert None not in made
        assert updated.matched == len(chosen)
        assert updated.modified == sum(
            not identical(old, new) for old, new in zip(chosen, made, strict=True)
        )
        for old, new in zip(chosen, made, strict=True):
            self.swap(old, new)

    def swap(self, old, new):
        place = next(place for place, one in enumerate(self.expected) if one is old)
        self.expected[place] = new

    # --- reads ---

    def matching(self, wanted):
        return [one for one in self.expected if model.matches(wanted, one)]

    @rule(
        wanted=FILTERS,
        sort=SORTS,
        skip=st.integers(0, 2),
        limit=st.none() | st.integers(1, 4),
        shown=st.sampled_from([None, {"a": 1}, {"b": 0}, {"a.0": 1, "_id": 0}]),
    )
    def find(self, wanted, sort, skip, limit, shown):
        command = commands.Find(
            collection="c", filter=wanted, sort=sort, skip=skip, limit=limit, projection=shown
        )
        found = asyncio.run(self.database.find(command, ADMINISTRATOR)).documents
        expected = model.ordered(self.matching(wanted), sort)[skip:]
        expected = expected if limit is None else expected[:limit]
        assert identical(list(found), [self.projected(one, shown) for one in expected])

    def projected(self, document, shown):
        if shown is None:
            return document
        paths = [path.split(".") for path, shows in shown.items() if path != "_id"]
        if shown == {"b": 0}:
            return model.without(document, paths)
        return model.kept(document, [*paths, *([] if "_id" in shown else [["_id"]])])

    @rule(wanted=FILTERS)
    def count(self, wanted):
        command = commands.Count(collection="c", filter=wanted)
        counted = asyncio.run(self.database.count(command, ADMINISTRATOR))
        assert counted == len(self.matching(wanted))

    # --- indexes ---

    @rule(name=NAMES, direction=st.sampled_from([1, -1]))
    def create_index(self, name, direction):
        command = commands.CreateIndex(collection="c", keys=((name, direction),))
        asyncio.run(self.indexes.create(command, ADMINISTRATOR))

    @rule()
    def drop_index(self):
        for name in self.index_names()[:1]:
            self.indexes.drop(commands.DropIndex(collection="c", name=name), ADMINISTRATOR)

    def index_names(self):
        listed = self.indexes.list(commands.ListIndexes(collection="c"), ADMINISTRATOR)
        return [one["name"] for one in listed if one["name"] != "_id_"]

    @invariant()
    def nothing_else_is_there(self):
        everything = asyncio.run(
            self.database.find(commands.Find(collection="c"), ADMINISTRATOR)
        ).documents
        assert identical(list(everything), self.expected)


DatabaseMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
test_the_database_is_its_model = DatabaseMachine.TestCase
