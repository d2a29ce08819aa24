"""The command line as a whole: which commands, which codes, how fast."""

import json
import subprocess
import sys

import click
import pytest

import emulator.cli
from emulator.cli import run
from emulator.cli.command_table import COMMANDS
from emulator.cli.functions import functions
from emulator.cli.output import json_option

HEAVY = ("aiohttp", "asyncio.base_events", "jsonschema", "http.client", "tinydb", "emulator.suite")


def test_help_names_every_command(capsys):
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    for name in (
        "start",
        "exec",
        "init",
        "doctor",
        "status",
        "stop",
        "wait",
        "reset",
        "seed",
        "fn",
    ):
        assert f"  {name} " in shown


@pytest.mark.parametrize("name", [*COMMANDS, *(f"fn {name}" for name in functions.commands)])
def test_every_command_explains_itself(name, capsys):
    assert run([*name.split(), "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: cloud-emu {name}")


def test_the_version_is_told(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("cloud-emu, version ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["strat"], "No such command 'strat'", id="command"),
        pytest.param(["start", "--prot", "1"], "--port", id="option"),
        pytest.param(["start", "--port", "x"], "not a valid integer", id="value"),
    ],
)
def test_wrong_usage_is_code_2_and_told(arguments, told, capsys):
    assert run(arguments) == 2
    assert told in capsys.readouterr().err


def test_a_wrong_value_is_code_2_like_a_wrong_file(capsys):
    assert run(["start", "--port", "70000"]) == 2
    assert capsys.readouterr().err == "error: --port: must be 0 to 65535, is 70000\n"


def test_errors_are_json_where_answers_are(capsys, tmp_path):
    assert run(["start", str(tmp_path / "nowhere"), "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["event"], told["code"]) == ("failed", "INVALID_CONFIGURATION")
    assert run(["status", str(tmp_path / "nowhere"), "--json"]) == 2
    assert "event" not in json.loads(capsys.readouterr().out)


def test_wrong_usage_is_json_where_answers_are(capsys):
    assert run(["wait", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["code"], told["message"]) == ("WRONG_USAGE", "give --ready or --idle")


def test_an_interruption_is_code_130(monkeypatch, tmp_path):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("emulator.cli.connect.running_suite", interrupted)
    assert run(["status", str(tmp_path)]) == 130


def test_a_reader_that_goes_is_no_crash(tmp_path):
    command = f'"{sys.executable}" -m emulator --help | "{sys.executable}" -c ""'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=20)
    assert "Traceback" not in done.stderr


def test_help_imports_nothing_heavy():
    show = "import sys, emulator.cli; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", show], capture_output=True, text=True, check=True, timeout=20
    )
    loaded = set(done.stdout.split())
    assert not [name for name in HEAVY if name in loaded]


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "emulator", "--version"], capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stdout[:10]) == (0, "cloud-emu,")


def test_the_public_face_is_what_it_says():
    assert emulator.cli.__all__ == ["main", "run"]


def test_place_that_cannot_be_written_is_told_without_a_stack(tmp_path, capsys, monkeypatch):
    @click.command("spoil")
    @json_option
    def spoil(*, as_json: bool) -> int:
        (tmp_path / "file").write_text("")
        (tmp_path / "file" / "below").mkdir()
        return 0

    monkeypatch.setattr(emulator.cli.commands, "get_command", lambda *_: spoil)
    assert run(["spoil", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["message"].startswith(str(tmp_path / "file" / "below"))
    assert run(["spoil"]) == 1
    assert capsys.readouterr().err.startswith("error: ")
