"""Owns what a bucket of COS is here: the stored files, or the deployed files of the hosted site.

Not here: requests and answers (`wire.cos`). The one idea: both are the same few calls by key; what
each of them takes for a key is its own to say.
"""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from aiohttp import web

from emulator.core.commands import DeleteFiles
from emulator.core.errors import InvalidParam, StorageFileNotExist, StoreError
from emulator.services.caller import ADMINISTRATOR
from emulator.services.deploying import Deployments, HostedFile
from emulator.services.storage import FILES_PER_CALL_MAX, Storage
from emulator.services.uploads import Upload
from emulator.wire.storage import described, send_file

_SANDBOXED: Final = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}


class Listed(NamedTuple):
    """An object as it is listed."""

    key: str
    size_bytes: int
    updated_ms: int
    digest: str


class Incoming(Protocol):
    """An object on its way in; what is not committed leaves no trace."""

    async def write(self, chunk: bytes) -> None:
        """Append bytes."""
        ...

    async def commit(self) -> str:
        """Put the bytes in place and return their digest."""
        ...

    async def abort(self) -> None:
        """Forget the bytes; does nothing after they were put in place."""
        ...


class Objects(Protocol):
    """The objects of one bucket."""

    async def begin(self, key: str, content_type: str, headers: Mapping[str, str]) -> Incoming:
        """Open the way for an object's bytes."""
        ...

    async def send(self, request: web.Request, key: str) -> web.StreamResponse:
        """Answer with an object; raises StorageFileNotExist."""
        ...

    async def copy(self, source: str, key: str) -> str:
        """Copy an object from key to key and return its digest; raises StorageFileNotExist."""
        ...

    async def remove(self, keys: Sequence[str]) -> None:
        """Remove objects, those that are there."""
        ...

    def list(self, prefix: str) -> list[Listed]:
        """Return the objects whose key starts with the prefix, by key."""
        ...


class _Stored:
    """A stored file on its way in."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self.write = upload.write
        self.abort = upload.abort

    async def commit(self) -> str:
        """Make the file visible and tell the triggers."""
        return (await self._upload.commit()).digest


class StoredObjects:
    """The stored files, as an administrator."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def begin(self, key: str, content_type: str, headers: Mapping[str, str]) -> Incoming:
        """Open the way for a file."""
        token = self._storage.upload_ticket(key, ADMINISTRATOR).token
        return _Stored(
            await self._storage.begin_upload(token, content_type=content_type, headers=headers)
        )

    async def send(self, request: web.Request, key: str) -> web.StreamResponse:
        """Answer with a file, in a way that no browser runs it."""
        with closing(self._storage.open_path(key)) as reader:
            return await send_file(request, reader, described(reader.info))

    async def copy(self, source: str, key: str) -> str:
        """Copy a file."""
        await self._storage.copy(
            source=source, target=key, overwrite=True, remove_original=False, caller=ADMINISTRATOR
        )
        info = self._storage.info(key)
        return "" if info is None else info.digest

    async def remove(self, keys: Sequence[str]) -> None:
        """Remove files, some at a time."""
        ids = [self._storage.file_id(each) for each in keys]
        for start in range(0, len(ids), FILES_PER_CALL_MAX):
            command = DeleteFiles(file_ids=tuple(ids[start : start + FILES_PER_CALL_MAX]))
            await self._storage.delete(command, ADMINISTRATOR)

    def list(self, prefix: str) -> list[Listed]:
        """Return the files."""
        return [
            Listed(each.cloud_path, each.size_bytes, each.updated_ms, each.digest)
            for each in self._storage.list(prefix)
        ]


class _Aside:
    """A file of the site on its way in: its bytes gather in a file aside."""

    def __init__(self, objects: "HostedObjects", key: str) -> None:
        self._objects = objects
        self._key = key
        self._file = tempfile.NamedTemporaryFile(prefix="cloud-emu-", delete=False)  # noqa: SIM115  # closed when it is committed or given up

    async def write(self, chunk: bytes) -> None:
        """Append bytes."""
        try:
            self._file.write(chunk)
        except OSError as fault:
            raise StoreError(f"the file could not be written: {fault}") from fault
        await asyncio.sleep(0)

    async def commit(self) -> str:
        """Deploy the file."""
        self._file.close()
        return await self._objects.deploy(Path(self._file.name), self._key)

    async def abort(self) -> None:
        """Remove the file aside."""
        self._file.close()
        _forget(Path(self._file.name))


def _forget(file: Path) -> None:
    with suppress(OSError):
        file.unlink(missing_ok=True)


class HostedObjects:
    """The deployed files of the hosted site; folders, which COS writes as keys, are not kept."""

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments
        # Folders come with their first file and go with their last: one change at a time.
        self._turn = asyncio.Lock()

    async def begin(self, key: str, content_type: str, headers: Mapping[str, str]) -> Incoming:
        """Open the way for a file; its type is told by its name when it is served."""
        del content_type, headers
        return _Aside(self, key)

    async def deploy(self, file: Path, key: str) -> str:
        """Put a file in its place and return its digest."""
        if key.endswith("/"):
            return "folder"
        async with self._turn:
            await asyncio.to_thread(self._deployments.deploy, file, key)
            return self._known(key).digest

    async def send(self, request: web.Request, key: str) -> web.StreamResponse:
        """Answer with a file, in a way that no browser runs it."""
        del request
        return web.FileResponse(self._deployments.path(self._known(key).key), headers=_SANDBOXED)

    async def copy(self, source: str, key: str) -> str:
        """Copy a file."""
        return await self.deploy(self._deployments.path(self._known(source).key), key)

    async def remove(self, keys: Sequence[str]) -> None:
        """Remove files."""
        async with self._turn:
            for each in keys:
                if not each.endswith("/"):
                    self._deployments.delete(each)

    def list(self, prefix: str) -> list[Listed]:
        """Return the files."""
        return [_listed(each) for each in self._deployments.list(prefix)]

    def _known(self, key: str) -> Listed:
        if not key:
            raise InvalidParam("the key is empty")
        found = self._deployments.known(key)
        if found is None:
            raise StorageFileNotExist(f"there is no deployed file {key}")
        return _listed(found)


def _listed(file: HostedFile) -> Listed:
    digest = f"{file.updated_ms:x}-{file.size_bytes:x}"
    return Listed(file.name, file.size_bytes, file.updated_ms, digest)
