import pytest

from emulator.ambient import ManualClock
from emulator.core.errors import StoreError
from emulator.stores.memory_blobs import MemoryBlobStore


async def put(store: MemoryBlobStore, path: str, content: bytes) -> None:
    writer = await store.create(path, content_type="", owner="")
    try:
        await writer.write(content)
        await writer.commit()
    finally:
        await writer.abort()


async def test_no_more_is_kept_than_the_bound_allows():
    store = MemoryBlobStore(ManualClock(), size_bytes_max=10)
    await put(store, "a", b"123456")
    with pytest.raises(StoreError, match="exceed 10 bytes"):
        await put(store, "b", b"12345")
    assert store.info("b") is None
    await put(store, "b", b"1234")


async def test_what_was_replaced_deleted_or_aborted_makes_room():
    store = MemoryBlobStore(ManualClock(), size_bytes_max=10)
    await put(store, "a", b"12345")
    await put(store, "a", b"1234")
    await store.delete("a")
    writer = await store.create("b", content_type="", owner="")
    await writer.write(b"1234567890")
    await writer.abort()
    await put(store, "c", b"1234567890")
    assert store.info("c") is not None
