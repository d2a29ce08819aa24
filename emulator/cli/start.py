"""Owns `cloud-emu start`: a suite in the foreground, told in lines for people or for programs.

Not here: taking and letting go of what a suite needs (`cli.serving`). The one idea: ending it by
Ctrl-C is how it is meant to end, so that is exit code 0.
"""

import contextlib
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from json import dumps  # by name: functions share the module and may break it
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from emulator.cli.debuggers import ALL, Wish, open_functions, wishes_of
from emulator.cli.options import load, project_argument, suite_options
from emulator.cli.output import EXIT_DONE, EXIT_INTERRUPTED, json_option, say

if TYPE_CHECKING:
    import asyncio

    from emulator.cli.printer import Printer
    from emulator.config import Config
    from emulator.suite import Suite


@click.command(short_help="Run the suite for a project folder until Ctrl-C.")
@project_argument
@suite_options
@click.option("--open", "open_console", is_flag=True, help="Show the console in the browser.")
@click.option(
    "--inspect",
    "inspected",
    metavar="[NAME[:PORT]]",
    is_flag=False,
    flag_value=ALL,
    multiple=True,
    help="Open this function to debuggers, or all; may be given again.",
)
@json_option
def start(project: Path, **options: Any) -> int:
    """Run the suite for a project folder until Ctrl-C.

    With --json every line is a JSON object; the first is {"event": "ready", ...}.

    With --inspect=price debuggers attach to the function price: editors at port 5678 for Python and
    9229 for Node, or at the port named as in price:5700. It has no time-out then.
    """
    from emulator.cli.serving import run_async

    manner = _Manner(
        as_json=options.pop("as_json"),
        open_console=options.pop("open_console"),
        wishes=wishes_of(options.pop("inspected")),
    )
    config = load(project, options)
    return run_async(lambda: _serve(config, manner))


class _Manner(NamedTuple):
    """How a start speaks, and what it does beside running the suite."""

    as_json: bool
    open_console: bool
    wishes: Sequence[Wish]


async def _serve(config: "Config", manner: _Manner) -> int:
    import asyncio

    from emulator.cli.feed import left_out
    from emulator.cli.printer import Printer
    from emulator.cli.serving import Interrupted, first_of, running
    from emulator.cli.signals import Stopping

    loop = asyncio.get_running_loop()
    as_json, stopping = manner.as_json, Stopping()
    printer = Printer(
        say,
        broken=lambda: _call(loop, stopping.request),
        left_out=partial(left_out, as_json=as_json),
    )
    with stopping.listening(), contextlib.closing(printer):
        try:
            async with running(config, stopping) as suite:
                opened: list[dict[str, str]] = []
                if await first_of(open_functions(suite, manner.wishes, opened), stopping.wait()):
                    raise Interrupted
                _greet(suite, printer, opened, as_json=as_json)
                if manner.open_console:
                    await loop.run_in_executor(None, _show_console, suite.info())
                await first_of(stopping.wait(), suite.control.stopping.wait())
                printer.put(_line({"event": "stopping", "message": "stopping"}, as_json=as_json))
        except Interrupted:
            return EXIT_INTERRUPTED
        if as_json:
            printer.put(dumps({"event": "stopped"}))
    return EXIT_DONE


def _greet(
    suite: "Suite", printer: "Printer", opened: Sequence[Mapping[str, str]], *, as_json: bool
) -> None:
    from emulator.cli.banner import banner
    from emulator.cli.feed import Feed, json_line

    info = {**suite.info(), **_pairing(suite), **({"debuggers": opened} if opened else {})}
    if as_json:
        printer.put(dumps({"event": "ready", **info}, default=str))
        suite.subscribe(lambda event: printer.put(json_line(event)))
        return
    printer.put(banner(info, notes=suite.config.notes, windows=sys.platform == "win32"))
    suite.subscribe(Feed(printer.put).hear)


def _pairing(suite: "Suite") -> Mapping[str, Any]:
    """Return what lets other machines in; it is shown here and nowhere else."""
    if suite.pairing is None:
        return {}
    from emulator.cli.lan import links

    host = suite.config.emulator.host
    found = links(host, suite.urls["api"], suite.pairing.path())
    return {"pairing": {"links": found, "key": suite.pairing.key}}


def _line(event: Mapping[str, str], *, as_json: bool) -> str:
    return dumps(event) if as_json else event["message"]


def _show_console(info: Mapping[str, Any]) -> None:
    import webbrowser

    urls = info["urls"]
    webbrowser.open(urls.get("console") or f"{urls['api']}/_emu/info")


def _call(loop: "asyncio.AbstractEventLoop", function: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended, and with it the wish to stop
        loop.call_soon_threadsafe(function)
