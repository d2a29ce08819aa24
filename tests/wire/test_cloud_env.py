"""The environment as Tencent Cloud's API tells it, and the permissions it sets."""

import json
from typing import Any

import aiohttp


async def test_environment_and_permissions(start_project):
    async with start_project({".emulator.toml": ""}) as running, aiohttp.ClientSession() as session:

        async def ask(action: str, **body: Any) -> Any:
            headers = {"X-TC-Action": action}
            async with session.post(f"{running.url}/", json=body, headers=headers) as answer:
                told = json.loads(await answer.read())["Response"]
            return told.get("Error", {}).get("Code") or told

        env = (await ask("DescribeEnvs"))["EnvList"][0]
        assert env["EnvId"] == "demo-env"
        assert env["Storages"][0]["Bucket"] == "6465-demo-env-1250000000"
        told = (await ask("DescribeEnvInfo", EnvId="prod-1"))["EnvInfo"]["EnvBaseInfo"]
        assert (told["EnvId"], told["Functions"][0]["Namespace"]) == ("prod-1", "prod-1")
        told = (await ask("DescribeEnvs", EnvId="half \ud83d of a pair"))["EnvList"][0]
        assert told["EnvId"] == "half \ufffd of a pair"
        assert (await ask("CheckTcbService"))["Initialized"] is True

        def acl(told: dict[str, Any]) -> tuple[str, Any]:
            return told["AclTag"], json.loads(told["Rule"] or "null")

        assert acl(await ask("DescribeStorageSafeRule")) == ("READONLY", None)
        for tag in ("PRIVATE", "ADMINWRITE", "ADMINONLY"):
            await ask("ModifyStorageSafeRule", AclTag=tag)
            assert acl(await ask("DescribeStorageSafeRule")) == (tag, None)
        rule = {"read": True, "write": "auth != null"}
        await ask("ModifyStorageSafeRule", AclTag="CUSTOM", Rule=json.dumps(rule))
        assert acl(await ask("DescribeStorageSafeRule")) == ("CUSTOM", rule)
        c = {"CollectionName": "orders"}
        assert acl(await ask("DescribeSafeRule", **c)) == ("PRIVATE", None)
        await ask("ModifyDatabaseACL", **c, AclTag="ADMINONLY")
        assert acl(await ask("DescribeDatabaseACL", **c)) == ("ADMINONLY", None)
        await ask("ModifySafeRule", **c, AclTag="CUSTOM", Rule=json.dumps(rule))
        assert acl(await ask("DescribeSafeRule", **c)) == ("CUSTOM", rule)
        for body in (
            {"AclTag": "PUBLIC"},
            {"AclTag": "CUSTOM"},
            {"AclTag": "CUSTOM", "Rule": "{"},
            {"AclTag": "CUSTOM", "Rule": '{"read": "auth =="}'},
        ):
            assert await ask("ModifyStorageSafeRule", **body) == "InvalidParameterValue", body
            assert await ask("ModifySafeRule", **c, **body) == "InvalidParameterValue", body
        functions = {"ResourceType": "FUNCTION", "ResourceName": "demo-env"}
        told = acl(await ask("DescribeSecurityRule", **functions))
        assert told == ("CUSTOM", {"*": {"invoke": "auth != null"}})
        open_to_all = {"*": {"invoke": False}, "sms": {"invoke": True}}
        put = {**functions, "AclTag": "CUSTOM"}
        await ask("ModifySecurityRule", **put, Rule=json.dumps(open_to_all))
        for rule_text in ("[]", '{"a": {"invoke": "perhaps"}}'):
            assert await ask("ModifySecurityRule", **put, Rule=rule_text) == "InvalidParameterValue"
        assert acl(await ask("DescribeSecurityRule", **functions)) == ("CUSTOM", open_to_all)
        told = await ask("DescribeSecurityRule", ResourceType="DATABASE")
        assert told == "InvalidParameterValue"
        # What could not be read changed nothing.
        assert acl(await ask("DescribeStorageSafeRule")) == ("CUSTOM", rule)
