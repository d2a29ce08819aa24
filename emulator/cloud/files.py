"""Owns the calls for files: put, get, temporary addresses, delete.

Results follow wx-server-sdk: a file of a batch that fails has a status and a phrase of its own.
"""

from collections.abc import Iterable
from typing import Any, Final

from emulator.cloud.calls import Options, Request, answering, options_of, required
from emulator.cloud.errors import ERROR_PHRASES, cloud_error, error_number, sdk_error
from emulator.cloud.naming import snake_case
from emulator.core.commands import (
    DeleteFiles,
    DownloadFile,
    FileOutcome,
    TemporaryUrls,
    UploadFile,
)
from emulator.core.values import Value

STATUS_OK: Final = 200

_UPLOAD: Final = "uploadFile"
_DOWNLOAD: Final = "downloadFile"
_URLS: Final = "getTempFileURL"
_DELETE: Final = "deleteFile"


@answering(_UPLOAD)
def upload_file(
    options: Options = None,
    /,
    *,
    cloud_path: str | None = None,
    file_content: Value = None,
    **camel: Value,
) -> Request:
    """Put bytes, text or an open file under a cloud path: `{"fileID", "statusCode", "errMsg"}`."""
    given = options_of(_UPLOAD, options, camel, cloud_path=cloud_path, file_content=file_content)
    path = required(_UPLOAD, given, "cloud_path", str)
    content = _content(given["file_content"])
    return Request(UploadFile(cloud_path=path, content=content), _read_upload)


@answering(_DOWNLOAD)
def download_file(
    options: Options = None, /, *, file_id: str | None = None, **camel: Value
) -> Request:
    """Get the bytes of a file: `{"fileContent", "statusCode", "errMsg"}`."""
    given = options_of(_DOWNLOAD, options, camel, file_id=file_id)
    return Request(DownloadFile(file_id=required(_DOWNLOAD, given, "file_id", str)), _read_download)


@answering(_URLS)
def get_temp_file_url(
    options: Options = None, /, *, file_list: Value = None, **camel: Value
) -> Request:
    """Return addresses for file ids, or for `{"fileID", "maxAge"}` with a lifetime in seconds."""
    given = options_of(_URLS, options, camel, file_list=file_list)
    files = required(_URLS, given, "file_list", (list, tuple))
    return Request(TemporaryUrls(files=tuple(_lifetime(each) for each in files)), _read_urls)


@answering(_DELETE)
def delete_file(options: Options = None, /, *, file_list: Value = None, **camel: Value) -> Request:
    """Delete files by id: `{"fileList": [{"fileID", "status", "errMsg"}], "errMsg"}`."""
    given = options_of(_DELETE, options, camel, file_list=file_list)
    files = required(_DELETE, given, "file_list", (list, tuple))
    for index, each in enumerate(files):
        if not isinstance(each, str):
            kind = type(each).__name__
            raise sdk_error(_DELETE, f"Type of fileList[{index}] must be string instead of {kind}")
    return Request(DeleteFiles(file_ids=tuple(files)), _read_deleted)


def _content(content: Value) -> bytes:
    if hasattr(content, "read"):
        content = content.read()
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    raise sdk_error(
        _UPLOAD,
        f"Type of fileContent must be bytes, text or an open file instead of "
        f"{type(content).__name__}",
    )


def _lifetime(file: Value) -> tuple[str, int | None]:
    if isinstance(file, str):
        return file, None
    if isinstance(file, dict):
        given = {snake_case(str(name)): value for name, value in file.items()}
        file_id, max_age = given.get("file_id"), given.get("max_age")
        if isinstance(file_id, str) and (max_age is None or isinstance(max_age, int)):
            return file_id, max_age
        message = "fileList 的元素如果是对象，必须是包含 fileID 和 maxAge 的对象"
        raise cloud_error(_URLS, "INVALID_PARAM", message)
    raise cloud_error(_URLS, "INVALID_PARAM", "fileList的元素如果不是对象，则必须是字符串")


def _read_upload(outcome: FileOutcome) -> dict[str, Any]:
    return {"fileID": outcome.file_id, "statusCode": STATUS_OK, "errMsg": f"{_UPLOAD}:ok"}


def _read_download(content: bytes) -> dict[str, Any]:
    return {"fileContent": content, "statusCode": STATUS_OK, "errMsg": f"{_DOWNLOAD}:ok"}


def _read_urls(outcomes: Iterable[FileOutcome]) -> dict[str, Any]:
    files = [
        {**_status(each), "maxAge": each.max_age_s, "tempFileURL": each.url} for each in outcomes
    ]
    return {"fileList": files, "errMsg": f"{_URLS}:ok"}


def _read_deleted(outcomes: Iterable[FileOutcome]) -> dict[str, Any]:
    return {"fileList": [_status(each) for each in outcomes], "errMsg": f"{_DELETE}:ok"}


def _status(outcome: FileOutcome) -> dict[str, Any]:
    if outcome.code == "SUCCESS":
        return {"fileID": outcome.file_id, "status": 0, "errMsg": "ok"}
    number = error_number(outcome.code)
    return {"fileID": outcome.file_id, "status": number, "errMsg": ERROR_PHRASES[number]}
