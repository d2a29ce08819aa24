"""Logs by Tencent Cloud's API: of calls, and searched."""

import json
from typing import Any

import aiohttp

FILES = {
    "cloudfunctions/add/index.py": (
        "def main(event, context):\n    print('adding')\n    return event['a'] + event['b']\n"
    ),
    "cloudfunctions/fails/index.py": "def main(event, context):\n    raise ValueError('why')\n",
}


async def test_calls_and_their_lines_are_told(start_project):
    async with start_project(FILES) as running, aiohttp.ClientSession() as session:

        async def ask(action: str, service: str = "scf", **body: Any) -> Any:
            headers = {
                "X-TC-Action": action,
                "X-Forwarded-Host": f"{service}.tencentcloudapi.com",
            }
            async with session.post(f"{running.url}/", json=body, headers=headers) as answer:
                told = json.loads(await answer.read())["Response"]
            return told.get("Error", {}).get("Code") or told

        event = json.dumps({"a": 1, "b": 2})
        result = (await ask("Invoke", FunctionName="add", ClientContext=event))["Result"]
        await ask("Invoke", FunctionName="fails")
        called = result["FunctionRequestId"]
        told = await ask("GetFunctionLogs", FunctionName="add", FunctionRequestId=called)
        assert told["TotalCount"] == 1
        assert (told["Data"][0]["Log"], told["Data"][0]["RetCode"]) == ("adding", 0)
        told = await ask("GetFunctionLogs", Order="asc", Limit=1)
        assert (told["Data"][0]["FunctionName"], told["TotalCount"]) == ("add", 2)
        past = "2001-01-01 00:00:00"
        assert (await ask("GetFunctionLogs", EndTime=past))["Data"] == []
        told = await ask("GetFunctionLogs", "tcb", EnvId="demo-env", StartTime=past)
        assert [each["RetCode"] for each in told["LogList"]] == [-1, 0]
        told = await ask("GetFunctionLogDetail", "tcb", LogRequestId=called)
        assert json.loads(told["LogJson"]) == [{"content": "adding"}]

        async def search(query: str, **more: Any) -> list[str]:
            told = (await ask("SearchClsLog", "tcb", QueryString=query, **more))["LogResults"]
            return [json.loads(each["Content"])["log"] for each in told["Results"]]

        assert await search('function_name:"add" AND adding') == ["adding"]
        assert await search(f"* AND request_id:{called}", Limit=1, Sort="asc") == ["adding"]
        assert await search("function_name:fails AND adding") == []
        assert await search("*", EndTime=past) == []
        told = (await ask("SearchClsLog", "tcb", QueryString="", Limit=1))["LogResults"]
        follows = {"Context": told["Context"]} if told["Context"] else {}
        assert told["ListOver"] is not bool(follows)
        for query in ("a OR b", "a | select count(*)"):
            assert await ask("SearchClsLog", "tcb", QueryString=query) == "InvalidParameterValue"
        told = await ask("SearchClsLog", "tcb", QueryString="a", Context="x")
        assert told == "InvalidParameterValue"
        told = await ask("GetFunctionLogs", StartTime="yesterday")
        assert told == "InvalidParameterValue"
        assert (
            await ask("GetFunctionLogDetail", "tcb", LogRequestId="no") == "InvalidParameterValue"
        )
