"""Owns the files of WeChat's server HTTP API: import and export jobs, uploads, links, deletion.

Not here: the jobs themselves (`services.migrations`) and the bytes (`wire.storage`).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from emulator.ambient import Clock, Ids
from emulator.core.commands import DeleteFiles, FileOutcome, Find, TemporaryUrls
from emulator.services.caller import ADMINISTRATOR
from emulator.services.migrations import FileType, ImportOrder, Migrations
from emulator.wire import fields
from emulator.wire.actions import Executes, Tickets
from emulator.wire.fields import Body
from emulator.wire.wechat_errors import Refused, number_of
from emulator.wire.wechat_fields import (
    choice_of,
    count_of,
    list_of,
    missing,
    object_of,
    text_of,
)
from emulator.wire.wechat_query import statement_of

QCLOUD_TOKEN_LIFETIME_S: Final = 7_200
_FILE_TYPES: Final[Mapping[int, FileType]] = {1: "jsonl", 2: "csv"}
_CONFLICT_MODES: Final = {1: False, 2: True}


class WechatFiles:
    """The interfaces of one suite."""

    def __init__(
        self,
        executor: Executes,
        storage: Tickets,
        migrations: Migrations,
        *,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._executor = executor
        self._storage = storage
        self._migrations = migrations
        self._clock = clock
        self._ids = ids

    def table(self) -> dict[str, Callable[[Body], Awaitable[dict[str, Any]]]]:
        """Return the interfaces by the last part of their path."""
        return {
            "databasemigrateimport": self._import,
            "databasemigrateexport": self._export,
            "databasemigratequeryinfo": self._job,
            "uploadfile": self._upload,
            "batchdownloadfile": self._download_urls,
            "batchdeletefile": self._delete_files,
            "getqcloudtoken": self._cloud_credentials,
        }

    async def _import(self, body: Body) -> dict[str, Any]:
        order = ImportOrder(
            collection=text_of(body, "collection_name"),
            cloud_path=text_of(body, "file_path"),
            file_type=choice_of(body, "file_type", _FILE_TYPES),
            upsert=choice_of(body, "conflict_mode", _CONFLICT_MODES),
            stop_on_error=fields.flag(body, "stop_on_error", default=False),
        )
        job = await self._migrations.import_file(order, ADMINISTRATOR)
        return {"job_id": job.number}

    async def _export(self, body: Body) -> dict[str, Any]:
        path, kind = text_of(body, "file_path"), choice_of(body, "file_type", _FILE_TYPES)
        query = text_of(body, "query")
        find = await statement_of(query, now_ms=self._clock.now_ms(), limit=None)
        if not isinstance(find, Find):
            raise Refused(40097, "invalid args. the query should end in get()")
        job = await self._migrations.export_file(find, path, kind, ADMINISTRATOR)
        return {"job_id": job.number}

    async def _job(self, body: Body) -> dict[str, Any]:
        number = count_of(body, "job_id")
        if number is None:
            raise missing("job_id")
        job = self._migrations.job(number)
        return {
            "status": "success" if job.succeeded else "fail",
            "record_success": job.done,
            "record_fail": job.failed,
            "error_msg": job.error or ("导出完成." if job.file_id else "导入完成."),
            "file_url": await self._migrations.file_url(job, ADMINISTRATOR),
        }

    async def _upload(self, body: Body) -> dict[str, Any]:
        ticket = self._storage.upload_ticket(text_of(body, "path"), ADMINISTRATOR)
        return {
            "url": ticket.url,
            "token": ticket.token,
            "authorization": ticket.authorization,
            "file_id": ticket.file_id,
            "cos_file_id": ticket.cos_file_id,
        }

    async def _download_urls(self, body: Body) -> dict[str, Any]:
        command = TemporaryUrls(
            files=tuple(
                (text_of(object_of(each), "fileid"), count_of(object_of(each), "max_age"))
                for each in list_of(body, "file_list")
            )
        )
        outcomes = await self._executor.execute(command, ADMINISTRATOR)
        return {"file_list": [{**_outcome(each), "download_url": each.url} for each in outcomes]}

    async def _delete_files(self, body: Body) -> dict[str, Any]:
        ids = list_of(body, "fileid_list")
        if not all(type(each) is str for each in ids):
            raise Refused(40097, "invalid args. fileid_list must hold texts")
        outcomes = await self._executor.execute(DeleteFiles(file_ids=tuple(ids)), ADMINISTRATOR)
        return {"delete_list": [_outcome(each) for each in outcomes]}

    async def _cloud_credentials(self, body: Body) -> dict[str, Any]:
        asked_s = count_of(body, "lifespan") or QCLOUD_TOKEN_LIFETIME_S
        lifetime_s = min(asked_s, QCLOUD_TOKEN_LIFETIME_S)
        return {
            "secretid": "cloud-emu-local-secret-id",
            "secretkey": "cloud-emu-local-secret-key",
            "token": self._ids.token(),
            "expired_time": self._clock.now_ms() // 1000 + lifetime_s,
        }


def _outcome(outcome: FileOutcome) -> dict[str, Any]:
    done = outcome.code == "SUCCESS"
    return {
        "fileid": outcome.file_id,
        "status": 0 if done else number_of(outcome.code),
        "errmsg": "ok" if done else outcome.code,
    }
