"""Owns `cloud-emu exec`: a suite for the time of one command, whose exit code it returns.

Not here: taking and letting go of what a suite needs (`cli.serving`), the command's process
(`cli.child`). The one idea: the command owns standard output; the suite speaks on standard error.
"""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from emulator.cli.options import load, project_option, suite_options
from emulator.cli.output import EXIT_FAILED, EXIT_INTERRUPTED, colored, json_option, tell

if TYPE_CHECKING:
    from emulator.cli.child import Child
    from emulator.cli.signals import Stopping
    from emulator.config import Config
    from emulator.suite import Suite

IDLE_WAIT_MAX_S: Final = 60.0
_PROXIES: Final = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY")
_HERE: Final = "127.0.0.1,localhost,::1"


@click.command(
    "exec",
    short_help="Run a command beside a suite of its own.",
    context_settings={"allow_interspersed_args": False},
)
@project_option
@suite_options
@click.option("--wait-idle", is_flag=True, help="Wait for triggers before the suite stops.")
@click.option("--logs", "show_logs", is_flag=True, help="Show all lines, not errors only.")
@json_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_command(project: Path, command: tuple[str, ...], **options: Any) -> int:
    """Run a command beside a suite of its own, and return the command's exit code.

    Ports are free ones and nothing is kept unless options say so. The command finds the suite by
    the variables that start prints.
    """
    from emulator.cli.child import find_program
    from emulator.cli.serving import run_async

    speaker = _Speaker(as_json=options.pop("as_json"), all_lines=options.pop("show_logs"))
    wait_idle = options.pop("wait_idle")
    for port in ("port", "site_port"):
        options[port] = 0 if options[port] is None else options[port]
    if options["data_dir"] is None:
        options["ephemeral"] = True
    config = load(project, options)
    program = find_program(command)
    return run_async(lambda: _run_beside(config, program, speaker, wait_idle=wait_idle))


class _Speaker:
    """What the suite says beside the command, on standard error."""

    def __init__(self, *, as_json: bool, all_lines: bool) -> None:
        self.as_json = as_json
        self.all_lines = all_lines

    def attach(self, suite: "Suite", put: Any) -> None:
        from emulator.cli.banner import failures, short
        from emulator.cli.feed import Feed, json_line

        info = suite.info()
        if self.as_json:
            put(json.dumps({"event": "ready", **info}, default=str))
            suite.subscribe(lambda event: put(json_line(event)))
            return
        put(short(info))
        for line in failures(info):
            put(colored(line, "red"))
        suite.subscribe(Feed(put, errors_only=not self.all_lines).hear)


async def _run_beside(
    config: "Config", program: Sequence[str], speaker: _Speaker, *, wait_idle: bool
) -> int:
    from emulator.cli.child import Child
    from emulator.cli.feed import left_out
    from emulator.cli.printer import Printer
    from emulator.cli.serving import Interrupted, running
    from emulator.cli.signals import Stopping

    child: Child | None = None
    stopping = Stopping(before_leaving=lambda: child.kill() if child else None)
    printer = Printer(
        tell, broken=lambda: None, left_out=partial(left_out, as_json=speaker.as_json)
    )
    with stopping.listening(), contextlib.closing(printer):
        try:
            async with running(config, stopping) as suite:
                speaker.attach(suite, printer.put)
                child = await Child.start(program, _environ(suite.variables))
                try:
                    code = await _see_through(child, suite, stopping)
                    if wait_idle and not stopping.is_requested:
                        code = await _until_idle(suite, code)
                finally:
                    await child.sweep()
        except Interrupted:
            return EXIT_INTERRUPTED
    return code


async def _see_through(child: "Child", suite: "Suite", stopping: "Stopping") -> int:
    """Return the command's code; it is ended when someone asks to stop first."""
    from emulator.cli.serving import first_of

    ended: int | None = None
    try:
        ended = await first_of(child.wait(), stopping.wait(), suite.control.stopping.wait())
    finally:
        if ended is None:
            child.kill()
    return await (child.wait() if ended == 0 else child.end(stopping.signal))


async def _until_idle(suite: "Suite", code: int) -> int:
    running = await suite.control.idle(IDLE_WAIT_MAX_S)
    for sentence in running:
        tell(f"still running after {IDLE_WAIT_MAX_S:g} s: {sentence}")
    return code or (EXIT_FAILED if running else 0)


def _environ(variables: Mapping[str, str]) -> dict[str, str]:
    """Return our variables with the suite's; a proxy must not stand between two local programs."""
    environ = {**os.environ, **variables}
    if any(environ.get(name) for name in _PROXIES):
        for name in ("NO_PROXY", "no_proxy"):
            environ[name] = ",".join(filter(None, (environ.get(name), _HERE)))
    return environ
