"""Reading documents back after any accident: a prefix of the commits, and word of what is gone."""

import shutil
from pathlib import Path

import pytest

from emulator.core.errors import StoreError
from emulator.core.values import Date
from emulator.stores.base import Create, Delete, Drop, Put
from emulator.stores.checkpoint import CHECKPOINT_NAME
from emulator.stores.files import Files
from emulator.stores.journal import segments
from emulator.stores.records import encode, record
from emulator.stores.recovery import READ_ATTEMPTS_MAX, recover, recover_unguarded, repair
from emulator.stores.tiny import JournalStorage

COMMITS = [
    [Create("orders"), Create("empty")],
    [Put("orders", {"_id": "a", "n": 1, "at": Date(5)})],
    [Put("orders", {"_id": "b", "n": 2}), Put("orders", {"_id": "c", "n": 3}), Create("x")],
    [Delete("orders", "a"), Drop("x")],
    [Put("orders", {"_id": "a", "n": 4})],
]


def state(contents) -> bytes:
    return encode(
        [
            [name, [[number, document] for number, document in held.by_number.items()]]
            for name, held in contents.collections.items()
        ]
    )


def fill(folder: Path, *, checkpoint_after: int | None = None) -> list[bytes]:
    """Commit everything, end as a killed process does, and return the state after each commit."""
    storage = JournalStorage(folder)
    states = [state(storage.contents)]
    for number, writes in enumerate(COMMITS):
        if number == checkpoint_after:
            storage.kept.begin_checkpoint()()
        storage.commit(writes)
        states.append(state(storage.contents))
    storage.release()
    return states


def record_ends(path: Path) -> list[int]:
    ends, end = [], 0
    for line in path.read_bytes().splitlines(keepends=True):
        end += len(line)
        ends.append(end)
    return ends


def recovered_and_repaired(folder: Path):
    found = recover(folder)
    repair(folder, found, Files())
    return found


def test_nothing_is_there_at_first(folder):
    folder.mkdir()
    found = recover(folder)
    assert (found.sequence, found.segment, found.notices) == (0, None, [])


@pytest.mark.parametrize("checkpoint_after", [None, 0, 1, 2, 3, 4])
def test_everything_comes_back(folder, checkpoint_after):
    states = fill(folder, checkpoint_after=checkpoint_after)
    found = recover(folder)
    assert state(found.contents) == states[-1]
    assert found.sequence == len(COMMITS)
    assert (found.notices, found.repairs) == ([], [])


@pytest.mark.parametrize("checkpoint_after", [None, 2])
def test_a_journal_cut_at_any_byte_is_a_prefix_of_the_commits(folder, tmp_path, checkpoint_after):
    states = fill(folder, checkpoint_after=checkpoint_after)
    [(first, path)] = segments(folder)
    ends = record_ends(path)
    for size_bytes in range(ends[-1] + 1):
        copy = tmp_path / "cut"
        shutil.copytree(folder, copy)
        damaged = copy / path.name
        damaged.write_bytes(path.read_bytes()[:size_bytes])
        commits = first - 1 + max(0, sum(end <= size_bytes for end in ends) - 1)
        found = recovered_and_repaired(copy)
        assert state(found.contents) == states[commits]
        assert found.sequence == commits
        lost_bytes = size_bytes - max([0, *(end for end in ends if end <= size_bytes)])
        assert len(found.notices) == bool(lost_bytes)
        if lost_bytes:
            assert f"after sequence {commits} was torn; {lost_bytes} bytes" in found.notices[0]
        again = recover(copy)
        assert (state(again.contents), again.notices) == (states[commits], [])
        shutil.rmtree(copy)


def test_a_damaged_byte_costs_nothing_before_it_and_is_kept_aside(folder, tmp_path):
    states = fill(folder)
    [(_, path)] = segments(folder)
    data, ends = path.read_bytes(), record_ends(path)
    for position in range(len(data)):
        copy = tmp_path / "damaged"
        shutil.copytree(folder, copy)
        damaged = data[:position] + bytes([data[position] ^ 0x01]) + data[position + 1 :]
        (copy / path.name).write_bytes(damaged)
        good_records = sum(end <= position for end in ends)
        good_bytes = max([0, *(end for end in ends if end <= position)])
        found = recovered_and_repaired(copy)
        assert state(found.contents) == states[max(0, good_records - 1)]
        assert len(found.notices) == 1
        if position < len(data) - 1:
            assert (copy / (path.name + ".damaged")).read_bytes() == damaged[good_bytes:]
            assert "damaged" in found.notices[0]
        assert recover(copy).notices == []
        shutil.rmtree(copy)


def two_segments(folder: Path, tmp_path: Path) -> tuple[list[bytes], Path, Path]:
    """Leave what a crash in the middle of a checkpoint leaves: both segments, no new checkpoint."""
    storage = JournalStorage(folder)
    states = [state(storage.contents)]
    for number, writes in enumerate(COMMITS):
        if number == 3:
            storage.kept.begin_checkpoint()
        storage.commit(writes)
        states.append(state(storage.contents))
    storage.release()
    (_, older), (_, newer) = segments(folder)
    return states, older, newer


def test_damage_in_an_older_segment_keeps_what_precedes_and_sets_the_rest_aside(folder, tmp_path):
    states, older, newer = two_segments(folder, tmp_path)
    newer_data = newer.read_bytes()
    start = record_ends(older)[1]
    damaged = bytearray(older.read_bytes())
    damaged[start + 20] ^= 1
    older.write_bytes(damaged)
    found = recovered_and_repaired(folder)
    assert state(found.contents) == states[1]
    assert (folder / (older.name + ".damaged")).read_bytes() == damaged[start:]
    assert (folder / (newer.name + ".damaged")).read_bytes() == newer_data
    assert found.notices[-1].endswith("everything written after sequence 1 is lost")
    storage = JournalStorage(folder)
    assert storage.kept.notices == ()
    assert storage.commit(COMMITS[1]) == 2
    storage.close()


def test_the_damaged_last_record_of_an_older_segment_is_kept_aside_too(folder, tmp_path):
    states, older, newer = two_segments(folder, tmp_path)
    data = older.read_bytes()
    older.write_bytes(data[:-2])
    found = recovered_and_repaired(folder)
    assert state(found.contents) == states[2]
    start = record_ends(older)[-1]
    assert (folder / (older.name + ".damaged")).read_bytes() == data[start:-2]
    assert (folder / (newer.name + ".damaged")).exists()


def test_garbage_after_an_older_segment_costs_nothing(folder, tmp_path):
    states, older, _ = two_segments(folder, tmp_path)
    older.write_bytes(older.read_bytes() + b"half a rec")
    found = recovered_and_repaired(folder)
    assert state(found.contents) == states[-1]
    assert len(found.notices) == 1


def test_a_missing_segment_ends_what_can_be_read(folder, tmp_path):
    states, _, newer = two_segments(folder, tmp_path)
    storage = JournalStorage(folder)
    storage.kept.begin_checkpoint()
    storage.commit([Create("late")])
    storage.release()
    newer.unlink()
    found = recovered_and_repaired(folder)
    assert state(found.contents) == states[3]
    assert "damaged or missing" in found.notices[0]
    assert recover(folder).notices == []


@pytest.mark.parametrize("size_bytes", [0, 1, 30])
def test_a_segment_whose_header_is_torn_is_discarded(folder, tmp_path, size_bytes):
    storage = JournalStorage(folder)
    storage.commit(COMMITS[0])
    storage.kept.begin_checkpoint()
    storage.release()
    (_, older), (_, newer) = segments(folder)
    newer.write_bytes(newer.read_bytes()[:size_bytes])
    found = recovered_and_repaired(folder)
    assert found.sequence == 1
    assert found.segment == older
    assert not newer.exists()


def test_a_segment_that_was_begun_and_given_up_is_discarded(folder):
    """The header could be written, the switch to it could not, and commits went on before it."""
    storage = JournalStorage(folder)
    storage.commit(COMMITS[0])
    storage.release()
    (_, path) = segments(folder)[0]
    (folder / "journal-000000000001.log").rename(folder / "kept")
    given_up = JournalStorage(folder)
    given_up.release()
    left_over = path.read_bytes()
    (folder / "kept").rename(path)
    (folder / "journal-000000000002.log").write_bytes(left_over)
    found = recovered_and_repaired(folder)
    assert found.sequence == 1
    assert found.notices == []
    assert [first for first, _ in segments(folder)] == [1]


def test_evidence_of_an_earlier_accident_is_not_overwritten(folder):
    fill(folder)
    [(_, path)] = segments(folder)
    aside = folder / (path.name + ".damaged")
    aside.write_bytes(b"earlier")
    damaged = bytearray(path.read_bytes())
    damaged[record_ends(path)[0] + 20] ^= 1
    path.write_bytes(damaged)
    recovered_and_repaired(folder)
    assert aside.read_bytes() == b"earlier"
    assert (folder / (path.name + ".damaged-2")).read_bytes() == damaged[record_ends(path)[0] :]


def test_a_crash_in_the_middle_of_repairs_costs_nothing(folder, tmp_path, files, crash):
    states, older, _ = two_segments(folder, tmp_path)
    damaged = bytearray(older.read_bytes())
    damaged[record_ends(older)[1] + 20] ^= 1
    older.write_bytes(damaged)
    for step in range(100):
        copy = tmp_path / "copy"
        shutil.copytree(folder, copy)
        files.steps, files.crash_at = 0, step
        try:
            repair(copy, recover(copy), files)
        except crash:
            files.end_process()
        else:
            break
        found = recovered_and_repaired(copy)
        assert state(found.contents) == states[1]
        kept = b"".join(path.read_bytes() for path in sorted(copy.glob("*.damaged*")))
        assert bytes(damaged[record_ends(older)[0] :][-40:]) in kept
        assert b'"_id":"a","n":4' in kept
        shutil.rmtree(copy)
    assert step > 5


def test_only_looking_repairs_nothing(folder):
    fill(folder)
    [(_, path)] = segments(folder)
    path.write_bytes(path.read_bytes()[:-3])
    before = path.read_bytes()
    found = recover_unguarded(folder)
    assert len(found.notices) == 1
    assert path.read_bytes() == before


def test_looking_while_segments_are_replaced_looks_again(folder):
    states = fill(folder)
    storage = JournalStorage(folder)
    looks = []

    class Moving(type(folder)):
        def iterdir(self):
            found = list(super().iterdir())
            looks.append(found)
            if len(looks) == 1:
                storage.close()
            return iter(found)

    found = recover_unguarded(Moving(folder))
    assert state(found.contents) == states[-1]
    assert len(looks) > 3


def test_looking_gives_up_when_the_files_never_keep_still(folder):
    fill(folder)
    looks = []

    class Moving(type(folder)):
        def iterdir(self):
            looks.append(self)
            return iter([Path(self, f"journal-{len(looks)}.log")])

    with pytest.raises(StoreError, match="being rewritten"):
        recover_unguarded(Moving(folder))
    assert len(looks) == 2 * READ_ATTEMPTS_MAX


def test_a_journal_of_a_newer_version_is_refused_and_left_alone(folder):
    folder.mkdir()
    path = folder / "journal-000000000001.log"
    path.write_bytes(record({"format": 2, "sequence": 0}))
    before = path.read_bytes()
    with pytest.raises(StoreError, match="format 1"):
        recover(folder)
    assert path.read_bytes() == before


def test_a_record_that_proves_itself_but_makes_no_sense_is_refused(folder):
    fill(folder)
    [(_, path)] = segments(folder)
    path.write_bytes(
        path.read_bytes() + record({"sequence": len(COMMITS) + 1, "writes": [["rename", "a", "b"]]})
    )
    with pytest.raises(StoreError, match="not understood"):
        recover(folder)


def test_a_missing_checkpoint_is_told(folder):
    fill(folder, checkpoint_after=2)
    (folder / CHECKPOINT_NAME).unlink()
    found = recover(folder)
    assert "documents.json is missing" in found.notices[0]
    assert found.sequence == len(COMMITS)


def test_a_file_that_is_none_of_ours_is_left_alone(folder):
    fill(folder)
    (folder / "journal-1.log.txt").write_text("mine")
    (folder / "notes.md").write_text("mine")
    assert recovered_and_repaired(folder).notices == []
    assert (folder / "journal-1.log.txt").read_text() == "mine"


def test_a_record_out_of_sequence_is_damage(folder):
    states = fill(folder)
    [(_, path)] = segments(folder)
    data = path.read_bytes()
    start = record_ends(path)[-2]
    path.write_bytes(data + data[start:])
    found = recovered_and_repaired(folder)
    assert state(found.contents) == states[-1]
    assert (folder / (path.name + ".damaged")).read_bytes() == data[start:]
    assert f"after sequence {len(COMMITS)} is damaged or missing" in found.notices[0]
