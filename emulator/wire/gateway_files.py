"""Owns the file storage of the gateway: `/v1/storages/…`, lists in and lists out.

Not here: where the bytes go (`wire.storage`) and who may (`services.storage`). The one idea: every
item is answered in its place, and one that fails has a code and a sentence, while the whole is 200.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from emulator.core.commands import DeleteFiles, FileOutcome, TemporaryUrls
from emulator.core.errors import EmulatorError, InvalidParam, StorageDenied, StorageFileNotExist
from emulator.core.values import Value
from emulator.services.storage import Storage
from emulator.wire import fields
from emulator.wire.fields import Body
from emulator.wire.gateway import Asked, Endpoint, Told, json_told

ITEMS_MAX: Final = 50
_WHY: Final = {
    StorageFileNotExist.code: ("OBJECT_NOT_EXIST", "there is no such object"),
    StorageDenied.code: (StorageDenied.code, "the caller may not do that with the object"),
}

Item = Callable[[Body, Asked], Awaitable[dict[str, Value]]]


class GatewayFiles:
    """The files of one suite."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def endpoints(self) -> list[Endpoint]:
        """Return what answers where."""
        return [
            Endpoint("POST", "/storages/get-objects-upload-info", _each(self._upload)),
            Endpoint("POST", "/storages/get-objects-download-info", self._downloads),
            Endpoint("POST", "/storages/delete-objects", self._deletes),
            Endpoint("POST", "/storages/copy-objects", _each(self._copy)),
        ]

    async def _upload(self, item: Body, asked: Asked) -> dict[str, Value]:
        path = fields.text(item, "objectId")
        ticket = self._storage.upload_ticket(path, asked.caller)
        return {
            "objectId": path,
            "uploadUrl": ticket.url,
            "downloadUrl": ticket.download_url,
            "downloadUrlEncoded": ticket.download_url,
            "token": ticket.token,
            "authorization": ticket.authorization,
            "cloudObjectMeta": ticket.cos_file_id,
            "cloudObjectId": ticket.file_id,
        }

    async def _copy(self, item: Body, asked: Asked) -> dict[str, Value]:
        copied = await self._storage.copy(
            source=fields.text(item, "srcPath"),
            target=fields.text(item, "dstPath"),
            overwrite=fields.flag(item, "overwrite", default=True),
            remove_original=fields.flag(item, "removeOriginal", default=False),
            caller=asked.caller,
        )
        return {"cloudObjectId": copied.file_id}

    async def _downloads(self, asked: Asked) -> Told:
        items = _items(asked)
        files = tuple(
            (fields.text(each, "cloudObjectId"), fields.count(each, "maxAge") or None)
            for each in items
        )
        outcomes = self._storage.temporary_urls(TemporaryUrls(files=files), asked.caller)
        return json_told([_told(each) for each in outcomes])

    async def _deletes(self, asked: Asked) -> Told:
        ids = tuple(fields.text(each, "cloudObjectId") for each in _items(asked))
        outcomes = await self._storage.delete(DeleteFiles(file_ids=ids), asked.caller)
        return json_told([_told(each) for each in outcomes])


def _each(carry_out: Item) -> Callable[[Asked], Awaitable[Told]]:
    async def answer(asked: Asked) -> Told:
        return json_told([await one(item, asked) for item in _items(asked)])

    async def one(item: Body, asked: Asked) -> dict[str, Value]:
        try:
            return await carry_out(item, asked)
        except EmulatorError as fault:
            code = _WHY.get(fault.code, (fault.code, ""))[0]
            named: dict[str, Value] = {key: item[key] for key in ("objectId",) if key in item}
            return {**named, "code": code, "message": fault.message}

    return answer


def _items(asked: Asked) -> list[dict[str, Any]]:
    data = asked.data()
    if type(data) is not list or not all(type(each) is dict for each in data):
        raise InvalidParam("the request body must be an array of objects")
    if len(data) > ITEMS_MAX:
        raise InvalidParam(f"{len(data)} objects in one call; {ITEMS_MAX} are allowed")
    return data


def _told(outcome: FileOutcome) -> dict[str, Value]:
    told: dict[str, Value] = {"cloudObjectId": outcome.file_id}
    if outcome.code != "SUCCESS":
        code, message = _WHY.get(outcome.code, (outcome.code, "the object was refused"))
        return {**told, "code": code, "message": message}
    if outcome.url:
        told |= {"downloadUrl": outcome.url, "downloadUrlEncoded": outcome.url}
    return told
