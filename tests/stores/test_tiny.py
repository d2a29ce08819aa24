"""TinyDB as the document store: its own interface, its files, and processes that die."""

import asyncio
import math
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinydb import Query, TinyDB, where
from tinydb.middlewares import CachingMiddleware
from tinydb.operations import increment
from tinydb.storages import JSONStorage, MemoryStorage
from tinydb.table import Document

from emulator.ambient import ManualClock
from emulator.core.errors import DuplicateKey, InvalidParam, StoreError
from emulator.core.values import INT64_MAX, Binary, Date, Int64, ObjectId, Regex
from emulator.stores.base import Create, Delete, Describe, Put
from emulator.stores.files import Files
from emulator.stores.journal import segments
from emulator.stores.records import encode, read_record
from emulator.stores.tiny import DocTable, JournalStorage, SuiteDB, TinyDocumentStore
from emulator.stores.upkeep import CHECKPOINT_PAUSE_MS

DOCUMENT = {
    "_id": ObjectId("ab" * 12),
    "int": 1,
    "long": Int64(1),
    "large": INT64_MAX,
    "whole": 1.0,
    "nan": math.nan,
    "infinity": -math.inf,
    "null": None,
    "at": Date(1_700_000_000_000),
    "early": Date(-(2**50)),
    "bytes": Binary(b"\x00\xff", 5),
    "pattern": Regex("^a", "i"),
    "decimal": Decimal("0.10"),
    "deep": {"list": [Date(1), [Int64(2), {"x": 2.0}]]},
}


def opened(folder: Path, mode="os", files: Files | None = None) -> TinyDocumentStore:
    return TinyDocumentStore.open(folder, mode=mode, clock=ManualClock(), files=files)


def snapshot(store: TinyDocumentStore, name="orders") -> list:
    collection = store.collection(name)
    return [] if collection is None else collection.snapshot()


def state(db: TinyDB) -> dict:
    return {name: [(d.doc_id, dict(d)) for d in db.table(name)] for name in db.tables()}


def filled(tables: dict) -> dict:
    """Leave tables without documents out: stock TinyDB makes one for a write without effect."""
    return {name: documents for name, documents in tables.items() if documents}


# --- TinyDB's interface --------------------------------------------------------------------------

KEYS = st.sampled_from(["a", "b", "c"])
NUMBERS = st.integers(0, 3)
FIELDS = st.dictionaries(KEYS, NUMBERS | st.lists(NUMBERS, max_size=2), max_size=2)
DOC_IDS = st.lists(st.integers(1, 6), max_size=3, unique=True)
CONDITIONS = st.builds(lambda key, number: where(key) == number, KEYS, NUMBERS) | st.just(
    Query().a.exists()
)
NUMBERED = st.builds(lambda fields, step: Document(fields, step), FIELDS, st.integers(0, 2))
"""A document that brings its own id: so far behind the last one, see `placed`."""
CALLS = st.one_of(
    st.tuples(st.just("insert"), FIELDS | NUMBERED),
    st.tuples(st.just("insert_multiple"), st.lists(FIELDS, max_size=3)),
    st.tuples(st.just("update"), FIELDS),
    st.tuples(st.just("update"), FIELDS, CONDITIONS),
    st.tuples(st.just("update"), FIELDS, st.none(), DOC_IDS),
    st.tuples(st.just("update"), st.just(increment("n")), st.just(where("n").exists())),
    st.tuples(st.just("update_multiple"), st.lists(st.tuples(FIELDS, CONDITIONS), max_size=3)),
    st.tuples(st.just("upsert"), FIELDS, CONDITIONS),
    st.tuples(st.just("upsert"), NUMBERED),
    st.tuples(st.just("remove"), CONDITIONS),
    st.tuples(st.just("remove"), st.none(), DOC_IDS),
    st.tuples(st.just("truncate")),
    st.tuples(st.just("search"), CONDITIONS),
    st.tuples(st.just("get"), CONDITIONS),
    st.tuples(st.just("get"), st.none(), st.integers(1, 6)),
    st.tuples(st.just("get"), st.none(), st.none(), DOC_IDS),
    st.tuples(st.just("contains"), CONDITIONS),
    st.tuples(st.just("contains"), st.none(), st.integers(1, 6)),
    st.tuples(st.just("count"), CONDITIONS),
    st.tuples(st.just("all")),
    st.tuples(st.just("get")),
    st.tuples(st.just("contains")),
    st.tuples(st.just("remove")),
    st.tuples(st.just("insert"), st.just("no mapping")),
)


def answer(table, name, *arguments):
    """Return what a call answers, or the kind of error it raises."""
    try:
        found = getattr(table, name)(*arguments)
    except (ValueError, RuntimeError) as fault:
        return type(fault)
    if isinstance(found, Document):
        return found.doc_id, dict(found)
    if isinstance(found, list):
        return [(item.doc_id, dict(item)) if isinstance(item, Document) else item for item in found]
    return found


def placed(call: tuple, table) -> tuple:
    """Number a document from the last one on: ours keep the order of numbers, stock's does not."""
    last = max((document.doc_id for document in table), default=0)
    return tuple(
        Document(part, max(1, last + part.doc_id)) if isinstance(part, Document) else part
        for part in call
    )


@settings(max_examples=150, deadline=None)
@given(calls=st.lists(st.tuples(st.sampled_from(["x", "y"]), CALLS), max_size=15))
def test_every_call_answers_as_stock_tinydb_does(tmp_path_factory, calls):
    if any(isinstance(part, Document) for _, call in calls for part in call):
        # After a document that brought its number stock may give a removed one's again; ours never.
        calls = [(name, call) for name, call in calls if call[0] != "remove"]
    folder = tmp_path_factory.mktemp("tiny")
    stock, db = TinyDB(storage=MemoryStorage), SuiteDB(folder)
    for name, drawn in calls:
        call = placed(drawn, stock.table(name))
        assert answer(db.table(name), *call) == answer(stock.table(name), *call)
        assert len(db.table(name)) == len(stock.table(name))
    before = state(db)
    assert filled(before) == filled(state(stock))
    db.storage.release()
    with SuiteDB(folder) as again:
        assert state(again) == before
    with TinyDB(folder / "documents.json") as plain:
        assert state(plain) == before


def test_an_insert_is_a_commit_of_the_journal(folder):
    db = SuiteDB(folder)
    db.table("orders").insert({"_id": "a"})
    [(_, path)] = segments(folder)
    last = path.read_bytes().splitlines(keepends=True)[-1]
    assert read_record(last) == {"sequence": 1, "writes": [["put", "orders", 1, {"_id": "a"}]]}


def test_calls_that_change_nothing_are_no_commits(folder):
    db = SuiteDB(folder)
    table = db.table("orders")
    assert table.insert_multiple([]) == []
    assert table.remove(where("a") == 1) == []
    assert table.update({"a": 1}, where("a") == 1) == []
    assert db.storage.sequence == 0


def test_the_default_table_is_a_table_of_ours_too(folder):
    with SuiteDB(folder) as db:
        db.insert({"n": 1})
        assert isinstance(db.table("_default"), DocTable)
        assert len(db) == 1
        assert list(db) == [{"n": 1}]


def test_what_goes_in_and_what_comes_out_are_copies(folder):
    db = SuiteDB(folder)
    table = db.table("orders")
    given = {"_id": "a", "tags": ["x"], "deep": {"n": 1}}
    table.insert(given)
    given["tags"].append("changed")
    extra = {"more": [1]}
    table.update(extra)
    extra["more"].append(2)
    for found in (table.all()[0], table.get(doc_id=1), table.search(where("_id") == "a")[0]):
        found["tags"].append("changed")
        found["deep"]["n"] = 2
    db.storage.read()["orders"]["1"]["tags"].append("changed")
    assert table.snapshot() == [{"_id": "a", "tags": ["x"], "deep": {"n": 1}, "more": [1]}]


def test_a_stored_document_is_never_changed(folder):
    db = SuiteDB(folder)
    table = db.table("orders")
    table.insert({"_id": "a", "n": 1, "tags": []})
    stored = table.by_id("a")
    table.update({"n": 2})
    table.update(lambda document: document["tags"].append(1))
    table.update_multiple([(increment("n"), where("_id") == "a")])
    assert stored == {"_id": "a", "n": 1, "tags": []}
    assert table.by_id("a") == {"_id": "a", "n": 3, "tags": [1]}


def test_any_callable_is_a_query(folder):
    table = SuiteDB(folder).table("orders")
    table.insert_multiple([{"n": 1}, {"n": 2}, {"n": 3}])
    assert [d.doc_id for d in table.search(lambda document: document["n"] > 1)] == [2, 3]
    assert list(table.scan(lambda document: document["n"] < 2)) == [{"n": 1}]


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda table: table.insert({"_id": "a"}), id="insert"),
        pytest.param(
            lambda table: table.insert_multiple([{"_id": "z"}, {"_id": "z"}]), id="insert_multiple"
        ),
        pytest.param(lambda table: table.update({"_id": "a"}), id="update"),
        pytest.param(lambda table: table.insert({"_id": 1.0}), id="an equal number"),
    ],
)
def test_an_id_is_unique_in_its_table(folder, write):
    db = SuiteDB(folder)
    table = db.table("orders")
    table.insert_multiple([{"_id": "a"}, {"_id": "b"}, {"_id": 1}])
    with pytest.raises(DuplicateKey, match="E11000"):
        write(table)
    assert table.all() == [{"_id": "a"}, {"_id": "b"}, {"_id": 1}]
    assert db.storage.sequence == 1


def test_what_cannot_be_stored_is_refused(folder):
    table = SuiteDB(folder).table("orders")
    with pytest.raises(InvalidParam, match="cannot be stored"):
        table.insert({"_id": "a", "when": object()})
    assert len(table) == 0


def test_a_document_that_brings_a_lower_number_takes_its_place(folder):
    db = SuiteDB(folder)
    table = db.table("orders")
    table.insert(Document({"_id": "late"}, 9))
    table.insert(Document({"_id": "early"}, 3))
    assert [d.doc_id for d in table] == [3, 9]
    assert table.insert({"_id": "next"}) == 10
    with pytest.raises(ValueError, match="already exists"):
        table.insert(Document({}, 9))
    db.storage.release()
    assert [d.doc_id for d in SuiteDB(folder).table("orders")] == [3, 9, 10]


def test_iterating_allows_writes(folder):
    table = SuiteDB(folder).table("orders")
    table.insert_multiple([{"n": 1}, {"n": 2}])
    for document in table:
        table.insert({"n": document["n"] * 10})
    assert [document["n"] for document in table] == [1, 2, 10, 20]


def test_tables_are_dropped(folder):
    db = SuiteDB(folder)
    kept, gone = db.table("kept"), db.table("gone")
    kept.insert({"n": 1})
    gone.insert({"n": 2})
    db.drop_table("gone")
    db.drop_table("never there")
    assert db.tables() == {"kept"}
    assert gone.all() == []
    db.drop_tables()
    assert db.tables() == set()
    db.storage.release()
    assert SuiteDB(folder).tables() == set()


def test_an_empty_table_is_kept_on_demand_and_takes_nothing_away(folder):
    db = SuiteDB(folder)
    db.table("full").insert({"n": 1})
    db.storage.release()
    with SuiteDB(folder) as again:
        again.table("full", persist_empty=True)
        again.table("empty", persist_empty=True)
        again.table("nothing")
        assert state(again) == {"full": [(1, {"n": 1})], "empty": []}


def test_the_storage_of_old_takes_and_gives_everything(folder):
    """Code that knows TinyDB's storage interface only still is durable, one commit a write."""
    storage = JournalStorage(folder)
    storage.write({"x": {"2": {"_id": "b"}, "1": {"_id": "a"}}, "gone": {}})
    storage.write({"x": {2: {"_id": "b"}, 1: {"_id": "c"}}, "y": {}})
    assert storage.sequence == 2
    expected = {"x": {"1": {"_id": "c"}, "2": {"_id": "b"}}, "y": {}}
    assert storage.read() == expected
    storage.release()
    assert JournalStorage(folder).read() == expected


def test_middleware_may_be_around_the_storage(folder):
    with SuiteDB(folder, storage=CachingMiddleware(JournalStorage)) as db:
        db.table("orders").insert({"_id": "a"})
        assert db.tables() == {"orders"}
    assert SuiteDB(folder).table("orders").all() == [{"_id": "a"}]


def test_a_storage_without_a_journal_is_refused(tmp_path):
    for storage, arguments in ((MemoryStorage, ()), (JSONStorage, (tmp_path / "a.json",))):
        db = SuiteDB(*arguments, storage=storage)
        with pytest.raises(TypeError, match="use JournalStorage"):
            db.table("orders")
        db.close()


def test_a_path_may_be_text(folder):
    with SuiteDB(str(folder)) as db:
        db.insert({"n": 1})
    with TinyDB(folder / "documents.json") as plain:
        assert plain.all() == [{"n": 1}]


# --- the store -----------------------------------------------------------------------------------


def test_commits_and_tables_are_the_same_documents(folder):
    store = opened(folder)
    store.commit([Put("orders", {"_id": "a"})])
    store.db.table("orders").insert({"_id": "b"})
    store.commit([Put("orders", {"_id": "b", "n": 1}), Delete("orders", "a")])
    assert store.db.table("orders").all() == [{"_id": "b", "n": 1}]
    assert store.collection("orders") is store.db.table("orders")
    assert store.sequence == 3


@pytest.mark.parametrize("mode", ["os", "group", "always"])
@pytest.mark.parametrize("regular", [True, False], ids=["stopped", "killed"])
async def test_every_kind_of_value_survives_a_restart(folder, mode, regular):
    store = opened(folder, mode)
    store.commit([Put("orders", DOCUMENT), Describe("orders", {"at": Date(1)}), Create("empty")])
    before = encode(snapshot(store))
    if regular:
        await store.close()
    else:
        store.db.storage.release()
    again = opened(folder, mode)
    assert encode(snapshot(again)) == before
    assert again.names() == ["orders", "empty"]
    assert again.description("orders") == {"at": Date(1)}
    assert again.collection("orders").by_id(ObjectId("ab" * 12)) is snapshot(again)[0]
    assert again.sequence == 1
    assert again.commit([Create("more")]) == 2
    await again.close()


async def test_stock_tinydb_opens_what_a_stop_leaves(folder):
    store = opened(folder)
    store.commit([Put("orders", {"_id": f"id-{number}", "n": number}) for number in range(3)])
    store.commit([Create("empty"), Delete("orders", "id-1")])
    await store.close()
    with TinyDB(folder / "documents.json") as db:
        assert db.tables() == {"orders", "empty"}
        assert db.table("orders").all() == [{"_id": "id-0", "n": 0}, {"_id": "id-2", "n": 2}]
        assert [document.doc_id for document in db.table("orders")] == [1, 3]
        db.table("orders").insert({"_id": "by hand"})
    again = opened(folder)
    assert snapshot(again)[-1] == {"_id": "by hand"}
    assert again.sequence == 2


@pytest.mark.parametrize("free_bytes", [0, 5, 60])
async def test_a_full_disk_refuses_a_commit_as_a_whole(folder, files, free_bytes):
    store = opened(folder, files=files)
    store.commit([Put("orders", {"_id": "a", "n": 1})])
    files.free_bytes = free_bytes
    with pytest.raises(StoreError):
        store.commit([Put("orders", {"_id": "a", "n": 2}), Put("x", {"_id": "b", "t": "t" * 99})])
    assert (snapshot(store), store.names(), store.sequence) == (
        [{"_id": "a", "n": 1}],
        ["orders"],
        1,
    )
    with pytest.raises(StoreError):
        store.db.table("orders").insert({"_id": "c", "text": "t" * 99})
    assert len(store.db.table("orders")) == 1
    files.free_bytes = None
    assert store.commit([Put("orders", {"_id": "a", "n": 3})]) == 2
    files.end_process()
    again = opened(folder)
    assert (snapshot(again), again.sequence) == ([{"_id": "a", "n": 3}], 2)
    assert again.notices() == ()


async def test_a_stop_on_a_full_disk_tells_so_and_loses_nothing(folder, files):
    store = opened(folder, files=files)
    store.commit([Put("orders", {"_id": "a"})])
    files.free_bytes = 0
    with pytest.raises(StoreError):
        await store.close()
    assert files.open_descriptors == set()
    assert snapshot(opened(folder)) == [{"_id": "a"}]


async def test_a_torn_journal_is_noticed(folder):
    store = opened(folder)
    store.commit([Create("orders")])
    store.db.storage.release()
    [(_, path)] = segments(folder)
    path.write_bytes(path.read_bytes() + b"93 12ab")
    [notice] = opened(folder).notices()
    assert notice == f"{path.name}: a record after sequence 1 was torn; 7 bytes were dropped"


async def test_a_closed_store_takes_no_commits(folder):
    store = opened(folder)
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        store.commit([Create("x")])
    assert store.names() == []
    await store.close()


async def test_group_mode_waits_for_the_disk(folder, files):
    store = opened(folder, "group", files)
    assert store.waits
    store.commit([Create("x")])
    files.refused = {"sync"}
    with pytest.raises(StoreError, match="forced to disk"):
        await store.durable()
    files.refused = set()
    files.steps = 0
    await asyncio.gather(*(store.durable() for _ in range(10)))
    assert 1 <= files.steps <= 2
    files.steps = 0
    await store.durable()
    assert files.steps == 0


@pytest.mark.parametrize("mode", ["os", "always", "memory"])
def test_other_modes_have_nothing_to_wait_for(folder, mode):
    assert not opened(folder, mode).waits


async def test_mode_memory_touches_no_file(folder):
    store = opened(folder, "memory")
    store.commit([Put("orders", {"_id": "a"})])
    store.db.table("orders").insert({"_id": "b"})
    await store.checkpoint()
    await store.tend()
    await store.close()
    assert not folder.exists()


async def test_tending_writes_a_checkpoint_when_one_is_due(folder, monkeypatch):
    monkeypatch.setattr("emulator.stores.folder.CHECKPOINT_JOURNAL_BYTES", 1)
    clock = ManualClock()
    store = TinyDocumentStore.open(folder, mode="os", clock=clock)
    store.commit([Put("orders", {"_id": "a"})])
    tending = asyncio.create_task(store.tend())
    for _ in range(2):
        await asyncio.sleep(0)
        clock.advance(CHECKPOINT_PAUSE_MS / 1000)
    while not (folder / "documents.json").exists():
        await asyncio.sleep(0)
    tending.cancel()
    await asyncio.gather(tending, return_exceptions=True)
    await store.close()


async def test_a_failed_checkpoint_is_noticed(folder, files, monkeypatch):
    monkeypatch.setattr("emulator.stores.folder.CHECKPOINT_JOURNAL_BYTES", 1)
    clock = ManualClock()
    store = TinyDocumentStore.open(folder, mode="os", clock=clock, files=files)
    store.commit([Put("orders", {"_id": "a"})])
    files.refused = {"replace"}
    tending = asyncio.create_task(store.tend())
    for _ in range(2):
        await asyncio.sleep(0)
        clock.advance(CHECKPOINT_PAUSE_MS / 1000)
    while not store.notices():
        await asyncio.sleep(0)
    assert "replace refused" in store.notices()[0]
    tending.cancel()
    await asyncio.gather(tending, return_exceptions=True)
    files.refused = set()
    await store.checkpoint()
    assert store.notices() == ()


# --- processes -----------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from emulator.ambient import SystemClock
from emulator.stores.base import Put
from emulator.stores.tiny import TinyDocumentStore

store = TinyDocumentStore.open(Path(sys.argv[1]), mode=sys.argv[2], clock=SystemClock())
number = store.sequence
while True:
    number += 1
    pair = [Put("a", {"_id": number}), Put("b", {"_id": number})]
    print(store.commit(pair), flush=True)
    if number % 50 == 0:
        write = store.db.storage.kept.begin_checkpoint()
        if number % 100 == 0:
            write()
"""


@pytest.mark.parametrize("mode", ["os", "always"])
def test_a_killed_process_loses_nothing_that_it_answered_for(folder, mode):
    for answers in (1, 30, 120, 260):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), mode], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(answers):
            answered = int(process.stdout.readline())
        process.kill()
        answered = max([answered, *map(int, process.stdout.read().split("\n")[:-1])])
        process.wait()
        process.stdout.close()
        store = opened(folder)
        numbers = [document["_id"] for document in snapshot(store, "a")]
        assert numbers == list(range(1, len(numbers) + 1))
        assert answered <= len(numbers) == store.sequence <= answered + 1
        assert snapshot(store, "b") == snapshot(store, "a")
        store.db.storage.release()


def test_the_snippets_of_the_storage_page_run(folder, capsys, monkeypatch):
    """The first shows the checkpoint, the second what came after it as well."""
    page = Path(__file__).parents[2] / "docs/reference/storage-format.md"
    snippets = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    store = opened(folder)
    store.commit([Put("orders", {"_id": "a", "total": 12.5})])
    store.db.storage.kept.begin_checkpoint()()
    store.commit([Put("orders", {"_id": "b", "total": 20}), Put("orders", {"_id": "c"})])
    monkeypatch.chdir(folder)
    for snippet in snippets:
        exec(compile(snippet, "storage-format.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == [
        "{'orders'}",
        "[{'_id': 'a', 'total': 12.5}]",
        "[{'_id': 'a', 'total': 12.5}, {'_id': 'b', 'total': 20}]",
    ]
