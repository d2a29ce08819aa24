"""What the pages say is so: links lead somewhere, commands exist, examples run."""

import ast
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from emulator.cli import commands
from emulator.config.check import findings
from emulator.functions.bundle import discover

ROOT = Path(__file__).resolve().parents[2]
TRANSLATED = [
    pytest.param("README.md", "docs/README.zh-CN.md", id="README"),
    pytest.param("docs/start.md", "docs/start.zh-CN.md", id="start"),
]
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
SHELL = ("sh", "powershell")


def anchors(text):
    """Return what GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


def test_relative_links_lead_somewhere(page):
    for link in LINK.findall(page.text):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = page.path.parent / name if name else page.path
        assert target.exists(), f"{page.name}: {link}"
        assert target.resolve().is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), f"{page.name}: {link}"


def commands_of(page):
    """Yield every `cloud-emu …` of a page, in fences and in prose, as its words."""
    shell = "\n".join(block.text for block in page.blocks if block.language in SHELL)
    inline = re.findall(r"`(cloud-emu [^`]+)`", page.text)
    for line in [*shell.splitlines(), *inline]:
        for found in re.findall(r"(?:^|[\s(\"/\\])(cloud-emu(?: [^)|&;#<>]*)?)", line):
            try:
                yield shlex.split(found)
            except ValueError:
                yield shlex.split(found.rstrip("\"'"))


def test_commands_are_understood(page):
    for words in commands_of(page):
        if "…" in words or "OPTIONS" in " ".join(words):
            continue
        understood(commands, words[0], words[1:])


def understood(command, name, words):
    """Parse the words as the command line would, without running anything."""
    if not words:
        return  # named only
    try:
        context = command.make_context(name, list(words), resilient_parsing=False)
    except click.exceptions.Exit:
        return  # --help
    if isinstance(command, click.Group):
        name, found, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        understood(found, name, rest)


def test_python_compiles_and_data_can_be_read(page):
    for block in page.blocks:
        if block.language == "python":
            ast.parse(block.text)
        elif block.language == "json" and "…" not in block.text:
            assert list(json_values(block.text)), block.text
        elif block.language == "toml":
            assert findings(tomllib.loads(block.text)) == []


def json_values(text):
    """Yield the values of a text, one or one a line."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text.rstrip()):
        value, at = decoder.raw_decode(text, at)
        yield value
        at += len(text[at:]) - len(text[at:].lstrip())


def test_configurations_of_functions_are_valid(tmp_path, page):
    """Every JSON block with triggers is a `config.json` without problems."""
    for number, block in enumerate(page.blocks):
        if block.language == "json" and '"triggers"' in block.text and '"type"' in block.text:
            folder = tmp_path / f"function{number}"
            folder.mkdir()
            (folder / "index.py").write_text("def main(event, context): ...")
            (folder / "config.json").write_text(block.text, encoding="utf-8")
    for bundle in discover(tmp_path):
        assert bundle.problems == ()
        assert bundle.triggers


@pytest.mark.skipif(sys.platform == "win32", reason="the examples are for a POSIX shell")
def test_examples_run(page, walk):
    printed = ""
    for block in page.blocks:
        if block.mark == "run":
            printed = walk.shell(block.text)
        elif block.mark == "gives":
            start = re.search(r"^[\[{]", printed, re.MULTILINE)
            assert start is not None, f"nothing was printed: {printed!r}"
            assert json.loads(printed[start.start() :]) == json.loads(block.text)
        elif block.mark == "script":
            walk.python(block.text)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_javascript_is_javascript(page, tmp_path):
    for number, block in enumerate(page.blocks):
        if block.language == "js":
            file = tmp_path / f"{number}.cjs"
            file.write_text(block.text, encoding="utf-8")
            done = subprocess.run(
                ["node", "--check", file], capture_output=True, text=True, timeout=30
            )
            assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("ours", "theirs"), TRANSLATED)
def test_a_translation_has_the_same_commands(ours, theirs):
    assert code_of(ROOT / ours) == code_of(ROOT / theirs)


def code_of(path):
    """Return the code of a page without its comments."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [(language, re.sub(r"\s*(?://|#) .*", "", text)) for language, text in found]


@pytest.mark.parametrize(("ours", "theirs"), TRANSLATED)
def test_a_translation_leads_back(ours, theirs):
    for page, other in ((ROOT / ours, ROOT / theirs), (ROOT / theirs, ROOT / ours)):
        linked = {(page.parent / link).resolve() for link in LINK.findall(page.read_text("utf-8"))}
        assert other in linked


def test_the_readme_has_the_two_commands_between_their_marks():
    text = (ROOT / "README.md").read_text("utf-8")
    for mark in ("start-command", "test-command"):
        assert len(re.findall(rf"<!-- {mark} -->\n```sh\n[^\n]+\n```\n", text)) == 1


def test_the_readme_is_short():
    assert (ROOT / "README.md").read_text("utf-8").count("\n") < 200
