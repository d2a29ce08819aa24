import asyncio
import gzip
import itertools
import json
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, web

from emulator.ambient import CountedIds
from emulator.core import commands, errors
from emulator.core.values import ObjectId
from emulator.functions.base import Outcome
from emulator.server import Port, Server
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.functions import Invoked
from emulator.services.scope import Scope
from emulator.services.storage import UploadTicket
from emulator.wire import admin
from emulator.wire.actions import Actions
from emulator.wire.admin import AdminDoor
from emulator.wire.guard import Guard

NESTED_CALLER = Caller(kind="administrator", source="wx_client,scf", depth=2)


@dataclass
class Services:
    """A handful of documents in a dictionary, and a function that echoes."""

    documents: dict = field(default_factory=dict)
    callers: list = field(default_factory=list)
    fault: Exception | None = None

    async def execute(self, command, caller):
        self.callers.append(caller)
        if self.fault is not None:
            raise self.fault
        match command:
            case commands.Insert():
                self.documents.update({each["_id"]: each for each in command.documents})
                return commands.Inserted(ids=tuple(each["_id"] for each in command.documents))
            case commands.Find():
                if command.collection != "c":
                    raise errors.CollectionNotExist(f"Db or Table not exist: {command.collection}")
                found = self.documents.get(command.filter.get("_id"))
                return commands.Found(documents=() if found is None else (found,))
            case commands.Aggregate():
                return commands.Found(documents=())
            case commands.Count():
                return len(self.documents)
            case commands.Update():
                return commands.Updated(matched=0, modified=0)
            case commands.FindAndModify():
                return commands.Modified(document=None)
            case commands.Remove():
                return commands.Removed(count=0)
            case commands.TemporaryUrls() | commands.DeleteFiles():
                return ()
        return None

    async def invoke(self, name, event, caller, *, request_id="", sent_characters=None):
        outcome = Outcome(result=json.dumps(event).encode(), failure=None, duration_ms=1.0)
        return Invoked(request_id=request_id, outcome=outcome, logs=())

    def upload_ticket(self, cloud_path, caller):
        return UploadTicket(
            url="", token="", authorization="", file_id="", cos_file_id="", download_url=""
        )


@pytest.fixture
def services():
    return Services()


@pytest.fixture
async def url(services):
    ids = CountedIds()
    guard = Guard(bound_host="127.0.0.1")
    door = AdminDoor(
        Actions(services, services, services),
        ids=ids,
        guard=guard,
        caller_of={"a-token": NESTED_CALLER}.get,
        scope=Scope("emu-env", strict=False, tell=lambda event, message: None),
    )
    server = Server(api=Port(0, door.routes()), site=Port(0, []), guard=guard, ids=ids)
    await server.start()
    yield server.url
    await server.stop()


@pytest.fixture
async def http():
    async with ClientSession() as session:
        yield session


@pytest.fixture
def ask(url, http):
    """Post to the door and return the answer, which is 200 and JSON whatever happens."""

    async def ask(data, path="/admin", **kwargs):
        if isinstance(data, dict):
            data = json.dumps(data).encode()
        async with http.post(url + path, data=data, **kwargs) as response:
            assert response.status == 200
            assert response.headers["Content-Type"] == "application/json; charset=utf-8"
            answer = json.loads(await response.read())
            assert answer["requestId"]
            if "code" in answer:
                assert answer.keys() == {"code", "message", "requestId"}
                assert "Traceback" not in answer["message"]
            return answer

    return ask


GET = {
    "action": "database.getDocument",
    "envName": "emu-env",
    "collectionName": "c",
    "queryType": "DOC",
    "query": '{"_id":"x"}',
}


async def test_an_sdks_request_is_answered_in_its_shape(ask):
    insert = {
        "action": "database.insertDocument",
        "envName": "emu-env",
        "eventId": "1_1",
        "collectionName": "c",
        "data": ['{"_id":"x","n":{"$numberInt":"9"}}'],
    }
    assert (await ask(insert))["data"] == {"insertedIds": ["x"]}
    answer = await ask(GET, path="/admin?&eventId=1_1&seqId=2")
    assert answer["data"] == {"list": ['{"_id":"x","n":9}']}
    assert "code" not in answer


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        ("tcb-node-sdk/2.11.0", '{"_id":"x","a":"507f1f77bcf86cd799439011"}'),
        ("tcb-admin-sdk/1.23.0", '{"_id":"x","a":"507f1f77bcf86cd799439011"}'),
        ("curl/8", '{"_id":"x","a":{"$oid":"507f1f77bcf86cd799439011"}}'),
        ("", '{"_id":"x","a":{"$oid":"507f1f77bcf86cd799439011"}}'),
    ],
)
async def test_an_object_id_keeps_its_type_but_for_sdks_which_would_lose_it(
    ask, services, agent, told
):
    services.documents["x"] = {"_id": "x", "a": ObjectId("507f1f77bcf86cd799439011")}
    answer = await ask(GET, headers={"User-Agent": agent})
    assert answer["data"] == {"list": [told]}


@pytest.mark.parametrize(
    "env", [None, "", "emu-env", {"database": "emu-env", "default": "other"}, 5], ids=repr
)
async def test_any_environment_is_the_suites_one(ask, env):
    assert "code" not in await ask({**GET, "envName": env})


async def test_a_named_environment_has_a_door_of_its_own(ask):
    assert "code" not in await ask(GET, path="/e/emu-env/admin")


async def test_an_error_of_a_service_is_told_by_its_code(ask):
    answer = await ask({**GET, "collectionName": "no_such"})
    assert answer["code"] == "DATABASE_COLLECTION_NOT_EXIST"
    assert "Db or Table not exist: no_such" in answer["message"]


async def test_a_fault_of_ours_is_one_sentence(ask, services, caplog):
    services.fault = ZeroDivisionError("a detail")
    answer = await ask(GET)
    assert answer["code"] == "SYS_ERR"
    assert "a detail" not in answer["message"]
    assert answer["requestId"] in caplog.text


@pytest.mark.parametrize("name", admin.TOKEN_FIELDS)
async def test_the_token_of_an_invocation_tells_whose_code_calls(ask, services, name):
    await ask({**GET, name: "a-token"})
    await ask({**GET, name: "of an earlier run"})
    await ask({**GET, name: ""})
    await ask(GET)
    assert services.callers == [NESTED_CALLER, ADMINISTRATOR, ADMINISTRATOR, ADMINISTRATOR]


async def test_a_page_of_another_origin_is_refused(ask, services):
    answer = await ask(GET, headers={"Origin": "https://evil.example"})
    assert answer["code"] == "INVALID_REQUEST_SOURCE"
    assert not services.callers


async def test_a_packed_request_is_read(ask):
    packed = gzip.compress(json.dumps(GET).encode())
    assert "code" not in await ask(packed, headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00\xff\xfe garbage", id="bytes"),
        pytest.param(b"<html>", id="a page"),
        pytest.param(b"{", id="cut short"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="an array"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param("{}".encode("utf-16"), id="another encoding"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param(b"[" * 1_000_000, id="a nesting bomb"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="a bomb that closes"),
    ],
)
async def test_what_is_no_request_is_a_coded_error(ask, body):
    assert (await ask(body))["code"] == "INVALID_COMMON_PARAM"


@pytest.mark.parametrize("action", [None, "", 5, ["database.getDocument"], {}, True], ids=repr)
async def test_an_action_is_a_text(ask, action):
    answer = await ask({**GET, "action": action})
    assert answer["code"] == "INVALID_PARAM"
    assert "action" in answer["message"]


@pytest.mark.parametrize(
    "action",
    ["database.getDocumentt", "nope", "__class__", "a" * 100_000, "中文", "\u0000"],
    ids=len,
)
async def test_an_unknown_action_is_a_coded_error(ask, action):
    answer = await ask({"action": action})
    assert answer["code"] == "INVALID_ACTION"
    assert len(answer["message"]) < 400


async def test_an_action_of_the_open_api_comes_as_a_form(ask):
    parts = [
        b'Content-Disposition: form-data; name="apiName"\r\n\r\nsubscribeMessage.send',
        b'Content-Disposition: form-data; name="action"\r\nX-More: 1\r\n\r\nwx.openApi',
        b'Content-Disposition: form-data; name="requestData"\r\n\r\n\x08\x00',
    ]
    form = b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=edge"}
    answer = await ask(form, headers=kind)
    assert answer["code"] == "INVALID_ACTION"
    assert "'wx.openApi' is not one" in answer["message"]


async def test_a_body_beyond_the_bound_is_a_coded_error(ask, monkeypatch):
    monkeypatch.setattr(admin, "REQUEST_MAX_BYTES", 1000)
    answer = await ask({**GET, "query": " " * 2000})
    assert answer["code"] == "INVALID_PARAM"
    assert "1,000 bytes" in answer["message"]


FIELDS = {
    "database.addCollection": {"collectionName": "c"},
    "database.deleteCollection": {"collectionName": "c"},
    "database.insertDocument": {"collectionName": "c", "data": [], "transactionId": ""},
    "database.getDocument": {
        "collectionName": "c",
        "query": "{}",
        "queryType": "WHERE",
        "order": "",
        "offset": 0,
        "limit": 1,
        "projection": "",
        "transactionId": "",
    },
    "database.calculateDocument": {"collectionName": "c", "query": "{}"},
    "database.modifyDocument": {
        "collectionName": "c",
        "query": "{}",
        "data": "{}",
        "multi": False,
        "merge": True,
        "upsert": False,
        "transactionId": "",
    },
    "database.modifyAndReturnDoc": {"collectionName": "c", "query": "{}", "data": "{}"},
    "database.removeDocument": {"collectionName": "c", "query": "{}", "multi": True},
    "database.aggregateDocuments": {"collectionName": "c", "stages": []},
    "functions.invokeFunction": {"function_name": "f", "request_data": "{}"},
    "storage.getUploadMetadata": {"path": "a"},
    "storage.batchGetDownloadUrl": {"file_list": []},
    "storage.batchDeleteFile": {"fileid_list": []},
}
WRONG = {
    "a number": 5.5,
    "a negative number": -1,
    "a huge number": 10**19,
    "a boolean": True,
    "a text": "nonsense {",
    "a tag": '{"$numberInt":"x"}',
    "an array of nulls": [None],
    "an array of arrays": [[]],
    "an object": {"a": 1},
    "a deep text": '{"a":' * 5000 + "1" + "}" * 5000,
    "a deep object": json.loads('{"a":' * 300 + "1" + "}" * 300),
    "a half pair": '"\\ud800"',
}
ACCEPTED = {
    ("offset", "a huge number"),
    ("limit", "a huge number"),
    ("multi", "a boolean"),
    ("merge", "a boolean"),
    ("upsert", "a boolean"),
    *(
        (name, wrong)
        for name in ("collectionName", "function_name", "path", "queryType", "transactionId")
        for wrong in ("a text", "a tag", "a deep text", "a half pair")
    ),
    *((name, "an object") for name in ("query", "data", "projection", "order")),
    *(("request_data", wrong) for wrong in ("a tag", "a half pair")),
}


@pytest.mark.parametrize(
    ("action", "name", "wrong"),
    [
        pytest.param(action, name, wrong, id=f"{action} {name} is {wrong}")
        for action, fields in FIELDS.items()
        for name, wrong in itertools.product(fields, WRONG)
        if (name, wrong) not in ACCEPTED
    ],
)
async def test_a_field_of_a_wrong_type_is_refused(ask, services, caplog, action, name, wrong):
    answer = await ask({"action": action, **FIELDS[action], name: WRONG[wrong]})
    assert answer["code"] == "INVALID_PARAM"
    assert len(answer["message"]) < 400
    assert not services.callers
    assert not caplog.records


async def test_a_hundred_clients_with_garbage_at_once_are_all_answered(ask):
    kinds = itertools.cycle([b"\xff" * 5000, b"{", b"[" * 5000, b'{"action":5}', b'{"action":"x"}'])
    answers = await asyncio.gather(*(ask(next(kinds)) for _ in range(100)))
    assert {answer["code"] for answer in answers} == {
        "INVALID_COMMON_PARAM",
        "INVALID_PARAM",
        "INVALID_ACTION",
    }
    assert "code" not in await ask(GET)


async def test_other_methods_are_coded_errors_too(url, http):
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH"):
        async with http.request(method, f"{url}/admin") as response:
            assert response.status == 404
            assert (await response.json())["code"] == "INVALID_PATH"


def test_the_door_has_no_route_beside_its_own():
    routes = AdminDoor(None, ids=None, guard=None, caller_of=None, scope=None).routes()
    assert [(each.method, each.path) for each in routes] == [
        ("POST", "/admin"),
        ("POST", "/e/{env}/admin"),
    ]
    assert all(isinstance(each, web.RouteDef) for each in routes)
