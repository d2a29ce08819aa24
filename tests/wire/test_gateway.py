"""The gateway /v1: through a whole suite over a real socket, as js-sdk 3.x asks it."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from yarl import URL

B = "/v1/database/instances/(default)/databases/(default)"
PAGE = {"Origin": "http://elsewhere.example"}
FILES = {
    "database.rules.json": '{"shown": "ADMINWRITE"}',
    "cloudfunctions/echo/index.py": "def main(event, context):\n    return event\n",
    "cloudfunctions/text/index.py": "def main(event, context):\n    return 'plain \\u4e2d'\n",
    "cloudfunctions/bad/index.py": "def main(event, context):\n    raise ValueError('no')\n",
    "cloudfunctions/late/index.py": (
        "import time\ndef main(event, context):\n    time.sleep(30)\n"
    ),
    "cloudfunctions/late/config.json": '{"timeout": 1}',
}


@dataclass
class Asking:
    """Requests to one suite, as one user once `token` is set."""

    session: aiohttp.ClientSession
    url: str
    token: str = ""

    async def send(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, Any]:
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        async with self.session.request(
            method, URL(f"{self.url}{path}", encoded=True), data=data, headers=headers
        ) as answer:
            return answer.status, await answer.read(), answer.headers

    async def told(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        status, text, _ = await self.send(method, path, body, **headers)
        return status, json.loads(text)

    async def sign_in(self, device: str = "device-1") -> None:
        body = {"action": "auth.signInAnonymously", "anonymous_uuid": device}
        _, signed = await self.told("POST", "/web", body)
        body = {"refresh_token": signed["refresh_token"]}
        body["action"] = "auth.fetchAccessTokenWithRefreshToken"
        self.token = (await self.told("POST", "/web", body))[1]["access_token"]

    async def get(self, collection: str, **query: str) -> tuple[int, Any]:
        url = URL.build(path=f"{B}/collections/{collection}/documents", query=query)
        return await self.told("GET", str(url))


@pytest.fixture
async def ask(start_project) -> AsyncIterator[Asking]:
    async with start_project(FILES) as running, aiohttp.ClientSession() as session:
        await running.seed({"notes": [], "shown": [{"_id": "s", "n": 1}]})
        asking = Asking(session, running.url)
        await asking.sign_in()
        yield asking


async def test_documents_are_made_read_changed_counted_and_removed(ask: Asking):
    documents = f"{B}/collections/notes/documents"
    made = {"n": 1, "on": {"$date": 1_700_000_000_000}, "at": {"$date": {"offset": 0}}}
    status, told = await ask.told("POST", documents, {"data": [made, {"n": 2, "_id": "two"}]})
    assert (status, told["insertedIds"][1]) == (201, "two")
    status, told = await ask.get(
        "notes", query='{"n":{"$gte":{"$numberInt":"1"}}}', order='[{"field":"n"}]', limit="10"
    )
    assert (status, told["offset"], told["limit"]) == (200, 0, 10)
    assert [each["n"] for each in told["list"]] == [1, 2]
    assert told["list"][0]["on"] == {"$date": 1_700_000_000_000}
    assert type(told["list"][0]["at"]["$date"]) is int
    assert await ask.get("notes", count="true", query="{}") == (200, {"total": 2})
    change = {"query": {"_id": "two"}, "data": {"k": {"x": 1}}, "multi": False, "upsert": False}
    assert await ask.told("PATCH", documents, change) == (200, {"updated": 1, "matched": 1})
    override = {"X-HTTP-Method-Override": "PATCH"}
    assert (await ask.told("POST", documents, change, **override))[0] == 200
    _, two = await ask.told("GET", f"{documents}/two")
    assert (two["n"], two["k"]) == (2, {"x": 1})
    removed = await ask.told("POST", f"{documents}/remove", {"query": {"_id": "two"}})
    assert removed == (200, {"deleted": 1})
    status, told = await ask.told("GET", f"{documents}/two")
    assert (status, told["code"]) == (404, "DOCUMENT_NOT_FOUND")


async def test_an_upsert_tells_its_id_by_both_names(ask: Asking):
    body = {"query": {"_id": "new"}, "data": {"$set": {"n": 1}}, "upsert": True}
    _, told = await ask.told("PATCH", f"{B}/collections/notes/documents", body)
    assert (told["upsert_id"], told["upserted_id"], told["matched"]) == ("new", "new", 0)


async def test_a_pattern_may_come_with_no_options(ask: Asking):
    data = {"data": [{"text": "abc"}, {"text": "xyz"}]}
    await ask.told("POST", f"{B}/collections/notes/documents", data)
    _, told = await ask.get("notes", query='{"text":{"$regex":"^a","$options":null}}')
    assert [each["text"] for each in told["list"]] == ["abc"]


async def test_a_limit_is_twenty_unless_said(ask: Asking):
    data = {"data": [{"n": n} for n in range(25)]}
    await ask.told("POST", f"{B}/collections/notes/documents", data)
    _, told = await ask.get("notes", offset="1", projection='{"n":1,"_id":0}')
    assert (len(told["list"]), told["limit"], told["offset"]) == (20, 20, 1)
    assert told["list"][0] == {"n": 1}


async def test_pipelines_run(ask: Asking):
    documents = f"{B}/collections/notes/documents"
    await ask.told("POST", documents, {"data": [{"n": 1}, {"n": 2}]})
    pipeline = [{"$group": {"_id": None, "sum": {"$sum": "$n"}}}]
    status, told = await ask.told("POST", f"{documents}/aggregations", {"pipeline": pipeline})
    assert (status, told["list"]) == (200, [{"_id": None, "sum": 3}])


@pytest.mark.parametrize(("end", "left"), [("commit", 1), ("rollback", 0)])
async def test_transactions_end_either_way(ask: Asking, end: str, left: int):
    _, told = await ask.told("POST", f"{B}/transactions")
    number = told["transactionId"]
    documents = f"{B}/collections/notes/documents"
    body = {"data": [{"_id": "t", "n": 1}], "transactionId": number}
    assert (await ask.told("POST", documents, body))[0] == 201
    status, seen = await ask.told("GET", f"{documents}/t?transactionId={number}")
    assert (status, seen["n"]) == (200, 1)
    assert (await ask.told("POST", f"{B}/transactions/{number}/{end}"))[0] == 200
    assert (await ask.get("notes", count="true"))[1] == {"total": left}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", f"{B}/collections/none/documents", None, 404, "DATABASE_COLLECTION_NOT_EXIST"),
        ("GET", f"{B}/collections/notes/documents?query=%7B", None, 400, "INVALID_PARAM"),
        ("GET", f"{B}/collections/notes/documents?limit=x", None, 400, "INVALID_PARAM"),
        ("GET", f"{B}/collections/notes/documents?order=1", None, 400, "INVALID_PARAM"),
        ("GET", f"{B}/collections/notes/documents?order=%5B1%5D", None, 400, "INVALID_PARAM"),
        ("PUT", f"{B}/collections/notes/documents", {}, 404, "INVALID_PATH"),
        ("POST", f"{B}/collections/notes/documents", {"data": []}, 400, "INVALID_PARAM"),
        ("POST", f"{B}/collections/notes/documents", b"\xff", 400, "INVALID_PARAM"),
        ("POST", f"{B}/collections/notes/documents", [], 400, "INVALID_PARAM"),
        ("POST", f"{B}/transactions/none/commit", None, 400, "DATABASE_TRANSACTION_FAIL"),
        (
            "GET",
            f"{B}/collections/notes/documents?query=%7B%22a%22%3A%7B%22%24odd%22%3A1%7D%7D",
            None,
            403,
            "DATABASE_INVALID_OPERRATOR",
        ),
        (
            "PATCH",
            f"{B}/collections/shown/documents",
            {"query": {"_id": "s"}, "data": {"n": 2}},
            401,
            "DATABASE_PERMISSION_DENIED",
        ),
        ("POST", "/v1/functions/none", {}, 404, "FUNCTION_NOT_FOUND"),
        ("POST", "/v1/functions/echo", [1], 400, "INVALID_PARAM"),
        ("POST", "/v1/functions/bad", {}, 400, "FUNCTION_INVOCATION_FAILED"),
        ("POST", "/v1/functions/late", {}, 400, "FUNCTION_TIME_LIMIT_EXCEEDED"),
        ("POST", "/v1/storages/delete-objects", {}, 400, "INVALID_PARAM"),
        ("POST", "/v1/storages/delete-objects", [{}] * 51, 400, "INVALID_PARAM"),
        ("POST", "/v1/model/prod/x/list", {}, 400, "RESOURCE_NOT_INITIAL"),
        ("GET", "/v1/rdb/rest/t", None, 400, "RESOURCE_NOT_INITIAL"),
        ("POST", "/v1/ai/x/chat", {}, 400, "RESOURCE_NOT_INITIAL"),
        ("PUT", "/v1/storages/object/b/a.txt", b"x", 400, "RESOURCE_NOT_INITIAL"),
        ("POST", f"{B}/nothing", {"commands": []}, 404, "INVALID_PATH"),
        ("GET", "/v1/", None, 404, "INVALID_PATH"),
    ],
)
async def test_failures_have_a_status_a_code_and_the_request_id(
    ask: Asking, method: str, path: str, body: Any, status: int, code: str
):
    found, told = await ask.told(method, path, body, **{"X-Request-Id": "mine-1"})
    assert (found, told["code"], told["requestId"]) == (status, code, "mine-1")
    assert told["message"]


async def test_a_taken_id_is_a_conflict(ask: Asking):
    documents, data = f"{B}/collections/notes/documents", {"data": [{"_id": "x"}]}
    await ask.told("POST", documents, data)
    status, told = await ask.told("POST", documents, data)
    assert (status, told["code"]) == (409, "DATABASE_DUPLICATE_WRITE")


async def test_functions_answer_with_what_they_return(ask: Asking):
    assert await ask.told("POST", "/v1/functions/echo", {"a": "中"}) == (200, {"a": "中"})
    assert await ask.told("POST", "/v1/functions/echo") == (200, {})
    status, text, headers = await ask.send("POST", "/v1/functions/text", {})
    assert (status, text.decode()) == (200, "plain 中")
    assert headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("result", "warned"),
    [
        ({"code": 1}, True),
        ({"code": []}, True),
        ({"code": 0}, False),
        ({"code": None, "x": "code"}, False),
        ({"in": {"code": 1}}, False),
    ],
)
async def test_a_result_that_the_sdk_takes_for_a_failure_is_warned_of(
    ask: Asking, result: dict[str, Any], warned: bool
):
    assert await ask.told("POST", "/v1/functions/echo", result) == (200, result)
    _, logs = await ask.told("GET", "/_emu/logs")
    assert ("takes for a failure" in json.dumps(logs)) is warned


async def test_files_go_up_come_down_are_copied_and_go(ask: Asking):
    storages = "/v1/storages"
    _, told = await ask.told(
        "POST", f"{storages}/get-objects-upload-info", [{"objectId": "a/中 b.txt"}, {}]
    )
    ticket = told[0]
    assert told[1]["code"] == "INVALID_PARAM"
    headers = {
        "Authorization": ticket["authorization"],
        "x-cos-security-token": ticket["token"],
        "x-cos-meta-fileid": ticket["cloudObjectMeta"],
    }
    async with ask.session.put(ticket["uploadUrl"], data=b"hello", headers=headers) as answer:
        assert answer.status == 200
    file_id, gone = ticket["cloudObjectId"], "cloud://e.b/none.txt"
    wanted = [{"cloudObjectId": file_id}, {"cloudObjectId": gone}]
    _, told = await ask.told("POST", f"{storages}/get-objects-download-info", wanted)
    assert (told[1]["cloudObjectId"], told[1]["code"]) == (gone, "OBJECT_NOT_EXIST")
    async with ask.session.get(told[0]["downloadUrl"]) as answer:
        assert await answer.read() == b"hello"
    copies = [{"srcPath": "a/中 b.txt", "dstPath": "c.txt"}, {"srcPath": "no", "dstPath": "d"}]
    _, told = await ask.told("POST", f"{storages}/copy-objects", copies)
    assert told[0]["cloudObjectId"].endswith("/c.txt")
    assert told[1]["code"] == "OBJECT_NOT_EXIST"
    _, told = await ask.told("POST", f"{storages}/delete-objects", wanted)
    assert told[0] == {"cloudObjectId": file_id}
    assert told[1]["code"] == "OBJECT_NOT_EXIST"


async def test_pages_of_any_origin_may_ask_and_read(ask: Asking):
    path = f"{B}/collections/notes/documents"
    asked = {
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,x-sdk-version",
    }
    status, _, headers = await ask.send("OPTIONS", path, **PAGE, **asked)
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, PAGE["Origin"])
    assert headers["Access-Control-Allow-Headers"] == "authorization,x-sdk-version"
    assert "PATCH" in headers["Access-Control-Allow-Methods"]
    for read in (path, f"{B}/collections/none/documents", "/v1/model/prod/x/list", "/v1/none"):
        _, _, headers = await ask.send("GET", read, **PAGE)
        assert headers["Access-Control-Allow-Origin"] == PAGE["Origin"]
        assert "x-request-id" in headers["Access-Control-Expose-Headers"]


async def test_paths_may_name_an_environment(ask: Asking):
    assert (await ask.told("GET", f"/e/any{B}/collections/notes/documents"))[0] == 200


@pytest.mark.parametrize(
    "host", ["demo.localhost:7070", "demo.api.tcloudbasegateway.com", "elsewhere.example"]
)
async def test_a_host_may_name_an_environment_here_or_in_the_cloud(ask: Asking, host: str):
    path = f"{B}/collections/notes/documents"
    status, _, _ = await ask.send("GET", path, **{"Host": host})
    assert status == (403 if host == "elsewhere.example" else 200)


def jwt(claims: dict[str, Any]) -> str:
    parts = [{"alg": "RS256"}, claims]
    texts = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode() for each in parts]
    return ".".join(text.rstrip("=") for text in [*texts, "c2ln"])


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        (jwt({"sub": "anon", "meta": {"platform": "PublishableKey"}}), 200, None),
        (jwt({"sub": "user-1", "sid": "x"}), 401, "ACCESS_TOKEN_EXPIRED"),
        (jwt({"sub": "user-1"}), 401, "ACCESS_TOKEN_EXPIRED"),
        ("a.b.c", 401, "ACCESS_TOKEN_EXPIRED"),
        ("nonsense", 401, "CHECK_LOGIN_FAILED"),
    ],
)
async def test_a_publishable_key_is_nobody_and_other_strange_tokens_are_refused(
    ask: Asking, token: str, status: int, code: str | None
):
    ask.token = token
    found, told = await ask.get("shown")
    assert (found, told.get("code")) == (status, code)


async def test_nobody_may_read_what_all_may_but_not_write(ask: Asking):
    ask.token = ""
    body = {"data": [{"n": 1}]}
    status, told = await ask.told("POST", f"{B}/collections/notes/documents", body)
    assert (status, told["code"]) == (401, "DATABASE_PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("name", "body"),
    [("echo", {"a": 1}), ("echo", []), ("text", {}), ("bad", {}), ("none", {})],
)
async def test_a_call_that_arrives_whole_is_answered_as_by_the_long_way(ask: Asking, name, body):
    answers = set()
    for headers in ({}, {"TE": "trailers"}):
        async with aiohttp.ClientSession() as session:
            status, text, told = await Asking(session, ask.url, ask.token).send(
                "POST", f"/v1/functions/{name}", body, **{"X-Request-Id": "r-1", **headers}
            )
        answers.add((status, text, told["Content-Type"], told["X-Request-Id"]))
    assert len(answers) == 1
