from typing import Any

import pytest

from emulator.core.commands import (
    DownloadFile,
    FileOutcome,
    Find,
    Found,
    Insert,
    TemporaryUrls,
    Update,
    UploadFile,
)
from emulator.core.errors import DuplicateKey, InvalidParam, StorageFileNotExist
from emulator.services import migrations
from emulator.services.caller import ADMINISTRATOR
from emulator.services.migrations import ImportOrder, Migrations


class Carrier:
    """Files by path, and what was written; a document "twice" is a duplicate."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.written: list[Insert | Update] = []
        self.found: tuple[dict[str, Any], ...] = ()

    def file_id(self, cloud_path: str) -> str:
        return cloud_path

    async def execute(self, command: Any, caller: Any) -> Any:
        if isinstance(command, DownloadFile):
            if command.file_id not in self.files:
                raise StorageFileNotExist(f"there is no file {command.file_id}")
            return self.files[command.file_id]
        if isinstance(command, UploadFile):
            self.files[command.cloud_path] = command.content
            return FileOutcome(file_id=command.cloud_path)
        if isinstance(command, TemporaryUrls):
            return (FileOutcome(file_id="f", url="http://u"),)
        if isinstance(command, Find):
            return Found(documents=self.found)
        if isinstance(command, Insert) and command.documents[0].get("_id") == "twice":
            raise DuplicateKey("E11000")
        self.written.append(command)
        return None


def order(**changes: Any) -> ImportOrder:
    usual: dict[str, Any] = {
        "collection": "c",
        "cloud_path": "in",
        "file_type": "jsonl",
        "upsert": False,
        "stop_on_error": False,
    }
    return ImportOrder(**{**usual, **changes})


async def run(content: bytes, **changes: Any) -> tuple[Any, Carrier]:
    carrier = Carrier()
    carrier.files["in"] = content
    job = await Migrations(carrier, carrier).import_file(order(**changes), ADMINISTRATOR)
    return job, carrier


async def test_each_document_is_written_and_counted():
    job, carrier = await run(b'{"_id":"a"}\n{"_id":"twice"}\nnonsense\n{"_id":"b"}\n')
    assert (job.done, job.failed, job.succeeded) == (2, 2, False)
    assert job.error.startswith("line 2: E11000")
    assert [each.documents[0]["_id"] for each in carrier.written] == ["a", "b"]


async def test_the_first_error_may_end_it():
    job, carrier = await run(b'{"_id":"a"}\n{"_id":"twice"}\n{"_id":"b"}\n', stop_on_error=True)
    assert (job.done, job.failed) == (1, 1)
    assert len(carrier.written) == 1


async def test_documents_with_an_id_are_replaced_where_that_is_wanted():
    job, carrier = await run(b'{"_id":"twice","n":1}\n{"n":2}\n', upsert=True)
    assert job.succeeded
    replaced, inserted = carrier.written
    assert replaced == Update(
        collection="c", filter={"_id": "twice"}, update={"n": 1}, replace=True, upsert=True
    )
    assert inserted == Insert(collection="c", documents=({"n": 2},))


async def test_cells_of_csv_are_fields():
    job, carrier = await run(b"_id,n\na,1\nb,\n", file_type="csv")
    assert job.succeeded
    assert [each.documents[0] for each in carrier.written] == [{"_id": "a", "n": 1}, {"_id": "b"}]


async def test_a_file_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(migrations, "FILE_TEXT_MAX_BYTES", 3)
    job, _ = await run(b'{"a":1}')
    assert "larger than 3 bytes" in job.error


async def test_a_missing_file_is_the_job_s_error():
    carrier = Carrier()
    job = await Migrations(carrier, carrier).import_file(order(), ADMINISTRATOR)
    assert job.error == "there is no file in"


@pytest.mark.parametrize(
    ("file_type", "text"), [("jsonl", b'{"_id":"a","n":1}\n'), ("csv", b"_id,n\na,1\n")]
)
async def test_what_a_query_finds_is_written(file_type: Any, text: bytes):
    carrier = Carrier()
    carrier.found = ({"_id": "a", "n": 1},)
    jobs = Migrations(carrier, carrier)
    job = await jobs.export_file(Find(collection="c"), "out", file_type, ADMINISTRATOR)
    assert (job.done, carrier.files["out"]) == (1, text)
    assert await jobs.file_url(job, ADMINISTRATOR) == "http://u"


async def test_old_jobs_are_forgotten(monkeypatch):
    monkeypatch.setattr(migrations, "JOBS_MAX", 2)
    carrier = Carrier()
    jobs = Migrations(carrier, carrier)
    numbers = [(await jobs.import_file(order(), ADMINISTRATOR)).number for _ in range(3)]
    assert len(set(numbers)) == 3
    assert jobs.job(numbers[2]).number == numbers[2]
    assert await jobs.file_url(jobs.job(numbers[2]), ADMINISTRATOR) == ""
    with pytest.raises(InvalidParam, match="no migration job"):
        jobs.job(numbers[0])
