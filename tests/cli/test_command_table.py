"""The table of commands: what it says of a command is what the command says of itself."""

import subprocess
import sys

import click
import pytest

from emulator.cli.command_table import COMMANDS, TableGroup


@pytest.fixture
def group():
    return TableGroup("cloud-emu")


@pytest.fixture
def context(group):
    return click.Context(group)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_row_says_what_its_command_says(name, group, context):
    command = group.get_command(context, name)
    assert command.name == name
    assert command.get_short_help_str(limit=100) == COMMANDS[name][2]


def test_the_names_are_listed_in_order(group, context):
    assert group.list_commands(context) == sorted(COMMANDS)


def test_no_other_name_is_a_command(group, context):
    assert group.get_command(context, "strat") is None


@pytest.mark.parametrize("words", [["--help"], ["status", "--help"]], ids=" ".join)
def test_only_the_command_asked_for_is_loaded(words):
    show = (
        f"import sys\nfrom emulator.cli import run\nassert run({words!r}) == 0\nprint(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", show], capture_output=True, text=True, check=True, timeout=20
    )
    loaded = set(done.stdout.split())
    modules = {f"emulator.cli.{module}" for module, _, _ in COMMANDS.values()}
    asked = {f"emulator.cli.{COMMANDS[word][0]}" for word in words if word in COMMANDS}
    assert modules & loaded == asked
