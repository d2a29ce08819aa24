"""Owns `cloud-emu clock`: showing and turning the clock of the running suite.

Not here: what a moment or a duration may look like (the suite says).
"""

from pathlib import Path
from typing import Any, Final

import click

from emulator.cli.options import project_option
from emulator.cli.output import EXIT_DONE, json_option, say, say_json

ADVANCE_MAX_S: Final = 3_600.0
"""Everything due on the way is called and waited for."""


@click.group("clock", short_help="Show and turn the suite's clock.")
def clock() -> None:
    """Show and turn the clock that dates, timers, rules and tokens of the suite follow."""


@clock.command(short_help="Show the clock.")
@project_option
@json_option
def show(project: Path, *, as_json: bool) -> int:
    """Show what the suite's clock shows."""
    from emulator.cli.connect import connect

    return _tell(connect(project).get("/_emu/clock"), as_json=as_json)


@clock.command("set", short_help="Jump to a moment.")
@click.argument("moment")
@project_option
@json_option
def set_clock(moment: str, *, project: Path, as_json: bool) -> int:
    """Jump to a moment such as 2026-01-31T09:00 or 2026-01-31T01:00:00Z, back or forth.

    Without an offset it is in the zone of the timers. Timers in between count as missed.
    """
    return _turn(project, {"set": moment}, as_json=as_json)


@clock.command(short_help="Go on, calling everything due on the way.")
@click.argument("duration")
@project_option
@json_option
def advance(duration: str, *, project: Path, as_json: bool) -> int:
    """Go on by a duration such as 30d or 1d2h30m, calling everything due on the way in order.

    Ends when all of that has run.
    """
    return _turn(project, {"advance": duration}, as_json=as_json)


@clock.command(short_help="Have the clock stand still.")
@project_option
@json_option
def freeze(project: Path, *, as_json: bool) -> int:
    """Have the clock stand still until it is set, advanced or resumed."""
    return _turn(project, {"freeze": True}, as_json=as_json)


@clock.command(short_help="Have the clock run on.")
@project_option
@json_option
def resume(project: Path, *, as_json: bool) -> int:
    """Have the clock run on from the moment it shows."""
    return _turn(project, {"resume": True}, as_json=as_json)


def _turn(project: Path, wish: dict[str, Any], *, as_json: bool) -> int:
    from emulator.cli.connect import connect

    answer = connect(project).post("/_emu/clock", wish, timeout_s=ADVANCE_MAX_S)
    return _tell(answer, as_json=as_json)


def _tell(shown: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        say_json(shown)
        return EXIT_DONE
    ahead_s = round(shown["offset_ms"] / 1000)
    marks = ["stands still"] if shown["frozen"] else []
    if ahead_s:
        marks.append(f"{abs(ahead_s)} s {'ahead of' if ahead_s > 0 else 'behind'} the machine")
    if "fired" in shown:
        marks.append(f"{shown['fired']} timer calls")
    say(f"{shown['local']}  ({shown['now']})" + (f"  {', '.join(marks)}" if marks else ""))
    return EXIT_DONE
