"""Owns the options that several commands share, and how they become overrides of a configuration.

Not here: what a setting means (`emulator.config`).
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from emulator.config import Config

_Command = TypeVar("_Command", bound=Callable[..., Any])

FOLDER: Final = click.Path(file_okay=False, path_type=Path)


def suite_options(command: _Command) -> _Command:
    """Give a command the options that decide what the suite is."""
    options = (
        click.option("--port", type=int, help="Port of the API (8270); 0 takes any free one."),
        click.option(
            "--site-port", type=int, help="Port of the site (8271); 0 takes any free one."
        ),
        click.option("--host", help="Address to listen on (127.0.0.1)."),
        click.option(
            "--pairing/--no-pairing",
            default=None,
            help="Where --host lets others reach the suite: only after pairing (so it is), or all.",
        ),
        click.option("--env", metavar="ID", help="Id of the environment."),
        click.option("--data-dir", type=FOLDER, help="Folder that keeps the data (.cloud-emu)."),
        click.option("--ephemeral", is_flag=True, default=None, help="Keep nothing."),
        click.option(
            "--seed",
            multiple=True,
            type=click.Path(path_type=Path),
            help="File or folder of data to load; may be given again.",
        ),
        click.option(
            "--require-indexes",
            type=click.IntRange(0),
            metavar="N",
            help="Refuse a query that would read more than N documents without an index.",
        ),
        click.option(
            "--deterministic",
            type=click.IntRange(0),
            metavar="SEED",
            help="Same bytes each run: ids follow from the seed, the clock stands still.",
        ),
        click.option(
            "--cold", is_flag=True, default=None, help="Begin every call with nothing in memory."
        ),
        click.option(
            "--only",
            metavar="PARTS",
            help="Run these parts only: database,storage,hosting,functions:a,b",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def project_argument(command: _Command) -> _Command:
    """Give a command the project's folder as its argument, the current one if not given."""
    return click.argument("project", type=FOLDER, default=Path())(command)


def project_option(command: _Command) -> _Command:
    """Give a command the project's folder as an option, the current one if not given."""
    return click.option(
        "--project", type=FOLDER, default=Path(), help="Folder of the project (here)."
    )(command)


def load(project: Path, options: Mapping[str, object]) -> "Config":
    """Return the project's configuration under the options of `suite_options`."""
    from emulator.config import load_config

    given = {name: value for name, value in options.items() if value not in (None, ())}
    return load_config(project, given)


def event_of(data: str) -> Any:
    """Return the event that `--data` gives: JSON, @FILE, or - for standard input."""
    if data == "-":
        text, name = sys.stdin.read(), "standard input"
    elif data.startswith("@"):
        text, name = _content(Path(data[1:])), data[1:]
    else:
        text, name = data, "--data"
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as fault:
        raise click.BadParameter(f"{name} is nested too deeply", param_hint="--data") from fault
    except ValueError as fault:
        raise click.BadParameter(f"{name} is not JSON: {fault}", param_hint="--data") from fault


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as fault:
        raise click.BadParameter(f"{path}: {fault.strerror}", param_hint="--data") from fault
