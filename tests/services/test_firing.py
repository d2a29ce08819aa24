"""Any trigger can be fired by hand, with an event of one's own or one that is made up."""

import json

import pytest

from emulator.core.errors import FunctionNotFound, InvalidParam

ECHO = """
from emulator import cloud

def main(event, context):
    return {"event": event, "source": cloud.get_wx_context()["SOURCE"]}
"""
TRIGGERS = [
    {"name": "tick", "type": "timer", "config": "0 0 0 * * * *"},
    {"name": "heard", "type": "database", "config": {"collection": "orders"}},
    {
        "name": "removed",
        "type": "database",
        "config": {"collection": "orders", "operations": ["remove"]},
    },
    {"name": "stored", "type": "storage", "config": {"prefix": "pictures/"}},
    {"name": "web", "type": "http", "config": {"path": "/shop", "methods": ["POST"]}},
]


@pytest.fixture
async def running(start_project):
    files = {
        "functions/fn/index.py": ECHO,
        "functions/fn/config.json": json.dumps({"triggers": TRIGGERS, "timeout": 20}),
    }
    async with start_project(files) as it:
        yield it


async def fired(running, trigger: str, event=None):
    told = await running.suite.control.fire("fn", trigger, event)
    return told["result"]["event"], told["result"]["source"]


async def test_timer_is_fired_at_this_moment(running):
    event, source = await fired(running, "tick")
    assert (event["Type"], event["TriggerName"], source) == ("Timer", "tick", "wx_trigger")


async def test_database_trigger_is_told_of_the_newest_document(running):
    event, source = await fired(running, "heard")
    assert event["dataList"][0]["doc"] == {"_id": "example"}
    await running.seed({"orders": [{"_id": "a", "n": 1}, {"_id": "b", "n": 2}]})
    event, source = await fired(running, "heard")
    (told,) = event["dataList"]
    assert (event["triggerName"], event["collection"], source) == ("heard", "orders", "wx_trigger")
    assert (told["operation"], told["doc"]) == ("insert", {"_id": "b", "n": 2})
    event, _ = await fired(running, "removed")
    (told,) = event["dataList"]
    assert (told["operation"], told["docId"], told["before"]) == (
        "remove",
        "b",
        {"_id": "b", "n": 2},
    )
    assert len(await running.documents("orders")) == 2


async def test_storage_trigger_is_told_of_the_newest_file_below_its_prefix(running):
    event, source = await fired(running, "stored")
    assert event["cloudPath"] == "pictures/example.txt"
    assert source == "wx_trigger"


async def test_http_trigger_gets_a_request_it_listens_to(running):
    event, source = await fired(running, "web")
    assert (event["httpMethod"], event["path"], event["body"]) == ("POST", "/shop", "")
    assert source == "wx_http"


@pytest.mark.parametrize("trigger", ["tick", "heard", "removed", "stored", "web"])
async def test_event_of_ones_own_is_passed_as_it_is(running, trigger):
    given = {"any": ["thing"]}
    event, source = await fired(running, trigger, given)
    assert event == given
    assert source == ("wx_http" if trigger == "web" else "wx_trigger")


async def test_failure_is_an_outcome(running):
    (running.suite.config.functions_root / "fn" / "index.py").write_text(
        "def main(event, context): raise ValueError('no')", encoding="utf-8"
    )
    told = await running.suite.control.fire("fn", "heard")
    assert told["error"]["message"] == "ValueError: no"


async def test_trigger_there_is_none_of_is_told_with_those_there_are(running):
    with pytest.raises(FunctionNotFound) as refused:
        await running.suite.control.fire("fn", "nope")
    assert "fn/heard" in refused.value.hint


async def test_trigger_that_is_not_heard_of_yet_needs_an_event(running):
    running.suite.parts.http_routes.listen(())
    with pytest.raises(InvalidParam, match="not heard of yet"):
        await running.suite.control.fire("fn", "web")
