"""The main job end to end: edit a function, call it from Node, see triggers, be killed, go on."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.sdk

HERE = Path(__file__).parent
WAIT_S = 30
GREET = 'def main(event, context):\n    return "{}, " + event["name"]\n'
ON_ORDER = """\
from emulator import cloud


def main(event, context):
    for change in event["dataList"]:
        cloud.database().collection("seen").add(data={"order": change["docId"]})
"""
TICK = """\
from emulator import cloud


async def main(event, context):
    await cloud.database().collection("ticks").add(data={"name": event["TriggerName"]})
"""
TRIGGERS = {
    "onOrder": {
        "name": "orders",
        "type": "database",
        "config": {"collection": "orders", "operations": ["insert"]},
    },
    "tick": {"name": "second", "type": "timer", "config": "* * * * * * *"},
}


@pytest.fixture
def project(tmp_path):
    for name, code in {"greet": GREET.format("Hello"), "onOrder": ON_ORDER, "tick": TICK}.items():
        folder = tmp_path / "project/cloudfunctions" / name
        folder.mkdir(parents=True)
        (folder / "index.py").write_text(code, encoding="utf-8")
        if name in TRIGGERS:
            (folder / "config.json").write_text(json.dumps({"triggers": [TRIGGERS[name]]}))
    return tmp_path / "project"


class Walk:
    """A suite process that is started, killed and started again."""

    def __init__(self, project, module, folder):
        self.project, self.module, self.folder = project, module, folder

    def start(self):
        command = [sys.executable, "-m", "emulator", "start", str(self.project), "--json"]
        with (self.folder / "suite.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--port", "0", "--site-port", "0"], stdout=subprocess.PIPE, stderr=log
            )
        line = self.process.stdout.readline()
        self.ready = json.loads(line)
        assert self.ready["event"] == "ready"

    def node(self, step):
        result = self.folder / "step.json"
        done = subprocess.run(
            ["node", str(HERE / "scripts/walk.cjs"), str(self.module), str(result), step],
            env={**os.environ, **self.ready["variables"]},
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        assert result.exists(), done.stderr
        told = json.loads(result.read_text())
        result.unlink()
        assert "error" not in told, told
        return told["value"]

    def documents(self, collection):
        url = f"{self.ready['urls']['api']}/_emu/collections/{collection}"
        with urllib.request.urlopen(url, timeout=WAIT_S) as answer:
            return json.load(answer)

    def until(self, true):
        deadline_s = time.monotonic() + WAIT_S
        while not true():
            assert time.monotonic() < deadline_s, "it never came to hold"

    def kill(self):
        self.process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        self.end()

    def end(self):
        self.process.wait(timeout=WAIT_S)
        self.process.stdout.close()


def test_walk(project, sdk_modules, tmp_path):
    walk = Walk(project, sdk_modules / "wx-server-sdk-4", tmp_path)
    walk.start()
    try:
        assert walk.node("prepare") == "Hello, Ada"

        code = project / "cloudfunctions/greet/index.py"
        code.write_text(GREET.format("Good day"), encoding="utf-8")
        assert walk.node("call") == "Good day, Ada"

        order = walk.node("order")
        walk.until(lambda: walk.documents("seen"))
        assert [each["order"] for each in walk.documents("seen")] == [order]
        walk.until(lambda: walk.documents("ticks"))
        assert walk.documents("ticks")[0]["name"] == "second"

        before = walk.node("read")
        walk.kill()
        walk.start()
        after = walk.node("read")
        assert after["orders"] == before["orders"]
        assert after["orders"][0]["at"] == "2026-01-02T03:04:05.678Z"
        assert after["seen"] == before["seen"]
        assert after["ticks"][: len(before["ticks"])] == before["ticks"]
        assert walk.node("call") == "Good day, Ada"
    finally:
        walk.process.terminate()
        walk.end()
