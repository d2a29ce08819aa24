"""Owns `cloud-emu watchers`: the realtime connections of the running suite, seen, cut and delayed.

Not here: what a connection is (`wire.watch`).
"""

from pathlib import Path
from typing import Any, Final

import click

from emulator.cli.options import project_option
from emulator.cli.output import EXIT_DONE, faint, json_option, say, say_json

QUERY_LENGTH_MAX: Final = 100


@click.group("watchers", short_help="Show, cut and delay what listens with watch().")
def watchers() -> None:
    """Show what listens with watch(), and try what a bad network does to it."""


@watchers.command("list", short_help="Show who listens to what.")
@project_option
@json_option
def list_watchers(project: Path, *, as_json: bool) -> int:
    """Show each connection with its user and what it listens to."""
    from emulator.cli.connect import connect

    told = connect(project).get("/_emu/watchers")
    if as_json:
        say_json(told)
        return EXIT_DONE
    for each in told["connections"]:
        say(f"connection {each['connection']}  {each['user'] or faint('not signed in')}")
        for watcher in each["watchers"]:
            say(f"  {_shown(watcher)}")
    if not told["connections"]:
        say("nobody listens")
    if told["delay_s"]:
        say(f"messages are held back for {told['delay_s']:g} s")
    return EXIT_DONE


@watchers.command(short_help="Break connections off.")
@click.argument("connection", type=click.IntRange(min=1), required=False)
@project_option
@json_option
def cut(connection: int | None, *, project: Path, as_json: bool) -> int:
    """Break off one connection, or all, as a network that fails does; SDKs connect anew."""
    wish = {} if connection is None else {"connection": connection}
    told = _ask(project, "cut", wish)
    if as_json:
        say_json(told)
    else:
        say(f"{told['cut']} cut")
    return EXIT_DONE


@watchers.command(short_help="Hold every message back.")
@click.argument("seconds", type=float)
@project_option
@json_option
def delay(seconds: float, *, project: Path, as_json: bool) -> int:
    """Hold back every message for so many seconds, 0 for none."""
    told = _ask(project, "delay", {"delay_s": seconds})
    if as_json:
        say_json(told)
    elif told["delay_s"]:
        say(f"messages are held back for {told['delay_s']:g} s")
    else:
        say("messages are sent at once")
    return EXIT_DONE


def _ask(project: Path, what: str, wish: dict[str, Any]) -> Any:
    from emulator.cli.connect import connect

    return connect(project).post(f"/_emu/watchers/{what}", wish)


def _shown(watcher: dict[str, Any]) -> str:
    parts = [f"{watcher['collection']} {watcher['query']:.{QUERY_LENGTH_MAX}}"]
    order = ", ".join(f"{path} {way}" for path, way in watcher["orderBy"].items())
    if order:
        parts.append(f"by {order}")
    if watcher["limit"] is not None:
        parts.append(f"the first {watcher['limit']}")
    return f"{', '.join(parts)}: {watcher['documents']} documents"
