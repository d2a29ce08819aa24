"""Owns the use-cases of file storage: tickets, put, get, temporary URLs, copy, delete, list.

Not here: bytes on disk (`stores`), what a path may be (`services.file_ids`), who is allowed what
(`allow`, handed in), HTTP (`wire.storage`). The one idea: permission is asked where a ticket or an
answer is made; whoever holds a ticket has it, as with the cloud's signed URLs. A file that was put
or deleted is published after the store has it.
"""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from typing import Final, Literal
from urllib.parse import unquote

from emulator.ambient import Clock, Ids
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
)
from emulator.functions.base import StoredFile
from emulator.services import file_ids
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.content_types import ContentTypes
from emulator.services.tickets import Tickets
from emulator.services.uploads import Upload, UploadTicket
from emulator.stores.base import NO_HEADERS, BlobInfo, BlobReader, BlobStore, BlobWriter

Operation = Literal["read", "write", "delete"]
Allow = Callable[[str, str, Caller], bool]
"""May this operation (`Operation`) be done on this cloud path by this caller?"""

FILES_PER_CALL_MAX: Final = 50
DOWNLOAD_BYTES_MAX: Final = 50 * 1024 * 1024
"""What `download` takes into memory; larger files are for temporary URLs."""
URL_AGE_DEFAULT_S: Final = 86_400
URL_AGE_MAX_S: Final = 86_400
"""A day both, per the platform's page on getTempFileURL; more is cut to it, as outcomes tell."""
UPLOAD_TICKET_AGE_S: Final = 3_600
CHUNK_BYTES: Final = 256 * 1024


class Storage:
    """The files of one environment."""

    def __init__(  # noqa: PLR0913  # what it depends on and what it is called, each once
        self,
        blobs: BlobStore,
        tickets: Tickets,
        *,
        clock: Clock,
        ids: Ids,
        env_id: str,
        bucket: str,
        site_url: Callable[[str], str],
        publish: Callable[[StoredFile], None],
        allow: Allow | None = None,
    ) -> None:
        self._blobs = blobs
        self._tickets = tickets
        self._addresses = file_ids.Addresses(env_id=env_id, bucket=bucket, site_url=site_url)
        self._clock = clock
        self._ids = ids
        self._publish = publish
        self._allow = allow or self._all_read_creator_writes
        self._content_types = ContentTypes()

    def upload_ticket(self, cloud_path: str, caller: Caller) -> UploadTicket:
        """Return a ticket to put a file under the path.

        Raises:
            InvalidName: the cloud takes no such path.
            StorageDenied: the caller may not write there.
        """
        self._require("write", file_ids.check_cloud_path(cloud_path), caller)
        token = self._tickets.sign(
            "upload",
            cloud_path,
            lifetime_s=UPLOAD_TICKET_AGE_S,
            owner=caller.owner_id,
            depth=caller.depth,
        )
        file_id = self.file_id(cloud_path)
        since_s = self._clock.now_ms() // 1000
        return UploadTicket(
            url=self._addresses.upload_url(),
            token=token,
            authorization=(
                f"q-sign-algorithm=sha256&q-ak=emulator&q-sign-time={since_s};"
                f"{since_s + UPLOAD_TICKET_AGE_S}&q-signature={token.rpartition('.')[2]}"
            ),
            file_id=file_id,
            cos_file_id=urlsafe_b64encode(file_id.encode()).decode(),
            download_url=self._url(cloud_path, URL_AGE_DEFAULT_S),
        )

    async def begin_upload(
        self,
        token: str,
        *,
        key: str | None = None,
        content_type: str = "",
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Upload:
        """Open the way for the bytes a ticket was made for; `key` is the path the client names.

        The file will be sent with `headers`.

        Raises:
            StorageDenied: the ticket is forged, expired or for another path.
            StoreError: the store has no place.
        """
        ticket = self._tickets.open(token, "upload")
        if key is not None and ticket.cloud_path not in (key, unquote(key)):
            raise StorageDenied(
                f"the ticket is for {ticket.cloud_path}, not for {key[:200]}",
                hint="ask for a ticket for this path",
            )
        writer = await self._writer(ticket.cloud_path, ticket.owner, content_type, headers)
        return Upload(writer, partial(self._announce, operation="put", depth=ticket.depth))

    def open_file(self, token: str) -> BlobReader:
        """Open the file that a temporary URL is for; close it after use.

        Raises:
            StorageDenied: the URL is forged or expired.
            StorageFileNotExist: the file is gone.
        """
        return self._reader(self._tickets.open(token, "download").cloud_path)

    def open_path(self, cloud_path: str) -> BlobReader:
        """Open a file by its path, with an administrator's right; close it after use.

        Raises:
            InvalidName: the cloud takes no such path.
            StorageFileNotExist: there is no such file.
        """
        return self._reader(file_ids.check_cloud_path(cloud_path))

    def temporary_url(self, file_id: str, max_age_s: int | None = None) -> FileOutcome:
        """Return a URL for a file, with an administrator's right.

        Raises:
            InvalidParam: the age is not a positive number of seconds.
        """
        return self._temporary_url(file_id, _age_s(max_age_s), ADMINISTRATOR)

    def temporary_urls(self, command: TemporaryUrls, caller: Caller) -> tuple[FileOutcome, ...]:
        """Return a URL for each file, or the code that says why there is none, in order.

        Raises:
            InvalidParam: these are too many files, or an age is none.
        """
        _require_few(command.files)
        aged = [(file_id, _age_s(max_age_s)) for file_id, max_age_s in command.files]
        return tuple(self._temporary_url(file_id, age_s, caller) for file_id, age_s in aged)

    async def upload(self, command: UploadFile, caller: Caller) -> FileOutcome:
        """Put bytes under a path.

        Raises:
            InvalidName: the cloud takes no such path.
            StorageDenied: the caller may not write there.
            StoreError: the store has no place.
        """
        cloud_path = file_ids.check_cloud_path(command.cloud_path)
        self._require("write", cloud_path, caller)
        writer = await self._writer(cloud_path, caller.owner_id, "")
        try:
            view = memoryview(command.content)
            for start in range(0, len(view), CHUNK_BYTES):
                await writer.write(view[start : start + CHUNK_BYTES])
                await asyncio.sleep(0)
            info = await writer.commit()
        finally:
            await writer.abort()
        self._announce(info, "put", depth=caller.depth)
        return FileOutcome(file_id=self.file_id(cloud_path))

    async def download(self, command: DownloadFile, caller: Caller) -> bytes:
        """Return the bytes of a file.

        Raises:
            InvalidName: that is no file id.
            StorageDenied: the caller may not read it.
            StorageFileNotExist: there is no such file.
            RequestTooLarge: it is more than fits in an answer.
        """
        cloud_path = file_ids.path_of(command.file_id)
        self._require("read", cloud_path, caller)
        with closing(self._reader(cloud_path)) as reader:
            size_bytes = reader.info.size_bytes
            if size_bytes > DOWNLOAD_BYTES_MAX:
                raise RequestTooLarge(
                    f"{cloud_path} has {size_bytes} bytes; {DOWNLOAD_BYTES_MAX} fit in an answer",
                    hint="read it from a temporary URL",
                )
            content = bytearray()
            while chunk := reader.read(len(content), CHUNK_BYTES):
                content += chunk
                await asyncio.sleep(0)
        return bytes(content)

    async def copy(
        self, *, source: str, target: str, overwrite: bool, remove_original: bool, caller: Caller
    ) -> FileOutcome:
        """Copy a file from path to path, and remove the original if asked to.

        Raises:
            InvalidName: the cloud takes no such path.
            InvalidParam: there is a file under the target and it is to stay.
            StorageDenied: the caller may not.
            StorageFileNotExist: there is no source.
        """
        self._require("read", file_ids.check_cloud_path(source), caller)
        self._require("write", file_ids.check_cloud_path(target), caller)
        if remove_original:
            self._require("delete", source, caller)
        if not overwrite and self._blobs.info(target) is not None:
            raise InvalidParam(f"{target} is there already", hint="say overwrite to replace it")
        with closing(self._reader(source)) as reader:
            info = await self._copied(reader, target, caller.owner_id)
        self._announce(info, "put", depth=caller.depth)
        if remove_original and source != target:
            await self._remove(source, caller)
        return FileOutcome(file_id=self.file_id(target))

    async def delete(self, command: DeleteFiles, caller: Caller) -> tuple[FileOutcome, ...]:
        """Remove files and return what came of each, in order.

        Raises:
            InvalidParam: these are too many files.
        """
        _require_few(command.file_ids)
        return tuple([await self._delete(file_id, caller) for file_id in command.file_ids])

    async def clear(self) -> None:
        """Remove every file without telling triggers."""
        for info in self._blobs.list():
            await self._blobs.delete(info.cloud_path)

    def list(self, prefix: str = "") -> list[BlobInfo]:
        """Return the files whose path starts with the prefix, by path."""
        return self._blobs.list(prefix)

    def info(self, cloud_path: str) -> BlobInfo | None:
        """Return what is known of a file, None when there is none."""
        return self._blobs.info(cloud_path)

    def may_read(self, cloud_path: str, caller: Caller) -> bool:
        """Tell whether a caller may read what is under a path; raises InvalidName."""
        return self._allow("read", file_ids.check_cloud_path(cloud_path), caller)

    def file_id(self, cloud_path: str) -> str:
        """Return the file id of a path."""
        return self._addresses.file_id(cloud_path)

    def path_of(self, file_id: str) -> str:
        """Return the path of a file id of any environment; raises InvalidName when it is none."""
        return file_ids.path_of(file_id)

    def request_id(self) -> str:
        """Return an id for an answer that goes past the envelope."""
        return self._ids.request_id()

    async def _copied(self, reader: BlobReader, target: str, owner: str) -> BlobInfo:
        info = reader.info
        writer = await self._writer(target, owner, info.content_type, info.headers)
        try:
            done_bytes = 0
            while chunk := reader.read(done_bytes, CHUNK_BYTES):
                done_bytes += len(chunk)
                await writer.write(chunk)
                await asyncio.sleep(0)
            return await writer.commit()
        finally:
            await writer.abort()

    async def _delete(self, file_id: str, caller: Caller) -> FileOutcome:
        try:
            cloud_path = file_ids.path_of(file_id)
            self._require("delete", cloud_path, caller)
            await self._remove(cloud_path, caller)
        except (InvalidName, StorageFileNotExist):
            return FileOutcome(file_id=file_id, code=StorageFileNotExist.code)
        except StorageDenied as fault:
            return FileOutcome(file_id=file_id, code=fault.code)
        return FileOutcome(file_id=file_id)

    async def _remove(self, cloud_path: str, caller: Caller) -> None:
        info = self._blobs.info(cloud_path)
        if info is None or not await self._blobs.delete(cloud_path):
            raise StorageFileNotExist(f"there is no file {cloud_path}")
        self._announce(info, "delete", depth=caller.depth)

    def _temporary_url(self, file_id: str, age_s: int, caller: Caller) -> FileOutcome:
        try:
            cloud_path = file_ids.path_of(file_id)
        except InvalidName:
            return FileOutcome(file_id=file_id, code=StorageFileNotExist.code)
        if not self._allow("read", cloud_path, caller):
            return FileOutcome(file_id=file_id, code=StorageDenied.code)
        if self._blobs.info(cloud_path) is None:
            return FileOutcome(file_id=file_id, code=StorageFileNotExist.code)
        url = self._url(cloud_path, age_s, caller.request_id)
        return FileOutcome(file_id=file_id, url=url, max_age_s=age_s)

    def _announce(self, info: BlobInfo, operation: Literal["put", "delete"], *, depth: int) -> None:
        self._publish(
            StoredFile(
                cloud_path=info.cloud_path,
                file_id=self.file_id(info.cloud_path),
                operation=operation,
                size_bytes=info.size_bytes,
                content_type=info.content_type,
                depth=depth,
            )
        )

    def _url(self, cloud_path: str, age_s: int, request_id: str = "") -> str:
        ticket = self._tickets.sign("download", cloud_path, lifetime_s=age_s)
        return self._addresses.file_url(cloud_path, ticket, request_id)

    def _reader(self, cloud_path: str) -> BlobReader:
        reader = self._blobs.open(cloud_path)
        if reader is None:
            raise StorageFileNotExist(f"there is no file {cloud_path}")
        return reader

    async def _writer(
        self,
        cloud_path: str,
        owner: str,
        declared_type: str,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> BlobWriter:
        content_type = self._content_types.of(cloud_path, declared_type)
        return await self._blobs.create(
            cloud_path, content_type=content_type, owner=owner, headers=headers
        )

    def _require(self, operation: Operation, cloud_path: str, caller: Caller) -> None:
        if not self._allow(operation, cloud_path, caller):
            raise StorageDenied(f"{operation} of {cloud_path} is not allowed for {_who(caller)}")

    def _all_read_creator_writes(self, operation: str, cloud_path: str, caller: Caller) -> bool:
        """Allow what the platform's default preset does: all read, the creator writes."""
        if caller.kind == "administrator" or operation == "read":
            return True
        info = self._blobs.info(cloud_path)
        return bool(caller.owner_id) and (info is None or info.owner == caller.owner_id)


def _who(caller: Caller) -> str:
    return f"the user {caller.owner_id}" if caller.owner_id else "a caller who is not signed in"


def _age_s(max_age_s: int | None) -> int:
    if max_age_s is None:
        return URL_AGE_DEFAULT_S
    if max_age_s <= 0:
        raise InvalidParam(f"maxAge is {max_age_s}; it is a positive number of seconds")
    return min(max_age_s, URL_AGE_MAX_S)


def _require_few(files: tuple[object, ...]) -> None:
    if len(files) > FILES_PER_CALL_MAX:
        raise InvalidParam(
            f"{len(files)} files in one call; {FILES_PER_CALL_MAX} are allowed",
            hint="make several calls",
        )
