"""Owns jobs that fill a collection from a stored file and write what a query finds into one.

Not here: seeds and snapshots of the whole (`services.datasets`). The one idea: a job is made of
ordinary commands, so permissions, triggers and errors are those of any caller; it is done when it
is answered for, and its outcome is kept for whoever asks with its number.
"""

import asyncio
import csv
import io
import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import orjson

from emulator.core.commands import DownloadFile, Find, Insert, TemporaryUrls, Update, UploadFile
from emulator.core.ejson import decode, encode
from emulator.core.errors import EmulatorError, InvalidParam
from emulator.core.values import Document, Value
from emulator.services.caller import Caller
from emulator.services.executor import Carrier

FileType = Literal["json", "csv"]

JOBS_MAX: Final = 1_000
FIRST_JOB: Final = 100_000_001
SLICE_DOCUMENTS: Final = 200
FILE_TEXT_MAX_BYTES: Final = 50 * 1024 * 1024


class Addresses(Protocol):
    """Whatever knows the file id of a path."""

    def file_id(self, cloud_path: str) -> str:
        """Return the file id."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What came of a job; `error` is empty when all went well."""

    number: int
    done: int = 0
    failed: int = 0
    error: str = ""
    file_id: str = ""

    @property
    def succeeded(self) -> bool:
        """Tell whether nothing failed."""
        return not self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrder:
    """What to import where; `upsert` replaces documents with the same `_id` instead of failing."""

    collection: str
    cloud_path: str
    file_type: FileType
    upsert: bool
    stop_on_error: bool


class Migrations:
    """The jobs of one environment; the oldest are forgotten beyond `JOBS_MAX`."""

    def __init__(self, carrier: Carrier, files: Addresses) -> None:
        self._carrier = carrier
        self._files = files
        self._jobs: OrderedDict[int, Job] = OrderedDict()
        self._next = FIRST_JOB

    async def import_file(self, order: ImportOrder, caller: Caller) -> Job:
        """Insert or replace each document of a stored file."""
        done, failed, error = 0, 0, ""
        try:
            command = DownloadFile(file_id=self._files.file_id(order.cloud_path))
            content: bytes = await self._carrier.execute(command, caller)
            for number, document in enumerate(_documents(content, order.file_type), 1):
                try:
                    await self._carrier.execute(_write(order, document), caller)
                    done += 1
                except EmulatorError as fault:
                    failed += 1
                    error = error or f"document {number}: {fault.message}"
                    if order.stop_on_error:
                        break
                if number % SLICE_DOCUMENTS == 0:
                    await asyncio.sleep(0)
        except EmulatorError as fault:
            error = fault.message
        return self._keep(Job(number=self._number(), done=done, failed=failed, error=error))

    async def export_file(
        self, find: Find, cloud_path: str, file_type: FileType, caller: Caller
    ) -> Job:
        """Write what a query finds into a stored file, one document a line."""
        try:
            found = await self._carrier.execute(find, caller)
            content = _WRITERS[file_type](found.documents)
            outcome = await self._carrier.execute(
                UploadFile(cloud_path=cloud_path, content=content), caller
            )
        except EmulatorError as fault:
            return self._keep(Job(number=self._number(), error=fault.message))
        done = len(found.documents)
        return self._keep(Job(number=self._number(), done=done, file_id=outcome.file_id))

    async def file_url(self, job: Job, caller: Caller) -> str:
        """Return a temporary URL of the file that a job wrote, empty when it wrote none."""
        if not job.file_id:
            return ""
        command = TemporaryUrls(files=((job.file_id, None),))
        outcomes = await self._carrier.execute(command, caller)
        return str(outcomes[0].url)

    def job(self, number: int) -> Job:
        """Return what came of a job.

        Raises:
            InvalidParam: there was none of that number, or it is long ago.
        """
        job = self._jobs.get(number)
        if job is None:
            raise InvalidParam(f"there is no migration job {number}")
        return job

    def _number(self) -> int:
        number = self._next
        self._next += 1
        return number

    def _keep(self, job: Job) -> Job:
        self._jobs[job.number] = job
        while len(self._jobs) > JOBS_MAX:
            self._jobs.popitem(last=False)
        return job


def _write(order: ImportOrder, document: Document) -> Insert | Update:
    if not order.upsert or "_id" not in document:
        return Insert(collection=order.collection, documents=(document,))
    rest = {key: value for key, value in document.items() if key != "_id"}
    return Update(
        collection=order.collection,
        filter={"_id": document["_id"]},
        update=rest,
        replace=True,
        upsert=True,
    )


def _documents(content: bytes, file_type: FileType) -> Iterator[Document]:
    if len(content) > FILE_TEXT_MAX_BYTES:
        raise InvalidParam(f"the file is larger than {FILE_TEXT_MAX_BYTES:,} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise InvalidParam(f"the file is not UTF-8: {fault}") from fault
    return _READERS[file_type](text)


def _json_documents(text: str) -> Iterator[Document]:
    """Yield the objects of JSON values in a row; an array counts as its items."""
    decoder = json.JSONDecoder()
    at = 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if at >= len(text):
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as fault:
            line = text.count("\n", 0, at) + 1
            raise InvalidParam(f"line {line} of the file is not JSON: {fault}") from fault
        for document in value if isinstance(value, list) else [value]:
            if not isinstance(document, dict):
                raise InvalidParam(f"a document must be an object, not {document!r:.60}")
            yield decode(document)


def _csv_documents(text: str) -> Iterator[Document]:
    rows = csv.reader(io.StringIO(text))
    try:
        head = next(rows, [])
        for row in rows:
            yield {key: _cell(cell) for key, cell in zip(head, row, strict=False) if cell != ""}
    except csv.Error as fault:
        raise InvalidParam(f"the file is not CSV: {fault}") from fault


def _cell(cell: str) -> Value:
    """Return what a cell says: JSON where it is some, else its text."""
    try:
        return decode(json.loads(cell))
    except (ValueError, RecursionError, InvalidParam):
        return cell


def _json_lines(documents: Iterable[Document]) -> bytes:
    return b"".join(orjson.dumps(encode(document)) + b"\n" for document in documents)


def _csv_text(documents: Iterable[Document]) -> bytes:
    plain: list[dict[str, Any]] = [encode(document) for document in documents]
    head = list(dict.fromkeys(key for document in plain for key in document))
    target = io.StringIO(newline="")
    rows = csv.writer(target)
    rows.writerow(head)
    for document in plain:
        rows.writerow([_shown(document[key]) if key in document else "" for key in head])
    return target.getvalue().encode()


def _shown(value: Value) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


_READERS: Final[dict[FileType, Callable[[str], Iterator[Document]]]] = {
    "json": _json_documents,
    "csv": _csv_documents,
}
_WRITERS: Final[dict[FileType, Callable[[Iterable[Document]], bytes]]] = {
    "json": _json_lines,
    "csv": _csv_text,
}
