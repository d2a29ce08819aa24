"""A document store against the reference, through crashes, torn journals, full disks, restarts."""

import copy
import errno
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from emulator.core.errors import StoreError
from emulator.core.values import Date, Int64, ObjectId
from emulator.stores.base import Create, Delete, Describe, Drop, Put
from emulator.stores.files import Files
from emulator.stores.journal import segments
from emulator.stores.memory import MemoryDocumentStore
from emulator.stores.records import encode
from emulator.stores.tiny import JournalStorage

NAMES = st.sampled_from(["x", "y", "z"])
IDS = st.sampled_from(["a", "b", "c", 1, True, None, Int64(2), ObjectId("0f" * 12)])
VALUES = st.sampled_from([1, 1.0, Int64(1), None, float("inf"), Date(5), [None, {"at": Date(6)}]])
WRITES = st.one_of(
    st.builds(lambda name, key, value: Put(name, {"_id": key, "v": value}), NAMES, IDS, VALUES),
    st.builds(Delete, NAMES, IDS),
    st.builds(Create, NAMES),
    st.builds(Drop, NAMES),
    st.builds(lambda name, value: Describe(name, {"v": value}), NAMES, VALUES),
)


class PoorFiles(Files):
    """Files on a disk that may have few bytes left; open ones end with the process."""

    def __init__(self):
        self.free_bytes = None
        self.descriptors = set()

    def open_append(self, path):
        descriptor = super().open_append(path)
        self.descriptors.add(descriptor)
        return descriptor

    def open_new(self, path):
        descriptor = super().open_new(path)
        self.descriptors.add(descriptor)
        return descriptor

    def write(self, descriptor, data):
        if self.free_bytes is not None:
            data = data[: self.free_bytes]
            self.free_bytes -= len(data)
            if not data:
                raise OSError(errno.ENOSPC, "no space left")
        return super().write(descriptor, data)

    def close(self, descriptor):
        self.descriptors.discard(descriptor)
        super().close(descriptor)

    def end_process(self):
        while self.descriptors:
            os.close(self.descriptors.pop())


class StoreMachine(RuleBasedStateMachine):
    """Whatever happens, the store is the reference, which knows nothing of disks."""

    @initialize(mode=st.sampled_from(["os", "always", "group"]))
    def start(self, mode):
        self.folder = Path(tempfile.mkdtemp(prefix="store-machine-"))
        self.mode = mode
        self.reference = MemoryDocumentStore()
        self.last = None
        self.writing = None
        self.open()

    def open(self):
        self.files = PoorFiles()
        self.storage = JournalStorage(self.folder, mode=self.mode, files=self.files)

    @rule(writes=st.lists(WRITES, min_size=1, max_size=4))
    def commit(self, writes):
        self.last = copy.deepcopy(self.reference)
        assert self.storage.commit(writes) == self.reference.commit(writes)

    @rule(writes=st.lists(WRITES, min_size=1, max_size=4), free_bytes=st.integers(0, 30))
    def commit_on_a_full_disk(self, writes, free_bytes):
        self.files.free_bytes = free_bytes
        with pytest.raises(StoreError):
            self.storage.commit(writes)
        self.files.free_bytes = None

    @precondition(lambda self: self.writing is None)
    @rule()
    def begin_checkpoint(self):
        self.writing = self.storage.kept.begin_checkpoint()

    @precondition(lambda self: self.writing is not None)
    @rule()
    def finish_checkpoint(self):
        write, self.writing = self.writing, None
        write()

    @precondition(lambda self: self.writing is not None)
    @rule(free_bytes=st.integers(0, 60))
    def fail_checkpoint(self, free_bytes):
        write, self.writing = self.writing, None
        self.files.free_bytes = free_bytes
        try:
            write()
        except StoreError:
            pass
        finally:
            self.files.free_bytes = None

    @rule()
    def restart(self):
        self.writing = None
        self.storage.close()
        self.open()
        assert self.storage.kept.notices == ()

    @rule()
    def crash(self):
        self.writing = None
        self.files.end_process()
        self.open()
        assert self.storage.kept.notices == ()

    @precondition(lambda self: self.last is not None)
    @rule(lost_bytes=st.integers(1, 40))
    def crash_in_the_last_commit(self, lost_bytes):
        """Its record is on disk in part: the commit was never answered and must not be there."""
        [*_, (_, path)] = segments(self.folder)
        lines = path.read_bytes().splitlines(keepends=True)
        if len(lines) < 2 or lost_bytes >= len(lines[-1]):
            return
        self.writing = None
        self.files.end_process()
        with path.open("r+b") as stream:
            stream.truncate(path.stat().st_size - lost_bytes)
        self.reference, self.last = self.last, None
        self.open()
        assert len(self.storage.kept.notices) == 1

    @invariant()
    def the_store_is_the_reference(self):
        if not hasattr(self, "storage"):
            return
        collections = self.storage.contents.collections
        found = [
            [name, held.description, list(held.by_number.values())]
            for name, held in collections.items()
        ]
        expected = [
            [name, self.reference.description(name), self.reference.collection(name).snapshot()]
            for name in self.reference.names()
        ]
        assert encode(found) == encode(expected)
        assert self.storage.sequence == self.reference.sequence
        for held in collections.values():
            assert all(held.by_id(d["_id"]) is d for d in held.by_number.values())

    def teardown(self):
        if hasattr(self, "storage"):
            self.storage.release()
            shutil.rmtree(self.folder)


StoreMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
test_store_machine = StoreMachine.TestCase
