import json
from dataclasses import dataclass, field

import pytest

from emulator.core import commands
from emulator.functions.base import Failure, Outcome
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.functions import Invoked
from emulator.services.storage import UploadTicket
from emulator.wire.actions import COMMANDS, Actions
from emulator.wire.envelope import UnknownAction

RESULTS = {
    commands.Find: commands.Found(documents=({"_id": "a"},)),
    commands.Aggregate: commands.Found(documents=({"_id": "a"},)),
    commands.Count: 1,
    commands.Insert: commands.Inserted(ids=("a",)),
    commands.Update: commands.Updated(matched=1, modified=1),
    commands.FindAndModify: commands.Modified(document={"_id": "a"}),
    commands.Remove: commands.Removed(count=1),
    commands.StartTransaction: commands.Started(transaction_id="t"),
    commands.CommitTransaction: None,
    commands.RollbackTransaction: None,
    commands.CreateCollection: None,
    commands.DropCollection: None,
    commands.CreateIndex: "a_1",
    commands.DropIndex: None,
    commands.ListIndexes: [{"name": "a_1", "keys": [("a", 1)], "unique": False}],
    commands.TemporaryUrls: (commands.FileOutcome(file_id="f", url="u"),),
    commands.DeleteFiles: (commands.FileOutcome(file_id="f"),),
}
BODIES = {
    "data": '{"a":1}',
    "collectionName": "c",
    "indexName": "a_1",
    "keys": [{"name": "a", "direction": "1"}],
    "query": '{"_id":"a"}',
    "transactionId": "t",
    "stages": [],
    "file_list": ["f"],
    "fileid_list": ["f"],
}


@dataclass
class Services:
    """Answers every command with a canned record, and remembers who asked for what."""

    outcome: Outcome = field(
        default_factory=lambda: Outcome(result=b'"done"', failure=None, duration_ms=1.0)
    )
    heard: list = field(default_factory=list)

    async def execute(self, command, caller):
        self.heard.append((command, caller))
        return RESULTS[type(command)]

    async def invoke(self, name, event, caller, *, request_id="", sent_characters=None):
        self.heard.append(((name, event), caller))
        return Invoked(request_id=request_id, outcome=self.outcome, logs=())

    def upload_ticket(self, cloud_path, caller):
        self.heard.append((cloud_path, caller))
        return UploadTicket(
            url="http://s/put",
            token="t",
            authorization="a",
            file_id="cloud://e/中.txt",
            cos_file_id="cos",
            download_url="http://s/get",
        )


@pytest.fixture
def services():
    return Services()


@pytest.fixture
def actions(services):
    return Actions(services, services, services)


FLAT = {
    "database.startTransaction": {"transactionId": "t"},
    "database.commitTransaction": {},
    "database.abortTransaction": {},
    "database.insertDocInTransaction": {
        "inserted": '{"$numberInt":"1"}',
        "ok": '{"$numberInt":"1"}',
        "id": "a",
    },
    "database.updateDocInTransaction": {"updated": '{"$numberInt":"1"}'},
    "database.deleteDocInTransaction": {"deleted": '{"$numberInt":"1"}'},
}
"""Actions whose SDKs look beside `data`, and what they read there."""


@pytest.mark.parametrize("name", COMMANDS)
async def test_every_command_reaches_the_executor_as_its_caller_and_is_answered(
    name, actions, services
):
    caller = Caller(kind="user", openid="oSomeone")
    answer = json.loads(await actions.find(name)(BODIES, caller, "r"))
    assert answer.pop("requestId") == "r"
    assert answer == FLAT[name] if name in FLAT else answer.keys() == {"data"}
    [(command, heard_caller)] = services.heard
    assert type(command) in RESULTS
    assert heard_caller is caller


async def test_a_function_is_answered_with_json_text_and_runs_under_the_requests_id(
    actions, services
):
    body = {"function_name": "echo", "request_data": '{"a":1}'}
    answer = json.loads(
        await actions.find("functions.invokeFunction")(body, ADMINISTRATOR, "other")
    )
    assert answer == {"data": {"response_data": '"done"'}, "requestId": "other"}
    assert services.heard == [(("echo", {"a": 1}), ADMINISTRATOR)]


async def test_a_function_that_failed_is_told_with_the_users_stack(actions, services):
    failure = Failure(kind="exception", message="ZeroDivisionError: no", stack="index.py:3")
    services.outcome = Outcome(result=b"null", failure=failure, duration_ms=1.0)
    run = actions.find("functions.invokeFunction")
    answer = json.loads(await run({"function_name": "f"}, ADMINISTRATOR, "other"))
    assert answer["code"] == "FUNCTIONS_EXECUTE_FAIL"
    assert answer["message"] == "ZeroDivisionError: no\nindex.py:3"
    assert answer["requestId"] == "other"


async def test_a_function_that_took_too_long_has_a_code_of_its_own(actions, services):
    failure = Failure(kind="timeout", message="Invoking task timed out after 3 seconds")
    services.outcome = Outcome(result=b"null", failure=failure, duration_ms=1.0)
    run = actions.find("functions.invokeFunction")
    answer = json.loads(await run({"function_name": "f"}, ADMINISTRATOR, "other"))
    assert answer["code"] == "FUNCTIONS_TIME_LIMIT_EXCEEDED"
    assert answer["message"] == (
        "Invoking task timed out after 3 seconds 更多错误信息请访问："
        "https://docs.cloudbase.net/error-code/basic/FUNCTIONS_TIME_LIMIT_EXCEEDED"
    )


async def test_an_upload_is_permitted_with_the_fields_an_sdk_reads(actions):
    run = actions.find("storage.getUploadMetadata")
    answer = json.loads(await run({"path": "中.txt", "method": "put"}, ADMINISTRATOR, "r"))
    assert answer["data"] == {
        "url": "http://s/put",
        "token": "t",
        "authorization": "a",
        "fileId": "cloud://e/中.txt",
        "cosFileId": "cos",
        "download_url": "http://s/get",
    }


@pytest.mark.parametrize(
    ("name", "near"),
    [
        pytest.param("database.getDocuments", "database.getDocument", id="a slip"),
        pytest.param("storage.batchDeleteFiles", "storage.batchDeleteFile", id="a plural"),
        pytest.param("zzz", "", id="nothing like it"),
    ],
)
def test_an_unknown_action_is_named_with_what_is_near(actions, name, near):
    with pytest.raises(UnknownAction) as caught:
        actions.find(name)
    assert caught.value.code == "INVALID_ACTION"
    assert name in caught.value.message
    assert near in caught.value.message
    assert ("did you mean" in caught.value.message) == bool(near)


def test_the_table_holds_both_dialects(actions):
    assert {"database.getDocument", "database.queryDocument"} <= set(actions.names())
