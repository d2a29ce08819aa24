"""A script against something that answers like a suite: requests as node-sdk 3 sends them."""

import asyncio
import contextvars
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from emulator import cloud
from emulator.cloud.http import HttpTransport
from emulator.core.commands import DropCollection
from emulator.core.errors import EmulatorError


class Suite:
    """Notes what it is asked and answers what it is told."""

    def __init__(self):
        self.requests = []
        self.answers = []
        self.raw = None
        suite = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                suite.requests.append((self.path, dict(self.headers), body))
                if self.path == "/admin":
                    self.answer(*suite.next())
                else:
                    self.answer(*(suite.raw or (200, b"")))

            def do_GET(self):
                suite.requests.append((self.path, dict(self.headers), b""))
                self.answer(*(suite.raw or (200, b"content")))

            def answer(self, status, text):
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def next(self):
        answer = self.answers.pop(0)
        if isinstance(answer, tuple):
            return answer
        return 200, json.dumps(answer).encode()

    def data(self, *each):
        self.answers += [{"requestId": "r", "data": data} for data in each]

    @property
    def sent(self):
        return json.loads(self.requests[-1][2])


@pytest.fixture
def suite():
    suite = Suite()
    thread = Thread(target=suite.server.serve_forever, args=(0.01,))
    thread.start()
    yield suite
    suite.server.shutdown()
    thread.join()
    suite.server.server_close()


@pytest.fixture
def script(suite):
    """Run code as a script that named the suite."""

    def run(work):
        def program():
            cloud.init(env="demo-env", endpoint=suite.url)
            return work()

        return contextvars.Context().run(program)

    return run


db = cloud.database()
_ = db.command
users = db.collection("users")
AT = datetime(2026, 1, 2, tzinfo=UTC)


CASES = [
    pytest.param(
        lambda: users.where({"n": _.gt(1), "at": AT}).order_by("n", "desc").skip(2).get(),
        {
            "action": "database.getDocument",
            "collectionName": "users",
            "queryType": "WHERE",
            "query": '{"n": {"$gt": {"$numberInt": "1"}}, '
            '"at": {"$date": {"$numberLong": "1767312000000"}}}',
            "order": '{"n": {"$numberInt": "-1"}}',
            "offset": 2,
            "limit": 100,
        },
        {"list": ['{"_id": "a", "at": {"$date": "2026-01-02T00:00:00Z"}}']},
        {"data": [{"_id": "a", "at": AT}], "errMsg": "collection.get:ok"},
        id="find",
    ),
    pytest.param(
        lambda: users.doc("a").field({"n": True}).get(),
        {
            "action": "database.getDocument",
            "collectionName": "users",
            "queryType": "DOC",
            "query": '{"_id": "a"}',
            "projection": '{"n": {"$numberInt": "1"}}',
        },
        {"list": ['{"n": 1}']},
        {"data": {"n": 1}, "errMsg": "document.get:ok"},
        id="get",
    ),
    pytest.param(
        lambda: users.count(),
        {
            "action": "database.calculateDocument",
            "collectionName": "users",
            "queryType": "WHERE",
            "query": "{}",
        },
        {"total": 3},
        {"total": 3, "errMsg": "collection.count:ok"},
        id="count",
    ),
    pytest.param(
        lambda: users.add(data={"name": "安", "at": db.server_date()}),
        {
            "action": "database.insertDocument",
            "collectionName": "users",
            "data": ['{"name": "安", "at": {"$tcb_server_date": {"offset": 0}}}'],
        },
        {"insertedIds": ["a"]},
        {"_id": "a", "errMsg": "collection.add:ok"},
        id="add",
    ),
    pytest.param(
        lambda: users.where({"a": 1}).update(data={"n": _.inc(1)}),
        {
            "action": "database.modifyDocument",
            "collectionName": "users",
            "queryType": "WHERE",
            "query": '{"a": {"$numberInt": "1"}}',
            "data": '{"$inc": {"n": {"$numberInt": "1"}}}',
            "multi": True,
            "merge": True,
            "upsert": False,
        },
        {"updated": 2, "upsert_id": None},
        {"stats": {"updated": 2}, "errMsg": "collection.update:ok"},
        id="update",
    ),
    pytest.param(
        lambda: users.doc("a").set(data={"n": 1.5}),
        {
            "action": "database.modifyDocument",
            "collectionName": "users",
            "queryType": "DOC",
            "query": '{"_id": "a"}',
            "data": '{"n": {"$numberDouble": "1.5"}}',
            "multi": False,
            "merge": False,
            "upsert": True,
        },
        {"updated": 0, "upsert_id": "a"},
        {"_id": "a", "stats": {"updated": 0, "created": 1}, "errMsg": "document.set:ok"},
        id="set",
    ),
    pytest.param(
        lambda: users.where({}).remove(),
        {
            "action": "database.removeDocument",
            "collectionName": "users",
            "queryType": "WHERE",
            "query": "{}",
            "multi": True,
        },
        {"deleted": 3},
        {"stats": {"removed": 3}, "errMsg": "collection.remove:ok"},
        id="remove",
    ),
    pytest.param(
        lambda: users.aggregate().match({"a": 1}).limit(2).end(),
        {
            "action": "database.aggregateDocuments",
            "collectionName": "users",
            "stages": [
                {"stageKey": "$match", "stageValue": '{"a": {"$numberInt": "1"}}'},
                {"stageKey": "$limit", "stageValue": '{"$numberInt": "2"}'},
            ],
        },
        {"list": ['{"_id": "a"}']},
        {"list": [{"_id": "a"}], "errMsg": "collection.aggregate:ok"},
        id="aggregate",
    ),
    pytest.param(
        lambda: db.create_collection("users"),
        {"action": "database.addCollection", "collectionName": "users"},
        {},
        {"errMsg": "createCollection:ok"},
        id="create-collection",
    ),
    pytest.param(
        lambda: cloud.call_function(name="f", data={"a": 1}),
        {
            "action": "functions.invokeFunction",
            "function_name": "f",
            "request_data": '{"a": 1}',
        },
        {"response_data": '{"b": 2}'},
        {"result": {"b": 2}, "errMsg": "callFunction:ok", "requestID": "r"},
        id="call-function",
    ),
    pytest.param(
        lambda: cloud.get_temp_file_url(file_list=["cloud://e/a", {"fileID": "b", "maxAge": 5}]),
        {
            "action": "storage.batchGetDownloadUrl",
            "file_list": [{"fileid": "cloud://e/a"}, {"fileid": "b", "max_age": 5}],
        },
        {
            "download_list": [
                {"code": "SUCCESS", "fileID": "cloud://e/a", "tempFileURL": "u", "maxAge": 7}
            ]
        },
        {
            "fileList": [
                {
                    "fileID": "cloud://e/a",
                    "status": 0,
                    "errMsg": "ok",
                    "maxAge": 7,
                    "tempFileURL": "u",
                }
            ],
            "errMsg": "getTempFileURL:ok",
        },
        id="temporary-urls",
    ),
    pytest.param(
        lambda: cloud.delete_file(file_list=["cloud://e/a"]),
        {"action": "storage.batchDeleteFile", "fileid_list": ["cloud://e/a"]},
        {"delete_list": [{"code": "STORAGE_FILE_NONEXIST", "fileID": "cloud://e/a"}]},
        {
            "fileList": [
                {"fileID": "cloud://e/a", "status": -503003, "errMsg": "storage file not exists"}
            ],
            "errMsg": "deleteFile:ok",
        },
        id="delete-files",
    ),
]


@pytest.mark.parametrize(("call", "sent", "data", "answer"), CASES)
def test_a_call_is_one_action_of_the_server_sdks(suite, script, call, sent, data, answer):
    suite.data(data)
    assert script(call) == answer
    assert suite.sent == {"envName": "demo-env", **sent}


def test_a_refusal_keeps_its_code(suite, script):
    suite.answers.append({"code": "DATABASE_COLLECTION_NOT_EXIST", "message": "no users"})
    with pytest.raises(cloud.CloudError) as caught:
        script(users.get)
    assert caught.value.code == "DATABASE_COLLECTION_NOT_EXIST"
    assert caught.value.message == (
        "collection.get:fail -502005 database collection not exists. no users"
    )


@pytest.mark.parametrize(
    "answer", [(500, b"oops"), (200, b"<html>"), (200, b"[]")], ids=["status", "html", "no-object"]
)
def test_an_answer_of_something_else_is_told_as_it_came(suite, script, answer):
    suite.answers.append(answer)
    with pytest.raises(cloud.CloudError, match=f"/admin answered {answer[0]} to database.getDoc"):
        script(users.get)


def test_a_file_goes_up_as_a_form_to_the_address_of_its_ticket(suite, script):
    ticket = {
        "url": f"{suite.url}/put?x=1",
        "token": "t",
        "authorization": "s",
        "fileId": "cloud://e/图.png",
        "cosFileId": "c",
    }
    suite.data(ticket)
    content = b"\x89PNG\r\n--boundary"
    answer = script(lambda: cloud.upload_file(cloud_path="图.png", file_content=content))
    assert answer["fileID"] == "cloud://e/图.png"
    path, headers, body = suite.requests[-1]
    assert path == "/put?x=1"
    boundary = re.fullmatch("multipart/form-data; boundary=(.*)", headers["Content-Type"])[1]
    parts = body.split(f"--{boundary}".encode())
    names = re.findall(r'form-data; name="([^"]+)"', body.decode("latin-1"))
    assert names == ["Signature", "x-cos-security-token", "x-cos-meta-fileid", "key", "file"]
    assert "图.png".encode() in parts[4]
    assert parts[5].partition(b"\r\n\r\n")[2] == content + b"\r\n"
    assert parts[6] == b"--\r\n"


def test_an_upload_that_is_refused_says_so(suite, script):
    suite.data({"url": suite.url, "token": "", "authorization": "", "fileId": "", "cosFileId": ""})
    suite.raw = 403, b"<Error><Code>AccessDenied</Code></Error>"
    with pytest.raises(cloud.CloudError, match=r"uploadFile:fail -503001 .*AccessDenied"):
        script(lambda: cloud.upload_file(cloud_path="a", file_content=b""))


def download_answer(suite, code="SUCCESS"):
    url = f"{suite.url}/get/图 1.png?sign=a%2Fb"
    return {"download_list": [{"code": code, "fileID": "f", "tempFileURL": url}]}


def test_a_file_comes_from_its_temporary_address(suite, script):
    suite.data(download_answer(suite))
    assert script(lambda: cloud.download_file(file_id="f"))["fileContent"] == b"content"
    assert suite.requests[-1][0] == "/get/%E5%9B%BE%201.png?sign=a%2Fb"


def test_a_missing_file_does_not_come(suite, script):
    suite.data(download_answer(suite, "STORAGE_FILE_NONEXIST"))
    with pytest.raises(cloud.CloudError, match=r"-503003 storage file not exists. no such file: f"):
        script(lambda: cloud.download_file(file_id="f"))


def test_a_file_whose_address_does_not_answer_does_not_come(suite, script):
    suite.data(download_answer(suite))
    suite.raw = 404, b""
    with pytest.raises(cloud.CloudError, match=r"-503001 .* answered 404"):
        script(lambda: cloud.download_file(file_id="f"))


def test_an_async_script_awaits_many_calls_at_once(suite, script):
    suite.data(*[{"total": 1}] * 20)

    async def many():
        return await asyncio.gather(*[users.count() for _ in range(20)])

    answers = script(lambda: asyncio.run(many()))
    assert [each["total"] for each in answers] == [1] * 20


def test_threads_may_share_a_script_s_session(suite, script):
    suite.data(*[{"total": 1}] * 20)

    def many():
        with ThreadPoolExecutor(4) as pool:
            contexts = [contextvars.copy_context() for _ in range(20)]
            return list(pool.map(lambda context: context.run(users.count), contexts))

    assert [each["total"] for each in script(many)] == [1] * 20


@pytest.mark.parametrize("ending", ["", "/", "/admin", "/admin/"])
def test_an_endpoint_may_be_the_address_or_the_door(suite, ending):
    suite.data({"total": 1})
    session = contextvars.Context()
    session.run(cloud.init, endpoint=suite.url + ending)
    assert session.run(users.count)["total"] == 1
    assert suite.requests[-1][0] == "/admin"


def test_a_command_without_an_action_is_refused(suite):
    future = HttpTransport(suite.url, env_id="").submit(DropCollection(collection="users"))
    with pytest.raises(EmulatorError, match=r"DropCollection cannot be asked over HTTP"):
        future.result()
