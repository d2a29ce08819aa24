"""Owns `cloud-emu fn inspect`: a function opened to debuggers while the suite runs.

Not here: how it is opened (the suite).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from emulator.cli.debuggers import PORT_MAX, PORTS
from emulator.cli.options import project_option
from emulator.cli.output import EXIT_DONE, json_option, say, say_json

_HOW: Final[Mapping[str, str]] = {
    "ws": "in Chrome: chrome://inspect; in VS Code: attach to this port; then call the function",
    "debugpy": "in VS Code: attach to this port; then call the function",
}


@click.command("inspect", short_help="Open a function to debuggers.")
@click.argument("name")
@click.option(
    "--port",
    type=click.IntRange(0, PORT_MAX),
    help="Where debuggers attach: 9229 for Node and 5678 for Python unless said.",
)
@project_option
@json_option
def inspect(name: str, *, port: int | None, project: Path, as_json: bool) -> int:
    """Open a function to debuggers, such as an editor's, or Chrome's for a Node function.

    It has no time-out from then on, and stays open when its code is saved, until the suite stops.
    A Python function runs in a process of its own then; it needs the extra cloud-emu[debug].
    """
    from emulator.cli.connect import connect
    from emulator.cli.control import path_of

    client = connect(project)
    if port is None:
        known = {each["name"]: each["language"] for each in client.get("/_emu/info")["functions"]}
        port = PORTS.get(known.get(name, ""), 0)
    told = client.post(path_of("functions", name, "inspect"), {"port": port})
    if as_json:
        say_json(told)
        return EXIT_DONE
    say(f"debugger: {told['url']}")
    say(f"  {_HOW.get(told['url'].partition(':')[0], 'attach to this port')}")
    return EXIT_DONE
