"""Server SDKs that name an environment: their own, the current one, none, or another's."""

import asyncio
import json
import os
import shutil

import pytest

pytestmark = [pytest.mark.sdk, pytest.mark.timeout(300)]

SCRIPT = """
const cloud = require(%s);
const current = cloud.DYNAMIC_CURRENT_ENV || cloud.SYMBOL_CURRENT_ENV;
const env = { current, none: undefined }[process.argv[1]];
const { TENCENTCLOUD_SECRETID: secretId, TENCENTCLOUD_SECRETKEY: secretKey } = process.env;
const serviceUrl = JSON.parse(process.env.TCB_CONTEXT_CNFG).URL;
const init = { env: process.argv[1] in { current, none: 0 } ? env : process.argv[1] };
if (!cloud.getWXContext) Object.assign(init, { secretId, secretKey, serviceUrl });
const app = cloud.init(init) || cloud;
app.database().collection('notes').count().then(
  (told) => console.log(JSON.stringify(told.total || `${told.code} ${told.message}`)),
  (error) => console.log(JSON.stringify(`${error.code || error.errCode} ${error.message}`))
);
"""
STRICT = "[emulator]\nstrict = true\n"
SDKS = ["node-sdk-2", "node-sdk-3", "tcb-admin-node", "wx-server-sdk-2", "wx-server-sdk-4"]


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("strict", [False, True])
async def test_only_another_s_environment_is_refused_and_only_if_strict(
    sdk_modules, start_project, sdk, strict
):
    async with start_project({".emulator.toml": STRICT if strict else ""}) as running:
        await running.seed({"notes": [{"_id": "a"}]})
        environment = {"PATH": os.environ["PATH"], **running.suite.variables}

        async def count(env):
            process = await asyncio.create_subprocess_exec(
                shutil.which("node"),
                "-e",
                SCRIPT % json.dumps(str(sdk_modules / sdk)),
                env,
                env=environment,
                stdout=asyncio.subprocess.PIPE,
            )
            out, _ = await process.communicate()
            return json.loads(out)

        own = [await count(env) for env in (running.suite.config.emulator.env, "current", "none")]
        other = await count("prod-1")
    assert own == [1, 1, 1]
    if not strict:
        assert other == 1
        return
    assert other.startswith(("INVALID_ENV ", "-501001 "))
    assert "env check invalid" in other
