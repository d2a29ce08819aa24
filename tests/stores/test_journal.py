"""The journal on disk: one record for each commit, whatever the disk does."""

from pathlib import Path

import pytest

from emulator.core.errors import InvalidParam, StoreError
from emulator.stores.contents import Contents
from emulator.stores.files import Files
from emulator.stores.journal import Journal, header, segment_path, segments
from emulator.stores.records import read_record


@pytest.fixture(autouse=True)
def _folder(folder: Path):
    folder.mkdir()


def begun(folder: Path, files: Files, *, mode="os", sequence=0) -> Journal:
    journal = Journal(folder, sequence=sequence, mode=mode, files=files)
    journal.begin_segment(header(Contents(), sequence))
    return journal


def put(number: int):
    return [["put", "orders", number, {"_id": f"id-{number}"}]]


def records(folder: Path) -> list:
    return [
        read_record(line)
        for _, path in segments(folder)
        for line in path.read_bytes().splitlines(keepends=True)
    ]


def sequences(folder: Path) -> list[int]:
    return [value["sequence"] for value in records(folder) if "writes" in value]


def test_a_commit_is_one_record_with_the_next_sequence(folder, files):
    journal = begun(folder, files, sequence=41)
    assert journal.append(put(1) + put(2)) == 42
    assert records(folder)[1] == {"sequence": 42, "writes": put(1) + put(2)}


def test_a_commit_is_one_call_to_the_disk(folder, files):
    journal = begun(folder, files)
    files.steps = 0
    journal.append(put(1) + put(2) + put(3))
    assert files.steps == 1


def test_mode_always_forces_each_commit_to_disk(folder, files):
    journal = begun(folder, files, mode="always")
    journal.append(put(1))
    files.refused = {"sync"}
    with pytest.raises(StoreError):
        journal.append(put(2))
    files.refused = set()
    assert journal.append(put(3)) == 2
    assert sequences(folder) == [1, 2]


def test_a_segment_begins_with_what_the_collections_were(folder, files):
    contents = Contents()
    contents.apply([["create", "b"], ["create", "a"], ["describe", "b", {"indexes": [1]}]])
    journal = Journal(folder, sequence=7, mode="os", files=files)
    journal.begin_segment(header(contents, 7))
    assert segments(folder) == [(8, segment_path(folder, 8))]
    assert records(folder) == [
        {
            "format": 1,
            "sequence": 7,
            "collections": ["b", "a"],
            "catalogue": {"b": {"indexes": [1]}},
        }
    ]


def test_a_segment_that_nothing_was_written_to_goes_on(folder, files):
    journal = begun(folder, files)
    files.refused = {"open_new"}
    journal.begin_segment(header(Contents(), 0))
    assert len(segments(folder)) == 1
    journal.append(put(1))
    assert sequences(folder) == [1]


def test_a_journal_goes_on_where_it_was(folder, files):
    journal = begun(folder, files)
    journal.append(put(1))
    path, size_bytes = segments(folder)[0][1], journal.size_bytes
    journal.close()
    again = Journal(folder, sequence=1, mode="os", files=files)
    again.resume(path, size_bytes=size_bytes, older_bytes=100)
    again.append(put(2))
    assert sequences(folder) == [1, 2]
    assert again.total_bytes == 100 + path.stat().st_size


def test_segments_are_dropped_oldest_first(folder, files):
    journal = begun(folder, files)
    for number in (1, 2, 3):
        journal.append(put(number))
        journal.begin_segment(header(Contents(), number))
    files.refused = {"sync_folder"}
    with pytest.raises(OSError, match="refused"):
        journal.drop_before(4)
    assert [first for first, _ in segments(folder)] == [2, 3, 4]
    files.refused = set()
    journal.drop_before(4)
    assert [first for first, _ in segments(folder)] == [4]
    assert journal.total_bytes == segments(folder)[0][1].stat().st_size


def test_what_cannot_be_stored_leaves_the_journal_as_it_was(folder, files):
    journal = begun(folder, files)
    journal.append(put(1))
    with pytest.raises(InvalidParam):
        journal.append([["put", "orders", 2, {"_id": {1, 2}}]])
    assert journal.append(put(2)) == 2
    assert sequences(folder) == [1, 2]


@pytest.mark.parametrize("free_bytes", range(0, 90, 11))
def test_a_full_disk_leaves_the_journal_as_it_was(folder, files, free_bytes):
    journal = begun(folder, files)
    journal.append(put(1))
    before = segments(folder)[0][1].read_bytes()
    files.free_bytes = free_bytes
    with pytest.raises(StoreError, match="cannot be written"):
        journal.append(put(2) + put(3))
    assert segments(folder)[0][1].read_bytes() == before
    assert (journal.sequence, journal.size_bytes) == (1, len(before))
    files.free_bytes = None
    assert journal.append(put(4)) == 2
    assert sequences(folder) == [1, 2]


def test_a_torn_record_that_cannot_be_cut_is_cut_before_the_next(folder, files):
    journal = begun(folder, files)
    journal.append(put(1))
    files.free_bytes, files.refused = 10, {"truncate"}
    for _ in range(2):
        with pytest.raises(StoreError):
            journal.append(put(2))
    files.free_bytes = None
    with pytest.raises(StoreError):
        journal.append(put(3))
    with pytest.raises(StoreError):
        journal.begin_segment(header(Contents(), 1))
    files.refused = set()
    assert journal.append(put(4)) == 2
    assert sequences(folder) == [1, 2]


def test_writes_in_small_steps_are_whole_records(folder, files):
    journal = begun(folder, files)
    files.write_bytes_max = 5
    journal.append(put(1))
    assert sequences(folder) == [1]


@pytest.mark.parametrize("step", ["open_new", "write"])
def test_a_segment_that_cannot_begin_leaves_the_journal_where_it_was(folder, files, step):
    journal = begun(folder, files)
    journal.append(put(1))
    files.refused = {step}
    with pytest.raises(StoreError, match="journal-000000000002"):
        journal.begin_segment(header(Contents(), 1))
    files.refused = set()
    journal.append(put(2))
    assert sequences(folder) == [1, 2]
    assert len(segments(folder)) == 1


def test_a_segment_that_cannot_be_opened_is_an_error_of_the_store(folder, files):
    files.refused = {"open_append"}
    journal = Journal(folder, sequence=0, mode="os", files=files)
    with pytest.raises(StoreError, match="cannot be opened"):
        journal.resume(folder / "journal-1.log", size_bytes=0, older_bytes=0)


def test_a_sync_covers_segments_left_behind_and_lets_go_of_them(folder, files):
    journal = begun(folder, files)
    journal.append(put(1))
    journal.begin_segment(header(Contents(), 1))
    journal.append(put(2))
    assert len(files.open_descriptors) == 2
    assert journal.sync() == 2
    assert len(files.open_descriptors) == 1


@pytest.mark.parametrize("step", ["sync", "sync_folder"])
def test_a_refused_sync_is_told_and_may_be_repeated(folder, files, step):
    journal = begun(folder, files)
    journal.append(put(1))
    journal.begin_segment(header(Contents(), 1))
    files.refused = {step}
    for _ in range(2):
        with pytest.raises(StoreError, match="forced to disk"):
            journal.sync()
    files.refused = set()
    files.steps = 0
    assert journal.sync() == 1
    assert files.steps >= 2
    assert len(files.open_descriptors) == 1


def test_a_closed_journal_holds_no_file(folder, files):
    journal = begun(folder, files)
    journal.append(put(1))
    journal.begin_segment(header(Contents(), 1))
    journal.close()
    journal.close()
    assert files.open_descriptors == set()
