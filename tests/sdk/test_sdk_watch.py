"""watch() of js-sdk 1.x, 2.x and 3.x, unmodified, in Node: results, changes, lost connections."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sdk.client_world import MAJORS, ClientWorld, client_world

pytestmark = [pytest.mark.sdk, pytest.mark.timeout(600)]

SCRIPT = Path(__file__).parent / "scripts" / "watch.cjs"
RUN_TIMEOUT_S = 120
PASSED_ON = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "USERPROFILE", "LANG")
CHANGES = [
    "add enqueue a",
    "add enqueue b",
    "limit dequeue a",
    "add enqueue c",
    "update update c",
    "replace dequeue b",
    "limit enqueue a",
    "remove dequeue c",
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientWorld]:
    with client_world(tmp_path_factory.mktemp("watch-project")) as running:
        yield running


@pytest.mark.parametrize("major", MAJORS)
def test_watch_in_node(sdk_modules: Path, world: ClientWorld, tmp_path: Path, major: int) -> None:
    result = tmp_path / "told.json"
    options = {
        "api": world.api,
        "env": world.env,
        "major": major,
        "collection": f"notes_node{major}",
    }
    module, sockets = sdk_modules / f"js-sdk-{major}", sdk_modules / "ws"
    done = subprocess.run(
        ["node", str(SCRIPT), str(module), str(sockets), json.dumps(options), str(result)],
        env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert result.exists(), f"no results\n{done.stdout}\n{done.stderr}"
    told = json.loads(result.read_text(encoding="utf-8"))
    assert "error" not in told, told["error"]
    assert told["empty"] == ["init", ""]
    assert told["updated"] == {"at": 2}
    # set() of 3.x travels as an update of every field.
    replaced = "update dequeue b" if major == 3 else "replace dequeue b"
    assert told["changes"] == [
        replaced if each == "replace dequeue b" else each for each in CHANGES
    ]
    assert told["cut"] == [None, None]
    assert told["many"] == [None, True]
    assert "COLLECTION_PERMISSION_DENIED" in told["secret"]
    assert told["open"] == 0
