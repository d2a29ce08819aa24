"""Python functions in processes of their own, in a whole suite: what holds inline holds there."""

import json
import os

import pytest

SHOP = """
from emulator import cloud

db = cloud.database()

async def main(event, context):
    orders = db.collection("orders")
    await db.create_collection("orders")
    added = await orders.add(data={"n": 1, "at": db.server_date(), "where": db.Geo.Point(113, 23)})
    await orders.doc(added["_id"]).update(data={"n": db.command.inc(4)})

    async def work(transaction):
        found = await transaction.collection("orders").doc(added["_id"]).get()
        await transaction.collection("orders").doc(added["_id"]).update(
            data={"n": found["data"]["n"] * 2}
        )
        return found["data"]["n"]

    before = await db.run_transaction(work)
    kept = await cloud.upload_file(cloud_path="a/b.txt", file_content=b"bytes")
    read = await cloud.download_file(file_id=kept["fileID"])
    called = await cloud.call_function(name="inline", data={"n": before})
    found = (await orders.doc(added["_id"]).get())["data"]
    return {
        "before": before,
        "n": found["n"],
        "year": found["at"].year,
        "file": read["fileContent"].decode(),
        "called": called["result"],
        "openid": cloud.get_wx_context()["OPENID"],
    }
"""
INLINE = """
import os
from emulator import cloud

def main(event, context):
    return [event["n"], cloud.get_wx_context()["SOURCE"], os.getpid()]
"""
PID = "import os\ndef main(event, context): return os.getpid()"
PROCESS = json.dumps({"runtime": "process", "timeout": 20})


@pytest.fixture
def shop():
    return {
        "functions/shop/index.py": SHOP,
        "functions/shop/config.json": PROCESS,
        "functions/inline/index.py": INLINE,
        "functions/mine/index.py": PID,
    }


async def test_cloud_object_in_a_process_does_what_it_does_inline(start_project, shop):
    async with start_project(shop) as it:
        told = await it.invoke("shop", {}, openid="oAda")
        n, source, pid = told.pop("called")
        assert told["year"] >= 1970
        assert (told["before"], told["n"], told["file"], told["openid"]) == (5, 10, "bytes", "oAda")
        assert (n, source) == (5, "wx_client,scf")
        assert pid == await it.invoke("mine")
        await it.idle()


async def test_runtime_is_chosen_by_function_or_for_all(start_project, shop):
    shop[".emulator.toml"] = (
        '[functions]\nruntime = "process"\n[functions.inline]\nruntime = "inline"\n'
    )
    async with start_project(shop) as it:
        assert await it.invoke("mine") != os.getpid()
        assert (await it.invoke("inline", {"n": 1}))[2] == os.getpid()
        await it.idle()


async def test_saved_runtime_is_that_of_the_next_call(start_project, shop):
    async with start_project(shop) as it:
        assert await it.invoke("mine") == os.getpid()
        root = it.suite.config.functions_root
        (root / "mine" / "config.json").write_text(PROCESS, encoding="utf-8")
        assert await it.invoke("mine") != os.getpid()
        (root / "mine" / "config.json").unlink()
        assert await it.invoke("mine") == os.getpid()


async def test_crash_is_one_calls_failure_and_told_with_the_clouds_code(start_project):
    code = (
        "import os, signal\ndef main(event, context):\n"
        "    if event.get('crash'): os.abort()\n    return 'well'"
    )
    files = {"functions/fn/index.py": code, "functions/fn/config.json": PROCESS}
    async with start_project(files) as it:
        told = await it.call("fn", {"crash": True})
        assert told["error"]["code"] == "FUNCTIONS_EXECUTE_FAIL"
        assert told["error"]["kind"] == "exit"
        assert await it.invoke("fn") == "well"


WHERE = """
def main(event, context):
    with open("price.txt") as file:
        return file.read()
"""


async def test_working_folder_of_a_process_is_the_functions(start_project):
    files = {
        "functions/own/index.py": WHERE,
        "functions/own/price.txt": "3",
        "functions/own/config.json": PROCESS,
        "functions/inline/index.py": WHERE,
        "functions/inline/price.txt": "3",
    }
    async with start_project(files) as it:
        assert await it.invoke("own") == "3"
        told = await it.call("inline")
        assert "it lies in the function's folder" in told["error"]["message"]
