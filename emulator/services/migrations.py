"""Owns jobs that fill a collection from a stored file and write what a query finds into one.

Not here: the formats (`services.interchange`) and imports that the developer asks for
(`services.importing`). The one idea: a job is made of
ordinary commands, so permissions, triggers and errors are those of any caller; it is done when it
is answered for, and its outcome is kept for whoever asks with its number.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final, Literal, Protocol

from emulator.core.commands import DownloadFile, Find, Insert, TemporaryUrls, Update, UploadFile
from emulator.core.errors import EmulatorError, InvalidParam
from emulator.core.records import dataclass
from emulator.core.values import Document
from emulator.services.caller import Caller
from emulator.services.executor import Carrier
from emulator.services.interchange import (
    READERS,
    Item,
    Lines,
    csv_fields,
    csv_head,
    csv_rows,
    json_line,
)

FileType = Literal["jsonl", "csv"]

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
            for item in _items(content, order.file_type):
                problem = await self._import_one(order, item, caller)
                done += not problem
                failed += bool(problem)
                error = error or problem
                if problem and order.stop_on_error:
                    break
                if (done + failed) % SLICE_DOCUMENTS == 0:
                    await asyncio.sleep(0)
        except EmulatorError as fault:
            error = fault.message
        return self._keep(Job(number=self._number(), done=done, failed=failed, error=error))

    async def _import_one(self, order: ImportOrder, item: Item, caller: Caller) -> str:
        """Write a document; returns what was wrong, empty when nothing was."""
        problem = item.problem
        if item.document is not None and not problem:
            try:
                await self._carrier.execute(_write(order, item.document), caller)
            except EmulatorError as fault:
                problem = fault.message
        return f"line {item.line}: {problem}" if problem else ""

    async def export_file(
        self, find: Find, cloud_path: str, file_type: FileType, caller: Caller
    ) -> Job:
        """Write what a query finds into a stored file, one document a line."""
        try:
            found = await self._carrier.execute(find, caller)
            content = _text(found.documents, file_type)
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


def _items(content: bytes, file_type: FileType) -> Iterator[Item]:
    """Yield the documents of a file, and what is wrong in it."""
    if len(content) > FILE_TEXT_MAX_BYTES:
        raise InvalidParam(f"the file is larger than {FILE_TEXT_MAX_BYTES:,} bytes")
    lines, reader = Lines(), READERS[file_type]()
    for line, text in (*lines.feed(content), *lines.finish()):
        yield from reader.feed(line, text)
    yield from reader.finish()


def _text(documents: Sequence[Document], file_type: FileType) -> bytes:
    if file_type == "jsonl":
        return b"".join(map(json_line, documents))
    fields = list(csv_fields(documents))
    return csv_head(fields) + csv_rows(documents, fields)
