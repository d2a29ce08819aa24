"""Owns `cloud-emu trigger`: listing, firing and pausing triggers, and calls that were given up.

Not here: what triggers are (`functions.triggers`) and how they are called (the suite).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from emulator.cli.options import event_of, project_option
from emulator.cli.output import (
    EXIT_DONE,
    EXIT_FAILED,
    Failed,
    colored,
    json_option,
    say,
    say_json,
    say_json_for_people,
    tell,
)

if TYPE_CHECKING:
    from emulator.cli.control import ControlClient

CALL_MAX_S: Final = 75.0


@click.group("trigger", short_help="List, fire and pause triggers.")
def trigger() -> None:
    """List, fire and pause the triggers of the running suite.

    A NAME is that of a trigger, or FUNCTION/TRIGGER where several have it.
    """


@trigger.command("list", short_help="List the triggers.")
@project_option
@json_option
def list_triggers(project: Path, *, as_json: bool) -> int:
    """List the triggers, timers with their next firings."""
    from emulator.cli.connect import connect

    answer = connect(project).get("/_emu/triggers")
    if as_json:
        say_json(answer)
        return EXIT_DONE
    if not answer["enabled"]:
        say("database and storage triggers are off")
    for each in answer["triggers"]:
        say(_line(each))
        for note in each.get("notes", ()):
            say(f"  {note}")
    if not answer["triggers"]:
        say("no triggers")
    return EXIT_DONE


@trigger.command(short_help="Fire a trigger now.")
@click.argument("name")
@click.option("--data", help="The event: JSON, @FILE, or -; one is made up otherwise.")
@project_option
@json_option
def fire(name: str, data: str | None, *, project: Path, as_json: bool) -> int:
    """Fire a trigger now; the exit code is 1 when its function fails.

    Without an event one is made up: of a timer at this moment, of the newest document or file that
    fits, of a request without a body. Nothing is written.
    """
    from emulator.cli.connect import connect
    from emulator.cli.control import path_of

    client = connect(project)
    found = _find(client, name)
    path = path_of("triggers", found["function"], found["trigger"], "fire")
    told = {} if data is None else {"event": event_of(data)}
    answer = client.post(path, told, timeout_s=CALL_MAX_S)
    error = answer.get("error")
    if as_json:
        say_json(answer)
    elif error is None:
        say_json_for_people(answer.get("result"))
    else:
        tell(f"{colored('failed', 'red')}: {error.get('message', error)}")
    return EXIT_DONE if error is None else EXIT_FAILED


@trigger.command(short_help="Stop a trigger, or all that hear of data.")
@click.argument("name", required=False)
@project_option
@json_option
def pause(name: str | None, *, project: Path, as_json: bool) -> int:
    """Stop a trigger; without a name all database and storage triggers, as for seeding."""
    return _pause(project, name, paused=True, as_json=as_json)


@trigger.command(short_help="Have a trigger go on.")
@click.argument("name", required=False)
@project_option
@json_option
def resume(name: str | None, *, project: Path, as_json: bool) -> int:
    """Have a trigger go on, without a name what `pause` without one stopped."""
    return _pause(project, name, paused=False, as_json=as_json)


@trigger.command(short_help="List triggered calls that were given up.")
@project_option
@json_option
def failed(project: Path, *, as_json: bool) -> int:
    """List the triggered calls that failed each time and were given up."""
    from emulator.cli.connect import connect

    letters = connect(project).get("/_emu/dead-letters")
    if as_json:
        say_json(letters)
        return EXIT_DONE
    for each in letters:
        what = each["trigger"] or "asynchronous call"
        say(
            f"{each['number']:>5}  {each['function']}/{what}  "
            f"{each['attempts']} calls  {each['error']}"
        )
    if not letters:
        say("nothing was given up")
    return EXIT_DONE


@trigger.command(short_help="Call again what was given up.")
@click.argument("number", type=click.IntRange(1), required=False)
@project_option
@json_option
def replay(number: int | None, *, project: Path, as_json: bool) -> int:
    """Call again what was given up: one by its number, or all."""
    from emulator.cli.connect import connect

    answer = connect(project).post("/_emu/dead-letters/replay", {"number": number})
    say_json(answer) if as_json else say(f"{answer['replayed']} calls wait for their turn")
    return EXIT_DONE


def _pause(project: Path, name: str | None, *, paused: bool, as_json: bool) -> int:
    from emulator.cli.connect import connect
    from emulator.cli.control import path_of

    client = connect(project)
    if name is None:
        answer = client.post("/_emu/triggers", {"enabled": not paused})
        what = "database and storage triggers"
    else:
        found = _find(client, name)
        verb = "pause" if paused else "resume"
        answer = client.post(path_of("triggers", found["function"], found["trigger"], verb))
        what = f"{found['function']}/{found['trigger']}"
    say_json(answer) if as_json else say(f"{what}: {'paused' if paused else 'on'}")
    return EXIT_DONE


def _find(client: "ControlClient", name: str) -> dict[str, Any]:
    """Return the one trigger that a name means; raises Failed."""
    known: list[dict[str, Any]] = client.get("/_emu/triggers")["triggers"]
    titles = [f"{each['function']}/{each['trigger']}" for each in known]
    found = [
        each for each, title in zip(known, titles, strict=True) if name in (title, each["trigger"])
    ]
    if len(found) == 1:
        return found[0]
    several = [f"{each['function']}/{each['trigger']}" for each in found]
    raise Failed(
        f"several triggers are called {name}" if several else f"no trigger {name}",
        hint=f"say which: {', '.join(several)}" if several else f"known: {', '.join(titles)}",
    )


def _line(each: dict[str, Any]) -> str:
    title = f"{each['function']}/{each['trigger']}"
    line = f"{title:<32}  {each['type']:<8}"
    if each["paused"]:
        return f"{line}  paused"
    if each["type"] == "timer":
        next_fires = ", ".join(each.get("next_fires", ())[:2])
        return f"{line}  {each['config']}  next {next_fires or 'never'}"
    return line
