"""Owns `cloud-emu doctor`: what was found in a project and on this machine, and what to do.

Not here: the looking itself (`cli.checkup`).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from emulator.cli.options import project_argument
from emulator.cli.output import (
    EXIT_DONE,
    EXIT_FAILED,
    bold,
    colored,
    json_option,
    say,
    say_json,
)

if TYPE_CHECKING:
    from emulator.cli.checkup import Finding

_COLORS: Final = {"ok": "green", "warning": "yellow", "error": "red"}
_WIDTH: Final = 8


@click.command(short_help="Say what was found, what is wrong, and what to do.")
@project_argument
@json_option
def doctor(project: Path, *, as_json: bool) -> int:
    """Say what was found and what is wrong, and what to do; exit code 1 on an error."""
    from emulator.cli.checkup import check_up

    findings = check_up(project)
    errors = sum(finding.state == "error" for finding in findings)
    if as_json:
        say_json({"checks": [finding.as_json() for finding in findings], "errors": errors})
    else:
        _say(findings, errors)
    return EXIT_FAILED if errors else EXIT_DONE


def _say(findings: "list[Finding]", errors: int) -> None:
    subject = ""
    for finding in findings:
        if finding.subject != subject:
            subject = finding.subject
            say(bold(subject))
        state = colored(finding.state.ljust(_WIDTH), _COLORS[finding.state])
        say(f"  {state} {finding.message}")
        if finding.hint:
            say(f"  {'':<{_WIDTH}} -> {finding.hint}")
    say()
    say(f"{errors} to repair" if errors else "nothing to repair")
