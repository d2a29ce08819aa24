"""Pages taken apart, and suites for the examples in them."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WAIT_MAX_S = 30
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """Text between fences; `mark` is the comment above it, which says what to do with it."""

    mark: str
    language: str
    text: str

    @property
    def file(self) -> str:
        """Return the file that the block is the content of, empty if it is none."""
        return self.mark.removeprefix("file: ") if self.mark.startswith("file: ") else ""


class Page:
    """A page of the documentation."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path.relative_to(ROOT))
        self.text = path.read_text("utf-8")
        self.blocks = [
            Block(found["mark"] or "", found["language"], found["text"])
            for found in BLOCK.finditer(self.text)
        ]


class Walk:
    """A project with a page's files and a suite that runs over it."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self._folder = folder
        programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self._environ = {**os.environ, **variables, "PATH": programs, "NO_COLOR": "1"}

    def shell(self, text: str) -> str:
        """Run lines in a shell that stops at the first failure; return what they print."""
        return self._run(["sh", "-e", "-c", text])

    def python(self, text: str) -> str:
        """Run a program."""
        return self._run([sys.executable, "-c", text])

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environ,
            capture_output=True,
            encoding="utf-8",
            timeout=WAIT_MAX_S,
            check=False,
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def walk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Walk]:
    """A suite over the files of the page that the test is about."""
    page: Page = request.getfixturevalue("page")
    if any(block.file.endswith(".js") for block in page.blocks) and shutil.which("node") is None:
        pytest.skip("needs Node.js 16 or newer: nodejs.org")
    for block in page.blocks:
        if block.file:
            file = tmp_path / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
    options = ("--ephemeral", "--port", "0", "--site-port", "0", "--json")
    with subprocess.Popen(
        [sys.executable, "-m", "emulator", "start", str(tmp_path), *options],
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["event"] == "ready", ready
        assert not [each for each in ready["functions"] if each["state"] != "ready"]
        try:
            yield Walk(tmp_path, ready["variables"])
        finally:
            process.terminate()
            process.communicate(timeout=WAIT_MAX_S)


def pages() -> list[Page]:
    """Return every page."""
    return [Page(path) for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give tests of `page` every page, tests of `example` the pages that have some to run."""
    if "page" in metafunc.fixturenames:
        marks = {"run", "script", "gives"}
        found = [
            page
            for page in pages()
            if "walk" not in metafunc.fixturenames
            or any(block.mark in marks for block in page.blocks)
        ]
        metafunc.parametrize("page", found, ids=lambda page: page.name)
