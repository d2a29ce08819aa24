"""Checkpoint and journal together: a crash between any two steps loses and doubles nothing."""

import threading
from pathlib import Path

import pytest

from emulator.core.errors import StoreError
from emulator.stores.base import Create, Delete, Describe, Drop, Put
from emulator.stores.checkpoint import CHECKPOINT_NAME
from emulator.stores.files import Files
from emulator.stores.folder import (
    CHECKPOINT_JOURNAL_BYTES,
    JOURNAL_BYTES_MAX,
    Folder,
    open_kept,
)
from emulator.stores.journal import segments
from emulator.stores.records import encode

BEFORE = [
    [Create("orders"), Describe("orders", {"indexes": [{"name": "n"}]}), Create("gone")],
    [Put("orders", {"_id": "e"}), Put("orders", {"_id": "kept", "n": 1})],
    [Delete("orders", "e")],
    [Put("orders", {"_id": "e", "n": 2}), Put("orders", {"_id": "d"})],
    [Drop("gone"), Create("last"), Create("gone")],
]
MEANWHILE = [
    [Put("orders", {"_id": "f"}), Delete("orders", "d"), Put("orders", {"_id": "kept", "n": 9})],
    [Drop("last"), Describe("gone", {"indexes": [1]})],
]
AFTER = [[Put("orders", {"_id": "g"})], [Delete("orders", "f"), Create("new")]]


def state(kept) -> bytes:
    collections = [
        [name, list(map(list, held.by_number.items())), held.description, held.next_number]
        for name, held in kept.contents.collections.items()
    ]
    return encode([kept.sequence, collections])


def run(kept, commits) -> bytes:
    for writes in commits:
        steps = kept.contents.plan(writes)
        kept.append(steps)
        kept.contents.apply(steps)
    return state(kept)


def opened(folder: Path, files: Files | None = None) -> Folder:
    return Folder(folder, mode="os", files=files or Files())


def reopened_state(folder: Path) -> bytes:
    kept = opened(folder)
    assert kept.notices == ()
    kept.close()
    return state(kept)


@pytest.mark.parametrize("earlier_checkpoint", [False, True])
@pytest.mark.parametrize("meanwhile", [[], MEANWHILE], ids=["quiet", "busy"])
def test_a_crash_at_any_step_of_a_checkpoint_is_harmless(
    tmp_path, files, crash, meanwhile, earlier_checkpoint
):
    """The disk calls of a checkpoint are counted; the process ends at each of them in turn."""
    for step in range(100):
        folder = tmp_path / str(step)
        files.crash_at = None
        kept = opened(folder, files)
        if earlier_checkpoint:
            run(kept, BEFORE[:2])
            kept.begin_checkpoint()()
            expected = run(kept, BEFORE[2:])
        else:
            expected = run(kept, BEFORE)
        files.steps, files.crash_at = 0, step
        try:
            write = kept.begin_checkpoint()
            files.crash_at = None
            expected = run(kept, meanwhile)
            files.crash_at = step
            write()
        except crash:
            files.end_process()
        else:
            break
        assert reopened_state(folder) == expected
        again = opened(folder)
        expected = run(again, AFTER)
        again.begin_checkpoint()()
        again.close()
        assert reopened_state(folder) == expected
        assert len(segments(folder)) == 1
    assert step > 9


def test_commits_go_on_while_a_checkpoint_is_written(folder):
    kept = opened(folder)
    at_checkpoint = run(kept, BEFORE)
    write = kept.begin_checkpoint()
    expected = run(kept, MEANWHILE)
    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert at_checkpoint != expected
    kept.close()
    assert reopened_state(folder) == expected


def test_a_checkpoint_replaces_the_journal(folder):
    kept = opened(folder)
    run(kept, BEFORE)
    kept.begin_checkpoint()()
    [(first, path)] = segments(folder)
    assert first == len(BEFORE) + 1
    assert path.read_bytes().count(b"\n") == 1
    assert kept.journal.total_bytes == path.stat().st_size


def test_nothing_is_written_when_nothing_changed(folder):
    kept = opened(folder)
    run(kept, BEFORE)
    kept.begin_checkpoint()()
    before = (folder / CHECKPOINT_NAME).stat()
    assert kept.begin_checkpoint() is None
    kept.close()
    again = opened(folder)
    assert again.begin_checkpoint() is None
    again.close()
    assert (folder / CHECKPOINT_NAME).stat().st_mtime_ns == before.st_mtime_ns


def test_an_empty_folder_gets_its_first_checkpoint(folder):
    kept = opened(folder)
    kept.begin_checkpoint()()
    assert (folder / CHECKPOINT_NAME).read_bytes() == b"{}\n"
    assert kept.begin_checkpoint() is None


def test_a_checkpoint_is_due_once_the_journal_of_an_earlier_run_was_read(folder):
    kept = opened(folder)
    run(kept, BEFORE)
    kept.close()
    again = opened(folder)
    assert again.begin_checkpoint() is not None


def test_what_was_edited_by_hand_after_a_stop_is_taken_over(folder):
    kept = opened(folder)
    run(kept, BEFORE)
    kept.begin_checkpoint()()
    kept.close()
    (folder / CHECKPOINT_NAME).write_text('{"mine": {"5": {"_id": "m"}}, "orders": {}}')
    again = opened(folder)
    assert list(again.contents.collections) == ["orders", "mine"]
    assert again.contents.collections["mine"].by_id("m") == {"_id": "m"}
    assert again.contents.collections["orders"].description == {"indexes": [{"name": "n"}]}


@pytest.mark.parametrize("step", ["sync", "open_new", "replace", "remove", "sync_folder"])
def test_a_checkpoint_that_fails_loses_nothing_and_may_be_repeated(folder, files, step):
    kept = opened(folder, files)
    run(kept, BEFORE)
    write = kept.begin_checkpoint()
    files.refused = {step}
    with pytest.raises(StoreError):
        write()
    files.refused = set()
    expected = run(kept, MEANWHILE)
    kept.begin_checkpoint()()
    assert len(segments(folder)) == 1
    kept.close()
    assert reopened_state(folder) == expected


def test_an_overtaken_checkpoint_does_not_undo_the_later_one(folder):
    kept = opened(folder)
    run(kept, BEFORE)
    late = kept.begin_checkpoint()
    expected = run(kept, MEANWHILE)
    kept.begin_checkpoint()()
    late()
    kept.close()
    assert reopened_state(folder) == expected


def test_a_checkpoint_after_closing_touches_nothing(folder):
    kept = opened(folder)
    expected = run(kept, BEFORE)
    late = kept.begin_checkpoint()
    kept.close()
    late()
    assert kept.begin_checkpoint() is None
    assert not (folder / CHECKPOINT_NAME).exists()
    with pytest.raises(StoreError, match="closed"):
        kept.append([["create", "x"]])
    assert reopened_state(folder) == expected


def test_a_checkpoint_is_due_when_the_journal_is_longer_than_it(folder):
    kept = opened(folder)
    kept.append([["put", "x", 1, {"_id": "a", "text": "x" * (CHECKPOINT_JOURNAL_BYTES - 1000)}]])
    assert not kept.checkpoint_due
    kept.append([["put", "x", 1, {"_id": "a", "text": "x" * 1000}]])
    assert kept.checkpoint_due
    assert not kept.checkpoint_urgent
    kept.begin_checkpoint()()
    assert not kept.checkpoint_due


def test_a_long_journal_is_urgent(folder):
    kept = opened(folder)
    kept.journal.size_bytes = JOURNAL_BYTES_MAX
    assert kept.checkpoint_urgent


def test_a_folder_that_cannot_be_made_is_an_error_of_the_store(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be opened"):
        open_kept(tmp_path / "file", mode="os", access_mode="r+", files=Files())


def test_a_folder_that_is_not_there_cannot_be_read(tmp_path):
    with pytest.raises(StoreError, match="cannot be opened"):
        open_kept(tmp_path / "none", mode="os", access_mode="r", files=Files())


def test_mode_memory_touches_no_file(folder, files):
    kept = open_kept(folder, mode="memory", access_mode="r+", files=files)
    run(kept, BEFORE)
    assert kept.sequence == len(BEFORE)
    assert kept.begin_checkpoint() is None
    kept.close()
    with pytest.raises(StoreError, match="closed"):
        run(kept, AFTER)
    assert not folder.exists()
    assert files.steps == 0


def test_a_store_that_is_only_read_sees_everything_and_takes_nothing(folder):
    kept = opened(folder)
    run(kept, BEFORE)
    kept.begin_checkpoint()()
    expected = run(kept, MEANWHILE)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    reading = open_kept(folder, mode="os", access_mode="r", files=Files())
    assert state(reading) == expected
    with pytest.raises(StoreError, match="access_mode"):
        run(reading, AFTER)
    assert state(reading) == expected
    assert reading.begin_checkpoint() is None
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
