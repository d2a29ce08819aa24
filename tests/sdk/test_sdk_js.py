"""js-sdk 1.x, 2.x and 3.x, unmodified, in Node: documents, functions, files, containers."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sdk.client_world import MAJORS, ClientWorld, check, client_world

pytestmark = [pytest.mark.sdk, pytest.mark.timeout(600)]

SCRIPT = Path(__file__).parent / "scripts" / "client_node.cjs"
RUN_TIMEOUT_S = 120
PASSED_ON = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "USERPROFILE", "LANG")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientWorld]:
    with client_world(tmp_path_factory.mktemp("js-sdk-project")) as running:
        yield running


@pytest.mark.parametrize("major", MAJORS)
def test_every_case_in_node(sdk_modules, world: ClientWorld, tmp_path: Path, major: int):
    result = tmp_path / "told.json"
    options = json.dumps(world.options(major, "node"))
    done = subprocess.run(
        ["node", str(SCRIPT), str(sdk_modules / f"js-sdk-{major}"), options, str(result)],
        env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert result.exists(), f"no results\n{done.stdout}\n{done.stderr}"
    check(json.loads(result.read_text(encoding="utf-8")), major)
