"""Giving collections out: whole lines, one moment, and back in again."""

import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.core.errors import CollectionNotExist, InvalidParam
from emulator.core.values import Date, ObjectId
from emulator.services import exporting as module
from emulator.services.exporting import Exporting
from emulator.services.importing import Importing
from emulator.services.policy import Policy
from emulator.stores.base import Create, Delete, Put
from emulator.stores.memory import MemoryDocumentStore

DOCUMENTS = [{"_id": n, "at": Date(n), "in": {"x": ObjectId("0f" * 12)}} for n in range(25)]


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setattr(module, "SLICE_DOCUMENTS", 10)
    made = MemoryDocumentStore()
    made.commit([Create("c"), *(Put("c", each) for each in DOCUMENTS)])
    return made


async def test_what_is_exported_can_be_imported_elsewhere(store):
    other = MemoryDocumentStore()
    importing = Importing(other, clock=ManualClock(), ids=CountedIds(), policy=Policy())
    chunks = Exporting(store).stream("c", file_format="jsonl")
    imported = await importing.load("c", chunks, file_format="jsonl", mode="insert")
    assert imported.inserted == 25
    assert other.collection("c").snapshot() == DOCUMENTS


async def test_a_file_comes_in_chunks_of_whole_lines(store):
    chunks = [chunk async for chunk in Exporting(store).stream("c", file_format="jsonl")]
    assert [chunk.count(b"\n") for chunk in chunks] == [10, 10, 5]
    assert all(chunk.endswith(b"\n") for chunk in chunks)


async def test_an_export_is_of_one_moment(store):
    chunks = []
    async for chunk in Exporting(store).stream("c", file_format="jsonl"):
        chunks.append(chunk)
        store.commit([Delete("c", 24), Put("c", {"_id": 20, "changed": True})])
    text = b"".join(chunks)
    assert text.count(b"\n") == 25
    assert b"changed" not in text


async def test_csv_names_every_field_there_is(store):
    store.commit([Put("c", {"_id": "z", "late": 1})])
    chunks = [chunk async for chunk in Exporting(store).stream("c", file_format="csv")]
    lines = b"".join(chunks).decode().splitlines()
    assert lines[0] == "_id,at,in.x,late"
    assert lines[1] == f"0,1970-01-01T00:00:00.000Z,{'0f' * 12},"
    assert lines[-1] == "z,,,1"
    assert len(lines) == 27


@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
async def test_an_empty_collection_is_an_empty_file(store, file_format):
    store.commit([Create("empty")])
    stream = Exporting(store).stream("empty", file_format=file_format)
    assert [chunk async for chunk in stream] == []


def test_what_is_not_there_is_refused_before_the_first_byte(store):
    with pytest.raises(CollectionNotExist):
        Exporting(store).stream("nowhere", file_format="jsonl")
    with pytest.raises(InvalidParam, match="xml"):
        Exporting(store).stream("c", file_format="xml")
