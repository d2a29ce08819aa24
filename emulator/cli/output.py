"""Owns how commands speak: lines for people, JSON for programs, and the failure of a command.

Not here: what any command says. The one idea: standard output carries the answer (one JSON value
with `--json`), standard error everything else.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130

_JSON: Final = "emulator.cli.json"
_Command = TypeVar("_Command", bound=Callable[..., Any])


class Failed(Exception):
    """A command could not do what it was asked; the hint says what to do."""

    def __init__(
        self, message: str, *, hint: str = "", code: str = "FAILED", exit_code: int = EXIT_FAILED
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.exit_code = exit_code


def json_option(command: _Command) -> _Command:
    """Give a command `--json`, passed to it as `as_json`."""

    def remember(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        context.meta[_JSON] = bool(value)
        return value

    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        is_eager=True,
        callback=remember,
        help="Answer in JSON, for programs.",
    )(command)


def wants_json(context: click.Context | None) -> bool:
    """Tell whether the command that runs was given `--json`."""
    return context is not None and bool(context.meta.get(_JSON))


def say(text: str = "") -> None:
    """Print a line of the answer."""
    click.echo(text, color=_color())


def tell(text: str) -> None:
    """Print a line beside the answer, on standard error."""
    click.echo(text, err=True, color=_color())


def say_json(value: object) -> None:
    """Print one JSON value on one line; plain ASCII, so that no code page can spoil it."""
    click.echo(json.dumps(value, default=str))


def say_json_for_people(value: object) -> None:
    """Print a JSON value indented, Chinese text as it is."""
    click.echo(json.dumps(value, default=str, indent=2, ensure_ascii=False))


def bold(text: str) -> str:
    """Return the text in bold."""
    return click.style(text, bold=True)


def colored(text: str, color: str) -> str:
    """Return the text in a colour."""
    return click.style(text, fg=color)


def faint(text: str) -> str:
    """Return the text in the background."""
    return click.style(text, dim=True)


def never_fail_to_encode() -> None:
    """Let a console that lacks a character show a question mark instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _color() -> bool | None:
    """Return False where the user asked for no colours, None to let the terminal decide."""
    return False if os.environ.get("NO_COLOR") else None
