"""The texts that are written into projects."""

import ast
import json
import tomllib
from pathlib import Path

import pytest

from emulator.cli.output import Failed
from emulator.cli.templates import (
    config_text,
    function_files,
    install_command,
    require_function_name,
    require_template,
    write_new,
)
from emulator.cli.templates import (
    test_text as text_of_test,
)
from emulator.config import load_config


def test_the_texts_are_what_they_are_said_to_be(tmp_path):
    files = function_files("python", "say-hello")
    ast.parse(files["index.py"])
    json.loads(files["config.json"])
    ast.parse(text_of_test("say-hello"))
    assert "class SayHelloTest" in text_of_test("say-hello")
    tomllib.loads(config_text("functions"))


def test_the_node_template_names_its_sdk():
    files = function_files("node", "sayHello")
    assert set(files) == {"index.js", "package.json", "config.json"}
    package = json.loads(files["package.json"])
    assert package["name"] == "sayhello"
    assert list(package["dependencies"]) == ["wx-server-sdk"]
    assert "${name}" in files["index.js"]


def test_only_what_needs_packages_says_so(tmp_path):
    assert install_command(tmp_path / "hello", Path()) == ""
    write_new(tmp_path / "hello", function_files("node", "hello"))
    assert install_command(tmp_path / "hello", Path()) == "cloud-emu fn install hello"
    assert install_command(tmp_path / "hello", Path("x")).endswith(' hello --project "x"')


def test_every_line_that_is_offered_in_the_configuration_is_right(tmp_path):
    """Lines behind a comment sign become true when the sign goes."""
    lines = config_text("functions").splitlines()
    offered = [
        line.removeprefix("# ") if "=" in line or line.startswith("# [") else line for line in lines
    ]
    (tmp_path / "functions").mkdir()
    (tmp_path / "seed").mkdir()
    (tmp_path / "seed" / "a.jsonl").write_text("")
    (tmp_path / ".emulator.toml").write_text("\n".join(offered))
    config = load_config(tmp_path, environ={})
    assert config.functions.env == {"STAGE": "local"}
    assert len(config.seed) == 1
    assert config.problems == ()


def test_files_that_are_there_are_left(tmp_path):
    (tmp_path / "a").write_text("mine")
    written, left = write_new(tmp_path, {"a": "new", "deep/b": "new"})
    assert (written, left) == ([tmp_path / "deep" / "b"], [tmp_path / "a"])
    assert (tmp_path / "a").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Failed, match="cannot be written"):
        write_new(tmp_path / "file", {"a": ""})


@pytest.mark.parametrize("name", ["a", "A-b_9", "a" * 60])
def test_names_the_cloud_takes_are_taken(name):
    require_function_name(name)


@pytest.mark.parametrize("name", ["", "1a", "a.b", "a/b", "-a", "名", "a" * 61, "a\n"])
def test_names_the_cloud_refuses_are_refused(name):
    with pytest.raises(Failed, match="is no name for a function"):
        require_function_name(name)


def test_an_unknown_template_is_told_with_those_that_are_there():
    with pytest.raises(Failed) as raised:
        require_template("cobol")
    assert raised.value.hint == "there is: python, node"
    with pytest.raises(Failed) as raised:
        require_template("cobol", ["web"])
    assert raised.value.hint == "there is: python, node, web"
    require_template("web", ["web"])
