"""The JavaScript in the documentation, run as it stands there with the SDK that it requires."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.sdk

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 60
NODE_BLOCK = re.compile(r"^<!-- node -->\n```js\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE_BLOCK = re.compile(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
VERSIONS = ("wx-server-sdk-2", "wx-server-sdk-4")
PAGES = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if NODE_BLOCK.search(path.read_text("utf-8"))
]
PRINTS = {
    "README.md": "{ success: true, updated: 1 }",
    "README.zh-CN.md": "{ success: true, updated: 1 }",
    "start.md": "{ hello: 'Ada', visits: 2 } 2",
    "start.zh-CN.md": "{ hello: 'Ada', visits: 2 } 2",
    "node-programs.md": "true",
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_example_prints_what_the_page_says(page, version, sdk_modules, tmp_path):
    project = project_of(page, tmp_path)
    (block,) = NODE_BLOCK.findall(page.read_text("utf-8"))
    program = project / "app.cjs"
    sdk = json.dumps(str(sdk_modules / version))
    program.write_text(block.replace("require('wx-server-sdk')", f"require({sdk})"), "utf-8")
    seeds = [option for file in project.glob("*.jsonl") for option in ("--seed", str(file))]
    command = [sys.executable, "-m", "emulator", "exec", "--project", str(project), *seeds]
    done = subprocess.run(
        [*command, "--", "node", str(program)],
        capture_output=True,
        encoding="utf-8",
        env={name: text for name, text in os.environ.items() if not name.startswith("TCB_")},
        timeout=WAIT_S,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, PRINTS[page.name]), done.stderr


def test_the_function_that_init_writes_in_javascript_passes_its_own_test(sdk_modules, tmp_path):
    command = [sys.executable, "-m", "emulator"]
    subprocess.run([*command, "init", "--template", "node"], cwd=tmp_path, check=True)
    packages = tmp_path / "functions" / "hello" / "node_modules"
    packages.mkdir()
    (packages / "wx-server-sdk").symlink_to(sdk_modules / "wx-server-sdk-2")
    tests = [sys.executable, "-m", "unittest", "discover", "tests"]
    done = subprocess.run(
        [*command, "exec", "--", *tests],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Ran 2 tests" in done.stderr


def project_of(page, folder):
    """Write the files of a page beside the functions of this repository."""
    project = folder / "project"
    if "file: functions_examples/" in page.read_text("utf-8"):
        shutil.copytree(ROOT / "functions_examples", project / "functions_examples")
    for name, text in FILE_BLOCK.findall(page.read_text("utf-8")):
        file = project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    project.mkdir(exist_ok=True)
    return project
