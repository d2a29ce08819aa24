"""watch() of node-sdk 2.x and 3.x and tcb-admin-node, unmodified: an administrator listens."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.sdk, pytest.mark.timeout(600)]

SCRIPT = Path(__file__).parent / "scripts" / "watch_server.cjs"
RUN_TIMEOUT_S = 120
PASSED_ON = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "USERPROFILE", "LANG")


@pytest.mark.parametrize("sdk", ["node-sdk-2", "node-sdk-2-9", "node-sdk-3", "tcb-admin-node"])
def test_watch_of_a_server_sdk(
    sdk_modules: Path, sdk_suite: dict[str, Any], tmp_path: Path, sdk: str
) -> None:
    result = tmp_path / "told.json"
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    done = subprocess.run(
        ["node", str(SCRIPT), str(sdk_modules / sdk), str(sdk_modules / "ws"), str(result)],
        env={**environment, **sdk_suite["variables"]},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert result.exists(), f"no results\n{done.stdout}\n{done.stderr}"
    told = json.loads(result.read_text(encoding="utf-8"))
    assert "error" not in told, told["error"]
    assert told["first"] == ["a,b", "b", "a"]
    assert told["kinds"] == ["init b", "update a", "add c", "remove b"]
    assert told["watchers"] == [3]
    assert told["failed"] == []


@pytest.mark.parametrize("major", [2, 3, 4])
def test_wx_server_sdk_has_no_watch(sdk_modules: Path, major: int) -> None:
    module = json.dumps(str(sdk_modules / f"wx-server-sdk-{major}"))
    code = (
        f"const cloud = require({module}); cloud.init({{ env: 'x' }}); "
        "console.log(typeof cloud.database().collection('a').watch)"
    )
    done = subprocess.run(
        ["node", "-e", code], capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=True
    )
    assert done.stdout.strip() == "undefined"
