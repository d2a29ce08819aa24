"""@cloudbase/manager-node, unmodified, as deploy scripts call it; see scripts/manager.cjs."""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.sdk, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
PASSED_ON = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "USERPROFILE", "LANG")
RUN_TIMEOUT_S = 180
EXPECTED: dict[str, Any] = {
    "createCollection": ["RequestId"],
    "createCollectionIfNotExists": False,
    "updateCollection": True,
    "dropIndex": ["_id_", "by_n"],
    "import": "success",
    "export": "success",
    "listCollections": [2, 100],
    "flexdb": ['{"_id":"b","n":2}'],
    "getFunctionDetail": "Active",
    "invokeFunction": '{"a":"数"}',
    "uploadFile": "text/plain",
    "uploadLargeFile": True,
    "getTemporaryUrl": "hello 你好",
    "uploadDirectory": ["dir/a.txt", "dir/下 sub/", "dir/下 sub/b.txt"],
    "downloadDirectory": "b",
    "deleteFile": 404,
    "deleteDirectory": 0,
    "setStorageAcl": "ADMINONLY",
    "createEndUser": ["ada", True],
    "hosting": ["online", 2, "a"],
    "deleteCollection": False,
}
REFUSED = {
    "createCollectionAgain": "ResourceUnavailable.ResourceExist",
    "getFunctionDetailNone": "ResourceNotFound.FunctionName",
    "updateFunctionConfig": "UnsupportedOperation",
    "unsupported": "UnsupportedOperation",
}


@pytest.mark.parametrize("sdk", ["manager-node-4", "manager-node-5"])
def test_calls_of_a_deploy_script(
    sdk: str, sdk_modules: Path, sdk_suite: dict[str, Any], tmp_path: Path
) -> None:
    result = tmp_path / "result.json"
    variables = sdk_suite["variables"]
    script, module = str(HERE / "scripts" / "manager.cjs"), str(sdk_modules / sdk)
    done = subprocess.run(
        [
            *("node", "--require", variables["CLOUD_EMU_HOOK"]),
            *(script, module, f"{sdk}-", str(result)),
        ],
        env={name: os.environ[name] for name in PASSED_ON if name in os.environ} | variables,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert result.exists(), f"{sdk} wrote no results\n{done.stdout}\n{done.stderr}"
    told = json.loads(result.read_text("utf-8"))
    env = variables["TCB_ENV"]
    assert (told.pop("listEnvs"), told.pop("getEnvInfo")) == ([env], env)
    assert {"sdk_async", "sdk_echo"} < set(told.pop("listFunctions"))
    refused = {name: told.pop(name) for name in REFUSED}
    assert {name: said["code"] for name, said in refused.items()} == REFUSED
    assert told == EXPECTED


@pytest.mark.parametrize("key", ["", "another"])
async def test_strict_project_takes_its_own_key_only(
    sdk_modules: Path, start_project: Any, tmp_path: Path, key: str
) -> None:
    result = tmp_path / "result.json"
    async with start_project({".emulator.toml": "[emulator]\nstrict = true\n"}) as running:
        variables = running.suite.variables
        variables["TENCENTCLOUD_SECRETKEY"] = key or variables["TENCENTCLOUD_SECRETKEY"]
        process = await asyncio.create_subprocess_exec(
            *(shutil.which("node") or "node", "--require", variables["CLOUD_EMU_HOOK"]),
            *(str(HERE / "scripts" / "manager.cjs"), str(sdk_modules / "manager-node-4")),
            *("strict-", str(result)),
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ} | variables,
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(RUN_TIMEOUT_S):
            await process.wait()
    told = json.loads(result.read_text("utf-8"))
    if key:
        assert {each["code"] for each in told.values()} == {"AuthFailure.SignatureFailure"}
    else:
        calls = ("listCollections", "uploadFile", "uploadLargeFile", "uploadDirectory", "hosting")
        assert {name: told[name] for name in calls} == {name: EXPECTED[name] for name in calls}
