"""What every blob store does; the members must not be told apart by it."""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.ambient import ManualClock
from emulator.stores.base import DIGEST_BYTES_MAX, BlobInfo, BlobStore
from emulator.stores.disk import DiskBlobStore
from emulator.stores.memory_blobs import MemoryBlobStore

START_MS = 1_700_000_000_000
MEMBERS: dict[str, Callable[[Path, ManualClock], BlobStore]] = {
    "memory": lambda folder, clock: MemoryBlobStore(clock),
    "disk": DiskBlobStore,
    "disk synced": lambda folder, clock: DiskBlobStore(folder, clock, synced=True),
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_MS)


@pytest.fixture(params=list(MEMBERS))
async def blobs(request, tmp_path: Path, clock: ManualClock) -> AsyncIterator[BlobStore]:
    store = MEMBERS[request.param](tmp_path / "blobs", clock)
    yield store
    await store.close()


async def put(store: BlobStore, path: str, *chunks: bytes, owner: str = "") -> BlobInfo:
    writer = await store.create(path, content_type="text/plain", owner=owner)
    for chunk in chunks:
        await writer.write(chunk)
    return await writer.commit()


def get(store: BlobStore, path: str) -> bytes:
    reader = store.open(path)
    assert reader is not None
    with closing(reader):
        return reader.read(0, reader.info.size_bytes + 1)


async def test_a_committed_file_is_there_with_all_that_is_known_of_it(blobs: BlobStore):
    info = await put(blobs, "a/b.txt", b"one ", memoryview(b"two"), owner="oUser")
    assert info == BlobInfo(
        cloud_path="a/b.txt",
        size_bytes=7,
        content_type="text/plain",
        updated_ms=START_MS,
        digest=hashlib.md5(b"one two").hexdigest(),
        owner="oUser",
    )
    assert blobs.info("a/b.txt") == info
    assert get(blobs, "a/b.txt") == b"one two"


async def test_an_empty_file_is_a_file(blobs: BlobStore):
    info = await put(blobs, "empty")
    assert (info.size_bytes, get(blobs, "empty")) == (0, b"")


async def test_nothing_is_visible_before_commit(blobs: BlobStore):
    writer = await blobs.create("a", content_type="", owner="")
    await writer.write(b"half")
    assert blobs.info("a") is None
    assert blobs.open("a") is None
    assert blobs.list() == []
    await writer.abort()


async def test_an_aborted_file_never_was(blobs: BlobStore):
    await put(blobs, "a", b"older")
    writer = await blobs.create("a", content_type="", owner="")
    await writer.write(b"newer")
    await writer.abort()
    await writer.abort()
    assert get(blobs, "a") == b"older"


async def test_abort_after_commit_does_nothing(blobs: BlobStore):
    writer = await blobs.create("a", content_type="", owner="")
    await writer.write(b"kept")
    await writer.commit()
    await writer.abort()
    assert get(blobs, "a") == b"kept"


async def test_the_last_of_two_puts_wins_and_has_its_own_time(blobs: BlobStore, clock: ManualClock):
    await put(blobs, "a", b"older and longer")
    clock.advance(5)
    info = await put(blobs, "a", b"newer")
    assert get(blobs, "a") == b"newer"
    assert info.updated_ms == START_MS + 5000
    assert [each.cloud_path for each in blobs.list()] == ["a"]


async def test_puts_under_way_at_once_do_not_mix(blobs: BlobStore):
    first = await blobs.create("a", content_type="", owner="")
    second = await blobs.create("a", content_type="", owner="")
    await first.write(b"first")
    await second.write(b"second")
    await second.commit()
    assert get(blobs, "a") == b"second"
    await first.commit()
    assert get(blobs, "a") == b"first"


@pytest.mark.parametrize("deleted", [False, True], ids=["replaced", "deleted"])
async def test_a_reader_keeps_the_content_it_opened(blobs: BlobStore, deleted: bool):
    await put(blobs, "a", b"older")
    reader, other = blobs.open("a"), blobs.open("a")
    assert reader is not None
    assert other is not None
    other.close()
    if deleted:
        await blobs.delete("a")
    else:
        await put(blobs, "a", b"newer")
    assert reader.read(1, 3) == b"lde"
    assert reader.info.size_bytes == 5
    reader.close()
    reader.close()
    assert deleted == (blobs.info("a") is None)


async def test_read_ends_where_the_file_does(blobs: BlobStore):
    await put(blobs, "a", b"0123456789")
    reader = blobs.open("a")
    assert reader is not None
    with closing(reader):
        assert reader.read(8, 100) == b"89"
        assert reader.read(10, 1) == b""
        assert reader.read(0, 2) == b"01"


async def test_delete_tells_whether_there_was_a_file(blobs: BlobStore):
    await put(blobs, "a", b"x")
    assert await blobs.delete("a") is True
    assert await blobs.delete("a") is False
    assert blobs.info("a") is None


async def test_list_is_by_path_and_prefix(blobs: BlobStore):
    for path in ("b/2", "b/1", "a", "b", "B/0", "图/一"):
        await put(blobs, path, path.encode())
    assert [info.cloud_path for info in blobs.list()] == ["B/0", "a", "b", "b/1", "b/2", "图/一"]
    assert [info.cloud_path for info in blobs.list("b/")] == ["b/1", "b/2"]
    assert blobs.list("nothing") == []


async def test_the_digest_of_any_two_contents_of_a_path_differs(blobs: BlobStore):
    large = b"\0" * (DIGEST_BYTES_MAX + 1)
    digests = [(await put(blobs, "a", large)).digest for _ in range(3)]
    digests.append((await put(blobs, "a", large[1:])).digest)
    assert len(set(digests)) == 4
    assert all("-" in digest for digest in digests[:3])
    assert digests[3] == hashlib.md5(large[1:]).hexdigest()


AWKWARD_NAMES = [
    pytest.param(["readme", "README", "ReadMe"], id="case"),
    pytest.param(["caf\u00e9", "cafe\u0301"], id="unicode forms"),
    pytest.param(["CON", "nul.txt", "a/COM1", "lpt9.png"], id="reserved on Windows"),
    pytest.param(["a", "a.", "a..", "a ", "a/", "a/b"], id="trailing dots, and a file as folder"),
    pytest.param(["x" * 850, "文" * 283 + "x", "x" * 849 + "y"], id="850 bytes"),
    pytest.param(['a"b', "a<b>", "a|b", "a:b", "a?b*", "a\\b", "%2e%2e%2fx"], id="marks"),
    pytest.param(["../x", "/etc/passwd", "C:\\x", "a/../../b", "\0"], id="places"),
]


@pytest.mark.parametrize("paths", AWKWARD_NAMES)
async def test_any_text_is_a_name_of_its_own(blobs: BlobStore, paths: list[str], tmp_path: Path):
    for path in paths:
        await put(blobs, path, path.encode())
    assert [get(blobs, path) for path in paths] == [path.encode() for path in paths]
    assert {info.cloud_path for info in blobs.list()} == set(paths)
    assert {path.name for path in tmp_path.iterdir()} <= {"blobs"}


async def test_two_hundred_puts_at_once(blobs: BlobStore):
    writers = [
        await blobs.create(f"file{number}", content_type="", owner="") for number in range(200)
    ]
    for number, writer in enumerate(writers):
        await writer.write(str(number).encode())
    for writer in reversed(writers):
        await writer.commit()
    assert all(get(blobs, f"file{number}") == str(number).encode() for number in range(200))


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["put", "abort", "delete", "reopen"]),
        st.sampled_from(["a", "A", "b/c", "文"]),
        st.binary(max_size=12),
    ),
    max_size=25,
)


@given(actions=ACTIONS)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_disk_store_is_a_memory_store_that_lasts(
    actions: list[tuple[str, str, bytes]], tmp_path_factory: pytest.TempPathFactory
):
    folder = tmp_path_factory.mktemp("blobs")
    clock = ManualClock(START_MS)
    disk, memory = DiskBlobStore(folder, clock), MemoryBlobStore(clock)
    for action, path, content in actions:
        clock.advance(1)
        if action == "put":
            assert await put(disk, path, content) == await put(memory, path, content)
        elif action == "abort":
            writer = await disk.create(path, content_type="", owner="")
            await writer.write(content)
            await writer.abort()
        elif action == "delete":
            assert await disk.delete(path) == await memory.delete(path)
        else:
            await disk.close()
            disk = DiskBlobStore(folder, clock)
        assert disk.list() == memory.list()
    for info in memory.list():
        assert get(disk, info.cloud_path) == get(memory, info.cloud_path)
    await disk.close()
    contents = [path for path in (folder / "contents").rglob("*") if path.is_file()]
    assert len(contents) == len(memory.list())
