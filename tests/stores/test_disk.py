"""What only a store on a disk can get wrong: crashes, leftovers, damage, a disk that refuses."""

import asyncio
import shutil
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from emulator.ambient import ManualClock
from emulator.core.errors import StoreError
from emulator.stores import blob_index
from emulator.stores.disk import DiskBlobStore


def open_store(folder: Path) -> DiskBlobStore:
    return DiskBlobStore(folder, ManualClock())


async def put(store: DiskBlobStore, path: str, content: bytes) -> None:
    writer = await store.create(path, content_type="text/plain", owner="oUser")
    await writer.write(content)
    await writer.commit()


def get(store: DiskBlobStore, path: str) -> bytes:
    reader = store.open(path)
    assert reader is not None
    with closing(reader):
        return reader.read(0, reader.info.size_bytes)


def state(store: DiskBlobStore) -> dict[str, bytes]:
    return {info.cloud_path: get(store, info.cloud_path) for info in store.list()}


def contents(folder: Path) -> list[Path]:
    return [path for path in (folder / "contents").rglob("*") if path.is_file()]


def incoming(folder: Path) -> list[Path]:
    return list((folder / "incoming").iterdir())


def crash(store: DiskBlobStore) -> None:
    """Leave the store as a killed process does: nothing is noted, descriptors go."""
    store.index._file.close()


async def test_files_are_there_after_a_restart(tmp_path: Path):
    store = open_store(tmp_path)
    await put(store, "a/文.txt", b"kept")
    before = store.info("a/文.txt")
    await store.close()
    again = open_store(tmp_path)
    assert again.info("a/文.txt") == before
    assert get(again, "a/文.txt") == b"kept"
    assert again.notices() == ()
    await again.close()


async def test_headers_of_a_file_are_there_after_a_restart(tmp_path: Path):
    store = open_store(tmp_path)
    writer = await store.create(
        "a", content_type="", owner="", headers={"Cache-Control": "no-store"}
    )
    await writer.commit()
    await store.close()
    again = open_store(tmp_path)
    info = again.info("a")
    assert info is not None
    assert info.headers == {"Cache-Control": "no-store"}
    await again.close()


async def test_no_part_of_a_path_becomes_a_name_on_disk(tmp_path: Path):
    store = open_store(tmp_path / "blobs")
    await put(store, "images/secret.png", b"x")
    names = [path.name for path in tmp_path.rglob("*")]
    assert not any("secret" in name or "images" in name for name in names)
    await store.close()


async def test_closing_twice_is_closing_once(tmp_path: Path):
    store = open_store(tmp_path)
    await put(store, "a", b"x")
    await store.close()
    await store.close()


class Recording:
    """A store whose index and contents are noted after each acknowledged step.

    Contents that were removed are kept aside: a process may die before it removes one.
    """

    def __init__(self, folder: Path, archive: Path) -> None:
        self.folder = folder
        self.archive = archive
        self.store = open_store(folder)
        self.steps: list[tuple[int, dict[str, bytes]]] = [(0, {})]

    def note(self) -> None:
        shutil.copytree(self.folder / "contents", self.archive, dirs_exist_ok=True)
        size = (self.folder / "index.jsonl").stat().st_size
        self.steps.append((size, state(self.store)))

    def expected(self, cut: int) -> dict[str, bytes]:
        return [files for size, files in self.steps if size <= cut][-1]


async def test_a_crash_at_any_byte_of_the_index_keeps_every_acknowledged_file(tmp_path: Path):
    run = Recording(tmp_path / "blobs", tmp_path / "archive")
    for path, content in (("a", b"1"), ("文", b"22"), ("a", b"333"), ("b", b"4")):
        await put(run.store, path, content)
        run.note()
    await run.store.delete("文")
    run.note()
    crash(run.store)
    index = (run.folder / "index.jsonl").read_bytes()
    for cut in range(len(index) + 1):
        copy = tmp_path / f"cut{cut}"
        shutil.copytree(run.archive, copy / "contents")
        (copy / "index.jsonl").write_bytes(index[:cut])
        again = open_store(copy)
        assert state(again) == run.expected(cut)
        if cut > index.index(b"\n"):
            assert len(contents(copy)) == len(run.expected(cut)), "leftovers are swept"
        await put(again, "later", b"goes on")
        await again.close()
        final = open_store(copy)
        assert final.notices() == ()
        assert state(final) == {**run.expected(cut), "later": b"goes on"}
        await final.close()
        shutil.rmtree(copy)


async def test_a_crash_in_the_middle_of_an_upload_leaves_the_older_file(tmp_path: Path):
    store = open_store(tmp_path)
    await put(store, "a", b"older")
    writer = await store.create("a", content_type="", owner="")
    await writer.write(b"x" * 100_000)
    assert len(incoming(tmp_path)) == 1
    crash(store)
    writer._file.close()
    again = open_store(tmp_path)
    assert state(again) == {"a": b"older"}
    assert incoming(tmp_path) == []
    await again.close()


async def test_a_crash_between_move_and_acknowledgement_leaves_the_older_file(tmp_path: Path):
    store = open_store(tmp_path)
    await put(store, "a", b"older")
    writer = await store.create("a", content_type="", owner="")
    await writer.write(b"newer")
    writer._settle()
    crash(store)
    assert len(contents(tmp_path)) == 2
    again = open_store(tmp_path)
    assert state(again) == {"a": b"older"}
    assert len(contents(tmp_path)) == 1
    await again.close()


KILLED_WRITER = """
import asyncio, sys
from pathlib import Path
from emulator.ambient import SystemClock
from emulator.stores.disk import DiskBlobStore

async def main():
    store = DiskBlobStore(Path(sys.argv[1]), SystemClock())
    number = 0
    while True:
        writer = await store.create(f"file{number % 50}", content_type="", owner="")
        content = b"%d " % number * 1000
        for at in range(0, len(content), 500):
            await writer.write(content[at : at + 500])
        await writer.commit()
        print(number, flush=True)
        number += 1

asyncio.run(main())
"""


async def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path):
    folder = tmp_path / "blobs"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_WRITER, str(folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 120:
                break
        process.kill()
        last = max([int(line), *map(int, process.stdout.read().split())])
    store = open_store(folder)
    files = state(store)
    assert len(files) == 50
    for number in range(last - 49, last + 1):
        kept = int(files[f"file{number % 50}"].split()[0])
        # One more may have been put and not yet told.
        assert kept in (number, number + 50)
        assert files[f"file{number % 50}"] == b"%d " % kept * 1000
    assert incoming(folder) == []
    assert len(contents(folder)) == 50
    await store.close()


async def test_a_clean_stop_leaves_no_leftovers_even_of_readers(tmp_path: Path):
    store = open_store(tmp_path)
    await put(store, "a", b"older")
    reader = store.open("a")
    assert reader is not None
    await put(store, "a", b"newer")
    assert len(contents(tmp_path)) == 2
    await store.close()
    reader.close()
    assert len(contents(tmp_path)) == 1
    again = open_store(tmp_path)
    assert again.index.clean
    await again.close()


async def test_a_content_goes_when_its_last_reader_closes(tmp_path: Path):
    store = open_store(tmp_path)
    await put(store, "a", b"older")
    first, second = store.open("a"), store.open("a")
    assert first is not None
    assert second is not None
    await store.delete("a")
    first.close()
    assert len(contents(tmp_path)) == 1
    second.close()
    assert contents(tmp_path) == []
    await store.close()


async def test_a_large_content_is_removed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("emulator.stores.disk.UNLINK_ON_LOOP_BYTES_MAX", 1)
    store = open_store(tmp_path)
    await put(store, "a", b"large")
    await store.delete("a")
    assert store.info("a") is None
    await store.close()
    assert contents(tmp_path) == []


async def test_files_that_are_not_the_store_s_own_are_left_alone(tmp_path: Path):
    store = open_store(tmp_path)
    await put(store, "a", b"x")
    (tmp_path / "incoming" / "notes.txt").write_text("mine")
    (tmp_path / "contents" / "notes.txt").write_text("mine")
    crash(store)
    await open_store(tmp_path).close()
    assert (tmp_path / "incoming" / "notes.txt").exists()
    assert (tmp_path / "contents" / "notes.txt").exists()


@pytest.mark.parametrize("harm", ["removed", "shortened"])
async def test_a_file_whose_bytes_are_gone_is_dropped_and_told(tmp_path: Path, harm: str):
    store = open_store(tmp_path)
    await put(store, "kept", b"kept")
    await put(store, "lost", b"lost bytes")
    place = store.place(store.index.entries["lost"].name)
    crash(store)
    if harm == "removed":
        place.unlink()
    else:
        place.write_bytes(b"lo")
    again = open_store(tmp_path)
    assert state(again) == {"kept": b"kept"}
    assert any("lost: its content of 10 bytes" in note for note in again.notices())
    await again.close()


async def test_opening_a_file_whose_bytes_are_gone_says_so(tmp_path: Path):
    store = open_store(tmp_path)
    await put(store, "a", b"x")
    contents(tmp_path)[0].unlink()
    with pytest.raises(StoreError, match="content of a cannot be read"):
        store.open("a")
    await store.close()


async def test_a_damaged_line_costs_its_file_only_and_no_content_is_removed(tmp_path: Path):
    store = open_store(tmp_path)
    for path in ("a", "b", "c"):
        await put(store, path, path.encode())
    crash(store)
    index = tmp_path / "index.jsonl"
    damaged = index.read_bytes().replace(b'"cloud_path":"b"', b'"cloud_path":"x"')
    index.write_bytes(damaged)
    again = open_store(tmp_path)
    assert state(again) == {"a": b"a", "c": b"c"}
    assert any("damaged" in note for note in again.notices())
    assert len(contents(tmp_path)) == 3
    assert (tmp_path / "index.damaged").read_bytes() == damaged
    await put(again, "b", b"new")
    await again.close()
    final = open_store(tmp_path)
    assert state(final) == {"a": b"a", "b": b"new", "c": b"c"}
    await final.close()


async def test_a_whole_last_line_that_is_damaged_is_kept_for_inspection(tmp_path: Path):
    store = open_store(tmp_path)
    await put(store, "a", b"a")
    crash(store)
    index = tmp_path / "index.jsonl"
    damaged = index.read_bytes()[:-4] + b"\0\0\0\n"
    index.write_bytes(damaged)
    again = open_store(tmp_path)
    assert state(again) == {}
    assert len(contents(tmp_path)) == 1
    assert (tmp_path / "index.damaged").read_bytes() == damaged
    await put(again, "a", b"new")
    assert len(contents(tmp_path)) == 2, "the content of the lost line is not written over"
    await again.close()


async def test_the_index_stays_short_while_files_come_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(blob_index, "DEAD_LINES_MAX", 10)
    store = open_store(tmp_path)
    await put(store, "kept", b"kept")
    for number in range(100):
        await put(store, "a", str(number).encode())
    lines = (tmp_path / "index.jsonl").read_bytes().count(b"\n")
    assert lines < 20
    crash(store)
    again = open_store(tmp_path)
    assert state(again) == {"kept": b"kept", "a": b"99"}
    await put(again, "b", b"new")
    assert state(again)["b"] == b"new"
    await again.close()
    final = open_store(tmp_path)
    assert final.index.clean
    await final.close()


async def test_an_index_that_cannot_be_shortened_goes_on_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(blob_index, "DEAD_LINES_MAX", 5)
    store = open_store(tmp_path)
    (tmp_path / "index.new").mkdir()
    for number in range(20):
        await put(store, "a", str(number).encode())
    assert 1 <= len(store.notices()) <= 5
    assert "could not be shortened" in store.notices()[0]
    crash(store)
    again = open_store(tmp_path)
    assert state(again) == {"a": b"19"}
    await again.close()


async def test_damage_that_cannot_be_put_aside_does_not_spoil_what_follows(tmp_path: Path):
    store = open_store(tmp_path)
    await put(store, "a", b"a")
    await put(store, "b", b"b")
    crash(store)
    index = tmp_path / "index.jsonl"
    index.write_bytes(index.read_bytes()[:-4] + b"\0\0\0\n")
    (tmp_path / "index.new").mkdir()
    again = open_store(tmp_path)
    await put(again, "c", b"c")
    await again.close()
    final = open_store(tmp_path)
    assert state(final) == {"a": b"a", "c": b"c"}
    assert final.notices() == ()
    await final.close()


async def test_a_crash_after_the_index_was_shortened_is_swept_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(blob_index, "DEAD_LINES_MAX", 1)
    store = open_store(tmp_path)
    unfinished = await store.create("b", content_type="", owner="")
    for _ in range(5):
        await put(store, "a", b"x")
        if b'"head"' in (tmp_path / "index.jsonl").read_bytes()[:30]:
            break
    unfinished._settle()
    crash(store)
    again = open_store(tmp_path)
    assert state(again) == {"a": b"x"}
    assert len(contents(tmp_path)) == 1
    await again.close()


async def test_numbers_are_not_used_twice_after_the_index_was_shortened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(blob_index, "DEAD_LINES_MAX", 2)
    store = open_store(tmp_path)
    for _ in range(9):
        await put(store, "a", b"x")
    name = store.index.entries["a"].name
    await store.delete("a")
    await store.close()
    again = open_store(tmp_path)
    names = set()
    for _ in range(9):
        await put(again, "a", b"x")
        names.add(again.index.entries["a"].name)
    assert name not in names
    await again.close()


async def test_a_disk_that_refuses_an_index_line_changes_nothing(tmp_path: Path):
    store = open_store(tmp_path)
    await put(store, "a", b"older")
    real = store.index._file

    class HalfWritten:
        closed = False

        def write(self, line: bytes) -> int:
            return real.write(line[:10])

        def truncate(self, size: int) -> int:
            return real.truncate(size)

    store.index._file = HalfWritten()
    writer = await store.create("a", content_type="", owner="")
    await writer.write(b"newer")
    with pytest.raises(StoreError, match="only part of a line"):
        await writer.commit()
    await writer.abort()
    with pytest.raises(StoreError, match="list of files"):
        await store.delete("a")
    assert state(store) == {"a": b"older"}
    store.index._file = real
    await put(store, "b", b"after")
    assert len(contents(tmp_path)) == 2
    crash(store)
    again = open_store(tmp_path)
    assert state(again) == {"a": b"older", "b": b"after"}
    assert again.notices() == ()
    await again.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
async def test_a_full_disk_refuses_the_upload_and_keeps_the_older_file(tmp_path: Path):
    store = open_store(tmp_path)
    await put(store, "a", b"older")
    writer = await store.create("a", content_type="", owner="")
    writer._file.close()
    writer._file = Path("/dev/full").open("wb")  # noqa: SIM115  # the writer closes it
    with pytest.raises(StoreError, match=r"a could not be stored: .*No space left") as caught:
        await writer.write(b"x" * 100_000)
    assert "make room" in caught.value.hint
    await writer.abort()
    assert state(store) == {"a": b"older"}
    assert incoming(tmp_path) == []
    await store.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
async def test_a_disk_that_is_full_at_the_end_refuses_the_commit(tmp_path: Path):
    store = open_store(tmp_path)
    writer = await store.create("a", content_type="", owner="")
    writer._file.close()
    writer._file = Path("/dev/full").open("wb")  # noqa: SIM115  # the writer closes it
    await writer.write(b"small")
    with pytest.raises(StoreError, match="No space left"):
        await writer.commit()
    await writer.abort()
    assert state(store) == {}
    await store.close()


async def test_a_place_that_cannot_be_made_refuses_the_upload(tmp_path: Path):
    store = open_store(tmp_path)
    shutil.rmtree(tmp_path / "incoming")
    with pytest.raises(StoreError, match="a could not be stored"):
        await store.create("a", content_type="", owner="")
    (tmp_path / "incoming").mkdir()
    (tmp_path / "contents").write_text("in the way")
    writer = await store.create("a", content_type="", owner="")
    with pytest.raises(StoreError, match="a could not be stored"):
        await writer.commit()
    await writer.abort()
    assert store.info("a") is None
    await store.close()


async def test_a_synced_put_that_is_cancelled_is_swept_at_the_next_start(tmp_path: Path):
    store = DiskBlobStore(tmp_path, ManualClock(), synced=True)
    await put(store, "kept", b"x")
    writer = await store.create("a", content_type="", owner="")
    commit = asyncio.ensure_future(writer.commit())
    await asyncio.sleep(0)
    place = store.place(writer._entry.name)
    # The loop stands still meanwhile, so that the thread is done and the commit is not.
    assert any(place.exists() or threading.Event().wait(0.001) for _ in range(10_000))
    commit.cancel()
    with pytest.raises(asyncio.CancelledError):
        await commit
    await asyncio.get_running_loop().shutdown_default_executor()
    await writer.abort()
    await store.close()
    again = open_store(tmp_path)
    assert state(again) == {"kept": b"x"}
    assert len(contents(tmp_path)) == 1
    assert incoming(tmp_path) == []
    await again.close()


async def test_a_content_that_cannot_be_removed_has_the_next_start_sweep(tmp_path: Path):
    store = open_store(tmp_path)
    await put(store, "a", b"x")
    place = contents(tmp_path)[0]
    place.unlink()
    place.mkdir()
    assert await store.delete("a") is True
    await store.close()
    place.rmdir()
    place.write_bytes(b"what could not be removed")
    again = open_store(tmp_path)
    assert contents(tmp_path) == []
    await again.close()
