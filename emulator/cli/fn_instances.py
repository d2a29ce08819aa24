"""Owns `cloud-emu fn instances` and `fn restart`: where code is in memory, and letting it go.

Not here: how long instances live (`services.instances`).
"""

from pathlib import Path
from typing import Any

import click

from emulator.cli.options import project_option
from emulator.cli.output import EXIT_DONE, json_option, say, say_json


@click.command("instances", short_help="List where functions are in memory.")
@project_option
@json_option
def instances(*, project: Path, as_json: bool) -> int:
    """List the instances of functions: the process, what it runs, for how long it has rested."""
    from emulator.cli.connect import connect

    found = connect(project).get("/_emu/instances")
    if as_json:
        say_json(found)
        return EXIT_DONE
    for each in found:
        say(_line(each))
    if not found:
        say("no instances; the first call makes one")
    return EXIT_DONE


@click.command("restart", short_help="Have a function forget what it has in memory.")
@click.argument("name")
@project_option
@json_option
def restart(name: str, *, project: Path, as_json: bool) -> int:
    """Have the next call of a function begin with nothing in memory; calls under way go on."""
    from emulator.cli.connect import connect
    from emulator.cli.control import path_of

    told = connect(project).post(path_of("functions", name, "restart"))
    say_json(told) if as_json else say(f"{name}: the next call begins with nothing in memory")
    return EXIT_DONE


def _line(each: dict[str, Any]) -> str:
    if each["calls_running"]:
        does = f"{each['calls_running']} calls"
    elif not each["serves"]:
        does = "leaving"
    elif each["engine"] == "python":
        does = "idle"
    else:
        does = f"idle for {each['resting_s']:.0f} s"
    return f"{each['function']:<24}  {each['engine']:<14}  pid {each['pid']:<8}  {does}"
