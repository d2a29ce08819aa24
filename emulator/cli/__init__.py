"""Owns the command line `cloud-emu`: which commands there are, and how each of them ends.

Not here: what a command does (its own module). The one idea: commands return an exit code or raise;
only this module turns what was raised into words and a code. A command's module is loaded when it
is asked for (`cli.command_table`), and imports what is heavy inside its functions, so that
`--help` answers at once.
"""

import gc
import os
import sys
import threading
from collections.abc import Sequence
from typing import Final

import click

from emulator import __version__
from emulator.cli.command_table import TableGroup
from emulator.cli.output import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    Failed,
    colored,
    never_fail_to_encode,
    say_json,
    tell,
    wants_json,
)
from emulator.core.errors import ConfigurationError, EmulatorError

__all__ = ["main", "run"]

LOADING_OBJECTS_MAX: Final = 1_000_000
"""New objects that may gather before the garbage collector looks at them, until a suite serves."""

LEAVE_MAX_S: Final = 1.0
"""What threads of user code may delay the end of the process."""


@click.group(
    cls=TableGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted.",
)
@click.version_option(__version__, "-V", "--version", prog_name="cloud-emu")
def commands() -> None:
    """The local emulator suite for Cloud Development."""


def main() -> None:
    """Run the command line of this process and leave with its exit code."""
    # Loading modules makes many objects and no garbage to speak of.
    gc.set_threshold(LOADING_OBJECTS_MAX, 10, 10)
    never_fail_to_encode()
    code = run(sys.argv[1:])
    leave_soon(code)
    sys.exit(code)


def leave_soon(code: int) -> None:
    """Make sure that the process ends, whatever threads of user code still do."""
    if threading.active_count() == 1:
        return
    timer = threading.Timer(LEAVE_MAX_S, os._exit, (code,))
    timer.daemon = True
    timer.start()


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; what it raised has been said."""
    context: click.Context | None = None
    try:
        context = commands.make_context("cloud-emu", list(arguments))
        with context:
            code = commands.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except click.ClickException as fault:
        if wants_json(context):
            return _explain(context, fault.exit_code, "WRONG_USAGE", fault.format_message(), "")
        fault.show()
        return fault.exit_code
    except Failed as fault:
        return _explain(context, fault.exit_code, fault.code, fault.message, fault.hint)
    except EmulatorError as fault:
        code = EXIT_USAGE if isinstance(fault, ConfigurationError) else EXIT_FAILED
        return _explain(context, code, fault.code, fault.message, fault.hint)
    except OSError as fault:
        return _explain_place(context, fault)
    return code if isinstance(code, int) else EXIT_DONE


def _explain(
    context: click.Context | None, exit_code: int, code: str, message: str, hint: str
) -> int:
    if wants_json(context):
        event = {"event": "failed"} if _speaks_events(context) else {}
        say_json({**event, "code": code, "message": message, "hint": hint})
        return exit_code
    tell(f"{colored('error', 'red')}: {message}")
    if hint:
        tell(f"  {hint}")
    return exit_code


def _explain_place(context: click.Context | None, fault: OSError) -> int:
    """Tell of a place that the command was given, or of its own output."""
    if isinstance(fault, BrokenPipeError):
        # Whoever read our output is gone; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    if fault.strerror is None:
        raise fault
    message = f"{fault.filename or 'the output'}: {fault.strerror}"
    return _explain(context if fault.filename else None, EXIT_FAILED, "FAILED", message, "")


def _speaks_events(context: click.Context | None) -> bool:
    return context is not None and context.invoked_subcommand == "start"
