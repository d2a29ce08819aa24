import asyncio
import json
import math

import pytest

from emulator.core.commands import FileOutcome, Found, Inserted, Modified, Removed, Updated
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.values import Date, ObjectId
from emulator.wire import replies
from emulator.wire.ejson import document_json

HEX = "5f" * 12
LIST_OF_OBJECTS = replies.found(document_json)
QUOTED = replies.found(replies.quoted_text)
DOCUMENTS = ({"_id": ObjectId(HEX), "at": Date(7)}, {"_id": 2, "n": math.nan})


@pytest.mark.parametrize(
    ("write", "record", "data"),
    [
        pytest.param(replies.nothing, None, {}, id="nothing"),
        pytest.param(
            replies.inserted,
            Inserted(ids=("a", 2, ObjectId(HEX))),
            {"insertedIds": ["a", 2, HEX]},
            id="inserted",
        ),
        pytest.param(replies.total, 3, {"total": 3}, id="total"),
        pytest.param(
            replies.updated,
            Updated(matched=2, modified=1),
            {"updated": 2, "upsert_id": None},
            id="updated counts matched documents",
        ),
        pytest.param(
            replies.updated,
            Updated(matched=0, modified=0, upserted_id="x"),
            {"updated": 0, "upsert_id": "x"},
            id="upserted",
        ),
        pytest.param(
            replies.updated_plain,
            Updated(matched=0, modified=0, upserted_id=7),
            {"updated": 0, "upsert_id": 7, "upserted_id": 7},
            id="upserted, old dialect",
        ),
        pytest.param(
            replies.updated_document,
            Modified(document=None),
            {"updated": 0, "doc": None},
            id="nothing to update and return",
        ),
        pytest.param(
            replies.updated_document,
            Modified(document={"_id": "a"}),
            {"updated": 1, "doc": '{"_id":"a"}'},
            id="update and return",
        ),
        pytest.param(replies.deleted, Removed(count=4), {"deleted": 4}, id="deleted"),
        pytest.param(replies.added, Inserted(ids=("a",)), {"_id": "a"}, id="added, old dialect"),
        pytest.param(
            replies.list_of_texts,
            Found(documents=DOCUMENTS),
            {
                "list": [
                    f'{{"_id":"{HEX}","at":{{"$date":"1970-01-01T00:00:00.007Z"}}}}',
                    '{"_id":2,"n":{"$numberDouble":"NaN"}}',
                ]
            },
            id="documents are texts",
        ),
        pytest.param(replies.list_of_texts, Found(documents=()), {"list": []}, id="no documents"),
        pytest.param(
            QUOTED,
            Found(documents=DOCUMENTS),
            {
                "list": [
                    f'{{"_id":"{HEX}","at":{{"$date":"1970-01-01T00:00:00.007Z"}}}}',
                    '{"_id":2,"n":{"$numberDouble":"NaN"}}',
                ]
            },
            id="found documents are texts",
        ),
        pytest.param(
            replies.found(replies.quoted_exact_text),
            Found(documents=DOCUMENTS[:1]),
            {
                "list": [
                    f'{{"_id":{{"$oid":"{HEX}"}},"at":{{"$date":"1970-01-01T00:00:00.007Z"}}}}',
                ]
            },
            id="found documents keep their ids' type",
        ),
        pytest.param(QUOTED, Found(documents=()), {"list": []}, id="nothing found"),
        pytest.param(
            LIST_OF_OBJECTS,
            Found(documents=DOCUMENTS),
            {
                "list": [
                    {"_id": HEX, "at": {"$date": "1970-01-01T00:00:00.007Z"}},
                    {"_id": 2, "n": {"$numberDouble": "NaN"}},
                ]
            },
            id="documents are objects, old dialect",
        ),
        pytest.param(
            replies.list_in_text,
            Found(documents=({"_id": 1},)),
            {"list": '["{\\"_id\\":1}"]'},
            id="a text of texts, old dialect's aggregation",
        ),
        pytest.param(
            replies.download_list,
            (
                FileOutcome(file_id="cloud://a", url="http://x/a", max_age_s=60),
                FileOutcome(file_id="cloud://b", code="STORAGE_FILE_NONEXIST"),
            ),
            {
                "download_list": [
                    {
                        "code": "SUCCESS",
                        "fileID": "cloud://a",
                        "tempFileURL": "http://x/a",
                        "download_url": "http://x/a",
                        "maxAge": 60,
                    },
                    {"code": "STORAGE_FILE_NONEXIST", "fileID": "cloud://b", "tempFileURL": ""},
                ]
            },
            id="temporary urls",
        ),
        pytest.param(
            replies.delete_list,
            (FileOutcome(file_id="cloud://a"),),
            {"delete_list": [{"code": "SUCCESS", "fileID": "cloud://a"}]},
            id="deleted files",
        ),
    ],
)
def test_a_record_becomes_the_data_of_a_reply(write, record, data):
    assert json.loads(write(record)) == data


@pytest.mark.parametrize(
    "write", [replies.list_of_texts, QUOTED, LIST_OF_OBJECTS, replies.list_in_text]
)
def test_a_result_beyond_the_bound_is_refused(write):
    long = {"_id": "a", "text": "x" * 9 * 1024 * 1024}
    assert len(write(Found(documents=(long,)))) > 9 * 1024 * 1024
    with pytest.raises(DatabaseRequestFailed, match="16777216 at most") as refused:
        write(Found(documents=(long, long)))
    assert refused.value.mongo_code == 10334


@pytest.mark.parametrize("write", [replies.list_of_texts, replies.list_in_text])
@pytest.mark.parametrize("count", [0, 1, replies.SLICE_DOCUMENTS, 2 * replies.SLICE_DOCUMENTS + 1])
async def test_many_texts_are_written_in_slices(write, count):
    documents = [{"_id": number} for number in range(count)]
    turns = 0

    async def watch():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    watching = asyncio.create_task(watch())
    expected = write(Found(documents=tuple(documents)))
    assert await write.in_slices(documents) == expected
    watching.cancel()
    assert documents == []
    assert turns >= (count - 1) // replies.SLICE_DOCUMENTS - 1
