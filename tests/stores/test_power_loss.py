"""What is left when the machine loses power, or the journal loses bytes: a prefix of the commits.

The script has commits of many kinds, transactions that were committed and one that was rolled back,
and a checkpoint in its middle.
"""

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from emulator.ambient import ManualClock
from emulator.core.errors import StoreError
from emulator.core.values import Date
from emulator.stores.base import Create, Delete, Drop, Put
from emulator.stores.files import Files
from emulator.stores.journal import segments
from emulator.stores.overlay import OverlayStore
from emulator.stores.records import encode
from emulator.stores.tiny import TinyDocumentStore
from emulator.stores.versions import VersionedStore

CHECKPOINT_AFTER = 4


class Crash(BaseException):
    """The power fails here; nobody handles it."""


class UnsyncedFiles(Files):
    """A disk that keeps what was forced onto it: bytes of a file, names in a folder; no more.

    `live` are the files as the process sees them, `kept` those that the power leaves.
    """

    def __init__(self):
        self.live = {}
        self.kept = {}
        self.paths = {}
        self.steps = 0
        self.fails_at = None

    def step(self):
        if self.steps == self.fails_at:
            raise Crash
        self.steps += 1

    def _opened(self, path, descriptor):
        self.paths[descriptor] = path
        if path not in self.live:
            self.live[path] = {"synced": b""}
        return descriptor

    def open_append(self, path):
        self.step()
        return self._opened(path, super().open_append(path))

    def open_new(self, path):
        self.step()
        self.live.pop(path, None)
        return self._opened(path, super().open_new(path))

    def write(self, descriptor, data):
        self.step()
        return super().write(descriptor, data)

    def sync(self, descriptor):
        self.step()
        path = self.paths[descriptor]
        if path in self.live:
            self.live[path]["synced"] = path.read_bytes()

    def close(self, descriptor):
        super().close(descriptor)
        del self.paths[descriptor]

    def replace(self, source, target):
        self.step()
        super().replace(source, target)
        self.live[target] = self.live.pop(source)

    def remove(self, path):
        self.step()
        super().remove(path)
        self.live.pop(path, None)

    def sync_folder(self, folder):
        self.step()
        self.kept = dict(self.live)

    def lose_power(self, folder: Path):
        """Leave in the folder what the disk has."""
        while self.paths:
            os.close(self.paths.popitem()[0])
        shutil.rmtree(folder)
        folder.mkdir()
        for path, file in self.kept.items():
            path.write_bytes(file["synced"])


def state(store) -> bytes:
    return encode([[name, store.collection(name).snapshot()] for name in store.names()])


class Script:
    """Carries the script out step by step and notes the state after each commit."""

    def __init__(self, folder, mode, files=None):
        self.folder = folder
        self.kept = TinyDocumentStore.open(
            folder, mode=mode, clock=ManualClock(), files=files or Files()
        )
        self.store = VersionedStore(self.kept)
        self.states = [state(self.kept)]

    def steps(self):
        commit = self.commit
        yield lambda: commit([Create("orders"), Create("empty")])
        yield lambda: commit([Put("orders", {"_id": "a", "n": 1, "at": Date(5)})])
        yield lambda: commit([Put("orders", {"_id": n, "n": n}) for n in range(3)])
        yield lambda: self.transact([Put("orders", {"_id": "a", "n": 2})], [Delete("orders", 0)])
        yield self.kept.db.journalled.kept.begin_checkpoint
        yield lambda: self.transact([Put("orders", {"_id": "t"})], rolls_back=True)
        yield lambda: self.transact([Put("orders", {"_id": "t", "n": n})] for n in range(3))
        yield lambda: commit([Drop("empty"), Create("late"), Delete("orders", 1)])
        yield lambda: self.transact(
            [Put("late", {"_id": "x"}), Put("late", {"_id": "y"}), Delete("orders", "a")]
        )

    def run(self):
        for step in self.steps():
            self.take(step)

    def take(self, step):
        """Take a step; a checkpoint is begun by it and then written."""
        write = step()
        if write is not None:
            write()

    def commit(self, writes):
        self.store.commit(writes)
        self.states.append(state(self.kept))

    def transact(self, *parts, rolls_back=False):
        if len(parts) == 1 and not isinstance(parts[0], list):
            (parts,) = parts
        snapshot = self.store.open()
        overlay = OverlayStore(self.store, snapshot)
        for writes in parts:
            overlay.commit(writes)
        snapshot.close()
        if not rolls_back:
            self.commit(overlay.writes())

    def release(self):
        self.kept.db.journalled.release()


def reopened(folder):
    """Open the folder as the next start does; return its state, sequence and notices."""
    store = TinyDocumentStore.open(folder, mode="os", clock=ManualClock())
    found = state(store), store.sequence, store.notices()
    store.db.journalled.release()
    return found


def test_a_journal_cut_at_any_byte_is_a_prefix_of_whole_commits(folder, tmp_path):
    script = Script(folder, "os")
    script.run()
    script.release()
    [(first, path)] = segments(folder)
    data = path.read_bytes()
    ends = [0]
    for line in data.splitlines(keepends=True):
        ends.append(ends[-1] + len(line))
    told = set()
    for size_bytes in range(len(data) + 1):
        copy = tmp_path / "cut"
        shutil.copytree(folder, copy)
        (copy / path.name).write_bytes(data[:size_bytes])
        # The header is the first record; each other one is a commit, however much it wrote.
        whole = sum(end <= size_bytes for end in ends[1:])
        commits = first - 1 + max(0, whole - 1)
        lost_bytes = size_bytes - ends[whole]
        found, sequence, notices = reopened(copy)
        assert (found, sequence) == (script.states[commits], commits)
        assert len(notices) == bool(lost_bytes)
        if lost_bytes:
            assert f"was torn; {lost_bytes} bytes were dropped" in notices[0]
        assert reopened(copy) == (found, sequence, ())
        told.add(commits)
        shutil.rmtree(copy)
    assert told == set(range(first - 1, len(script.states)))


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_a_changed_byte_anywhere_is_told_and_nothing_before_it_is_lost(folder, tmp_path, mask):
    script = Script(folder, "os")
    script.run()
    script.release()
    [(first, path)] = segments(folder)
    data = path.read_bytes()
    ends = [0]
    for line in data.splitlines(keepends=True):
        ends.append(ends[-1] + len(line))
    for position in range(0, len(data), 3):
        copy = tmp_path / "damaged"
        shutil.copytree(folder, copy)
        flipped = bytes([data[position] ^ mask])
        (copy / path.name).write_bytes(data[:position] + flipped + data[position + 1 :])
        whole = sum(end <= position for end in ends[1:])
        commits = first - 1 + max(0, whole - 1)
        found, sequence, notices = reopened(copy)
        assert (found, sequence) == (script.states[commits], commits)
        assert len(notices) == 1
        shutil.rmtree(copy)


def test_the_disk_of_these_tests_loses_what_is_not_forced_onto_it(folder):
    files = UnsyncedFiles()
    script = Script(folder, "os", files)
    script.run()
    files.lose_power(folder)
    found, sequence, _ = reopened(folder)
    assert sequence < len(script.states) - 1
    assert found == script.states[sequence]


async def forced(script, mode):
    """Take every step, in mode `group` waiting as an answer does; yield what must stay."""
    for step in script.steps():
        script.take(step)
        if mode == "group":
            await script.kept.durable()
        yield len(script.states) - 1


@pytest.mark.parametrize("mode", ["group", "always"])
@pytest.mark.parametrize("steps", range(9))
async def test_what_was_answered_for_survives_a_loss_of_power(folder, mode, steps):
    files = UnsyncedFiles()
    script = Script(folder, mode, files)
    answered = 0
    number = -1
    async for commits in forced(script, mode):
        answered, number = commits, number + 1
        if number == steps:
            break
    files.lose_power(folder)
    found, sequence, notices = reopened(folder)
    assert (found, sequence, notices) == (script.states[answered], answered, ())


async def until_it_fails(script, mode, answered):
    """Take every step, noting what was answered for last; tell whether the power lasted."""
    try:
        async for commits in forced(script, mode):
            answered.append(commits)
    except Crash:
        return False
    return True


@pytest.mark.parametrize("mode", ["group", "always"])
async def test_the_power_may_fail_at_any_step_of_the_disk(tmp_path, mode):
    """Nothing that was answered for is lost, and nothing is there in part, whenever it fails."""
    lasted, fails_at = False, 0
    while not lasted:
        folder, files, answered = tmp_path / f"{fails_at}", UnsyncedFiles(), [0]
        script = Script(folder, mode, files)
        files.steps, files.fails_at = 0, fails_at
        lasted = await until_it_fails(script, mode, answered)
        files.lose_power(folder)
        found, sequence, notices = reopened(folder)
        assert sequence >= answered[-1]
        # What was under way may have reached the disk without being answered for.
        assert sequence <= len(script.states)
        if sequence < len(script.states):
            assert found == script.states[sequence]
        assert notices == ()
        fails_at += 1
    assert fails_at > 20


async def test_several_writers_share_a_sync_and_none_is_answered_before_it(folder):
    files = UnsyncedFiles()
    script = Script(folder, "group", files)
    script.commit([Create("orders")])
    await script.kept.durable()
    answered = []

    async def write(number):
        script.commit([Put("orders", {"_id": number})])
        await script.kept.durable()
        answered.append(number)

    writers = [asyncio.create_task(write(number)) for number in range(8)]
    while not answered:
        await asyncio.sleep(0)
    there = set(answered)
    files.lose_power(folder)
    found, _, _ = reopened(folder)
    kept = {each["_id"] for each in _documents(found)}
    assert there <= kept
    for writer in writers:
        writer.cancel()
    await asyncio.gather(*writers, return_exceptions=True)


async def test_a_disk_that_refuses_to_sync_is_told_to_who_waits(folder, monkeypatch):
    files = UnsyncedFiles()
    script = Script(folder, "group", files)
    script.commit([Create("orders")])

    def refuse(descriptor):
        raise OSError(5, "no")

    monkeypatch.setattr(files, "sync", refuse)
    with pytest.raises(StoreError, match="forced to disk"):
        await script.kept.durable()
    monkeypatch.undo()
    await script.kept.durable()
    files.lose_power(folder)
    assert reopened(folder)[1] == 1


def _documents(found: bytes):
    return [document for _, documents in json.loads(found) for document in documents]
