"""The command line in processes of its own, none of which outlives its test."""

import contextlib
import io
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from emulator.cli import run

WAIT_MAX_S = 20.0
CLI = (sys.executable, "-m", "emulator")

HELLO = """\
def main(event, context):
    print("called")
    if event.get("fail"):
        raise ValueError("as asked")
    return {"event": event}
"""


@dataclass
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Running:
    """A command that runs; its lines are read by a thread, so that no pipe ever fills."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.seen: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def line(self, holds: Callable[[str], bool]) -> str:
        """Return the first line from here on that fits."""
        while True:
            line = self.lines.get(timeout=WAIT_MAX_S)
            assert line is not None, f"no such line before the end: {self.seen}"
            self.seen.append(line)
            if holds(line):
                return line

    def event(self, name: str) -> dict[str, Any]:
        """Return the first event of that name from here on."""
        found: dict[str, Any] = json.loads(
            self.line(lambda line: json.loads(line)["event"] == name)
        )
        return found

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        """Return the exit code once the command has ended."""
        return self.process.wait(timeout=WAIT_MAX_S)


class Cli:
    """Runs `cloud-emu` in a project, away from the suites of whoever runs the tests."""

    def __init__(self, project: Path, home: Path) -> None:
        self.project = project
        hidden = {name for name in os.environ if name.startswith(("CLOUD_EMU_", "TCB_"))}
        self.environ = {name: text for name, text in os.environ.items() if name not in hidden}
        self.environ |= {
            "XDG_RUNTIME_DIR": str(home),
            "LOCALAPPDATA": str(home),
            "NO_COLOR": "1",
            "PYTHONIOENCODING": "utf-8",
        }
        self._running: list[subprocess.Popen[str]] = []

    def __call__(self, *arguments: str, **options: Any) -> Done:
        """Run a command to its end: in this process, unless it runs a suite itself."""
        if arguments[:1] in (("start",), ("exec",)):
            return self.in_a_process(*arguments, **options)
        folder, environ = (
            options.pop("cwd", self.project),
            {**self.environ, **options.pop("env", {})},
        )
        out, err, given = io.StringIO(), io.StringIO(), io.StringIO(options.pop("input", ""))
        assert not options
        with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder):
            patch.setattr(os, "environ", environ)
            patch.setattr(sys, "stdin", given)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = run(arguments)
        return Done(code, out.getvalue(), err.getvalue())

    def in_a_process(self, *arguments: str, **options: Any) -> Done:
        """Run a command to its end in a process of its own."""
        done = subprocess.run(
            [*CLI, *arguments],
            cwd=options.pop("cwd", self.project),
            env={**self.environ, **options.pop("env", {})},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=WAIT_MAX_S,
            check=False,
            stdin=None if "input" in options else subprocess.DEVNULL,
            **options,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def begin(self, *arguments: str, **options: Any) -> Running:
        """Run a command in the background."""
        process = subprocess.Popen(
            [*CLI, *arguments],
            cwd=options.pop("cwd", self.project),
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=options.pop("stderr", subprocess.STDOUT),
            text=True,
            encoding="utf-8",
            **options,
        )
        self._running.append(process)
        return Running(process)

    def start(self, *arguments: str) -> tuple[Running, dict[str, Any]]:
        """Start a suite on free ports and return it with what it said when ready."""
        running = self.begin("start", "--port", "0", "--site-port", "0", "--json", *arguments)
        return running, running.event("ready")

    def close(self) -> None:
        """End what a test left running."""
        for process in self._running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=WAIT_MAX_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(timeout=WAIT_MAX_S)
            if process.stdout is not None:
                process.stdout.close()


def write_project(folder: Path) -> Path:
    """Write a project with one function that answers its event."""
    (folder / "functions" / "hello").mkdir(parents=True)
    (folder / "functions" / "hello" / "index.py").write_text(HELLO, encoding="utf-8")
    return folder


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    """The command line in a project with one function."""
    home = tmp_path / "home"
    home.mkdir()
    cli = Cli(write_project(tmp_path / "project"), home)
    yield cli
    cli.close()


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cli, dict[str, Any]]]:
    """One suite that runs for all tests of a module, and the command line in its project."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "home").mkdir()
    cli = Cli(write_project(folder / "project"), folder / "home")
    _, ready = cli.start()
    yield cli, ready
    cli.close()
