"""Owns what the server SDKs hear: the record a service answered with to the `data` of a reply.

Not here: what stands around `data` (`wire.envelope`). The one idea: each function returns finished
JSON text, so that a document is encoded once and never walked again.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import orjson

from emulator.core.commands import FileOutcome, Found, Inserted, Modified, Removed, Started, Updated
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.limits import WECHAT
from emulator.core.records import dataclass
from emulator.core.values import Document
from emulator.wire.ejson import document_text, exact_text, value_json

RESULT_TOO_LARGE: Final = 10334
SLICE_DOCUMENTS: Final = 250
"""So many are written without a turn of the loop."""


def nothing(_result: None) -> bytes:
    """Write an empty `data`."""
    return b"{}"


def inserted(result: Inserted) -> bytes:
    """Write `insertedIds`; an ObjectId is its hexadecimal text."""
    return b'{"insertedIds":%b}' % value_json(list(result.ids))


@dataclass(frozen=True, slots=True)
class TextList:
    """How documents are answered as texts: `text` writes one, `join` answers with all of them."""

    text: Callable[[Document], str]
    join: Callable[[list[str]], bytes]

    def __call__(self, result: Found) -> bytes:
        """Write all of them at once."""
        return self.join(list(map(self.text, result.documents)))

    async def in_slices(self, documents: list[Document]) -> bytes:
        """Write documents nobody else holds, letting go of each, with a turn of the loop between.

        A pipeline may answer with so many that to write them takes many times as long as to find
        the next.
        """
        texts: list[str] = []
        documents.reverse()
        while documents:
            texts += map(self.text, documents[: -SLICE_DOCUMENTS - 1 : -1])
            del documents[-SLICE_DOCUMENTS:]
            if documents:
                await asyncio.sleep(0)
        return self.join(texts)


def _list(texts: list[str]) -> bytes:
    return bounded(orjson.dumps({"list": texts}))


def _list_in_text(texts: list[str]) -> bytes:
    return bounded(orjson.dumps({"list": orjson.dumps(texts).decode()}))


list_of_texts: Final = TextList(document_text, _list)
"""Write a `list` whose documents are JSON text themselves, as dialect B wants it."""

list_of_exact_texts: Final = TextList(exact_text, _list)
"""Write a `list` of texts in which an ObjectId keeps its tag."""

list_in_text: Final = TextList(document_text, _list_in_text)
"""Write a `list` that is the text of an array of texts, as dialect A's aggregation wants it."""


def found(write: Callable[[Document], bytes]) -> Callable[[Found], bytes]:
    """Return how a `list` of stored documents is written, each as `write` does."""

    def list_of(result: Found) -> bytes:
        return bounded(b'{"list":[%b]}' % b",".join(map(write, result.documents)))

    return list_of


def quoted_text(document: Document) -> bytes:
    """Write one document as JSON text, itself a JSON string."""
    return orjson.dumps(document_text(document))


def quoted_exact_text(document: Document) -> bytes:
    """Write one document as a JSON string in whose text an ObjectId keeps its tag."""
    return orjson.dumps(exact_text(document))


def total(result: int) -> bytes:
    """Write `total`."""
    return b'{"total":%d}' % result


def updated(result: Updated) -> bytes:
    """Write `updated`, which counts matched documents, and the id of a document that was made."""
    return b'{"updated":%d,"upsert_id":%b}' % (result.matched, value_json(result.upserted_id))


def updated_document(result: Modified) -> bytes:
    """Write the document as it became, null when none matched."""
    if result.document is None:
        return b'{"updated":0,"doc":null}'
    return b'{"updated":1,"doc":%b}' % orjson.dumps(document_text(result.document))


def deleted(result: Removed) -> bytes:
    """Write `deleted`."""
    return b'{"deleted":%d}' % result.count


def added(result: Inserted) -> bytes:
    """Write the `_id` of the one new document, as dialect A wants it."""
    return b'{"_id":%b}' % value_json(result.ids[0])


def bounded(reply: bytes) -> bytes:
    """Return documents as they are answered, unless they are more than the cloud sends at once.

    Raises:
        DatabaseRequestFailed: they are (10334).
    """
    most = WECHAT.result_max_bytes
    if len(reply) > most:
        raise DatabaseRequestFailed(
            f"[FailedOperation] the result has {len(reply)} bytes, {most} at most",
            mongo_code=RESULT_TOO_LARGE,
            hint="ask for fewer documents with limit(), or for fewer fields with field()",
        )
    return reply


def updated_plain(result: Updated) -> bytes:
    """Write `updated` with both names of the upserted id, as dialect A reads either."""
    made = value_json(result.upserted_id)
    return b'{"updated":%d,"upserted_id":%b,"upsert_id":%b}' % (result.matched, made, made)


def started(result: Started) -> bytes:
    """Write the `transactionId`."""
    return orjson.dumps({"transactionId": result.transaction_id})


def found_text(result: Found) -> bytes:
    """Write one document as text, "null" when there is none, for dialect A's transactions."""
    return orjson.dumps(document_text(result.documents[0]) if result.documents else "null")


def inserted_text(result: Inserted) -> bytes:
    """Write how many documents are new, with every number as text, and the id of the first."""
    told = {"inserted": _number(len(result.ids)), "ok": _number(1)}
    return b'%b,"id":%b}' % (orjson.dumps(told)[:-1], value_json(result.ids[0]))


def inserted_text_with_id(result: Inserted) -> bytes:
    """Write the same with the id under the name that client SDKs read."""
    return b'%b,"_id":%b}' % (inserted_text(result)[:-1], value_json(result.ids[0]))


def updated_text(result: Updated) -> bytes:
    """Write how many documents were matched, and the id of a document that was made, as text."""
    told = {"updated": _number(result.matched)}
    if result.upserted_id is not None:
        made = value_json([{"_id": result.upserted_id}])
        told["upserted"] = made.decode()
    return orjson.dumps(told)


def deleted_text(result: Removed) -> bytes:
    """Write how many documents went, as text."""
    return orjson.dumps({"deleted": _number(result.count)})


def download_list(result: Sequence[FileOutcome]) -> bytes:
    """Write a temporary URL, or why there is none, for each file."""
    return orjson.dumps({"download_list": [_url(each) for each in result]})


def delete_list(result: Sequence[FileOutcome]) -> bytes:
    """Write what came of each file."""
    return orjson.dumps(
        {"delete_list": [{"code": each.code, "fileID": each.file_id} for each in result]}
    )


def _number(number: int) -> str:
    return f'{{"$numberInt":"{number}"}}'


def _url(outcome: FileOutcome) -> dict[str, str | int]:
    told: dict[str, str | int] = {
        "code": outcome.code,
        "fileID": outcome.file_id,
        "tempFileURL": outcome.url,
    }
    if outcome.code != "SUCCESS":
        return told
    # manager-node reads the same link under its older name.
    return {**told, "download_url": outcome.url, "maxAge": outcome.max_age_s}
