"""In a strict project requests of server SDKs have to be signed with the local secret key."""

import asyncio
import json
import os
import shutil

import pytest

pytestmark = [pytest.mark.sdk, pytest.mark.timeout(300)]

SCRIPT = """
const [secretId, secretKey] = process.argv.slice(1);
const serviceUrl = JSON.parse(process.env.TCB_CONTEXT_CNFG).URL;
const app = require(%s).init({ env: process.env.TCB_ENV, secretId, secretKey, serviceUrl });
const tell = (told) => console.log(JSON.stringify(told.code ? { code: told.code } : told));
const note = { n: 1.5, text: '中 " text', deep: [{ a: null, when: new Date(0) }] };
app.database().collection('notes').add(note).then(tell, tell);
"""
STRICT = "[emulator]\nstrict = true\n"


@pytest.mark.parametrize("sdk", ["node-sdk-2", "node-sdk-3", "tcb-admin-node"])
async def test_only_the_right_key_is_accepted(sdk_modules, start_project, sdk):
    async with start_project({".emulator.toml": STRICT}) as running:
        await running.seed({"notes": []})
        variables = running.suite.variables
        environment = {"PATH": os.environ["PATH"], "TCB_ENV": variables["TCB_ENV"]}
        environment["TCB_CONTEXT_CNFG"] = variables["TCB_CONTEXT_CNFG"]
        environment["TCB_CONTEXT_KEYS"] = "TCB_ENV,TCB_CONTEXT_CNFG"
        told = []
        for key in (variables["TENCENTCLOUD_SECRETKEY"], "another"):
            command = [
                shutil.which("node"), "-e", SCRIPT % json.dumps(str(sdk_modules / sdk)),
                variables["TENCENTCLOUD_SECRETID"], key,
            ]  # fmt: skip
            process = await asyncio.create_subprocess_exec(
                *command, env=environment, stdout=asyncio.subprocess.PIPE
            )
            out, _ = await process.communicate()
            told.append(json.loads(out))
        assert told[0].get("id") or told[0].get("_id"), told
        assert told[1] == {"code": "SIGN_PARAM_INVALID"}
        assert len(await running.documents("notes")) == 1
