"""One tree from the call of a function to what its writes triggered."""

import json

import aiohttp

FILES = {
    "functions/shop/index.py": (
        "from emulator import cloud\n"
        "cloud.init()\n"
        "async def main(event, context):\n"
        "    await cloud.call_function(name='helper')\n"
        "    db = cloud.database()\n"
        "    await db.collection('orders').where({'n': 1}).get()\n"
        "    return await db.collection('orders').add(data={'n': 1})\n"
    ),
    "functions/helper/index.py": "def main(event, context):\n    return 1\n",
    "functions/heard/index.py": (
        "from emulator import cloud\n"
        "cloud.init()\n"
        "def main(event, context):\n"
        "    cloud.database().collection('notes').add(data={})\n"
    ),
    "functions/heard/config.json": json.dumps(
        {"triggers": [{"name": "each", "type": "database", "config": {"collection": "orders"}}]}
    ),
}


def told(nodes):
    return [(each["kind"], each["name"], told(each["children"])) for each in nodes]


async def test_call_reads_writes_and_what_they_triggered_are_one_tree(start_project):
    async with (
        start_project(FILES) as running,
        aiohttp.ClientSession(running.url) as session,
    ):
        await running.seed({"orders": [{"_id": "a", "n": 1}], "notes": []})
        called = await running.call("shop", openid="oAda")
        await running.idle()
        query = {"request_id": called["request_id"], "form": "tree"}
        async with session.get("/_emu/trace", params=query) as response:
            trees = await response.json()
        async with session.get("/_emu/trace") as response:
            exported = await response.json()
    assert trees[0]["error"] == ""
    assert told(trees) == [
        (
            "invocation",
            "shop",
            [
                ("invocation", "helper", []),
                ("read", "find", []),
                (
                    "write",
                    "insert",
                    [
                        (
                            "trigger",
                            "trigger each",
                            [("invocation", "heard", [("write", "insert", [])])],
                        )
                    ],
                ),
            ],
        )
    ]
    find = trees[0]["children"][1]["attributes"]
    assert (find["stage"], find["documents_examined"]) == ("COLLSCAN", 1)
    assert (find["access"], find["collection"]) == ("administrator", "orders")
    assert trees[0]["children"][0]["attributes"]["source"] == "wx_client,scf"
    spans = exported["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert {"shop", "helper", "heard", "find", "insert"} <= {each["name"] for each in spans}
