"""The `cloud` object where it belongs: in functions of a running suite, `def` and `async def`."""

import pytest

HEAD = """
from emulator import cloud
cloud.init({"env": "somebody-else-s-env"})
db = cloud.database()
_ = db.command
things = db.collection("things")
"""

FORGETFUL = """
async def main(event, context):
    things.add(data={"by": "async"})
    return "done"
"""

GATHERING = """
import asyncio
async def main(event, context):
    added = await asyncio.gather(*[things.add(data={"n": n}) for n in range(20)])
    async with asyncio.timeout(2):
        total = (await things.count())["total"]
    return {"total": total, "ids": len({each["_id"] for each in added})}
"""

THREADED = """
from concurrent.futures import ThreadPoolExecutor
def main(event, context):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: things.add(data={"n": n}), range(20)))
    return things.count()["total"]
"""

LOOP_OF_ITS_OWN = """
import asyncio
async def work():
    await things.add(data={"n": 1})
    return await things.get()
def main(event, context):
    return len(asyncio.run(work())["data"])
"""

WHO = """
async def main(event, context):
    return dict(cloud.getWXContext())
"""

ASKS_WHO = """
async def main(event, context):
    mine = cloud.get_wx_context()["OPENID"]
    theirs = (await cloud.callFunction({"name": "who"}))["result"]
    return {"mine": mine, "theirs": theirs}
"""

LOGS = """
def main(event, context):
    cloud.logger().warn({"a": 1})
"""

CHANGES_RESULTS = """
def main(event, context):
    found = things.get()["data"]
    found[0]["tags"].append("spoilt")
    return things.get()["data"][0]["tags"]
"""


def functions(**sources):
    return {f"cloudfunctions/{name}/index.py": HEAD + text for name, text in sources.items()}


@pytest.mark.parametrize(
    ("source", "result", "documents"),
    [
        pytest.param(FORGETFUL, "done", 1, id="work-nobody-awaits-is-done"),
        pytest.param(GATHERING, {"total": 20, "ids": 20}, 20, id="many-calls-at-once"),
        pytest.param(THREADED, 20, 20, id="calls-from-threads-of-a-pool"),
        pytest.param(LOOP_OF_ITS_OWN, 1, 1, id="a-loop-in-a-blocking-handler"),
    ],
)
async def test_calls_reach_the_suite_from_wherever_code_runs(
    start_project, source, result, documents
):
    async with start_project(functions(handle=source)) as suite:
        await suite.seed({"things": []})
        assert await suite.invoke("handle", {}, "oUser") == result
        await suite.idle()
        assert len(await suite.documents("things")) == documents


async def test_a_nested_call_carries_no_user(start_project):
    async with start_project(functions(who=WHO, asks=ASKS_WHO)) as suite:
        for openid in ("oOne", "oTwo"):
            answer = await suite.invoke("asks", {}, openid)
            assert answer["mine"] == openid
            assert "OPENID" not in answer["theirs"]
            assert answer["theirs"]["SOURCE"].endswith(",scf")


async def test_the_logger_s_lines_are_the_function_s(start_project):
    async with start_project(functions(handle=LOGS)) as suite:
        told = await suite.call("handle")
        assert told["logs"] == [{"level": "warn", "line": '{"a": 1}'}]


async def test_results_are_the_handler_s_own(start_project):
    async with start_project(functions(handle=CHANGES_RESULTS)) as suite:
        await suite.seed({"things": [{"_id": "a", "tags": ["x"]}]})
        assert await suite.invoke("handle") == ["x"]


async def test_an_uncaught_refusal_fails_the_function_with_the_sdk_s_text(start_project):
    source = "def main(event, context):\n    things.get()\n"
    async with start_project(functions(handle=source)) as suite:
        told = await suite.call("handle")
        assert (
            "collection.get:fail -502005 database collection not exists" in told["error"]["message"]
        )
        assert "emulator/cloud" not in told["error"]["stack"]
