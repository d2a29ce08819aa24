"""Functions by Tencent Cloud's API: listed, described, invoked, never changed."""

import json
from typing import Any

import aiohttp

FILES = {
    "cloudfunctions/add/index.py": (
        "def main(event, context):\n    print('adding')\n    return event['a'] + event['b']\n"
    ),
    "cloudfunctions/add/config.json": json.dumps(
        {"triggers": [{"name": "daily", "type": "timer", "config": "0 0 2 * * * *"}]}
    ),
    "cloudfunctions/fails/index.py": "def main(event, context):\n    raise ValueError('why')\n",
}


async def test_functions_are_told_and_called(start_project):
    async with start_project(FILES) as running, aiohttp.ClientSession() as session:

        async def ask(action: str, service: str = "scf", **body: Any) -> Any:
            headers = {
                "X-TC-Action": action,
                "X-Forwarded-Host": f"{service}.tencentcloudapi.com",
            }
            async with session.post(f"{running.url}/", json=body, headers=headers) as answer:
                told = json.loads(await answer.read())["Response"]
            return told.get("Error", {}).get("Code") or told

        told = await ask("ListFunctions", Namespace="demo-env", Limit=1)
        assert ([each["FunctionName"] for each in told["Functions"]], told["TotalCount"]) == (
            ["add"],
            2,
        )
        told = await ask("ListFunctions", "tcb", EnvId="demo-env", Offset=1)
        assert [each["FunctionName"] for each in told["Functions"]] == ["fails"]
        told = await ask("GetFunction", FunctionName="add")
        assert (told["Handler"], told["Timeout"], told["Status"]) == ("index.main", 3, "Active")
        assert told["Triggers"] == [
            {"TriggerName": "daily", "Type": "timer", "TriggerDesc": "0 0 2 * * * *", "Enable": 1}
        ]
        assert await ask("GetFunction", FunctionName="none") == "ResourceNotFound.FunctionName"
        assert await ask("Invoke", FunctionName="none") == "ResourceNotFound.FunctionName"

        event = json.dumps({"a": 1, "b": 2})
        result = (await ask("Invoke", FunctionName="add", ClientContext=event))["Result"]
        assert (result["InvokeResult"], result["RetMsg"], result["ErrMsg"]) == (0, "3", "")
        assert result["Log"] == "adding"
        failed = (await ask("Invoke", FunctionName="fails"))["Result"]
        assert (failed["InvokeResult"], failed["ErrMsg"]) == (-1, "ValueError: why")
        assert json.loads(failed["RetMsg"])["errorMessage"] == "ValueError: why"
        assert await ask("Invoke", FunctionName="add", ClientContext="{") == "InvalidParameterValue"

        refused = [
            ("CreateFunction", {"FunctionName": "new"}, "UnsupportedOperation"),
            ("DeleteFunction", {"FunctionName": "add"}, "UnsupportedOperation"),
        ]
        for action, body, code in refused:
            assert await ask(action, **body) == code
        assert (
            await ask("GetFunctionLogDetail", "tcb", LogRequestId="no") == "InvalidParameterValue"
        )
