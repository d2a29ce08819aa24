"""Use-cases of file storage on the memory store, by a clock that is turned by hand."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.core.commands import (
    DeleteFiles,
    DownloadFile,
    FileOutcome,
    TemporaryUrls,
    UploadFile,
)
from emulator.core.errors import (
    InvalidName,
    InvalidParam,
    RequestTooLarge,
    StorageDenied,
    StorageFileNotExist,
    StoreError,
)
from emulator.functions.base import StoredFile
from emulator.services import storage as storage_module
from emulator.services import uploads
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.storage import Storage
from emulator.services.tickets import Tickets
from emulator.stores.base import BlobStore
from emulator.stores.disk import DiskBlobStore
from emulator.stores.memory_blobs import MemoryBlobStore

ALICE = Caller(kind="user", openid="oAlice", depth=1)
BOB = Caller(kind="user", openid="oBob")
NOBODY = Caller(kind="anonymous")
SITE = "http://127.0.0.1:8271"
PREFIX = "cloud://demo-env.6465-demo-env-1250000000/"


@dataclass
class Bench:
    """A storage service and everything around it that a test turns or looks at."""

    clock: ManualClock = field(default_factory=ManualClock)
    events: list[StoredFile] = field(default_factory=list)
    blobs: BlobStore | None = None
    storage: Storage = None  # type: ignore[assignment]  # built below

    def __post_init__(self) -> None:
        self.blobs = self.blobs or MemoryBlobStore(self.clock)
        self.storage = self.build()

    def build(self, allow: Callable[[str, str, Caller], bool] | None = None) -> Storage:
        assert self.blobs is not None
        return Storage(
            self.blobs,
            Tickets("key", self.clock),
            clock=self.clock,
            ids=CountedIds(),
            env_id="demo-env",
            bucket="6465-demo-env-1250000000",
            site_url=lambda _: SITE,
            publish=self.events.append,
            allow=allow,
        )

    async def put(self, path: str, content: bytes = b"x", caller: Caller = ADMINISTRATOR) -> str:
        outcome = await self.storage.upload(UploadFile(cloud_path=path, content=content), caller)
        self.events.clear()
        return outcome.file_id

    async def get(self, path: str, caller: Caller = ADMINISTRATOR) -> bytes:
        return await self.storage.download(DownloadFile(file_id=PREFIX + path), caller)


@pytest.fixture
def bench() -> Bench:
    return Bench()


# Tickets


async def test_a_ticket_takes_a_file_to_its_path(bench: Bench):
    ticket = bench.storage.upload_ticket("图/a b.png", ALICE)
    upload = await bench.storage.begin_upload(ticket.token, key="图/a b.png")
    await upload.write(b"one ")
    await upload.write(b"two")
    assert bench.events == []
    info = await upload.commit()
    assert (info.size_bytes, info.content_type, info.owner) == (7, "image/png", "oAlice")
    assert await bench.get("图/a b.png") == b"one two"
    assert bench.events == [
        StoredFile(
            cloud_path="图/a b.png",
            file_id=PREFIX + "图/a b.png",
            operation="put",
            size_bytes=7,
            content_type="image/png",
            depth=1,
        )
    ]


def test_all_that_a_client_sends_on_is_ascii(bench: Bench):
    ticket = bench.storage.upload_ticket("图/a b?c#d%41.png", ALICE)
    assert ticket.url == SITE + "/_storage/upload"
    assert ticket.file_id == PREFIX + "图/a b?c#d%41.png"
    for text in (ticket.token, ticket.authorization, ticket.cos_file_id, ticket.download_url):
        assert text.isascii()
        assert text.isprintable()
        assert " " not in text
    assert ticket.authorization.startswith("q-sign-algorithm=")
    assert ticket.download_url.startswith(SITE + "/_storage/file/")


@pytest.mark.parametrize(
    "path", ["", "/a", "a//b", "../a", "a\\..\\b", "a\0b", "\\a", "x" * 851, "cloud://e.b/a"]
)
async def test_no_ticket_and_no_upload_for_a_path_the_cloud_refuses(bench: Bench, path: str):
    with pytest.raises(InvalidName):
        bench.storage.upload_ticket(path, ADMINISTRATOR)
    with pytest.raises(InvalidName):
        await bench.storage.upload(UploadFile(cloud_path=path, content=b""), ADMINISTRATOR)
    assert bench.storage.list() == []


@pytest.mark.parametrize(
    "key", [None, "a/图 b.png", quote("a/图 b.png", safe=""), quote("a/图 b.png")]
)
async def test_the_key_of_a_client_may_be_encoded_or_left_out(bench: Bench, key: str | None):
    ticket = bench.storage.upload_ticket("a/图 b.png", ALICE)
    upload = await bench.storage.begin_upload(ticket.token, key=key)
    await upload.abort()


@pytest.mark.parametrize("key", ["", "b", "a/../b", "%2e%2e/a", "a%00"])
async def test_a_ticket_is_for_its_path_alone(bench: Bench, key: str):
    ticket = bench.storage.upload_ticket("a", ALICE)
    with pytest.raises(StorageDenied, match="the ticket is for a, not for"):
        await bench.storage.begin_upload(ticket.token, key=key)


async def test_an_upload_ticket_ends(bench: Bench):
    ticket = bench.storage.upload_ticket("a", ALICE)
    bench.clock.advance(storage_module.UPLOAD_TICKET_AGE_S)
    with pytest.raises(StorageDenied, match="has expired"):
        await bench.storage.begin_upload(ticket.token, key="a")


async def test_a_temporary_url_s_ticket_takes_no_upload(bench: Bench):
    file_id = await bench.put("a")
    token = bench.storage.temporary_url(file_id).url.split("/")[-2]
    with pytest.raises(StorageDenied):
        await bench.storage.begin_upload(token, key="a")
    with pytest.raises(StorageDenied):
        bench.storage.open_file(bench.storage.upload_ticket("a", ALICE).token)


async def test_an_aborted_upload_leaves_nothing_and_tells_nobody(bench: Bench):
    upload = await bench.storage.begin_upload(bench.storage.upload_ticket("a", ALICE).token)
    await upload.write(b"half")
    await upload.abort()
    assert bench.storage.list() == []
    assert bench.events == []


async def test_an_upload_beyond_the_bound_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "UPLOAD_BYTES_MAX", 10)
    upload = await bench.storage.begin_upload(bench.storage.upload_ticket("a", ALICE).token)
    await upload.write(b"1234567890")
    with pytest.raises(RequestTooLarge, match="may have 10 bytes"):
        await upload.write(b"1")
    await upload.abort()


async def test_tickets_and_files_outlive_a_restart(tmp_path: Path):
    clock = ManualClock()
    bench = Bench(clock=clock, blobs=DiskBlobStore(tmp_path, clock))
    url = bench.storage.temporary_url(await bench.put("a", b"kept")).url
    assert bench.blobs is not None
    await bench.blobs.close()
    again = Bench(clock=clock, blobs=DiskBlobStore(tmp_path, clock))
    with closing(again.storage.open_file(url.split("/")[-2])) as reader:
        assert reader.read(0, 10) == b"kept"
    assert again.blobs is not None
    await again.blobs.close()


# Temporary URLs


async def test_a_temporary_url_opens_the_file_until_it_ends(bench: Bench):
    file_id = await bench.put("images/图.png", b"content")
    outcome = bench.storage.temporary_url(file_id, 600)
    assert outcome == FileOutcome(file_id=file_id, url=outcome.url, max_age_s=600)
    token, name = outcome.url.split("/")[-2:]
    assert name == "_.png"
    with closing(bench.storage.open_file(token)) as reader:
        assert reader.read(0, 100) == b"content"
    bench.clock.advance(600)
    with pytest.raises(StorageDenied, match="has expired"):
        bench.storage.open_file(token)


async def test_a_temporary_url_lasts_a_day_at_most_and_by_default(bench: Bench):
    file_id = await bench.put("a")
    assert bench.storage.temporary_url(file_id).max_age_s == 86_400
    assert bench.storage.temporary_url(file_id, 10**9).max_age_s == 86_400


@pytest.mark.parametrize("max_age_s", [0, -1])
async def test_an_age_that_is_none_refuses_the_whole_call(bench: Bench, max_age_s: int):
    file_id = await bench.put("a")
    command = TemporaryUrls(files=((file_id, None), (file_id, max_age_s)))
    with pytest.raises(InvalidParam, match="maxAge"):
        bench.storage.temporary_urls(command, ADMINISTRATOR)


async def test_a_url_of_a_file_that_is_gone_finds_nothing(bench: Bench):
    file_id = await bench.put("a")
    token = bench.storage.temporary_url(file_id).url.split("/")[-2]
    await bench.storage.delete(DeleteFiles(file_ids=(file_id,)), ADMINISTRATOR)
    with pytest.raises(StorageFileNotExist):
        bench.storage.open_file(token)


async def test_each_file_of_a_batch_has_its_own_outcome_in_order(bench: Bench):
    file_id = await bench.put("a", caller=ALICE)
    foreign = "cloud://your-env.xxxx-your-env/a"
    command = TemporaryUrls(
        files=((PREFIX + "none", None), (file_id, 60), ("a", None), (foreign, None), (file_id, 5))
    )
    outcomes = bench.storage.temporary_urls(command, BOB)
    assert [(each.file_id, each.code) for each in outcomes] == [
        (PREFIX + "none", "STORAGE_FILE_NONEXIST"),
        (file_id, "SUCCESS"),
        ("a", "STORAGE_FILE_NONEXIST"),
        (foreign, "SUCCESS"),
        (file_id, "SUCCESS"),
    ]
    assert [bool(each.url) for each in outcomes] == [False, True, False, True, True]
    assert [each.max_age_s for each in outcomes] == [0, 60, 0, 86_400, 5]


async def test_fifty_files_are_a_batch_and_one_more_is_none(bench: Bench):
    file_id = await bench.put("a")
    fifty = ((file_id, None),) * 50
    assert len(bench.storage.temporary_urls(TemporaryUrls(files=fifty), ADMINISTRATOR)) == 50
    with pytest.raises(InvalidParam, match="51 files in one call; 50 are allowed") as caught:
        bench.storage.temporary_urls(TemporaryUrls(files=(*fifty, (file_id, None))), ADMINISTRATOR)
    assert caught.value.code == "INVALID_PARAM"
    with pytest.raises(InvalidParam, match="51 files"):
        await bench.storage.delete(DeleteFiles(file_ids=(file_id,) * 51), ADMINISTRATOR)
    assert bench.storage.info("a") is not None


# Upload, download, copy, delete


async def test_a_file_of_many_chunks_comes_back_whole(bench: Bench):
    content = bytes(range(256)) * 4096
    await bench.put("a.bin", content)
    assert await bench.get("a.bin") == content


async def test_a_file_id_of_another_environment_is_found_by_its_path(bench: Bench):
    await bench.put("images/a.png", b"found")
    file_id = "cloud://your-env-id.xxxx-xxxx/images/a.png"
    assert await bench.storage.download(DownloadFile(file_id=file_id), ADMINISTRATOR) == b"found"


async def test_download_refuses_what_does_not_fit_in_an_answer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(storage_module, "DOWNLOAD_BYTES_MAX", 4)
    await bench.put("a", b"12345")
    with pytest.raises(RequestTooLarge, match="a has 5 bytes; 4 fit") as caught:
        await bench.get("a")
    assert "temporary URL" in caught.value.hint


async def test_download_of_nothing_is_an_error(bench: Bench):
    with pytest.raises(StorageFileNotExist):
        await bench.get("none")
    with pytest.raises(InvalidName):
        await bench.storage.download(DownloadFile(file_id="none"), ADMINISTRATOR)


async def test_a_store_that_refuses_leaves_nothing(bench: Bench):
    room = storage_module.CHUNK_BYTES + 1
    bench.blobs = MemoryBlobStore(bench.clock, size_bytes_max=room)
    storage = bench.build()
    with pytest.raises(StoreError):
        await storage.upload(UploadFile(cloud_path="a", content=b"x" * room + b"x"), ADMINISTRATOR)
    await storage.upload(UploadFile(cloud_path="a", content=b"x" * room), ADMINISTRATOR)
    assert [event.size_bytes for event in bench.events] == [room]


async def test_delete_tells_of_each_file_and_the_triggers_of_those_that_were(bench: Bench):
    file_id = await bench.put("a.txt", b"123")
    command = DeleteFiles(file_ids=(PREFIX + "none", file_id, file_id, "nonsense"))
    outcomes = await bench.storage.delete(command, Caller(kind="administrator", depth=3))
    assert [each.code for each in outcomes] == [
        "STORAGE_FILE_NONEXIST",
        "SUCCESS",
        "STORAGE_FILE_NONEXIST",
        "STORAGE_FILE_NONEXIST",
    ]
    assert bench.events == [
        StoredFile(
            cloud_path="a.txt",
            file_id=file_id,
            operation="delete",
            size_bytes=3,
            content_type="text/plain",
            depth=3,
        )
    ]


async def test_copy_keeps_the_original_and_its_type(bench: Bench):
    ticket = bench.storage.upload_ticket("a", ADMINISTRATOR)
    upload = await bench.storage.begin_upload(ticket.token, content_type="image/heif")
    await upload.write(b"picture" * 100_000)
    await upload.commit()
    bench.events.clear()
    outcome = await bench.storage.copy(
        source="a", target="b", overwrite=False, remove_original=False, caller=ALICE
    )
    assert outcome.file_id == PREFIX + "b"
    info = bench.storage.info("b")
    assert info is not None
    assert (info.content_type, info.owner) == ("image/heif", "oAlice")
    assert await bench.get("b") == await bench.get("a") == b"picture" * 100_000
    assert [(event.operation, event.cloud_path) for event in bench.events] == [("put", "b")]


async def test_copy_may_move_and_overwrite(bench: Bench):
    await bench.put("a", b"newer")
    await bench.put("b", b"older")
    with pytest.raises(InvalidParam, match="b is there already"):
        await bench.storage.copy(
            source="a", target="b", overwrite=False, remove_original=True, caller=ADMINISTRATOR
        )
    await bench.storage.copy(
        source="a", target="b", overwrite=True, remove_original=True, caller=ADMINISTRATOR
    )
    assert await bench.get("b") == b"newer"
    assert bench.storage.info("a") is None
    assert [(event.operation, event.cloud_path) for event in bench.events] == [
        ("put", "b"),
        ("delete", "a"),
    ]


async def test_moving_a_file_onto_itself_keeps_it(bench: Bench):
    await bench.put("a", b"kept")
    await bench.storage.copy(
        source="a", target="a", overwrite=True, remove_original=True, caller=ADMINISTRATOR
    )
    assert await bench.get("a") == b"kept"


async def test_copy_of_nothing_is_an_error(bench: Bench):
    with pytest.raises(StorageFileNotExist):
        await bench.storage.copy(
            source="a", target="b", overwrite=True, remove_original=False, caller=ADMINISTRATOR
        )


async def test_clear_removes_everything_in_silence(bench: Bench):
    await bench.put("a")
    await bench.put("b/c")
    await bench.storage.clear()
    assert bench.storage.list() == []
    assert bench.events == []


async def test_list_is_by_prefix(bench: Bench):
    for path in ("b/1", "a", "b/2"):
        await bench.put(path)
    assert [info.cloud_path for info in bench.storage.list("b/")] == ["b/1", "b/2"]


# Permission


@pytest.mark.parametrize(
    ("operation", "caller", "allowed"),
    [
        ("read", NOBODY, True),
        ("read", BOB, True),
        ("write", ALICE, True),
        ("write", BOB, False),
        ("write", NOBODY, False),
        ("write", ADMINISTRATOR, True),
        ("delete", BOB, False),
        ("delete", NOBODY, False),
        ("delete", ALICE, True),
    ],
)
async def test_by_default_all_read_and_the_creator_writes(
    bench: Bench, operation: str, caller: Caller, allowed: bool
):
    file_id = await bench.put("a", caller=ALICE)
    if operation == "read":
        assert await bench.get("a", caller) == b"x"
    elif operation == "delete":
        (outcome,) = await bench.storage.delete(DeleteFiles(file_ids=(file_id,)), caller)
        assert outcome.code == ("SUCCESS" if allowed else "STORAGE_EXCEED_AUTHORITY")
        assert (bench.storage.info("a") is None) == allowed
    elif allowed:
        bench.storage.upload_ticket("a", caller)
    else:
        with pytest.raises(StorageDenied, match="write of a is not allowed for"):
            bench.storage.upload_ticket("a", caller)


async def test_a_user_who_is_not_signed_in_puts_nothing_new(bench: Bench):
    with pytest.raises(StorageDenied, match="a caller who is not signed in"):
        bench.storage.upload_ticket("new", NOBODY)


async def test_every_operation_is_asked_about_with_path_and_caller(bench: Bench):
    file_id = await bench.put("a")
    asked: list[tuple[str, str, str]] = []

    def allow(operation: str, cloud_path: str, caller: Caller) -> bool:
        asked.append((operation, cloud_path, caller.openid))
        return False

    storage = bench.build(allow)
    with pytest.raises(StorageDenied):
        storage.upload_ticket("new", BOB)
    with pytest.raises(StorageDenied):
        await storage.upload(UploadFile(cloud_path="new", content=b""), BOB)
    with pytest.raises(StorageDenied):
        await storage.download(DownloadFile(file_id=file_id), BOB)
    with pytest.raises(StorageDenied):
        await storage.copy(source="a", target="b", overwrite=True, remove_original=True, caller=BOB)
    (deleted,) = await storage.delete(DeleteFiles(file_ids=(file_id,)), BOB)
    (url,) = storage.temporary_urls(TemporaryUrls(files=((file_id, None),)), BOB)
    assert (deleted.code, url.code, url.url) == (
        "STORAGE_EXCEED_AUTHORITY",
        "STORAGE_EXCEED_AUTHORITY",
        "",
    )
    assert asked == [
        ("write", "new", "oBob"),
        ("write", "new", "oBob"),
        ("read", "a", "oBob"),
        ("read", "a", "oBob"),
        ("delete", "a", "oBob"),
        ("read", "a", "oBob"),
    ]
    assert bench.storage.info("a") is not None


async def test_whether_a_file_exists_is_not_told_to_who_may_not_read_it(bench: Bench):
    storage = bench.build(lambda operation, path, caller: False)
    command = TemporaryUrls(files=((PREFIX + "none", None),))
    assert storage.temporary_urls(command, BOB)[0].code == "STORAGE_EXCEED_AUTHORITY"
