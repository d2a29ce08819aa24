"""The checkpoint: TinyDB's own file, written aside, read back whatever wrote it."""

import json
import math
from pathlib import Path

import orjson
import pytest
from tinydb import TinyDB, where

from emulator.core.errors import StoreError
from emulator.core.values import Date, Int64, ObjectId
from emulator.stores.checkpoint import (
    ASIDE_NAME,
    CHECKPOINT_NAME,
    CHUNK_BYTES,
    Checkpointer,
    Image,
    image,
    read_checkpoint,
)
from emulator.stores.contents import Contents
from emulator.stores.records import encode

DOCUMENT = {
    "_id": ObjectId("ab" * 12),
    "n": 1,
    "long": Int64(1),
    "whole": 2.0,
    "at": Date(1_700_000_000_000),
    "nothing": None,
    "no number": math.nan,
    "list": [Date(1), {"at": Date(2), "deep": [[Int64(3)]]}],
}


@pytest.fixture(autouse=True)
def _folder(folder: Path):
    folder.mkdir()


def contents_of(**collections) -> Contents:
    contents = Contents()
    for name, documents in collections.items():
        contents.apply([["create", name]])
        contents.apply([["put", name, number, document] for number, document in documents.items()])
    return contents


def written(folder: Path, files, contents: Contents, *, sequence=1) -> Checkpointer:
    checkpointer = Checkpointer(folder, sequence=None, files=files)
    assert checkpointer.write(image(contents, sequence))
    return checkpointer


def read_back(folder: Path):
    return [
        (name, encode([[number, document] for number, document in held.by_number.items()]))
        for name, held in read_checkpoint(folder).collections.items()
    ]


@pytest.mark.parametrize(
    "collections",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"empty": {}}, id="an empty collection"),
        pytest.param({"b": {1: DOCUMENT}, "empty": {}, "a": {2: {"_id": "x"}, 7: {}}}, id="some"),
        pytest.param({'quo"te\n文': {1: {"_id": 1}}}, id="a name with signs"),
    ],
)
def test_what_is_written_comes_back(folder, files, collections):
    written(folder, files, contents_of(**collections))
    assert read_back(folder) == [
        (name, encode([[number, document] for number, document in documents.items()]))
        for name, documents in collections.items()
    ]
    assert json.loads((folder / CHECKPOINT_NAME).read_text(encoding="utf-8")).keys() == (
        collections.keys()
    )


def test_stock_tinydb_opens_it(folder, files):
    written(folder, files, contents_of(orders={3: {"_id": "a", "n": 1}}, empty={}))
    with TinyDB(folder / CHECKPOINT_NAME) as db:
        assert db.tables() == {"orders", "empty"}
        assert db.table("orders").all() == [{"_id": "a", "n": 1}]
        assert db.table("orders").get(where("_id") == "a").doc_id == 3


def test_what_stock_tinydb_wrote_is_read(folder):
    with TinyDB(folder / CHECKPOINT_NAME) as db:
        db.table("orders").insert({"_id": "a", "ratio": math.nan})
    document = read_checkpoint(folder).collections["orders"].by_id("a")
    assert document is not None
    assert math.isnan(document["ratio"])


@pytest.mark.parametrize("indent", [None, 2])
def test_any_layout_of_the_file_is_read(folder, files, indent):
    contents = contents_of(b={1: DOCUMENT, 2: {"_id": "}"}}, empty={}, a={1: {"_id": {"}": 1}}})
    written(folder, files, contents)
    before = read_back(folder)
    path = folder / CHECKPOINT_NAME
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=indent))
    assert read_back(folder) == before


def test_a_file_that_ends_early_is_refused(folder, files):
    written(folder, files, contents_of(orders={1: {"_id": "a"}, 2: {"_id": "b"}}, more={}))
    path = folder / CHECKPOINT_NAME
    data = path.read_bytes()
    for size_bytes in range(1, len(data) - 1):
        path.write_bytes(data[:size_bytes])
        with pytest.raises(StoreError):
            read_checkpoint(folder)


def test_many_documents_come_back(folder, files):
    documents = {number: {"_id": number, "text": "x" * 100} for number in range(1, 3000)}
    written(folder, files, contents_of(orders=documents, more={5: {}}))
    assert read_checkpoint(folder).collections["orders"].by_number == documents
    assert read_checkpoint(folder).collections["more"].by_number == {5: {}}


def test_documents_are_one_to_a_line(folder, files):
    written(folder, files, contents_of(orders={1: {"_id": "a"}, 2: {"_id": "b"}}))
    lines = (folder / CHECKPOINT_NAME).read_text().splitlines()
    assert lines == ["{", '"orders": {', '"1": {"_id":"a"},', '"2": {"_id":"b"}', "}", "}"]


def test_an_image_is_of_its_moment(folder, files):
    contents = contents_of(orders={1: {"_id": "a"}})
    picture = image(contents, 1)
    contents.apply([["put", "orders", 2, {"_id": "b"}], ["delete", "orders", 1], ["create", "x"]])
    Checkpointer(folder, sequence=None, files=files).write(picture)
    assert read_back(folder) == [("orders", encode([[1, {"_id": "a"}]]))]


def test_an_older_image_is_not_put_over_a_newer(folder, files):
    checkpointer = written(folder, files, contents_of(new={}), sequence=5)
    assert not checkpointer.write(image(contents_of(old={}), 4))
    assert [name for name, _ in read_back(folder)] == ["new"]


def test_what_is_written_goes_out_in_bounded_chunks(folder, files):
    documents = {number: {"_id": number, "text": "x" * 1000} for number in range(1, 500)}
    sizes = []
    write = files.write
    files.write = lambda descriptor, data: sizes.append(len(data)) or write(descriptor, data)
    checkpointer = written(folder, files, contents_of(orders=documents))
    assert max(sizes) < CHUNK_BYTES + 1100
    assert sum(sizes) == checkpointer.size_bytes == (folder / CHECKPOINT_NAME).stat().st_size


def test_a_failed_write_leaves_the_older_checkpoint(folder, files):
    checkpointer = written(folder, files, contents_of(old={}))
    for step in ("open_new", "write", "sync", "replace"):
        files.refused = {step}
        with pytest.raises(OSError, match=step):
            checkpointer.write(image(contents_of(new={}), 2))
        assert [name for name, _ in read_back(folder)] == ["old"]
        assert not checkpointer.holds(2)
    files.refused = set()
    assert checkpointer.write(image(contents_of(new={}), 2))
    assert checkpointer.holds(2)
    assert not (folder / ASIDE_NAME).exists()


def test_a_checkpoint_that_was_moved_away_holds_nothing(folder, files):
    checkpointer = written(folder, files, contents_of(old={}))
    (folder / CHECKPOINT_NAME).unlink()
    assert not checkpointer.holds(1)


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_file_holds_nothing(folder, text):
    (folder / CHECKPOINT_NAME).write_text(text)
    assert read_checkpoint(folder).collections == {}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("{", id="no JSON"),
        pytest.param("[]", id="a list"),
        pytest.param('{"orders": []}', id="a list of documents"),
        pytest.param('{"orders": 5}', id="a number of documents"),
        pytest.param('{"orders": {"1": 5}}', id="a number for a document"),
        pytest.param('{"orders": {"first": {}}}', id="a document without a number"),
        pytest.param('{"orders": {"1": {"at": {"$date": []}}}}', id="a date that is none"),
    ],
)
def test_a_foreign_file_is_refused_and_left_alone(folder, data):
    (folder / CHECKPOINT_NAME).write_text(data)
    with pytest.raises(StoreError, match="as TinyDB writes it") as raised:
        read_checkpoint(folder)
    assert raised.value.hint
    assert (folder / CHECKPOINT_NAME).read_text() == data


def test_nothing_but_documents_is_in_it(folder, files):
    contents = contents_of(orders={1: {"_id": "a"}})
    contents.apply([["describe", "orders", {"indexes": ["n"]}]])
    written(folder, files, contents)
    assert orjson.loads((folder / CHECKPOINT_NAME).read_bytes()) == {"orders": {"1": {"_id": "a"}}}


def test_an_image_without_collections_is_an_empty_object(folder, files):
    Checkpointer(folder, sequence=None, files=files).write(Image(sequence=0, collections=()))
    assert (folder / CHECKPOINT_NAME).read_bytes() == b"{}\n"
