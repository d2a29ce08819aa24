"""Owns `cloud-emu fn inspect`: a Node function opened to debuggers while the suite runs.

Not here: how it is opened (the suite).
"""

from pathlib import Path
from typing import Final

import click

from emulator.cli.options import project_option
from emulator.cli.output import EXIT_DONE, json_option, say, say_json

PORT_DEFAULT: Final = 9229
"""What Node and its debuggers use when nothing is said."""


@click.command("inspect", short_help="Open a Node function to debuggers.")
@click.argument("name")
@click.option("--port", type=click.IntRange(0, 65_535), default=PORT_DEFAULT, show_default=True)
@project_option
@json_option
def inspect(name: str, *, port: int, project: Path, as_json: bool) -> int:
    """Open a Node function to debuggers, such as Chrome's or an editor's.

    It has no time-out from then on, and stays open when its code is saved, until the suite stops.
    """
    from emulator.cli.connect import connect
    from emulator.cli.control import path_of

    told = connect(project).post(path_of("functions", name, "inspect"), {"port": port})
    if as_json:
        say_json(told)
        return EXIT_DONE
    say(f"debugger: {told['url']}")
    say("  in Chrome: chrome://inspect; in VS Code: attach to this port; then call the function")
    return EXIT_DONE
