"""Several transactions and a writer outside, in any order, against a model of whole copies."""

import copy

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from emulator.core.errors import TransactionConflict
from emulator.stores.base import Create, Delete, Put
from emulator.stores.memory import MemoryDocumentStore
from emulator.stores.overlay import OverlayStore
from emulator.stores.versions import Claimed, PatientStore, VersionedStore

KEYS = st.sampled_from(["a", "b", "c", 1, True])
PLACES = st.tuples(st.sampled_from(["x", "y"]), KEYS)
VALUES = st.one_of(st.none(), st.integers(0, 5))
WRITES = st.lists(st.tuples(PLACES, VALUES), min_size=1, max_size=3)
WHICH = st.integers(0, 3)


def by_place(store):
    return {
        (name, type(document["_id"]), document["_id"]): document["n"]
        for name in ("x", "y")
        for document in store.collection(name).snapshot()
    }


def place_of(write):
    (name, key), _ = write
    return name, type(key), key


def stored(write):
    (name, key), value = write
    return Delete(name, key) if value is None else Put(name, {"_id": key, "n": value})


class Model:
    """A transaction as a copy of everything, with what it wrote beside."""

    def __init__(self, world):
        self.seen = copy.deepcopy(world)
        self.base = copy.deepcopy(world)
        self.written = {}

    def write(self, write):
        place, value = place_of(write), write[1]
        self.written[place] = value
        if value is None:
            self.seen.pop(place, None)
        else:
            self.seen[place] = value


class TransactionsMachine(RuleBasedStateMachine):
    """What is seen is the snapshot and what one wrote; of two writers of a document one is told."""

    def __init__(self):
        super().__init__()
        self.kept = MemoryDocumentStore()
        self.kept.commit([Create("x"), Create("y")])
        self.store = VersionedStore(self.kept)
        self.patient = PatientStore(self.store)
        self.world = {}
        self.versions = {}
        self.clock = 0
        self.open = {}

    def started(self, which):
        return which in self.open

    def changed_since(self, place, model):
        return self.versions.get(place, 0) > model.started

    def held(self, place, *, but=None):
        return any(
            place in model.written for which, (_, _, model) in self.open.items() if which != but
        )

    @precondition(lambda self: len(self.open) < 4)
    @rule()
    def start(self):
        which = next(number for number in range(4) if number not in self.open)
        snapshot = self.store.open()
        model = Model(self.world)
        model.started = self.clock
        self.open[which] = snapshot, OverlayStore(self.store, snapshot), model

    @precondition(lambda self: self.open)
    @rule(which=WHICH, writes=WRITES)
    def write(self, which, writes):
        if not self.started(which):
            return
        snapshot, overlay, model = self.open[which]
        refused = any(
            self.held(place_of(each), but=which) or self.changed_since(place_of(each), model)
            for each in writes
        )
        try:
            overlay.commit([stored(each) for each in writes])
        except TransactionConflict:
            assert refused
            snapshot.close()
            del self.open[which]
            return
        assert not refused
        for each in writes:
            model.write(each)

    @rule(writes=WRITES)
    def write_outside(self, writes):
        waits = any(self.held(place_of(each)) for each in writes)
        try:
            self.patient.commit([stored(each) for each in writes])
        except Claimed:
            assert waits
            return
        assert not waits
        self.apply({place_of(each): each[1] for each in writes})

    @precondition(lambda self: self.open)
    @rule(which=WHICH, commits=st.booleans())
    def end(self, which, commits):
        if not self.started(which):
            return
        snapshot, overlay, model = self.open.pop(which)
        writes = overlay.writes()
        snapshot.close()
        if commits and writes:
            self.store.commit(writes)
            self.apply(model.written)

    @precondition(lambda self: self.open)
    @rule(writes=WRITES)
    def load_data(self, writes):
        self.store.commit([stored(each) for each in writes])
        touched = {place_of(each) for each in writes}
        for which, (snapshot, _, model) in list(self.open.items()):
            assert snapshot.is_broken == bool(touched & model.written.keys())
            if snapshot.is_broken:
                snapshot.close()
                del self.open[which]
        self.apply({place_of(each): each[1] for each in writes})

    def apply(self, written):
        self.clock += 1
        for place, value in written.items():
            self.versions[place] = self.clock
            if value is None:
                self.world.pop(place, None)
            else:
                self.world[place] = value

    @invariant()
    def everybody_sees_what_they_should(self):
        assert by_place(self.kept) == self.world
        for _, overlay, model in self.open.values():
            assert by_place(overlay) == model.seen
            for place in [*self.world, *model.base, *model.written]:
                found = overlay.collection(place[0]).by_id(place[2])
                assert (None if found is None else found["n"]) == model.seen.get(place)

    @invariant()
    def nothing_is_kept_longer_than_needed(self):
        if not self.open:
            assert not self.store._order
            assert not any(self.store._history.values())
            assert not self.store._claims


TransactionsMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None
)
test_transactions_machine = TransactionsMachine.TestCase
