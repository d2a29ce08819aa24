"""Owns `cloud-emu status`, `stop` and `wait`: asking after a suite that runs elsewhere.

Not here: how it is found (`cli.connect`). The one idea: every wait has a bound and looks at a
condition.
"""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from emulator.cli.options import project_argument
from emulator.cli.output import (
    EXIT_DONE,
    EXIT_FAILED,
    Failed,
    json_option,
    say,
    say_json,
)

if TYPE_CHECKING:
    from emulator.cli.discovery import Discovered

WAIT_DEFAULT_S: Final = 30.0
STOP_WAIT_MAX_S: Final = 10.0
SILENT_WAIT_MAX_S: Final = 3.0
"""What a suite that answers nobody gets to end by itself; it may only be busy."""
LOOK_S: Final = 0.05
IDLE_SLACK_S: Final = 5.0
"""What the answer to an idle call may take beyond its own time-out."""


@click.command(short_help="Say whether a suite runs, and where.")
@project_argument
@click.option("--env", "as_env", is_flag=True, help="Print the lines that point a shell here.")
@json_option
def status(project: Path, *, as_env: bool, as_json: bool) -> int:
    """Say whether a suite runs for a project, and where; exit code 1 when none does.

    With --env the answer is for the shell: eval "$(cloud-emu status --env)", in PowerShell
    cloud-emu status --env | Out-String | Invoke-Expression.
    """
    from emulator.cli.connect import not_running, running_suite
    from emulator.cli.control import ControlClient

    record = running_suite(project)
    if record is None:
        failure = not_running(project)
        if as_env or failure.code != "NOT_RUNNING":
            raise failure
        say_json({"running": False}) if as_json else say(
            f"no suite is running for {project.absolute()}"
        )
        return EXIT_FAILED
    client = ControlClient(record.api_url)
    info = client.get("/_emu/info")
    if as_json:
        say_json({"running": True, "started_at": record.started_at, **info})
        return EXIT_DONE
    if as_env:
        _say_exports(info)
        return EXIT_DONE
    functions = info.get("functions", ())
    failed = [each["name"] for each in functions if each.get("state") == "failed"]
    say(f"running      pid {record.pid}, since {record.started_at}")
    say(f"environment  {info.get('env')}")
    say(f"API          {record.urls.get('api')}")
    say(f"site         {record.urls.get('site')}")
    say(f"data         {info.get('data_dir') or 'kept nowhere'}")
    say(f"functions    {len(functions)}" + (f", failed: {', '.join(failed)}" if failed else ""))
    missing = len(client.get("/_emu/advice")["advice"])
    if missing:
        say(f"indexes      {missing} kinds of query miss one: cloud-emu db advice")
    return EXIT_DONE


@click.command(short_help="Stop the running suite.")
@project_argument
@json_option
def stop(project: Path, *, as_json: bool) -> int:
    """Stop the suite of a project; it is no failure when none runs."""
    from emulator.cli.connect import running_suite, silent_suite
    from emulator.cli.processes import is_alive

    record = running_suite(project)
    if record is None and (silent := silent_suite(project)) is not None:
        return _end_silent(silent, as_json=as_json)
    if record is None:
        say_json({"stopped": False}) if as_json else say(
            f"no suite is running for {project.absolute()}"
        )
        return EXIT_DONE
    _ask_to_stop(record)
    if not _until(lambda: not is_alive(record.pid), STOP_WAIT_MAX_S):
        raise Failed(
            f"the suite (pid {record.pid}) still stops after {STOP_WAIT_MAX_S:g} s",
            hint="a function may hang; end the process by its id",
        )
    say_json({"stopped": True, "pid": record.pid}) if as_json else say("stopped")
    return EXIT_DONE


@click.command(short_help="Wait until the suite is ready, or idle.")
@project_argument
@click.option("--ready", "until", flag_value="ready", help="Until a suite runs and is ready.")
@click.option("--idle", "until", flag_value="idle", help="Until nothing is queued or running.")
@click.option(
    "--timeout",
    "timeout_s",
    metavar="SECONDS",
    type=click.FloatRange(0),
    default=WAIT_DEFAULT_S,
    show_default=True,
    help="How long to wait.",
)
@json_option
def wait(project: Path, *, until: str | None, timeout_s: float, as_json: bool) -> int:
    """Wait until the suite of a project is ready, or idle; exit code 1 when it is not in time."""
    if until is None:
        raise click.UsageError("give --ready or --idle")
    waiting = {"ready": _wait_ready, "idle": _wait_idle}[until]
    answer = waiting(project, timeout_s)
    say_json(answer) if as_json else say(until)
    return EXIT_DONE


def _say_exports(info: Mapping[str, Any]) -> None:
    from emulator.cli.banner import exports

    for line in exports(info.get("variables", {}), windows=sys.platform == "win32"):
        say(line)


def _wait_ready(project: Path, timeout_s: float) -> dict[str, Any]:
    from emulator.cli.connect import not_running, running_suite
    from emulator.cli.control import ControlClient, Unreachable

    ready: dict[str, Any] = {}

    def is_ready() -> bool:
        record = running_suite(project)
        if record is None:
            return False
        try:
            health = ControlClient(record.api_url).get("/_emu/health", accept=(200, 503))
        except Unreachable:
            return False
        if health.get("status") != "ready":
            return False
        ready.update(health, urls=dict(record.urls))
        return True

    if not _until(is_ready, timeout_s):
        raise not_running(project)
    return ready


def _wait_idle(project: Path, timeout_s: float) -> dict[str, Any]:
    from emulator.cli.connect import connect

    client = connect(project)
    answer: dict[str, Any] = client.get(
        "/_emu/idle", timeout_s=timeout_s, wait_s=timeout_s + IDLE_SLACK_S
    )
    if not answer.get("idle"):
        running = "; ".join(answer.get("running", ()))
        raise Failed(f"not idle after {timeout_s:g} s: {running}", code="NOT_IDLE")
    return answer


def _ask_to_stop(record: "Discovered") -> None:
    from emulator.cli.control import ControlClient, Unreachable
    from emulator.cli.processes import end

    try:
        ControlClient(record.api_url).post("/_emu/stop")
    except Unreachable:
        return  # it went while it was asked
    except Failed:
        end(record.pid)


def _end_silent(record: "Discovered", *, as_json: bool) -> int:
    """End a suite that answers nobody: by asking its process, then without."""
    from emulator.cli.processes import end, is_alive, kill

    end(record.pid)
    if not _until(lambda: not is_alive(record.pid), SILENT_WAIT_MAX_S):
        kill(record.pid)
    if not _until(lambda: not is_alive(record.pid), STOP_WAIT_MAX_S):
        raise Failed(f"the suite (pid {record.pid}) could not be ended")
    if as_json:
        say_json({"stopped": True, "pid": record.pid, "killed": True})
    else:
        say(f"the suite (pid {record.pid}) did not answer and was ended; its data are safe")
    return EXIT_DONE


def _until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Look at a condition until it holds; False when it does not in time."""
    from emulator.ambient import SystemClock

    stopwatch = SystemClock()
    deadline_s = stopwatch.elapsed_s() + timeout_s
    while not condition():
        if stopwatch.elapsed_s() >= deadline_s:
            return False
        time.sleep(LOOK_S)
    return True
