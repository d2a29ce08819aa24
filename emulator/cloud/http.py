"""Owns the way of a script's commands to a running suite: the server SDKs' own protocol.

Not here: what the actions do. The one idea: a command is one row of a table, an action with what it
sends and what it makes of the answer, as @cloudbase/node-sdk 3 speaks it; files take a second
request to the address that the first one names. Blocking, on a few threads, nothing but the
standard library.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import quote

from emulator.cloud.keep_alive import Connections
from emulator.cloud.watch_feed import Signed
from emulator.core import ejson
from emulator.core.commands import (
    Aggregate,
    Called,
    CallFunction,
    Command,
    CommitTransaction,
    Count,
    CreateCollection,
    CreateIndex,
    DeleteFiles,
    DownloadFile,
    DropIndex,
    FileOutcome,
    Find,
    Found,
    Insert,
    Inserted,
    ListIndexes,
    Remove,
    Removed,
    RollbackTransaction,
    Started,
    StartTransaction,
    TemporaryUrls,
    Update,
    Updated,
    UploadFile,
)
from emulator.core.errors import EmulatorError
from emulator.core.openapi import CallOpenApi, OpenApiAnswer
from emulator.core.records import dataclass
from emulator.core.values import Document, Value

REQUESTS_AT_ONCE_MAX: Final = 8
DOWNLOAD_URL_AGE_S: Final = 600
_JSON: Final = "application/json; charset=utf-8"

LOCAL_KEY_START: Final = "cloud-emu-"

Body = dict[str, Value]


class Refused(EmulatorError):
    """The suite answered with an error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # here the code is the answer's, not the class's


@dataclass(frozen=True, slots=True)
class Exchange:
    """An action: what it sends for a command, and what its answer's data means."""

    action: str
    body: Callable[[Any], Body]
    read: Callable[[Any], Any]


class HttpTransport:
    """Commands of a script as requests to the suite's API address."""

    def __init__(self, endpoint: str, *, env_id: str, secret_key: str = "") -> None:
        # Only the suite's own key is ever sent: a real one in the shell stays there.
        own = secret_key.startswith(LOCAL_KEY_START)
        self._signed = {"Authorization": f"Bearer {secret_key}"} if own else {}
        self._url = endpoint.rstrip("/").removesuffix("/admin") + "/admin"
        self._env_id = env_id
        self._connections = Connections()
        self._threads = ThreadPoolExecutor(REQUESTS_AT_ONCE_MAX, thread_name_prefix="cloud-http")

    def submit(self, command: Command) -> "Future[Any]":
        """Send the command on a thread and return its result to come."""
        return self._threads.submit(self._perform, command)

    def sign_socket(self) -> Signed:
        """Return where the realtime connection is and what opens it; blocks."""
        told = self._action("auth.wsWebSign", {})
        url = "ws" + self._url.removeprefix("http").removesuffix("/admin") + "/ws"
        return Signed(url, told["envId"], told["signStr"])

    def _perform(self, command: Command) -> Any:
        if isinstance(command, UploadFile):
            return self._upload(command)
        if isinstance(command, DownloadFile):
            return self._download(command)
        exchange = _EXCHANGES.get(type(command))
        if exchange is None:
            raise EmulatorError(f"{type(command).__name__} cannot be asked over HTTP")
        return exchange.read(self._action(exchange.action, exchange.body(command)))

    def _action(self, action: str, body: Body) -> Any:
        payload = json.dumps({"action": action, "envName": self._env_id, **body})
        status, text = self._connections.request(
            "POST", self._url, payload.encode(), {"Content-Type": _JSON, **self._signed}
        )
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if status != 200 or not isinstance(answer, dict):
            raise EmulatorError(f"{self._url} answered {status} to {action}: {text[:200]!r}")
        if answer.get("code"):
            raise Refused(str(answer["code"]), str(answer.get("message", "")))
        data = answer.get("data", answer)
        if isinstance(data, dict):
            data.setdefault("requestId", answer.get("requestId", ""))
        return data

    def _upload(self, command: UploadFile) -> FileOutcome:
        ticket = self._action("storage.getUploadMetadata", {"path": command.cloud_path})
        fields = {
            "Signature": ticket["authorization"],
            "x-cos-security-token": ticket["token"],
            "x-cos-meta-fileid": ticket["cosFileId"],
            "key": command.cloud_path,
        }
        body, content_type = _form(fields, command.content)
        status, text = self._connections.request(
            "POST", ticket["url"], body, {"Content-Type": content_type}
        )
        if text or status >= 300:
            raise Refused("STORAGE_REQUEST_FAIL", f"the upload answered {status}: {text[:500]!r}")
        return FileOutcome(file_id=ticket["fileId"])

    def _download(self, command: DownloadFile) -> bytes:
        wanted = [{"fileid": command.file_id, "max_age": DOWNLOAD_URL_AGE_S}]
        answer = self._action("storage.batchGetDownloadUrl", {"file_list": wanted})
        (outcome,) = _read_urls(answer)
        if outcome.code != "SUCCESS":
            raise Refused(outcome.code, f"no such file: {command.file_id}")
        status, content = self._connections.request("GET", quote(outcome.url, safe=_URL_SAFE))
        if status != 200:
            raise Refused("STORAGE_REQUEST_FAIL", f"{outcome.url} answered {status}")
        return content


def _no_file(value: object) -> Value:
    raise EmulatorError(
        "a script cannot send files to an open API; call it from a function instead"
    )


_URL_SAFE: Final = "%/:?#[]@!$&'()*+,;=-._~"


def _form(fields: Mapping[str, str], content: bytes) -> tuple[bytes, str]:
    """Return a multipart form that ends in a file, and its content type.

    The boundary is a digest of the content, which the content itself cannot hold on purpose.
    """
    boundary = hashlib.sha256(content).hexdigest()
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _ejson(value: Value) -> str:
    return json.dumps(ejson.canonical(value), ensure_ascii=False)


def _documents(data: Mapping[str, Value]) -> Found:
    return Found(documents=tuple(ejson.decode(json.loads(each)) for each in data["list"]))


def _transaction(command: Find | Insert | Update | Remove) -> Body:
    return {"transactionId": command.transaction_id} if command.transaction_id else {}


def _find_body(command: Find) -> Body:
    body: Body = {
        **_transaction(command),
        "collectionName": command.collection,
        "queryType": "DOC" if command.limit is None else "WHERE",
        "query": _ejson(command.filter),
    }
    if command.sort:
        body["order"] = _ejson(dict(command.sort))
    if command.skip:
        body["offset"] = command.skip
    if command.limit is not None:
        body["limit"] = command.limit
    if command.projection is not None:
        body["projection"] = _ejson(command.projection)
    return body


def _count_body(command: Count) -> Body:
    return {
        "collectionName": command.collection,
        "queryType": "WHERE",
        "query": _ejson(command.filter),
    }


def _index_body(command: CreateIndex) -> Body:
    return {
        "collectionName": command.collection,
        "indexName": command.name,
        "keys": [{"name": path, "direction": direction} for path, direction in command.keys],
        "unique": command.unique,
        "sparse": command.sparse,
        "expireAfterSeconds": command.expire_after_s,
    }


def _read_indexes(answer: Any) -> list[Document]:
    return [
        {**each, "keys": [(key["name"], key["direction"]) for key in each["keys"]]}
        for each in answer["indexes"]
    ]


def _insert_body(command: Insert) -> Body:
    documents = [_ejson(each) for each in command.documents]
    return {
        **_transaction(command),
        "collectionName": command.collection,
        "data": documents,
    }


def _update_body(command: Update) -> Body:
    return {
        **_transaction(command),
        "collectionName": command.collection,
        "queryType": "WHERE" if command.multi else "DOC",
        "query": _ejson(command.filter),
        "data": _ejson(command.update),
        "multi": command.multi,
        "merge": not command.replace,
        "upsert": command.upsert,
    }


def _read_updated(data: Mapping[str, Value]) -> Updated:
    updated = data["updated"]
    return Updated(matched=updated, modified=updated, upserted_id=data.get("upsert_id"))


def _remove_body(command: Remove) -> Body:
    return {
        **_transaction(command),
        "collectionName": command.collection,
        "queryType": "WHERE" if command.multi else "DOC",
        "query": _ejson(command.filter),
        "multi": command.multi,
    }


def _aggregate_body(command: Aggregate) -> Body:
    stages = [
        {"stageKey": name, "stageValue": _ejson(argument)}
        for stage in command.pipeline
        for name, argument in stage.items()
    ]
    return {"collectionName": command.collection, "stages": stages}


def _call_body(command: CallFunction) -> Body:
    return {"function_name": command.name, "request_data": json.dumps(command.event)}


def _urls_body(command: TemporaryUrls) -> Body:
    return {
        "file_list": [
            {"fileid": file_id} if age_s is None else {"fileid": file_id, "max_age": age_s}
            for file_id, age_s in command.files
        ]
    }


def _read_urls(data: Mapping[str, Value]) -> tuple[FileOutcome, ...]:
    return tuple(
        FileOutcome(
            file_id=each["fileID"],
            code=each["code"],
            url=each.get("tempFileURL", ""),
            max_age_s=each.get("maxAge", 0),
        )
        for each in data["download_list"]
    )


def _read_deleted(data: Mapping[str, Value]) -> tuple[FileOutcome, ...]:
    return tuple(
        FileOutcome(file_id=each["fileID"], code=each["code"]) for each in data["delete_list"]
    )


_EXCHANGES: Final[Mapping[type, Exchange]] = {
    Find: Exchange("database.getDocument", _find_body, _documents),
    CallOpenApi: Exchange(
        "wx.api",
        lambda command: {
            "apiName": command.api,
            "requestData": json.dumps(command.data, default=_no_file),
        },
        lambda data: OpenApiAnswer(data=json.loads(data["responseData"])),
    ),
    Count: Exchange("database.calculateDocument", _count_body, lambda data: data["total"]),
    Aggregate: Exchange("database.aggregateDocuments", _aggregate_body, _documents),
    Insert: Exchange(
        "database.insertDocument",
        _insert_body,
        lambda data: Inserted(ids=tuple(data["insertedIds"])),
    ),
    Update: Exchange("database.modifyDocument", _update_body, _read_updated),
    Remove: Exchange(
        "database.removeDocument", _remove_body, lambda data: Removed(count=data["deleted"])
    ),
    StartTransaction: Exchange(
        "database.startTransaction",
        lambda _: {},
        lambda data: Started(transaction_id=data["transactionId"]),
    ),
    CommitTransaction: Exchange(
        "database.commitTransaction",
        lambda command: {"transactionId": command.transaction_id},
        lambda _: None,
    ),
    RollbackTransaction: Exchange(
        "database.abortTransaction",
        lambda command: {"transactionId": command.transaction_id},
        lambda _: None,
    ),
    CreateIndex: Exchange(
        "database.createIndex", _index_body, lambda answer: str(answer["indexName"])
    ),
    DropIndex: Exchange(
        "database.dropIndex",
        lambda command: {"collectionName": command.collection, "indexName": command.name},
        lambda answer: None,
    ),
    ListIndexes: Exchange(
        "database.listIndexes",
        lambda command: {"collectionName": command.collection},
        _read_indexes,
    ),
    CreateCollection: Exchange(
        "database.addCollection",
        lambda command: {"collectionName": command.collection},
        lambda _: None,
    ),
    CallFunction: Exchange(
        "functions.invokeFunction",
        _call_body,
        lambda data: Called(
            result=data["response_data"].encode(), request_id=data.get("requestId", "")
        ),
    ),
    TemporaryUrls: Exchange("storage.batchGetDownloadUrl", _urls_body, _read_urls),
    DeleteFiles: Exchange(
        "storage.batchDeleteFile",
        lambda command: {"fileid_list": list(command.file_ids)},
        _read_deleted,
    ),
}
