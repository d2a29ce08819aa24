"""Users by Tencent Cloud's API, in the calls of older and of newer manager-node."""

import json
from typing import Any

import aiohttp


async def test_users_come_change_and_go(start_project):
    async with start_project({".emulator.toml": ""}) as running, aiohttp.ClientSession() as session:

        async def ask(action: str, **body: Any) -> Any:
            headers = {"X-TC-Action": action}
            async with session.post(f"{running.url}/", json=body, headers=headers) as answer:
                told = json.loads(await answer.read())["Response"]
            return told.get("Error", {}).get("Code") or told

        ada = (await ask("CreateEndUserAccount", Username="ada", Password="Secret12!"))["User"]
        assert (ada["UserName"], ada["HasPassword"], ada["IsDisabled"]) == ("ada", True, False)
        again = await ask("CreateEndUserAccount", Username="ada", Password="Secret12!")
        assert again == "ResourceInUse"
        uid = {"UUId": ada["UUId"]}
        await ask("ModifyEndUser", **uid, Status="DISABLE")
        await ask("ModifyEndUserAccount", Uuid=ada["UUId"], Username="lovelace")
        told = await ask("DescribeEndUsers", Limit=5)
        found = next(each for each in told["Users"] if each["UUId"] == ada["UUId"])
        assert (found["UserName"], found["IsDisabled"]) == ("lovelace", True)
        await ask("ModifyEndUser", **uid, Status="ENABLE")

        bob = {"Name": "bob", "Uid": "bob-1", "Password": "Secret12!", "NickName": "Bob"}
        assert (await ask("CreateUser", **bob, Phone="13800000000"))["Data"] == {"Uid": "bob-1"}
        listed = (await ask("DescribeUserList", Name="bo"))["Data"]
        assert (listed["Total"], listed["UserList"][0]["Phone"]) == (1, "+8613800000000")
        changed = await ask("ModifyUser", Uid="bob-1", NickName="Bobby", UserStatus="BLOCKED")
        assert changed["Data"] == {"Success": True}
        listed = (await ask("DescribeUserList", UidList=["bob-1"], PageSize=1))["Data"]
        assert listed["UserList"][0] == {
            "Uid": "bob-1",
            "Name": "bob",
            "Type": "externalUser",
            "UserStatus": "BLOCKED",
            "NickName": "Bobby",
            "Phone": "+8613800000000",
            "Email": "",
            "AvatarUrl": "",
        }
        table = [
            ("CreateUser", {"Name": "carl", "Email": "none"}, "InvalidParameterValue"),
            ("CreateUser", {"Name": "carl", "UserStatus": "GONE"}, "InvalidParameterValue"),
            ("CreateUser", {"Name": "bob"}, "ResourceInUse"),
            ("ModifyUser", {"Uid": "nobody"}, "ResourceNotFound.UserNotExists"),
            ("ModifyEndUser", {**uid, "Status": "OFF"}, "InvalidParameterValue"),
            ("DeleteEndUser", {"UserList": ["nobody"]}, "ResourceNotFound.UserNotExists"),
            ("DeleteEndUser", {"UserList": [1]}, "InvalidParameterValue"),
        ]
        for action, body, code in table:
            assert await ask(action, **body) == code, (action, body)
        # Of a user that was refused nothing is left.
        assert (await ask("DescribeUserList", Name="carl"))["Data"]["Total"] == 0
        deleted = (await ask("DeleteUsers", Uids=["bob-1", "nobody"]))["Data"]
        assert deleted == {"SuccessCount": 1, "FailedCount": 1}
        await ask("DeleteEndUser", UserList=[ada["UUId"]])
        assert (await ask("DescribeUserList", UidList=[ada["UUId"]]))["Data"]["Total"] == 0
