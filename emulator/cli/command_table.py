"""Owns which commands `cloud-emu` has: where each is written, and what it is for in a few words.

Not here: what any command does (its own module). The one idea: a command's module is loaded when
the command is asked for, and `--help` is answered from the table.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import click

COMMANDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "clock": ("clock", "clock", "Show and turn the suite's clock."),
    "db": ("indexes", "db", "Indexes, and what queries cost."),
    "doctor": ("doctor", "doctor", "Say what was found, what is wrong, and what to do."),
    "exec": ("exec", "exec_command", "Run a command beside a suite of its own."),
    "export": ("transfer", "export_command", "Write collections of the running suite to files."),
    "fn": ("functions", "functions", "Functions of the running suite."),
    "hosting": ("hosting", "hosting", "Files of the hosted site."),
    "import": ("transfer", "import_command", "Load files into collections of the running suite."),
    "init": ("init", "init", "Write a first configuration, function and test."),
    "messages": (
        "messages",
        "messages",
        "Show the open API and payment calls of the running suite.",
    ),
    "reset": ("data", "reset", "Empty the running suite."),
    "rules": ("rules", "rules", "Test and check security rules."),
    "seed": ("data", "seed", "Load data files into the running suite."),
    "start": ("start", "start", "Run the suite for a project folder until Ctrl-C."),
    "status": ("status", "status", "Say whether a suite runs, and where."),
    "stop": ("status", "stop", "Stop the running suite."),
    "trace": ("trace", "trace", "Show what happened and why."),
    "trigger": ("trigger", "trigger", "List, fire and pause triggers."),
    "usage": ("usage", "usage", "Tell what would be charged for."),
    "users": ("users", "users", "Test users, who is current, what was sent to them."),
    "wait": ("status", "wait", "Wait until the suite is ready, or idle."),
    "watchers": ("watchers", "watchers", "Show, cut and delay what listens with watch()."),
}
"""By name: the module under `emulator.cli`, the name of the command in it, its short help."""


class TableGroup(click.Group):
    """A group of the commands in the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; None when there is none of that name."""
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        command: Any = getattr(import_module(f"emulator.cli.{row[0]}"), row[1])
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in sorted(COMMANDS)])
