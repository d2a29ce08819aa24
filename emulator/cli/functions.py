"""Owns `cloud-emu fn`: listing, making and calling functions, and reading their logs.

Not here: what a function is (`functions/`) and how it is called (the suite).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from emulator.cli.fn_inspect import inspect
from emulator.cli.fn_install import install
from emulator.cli.fn_instances import instances, restart
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
"""The longest function there is, and some time to load it."""
LOG_LINES_DEFAULT: Final = 100


@click.group("fn")
def functions() -> None:
    """Functions of the running suite."""


functions.add_command(install)
functions.add_command(instances)
functions.add_command(restart)
functions.add_command(inspect)


@functions.command("list", short_help="List the functions.")
@project_option
@json_option
def list_functions(project: Path, *, as_json: bool) -> int:
    """List the functions, with what keeps one from loading; exit code 1 if something does.

    Without a running suite they are listed as they lie on disk.
    """
    found = _listed(project)
    if as_json:
        say_json(found)
    else:
        _say_table(found)
    return EXIT_FAILED if any(each.get("state") == "failed" for each in found) else EXIT_DONE


@functions.command("new", short_help="Write a new function.")
@click.argument("name")
@click.option(
    "--template", metavar="NAME", default="python", show_default=True, help="What to begin with."
)
@project_option
@json_option
def new_function(name: str, *, template: str, project: Path, as_json: bool) -> int:
    """Write a new function; a running suite takes it up at once."""
    from emulator.cli.templates import (
        function_files,
        install_command,
        require_function_name,
        write_new,
    )
    from emulator.config import load_config

    require_function_name(name)
    files = function_files(template, name)
    config = load_config(project)
    root = config.functions_root or config.project / "functions"
    if (root / name).exists():
        raise Failed(f"{root / name} is there already", hint="choose another name")
    written, _ = write_new(root / name, files)
    if as_json:
        say_json({"name": name, "written": [str(path) for path in written]})
        return EXIT_DONE
    for path in written:
        say(f"wrote  {path}")
    install = install_command(root / name, project)
    if install:
        say(f"next: {install}")
    return EXIT_DONE


@functions.command("invoke", short_help="Call a function.")
@click.argument("name")
@click.option("--data", default="{}", help="The event: JSON, @FILE, or - for standard input.")
@click.option("--openid", help="Call as this user.")
@click.option("--cold", is_flag=True, help="Begin with nothing in memory.")
@click.option("--source", default="wx_client", show_default=True, help="SOURCE the function sees.")
@project_option
@json_option
def invoke(  # noqa: PLR0913  # one of each option
    name: str,
    *,
    data: str,
    openid: str | None,
    cold: bool,
    source: str,
    project: Path,
    as_json: bool,
) -> int:
    """Call a function: the result on standard output, its logs on standard error.

    The exit code is 1 when the function fails.
    """
    from emulator.cli.connect import connect
    from emulator.cli.control import path_of

    body = {"event": event_of(data), "openid": openid, "source": source, "cold": cold}
    answer = connect(project).post(path_of("functions", name, "invoke"), body, timeout_s=CALL_MAX_S)
    error = answer.get("error")
    if as_json:
        say_json(answer)
        return EXIT_DONE if error is None else EXIT_FAILED
    for line in answer.get("logs", ()):
        tell(f"{line.get('level', 'info')}  {line.get('line', '')}")
    if error is not None:
        tell(f"{colored('failed', 'red')}: {error.get('message', error)}")
        if error.get("stack"):
            tell(error["stack"])
        return EXIT_FAILED
    say_json_for_people(answer.get("result"))
    return EXIT_DONE


@functions.command("log", short_help="Show log lines.")
@click.argument("name", required=False, default="")
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines until Ctrl-C.")
@click.option(
    "--level",
    type=click.Choice(("debug", "info", "warn", "error")),
    help="Lines at least as grave.",
)
@click.option("--request", "request_id", metavar="ID", help="Lines of one request.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=LOG_LINES_DEFAULT,
    show_default=True,
    help="How many lines.",
)
@project_option
@json_option
def log(
    name: str, *, follow: bool, limit: int, project: Path, as_json: bool, **wanted: str | None
) -> int:
    """Show the newest log lines of one function, or of all."""
    from emulator.cli.connect import connect
    from emulator.cli.feed import Feed

    feed = Feed(say)
    client = connect(project)
    if name and not follow:
        _require_known(client, name)
    wanted = {"function": name, **wanted}
    for entry in _entries(client, wanted, limit=limit, follow=follow):
        if as_json:
            say_json(entry)
        else:
            feed.hear({**entry, "event": "log"})
    return EXIT_DONE


def _require_known(client: "ControlClient", name: str) -> None:
    """Refuse a name that neither a function nor a line of the log has."""
    from emulator.config.check import nearest

    names = [each["name"] for each in client.get("/_emu/info").get("functions", [])]
    if name in names or client.get("/_emu/logs", function=name, limit=1):
        return
    close = nearest(name, names)
    raise Failed(
        f"no function {name}, and no line of one",
        hint=f"did you mean {close}?" if close else "cloud-emu fn list shows them",
        code="FUNCTION_NOT_FOUND",
    )


def _listed(project: Path) -> list[dict[str, Any]]:
    from emulator.cli.connect import connect

    try:
        client = connect(project)
    except Failed:
        return _on_disk(project)
    found: list[dict[str, Any]] = client.get("/_emu/info").get("functions", [])
    return found


def _on_disk(project: Path) -> list[dict[str, Any]]:
    from emulator.config import load_config
    from emulator.suite.project import Project

    listed = []
    for bundle in Project(load_config(project)).discover():
        errors = [problem for problem in bundle.problems if problem.severity == "error"]
        listed.append(
            {
                "name": bundle.name,
                "language": bundle.language,
                "state": "failed" if errors else "idle",
                "file": str(bundle.entry),
                "problem": asdict(errors[0]) if errors else None,
            }
        )
    return listed


def _entries(
    client: "ControlClient", wanted: Mapping[str, Any], *, limit: int, follow: bool
) -> Iterator[Mapping[str, Any]]:
    """Yield the newest lines, then new ones; none is lost or doubled between the two."""
    coming = client.stream("/_emu/logs", **wanted) if follow else iter(())
    newest = client.get("/_emu/logs", limit=limit, **wanted)
    yield from newest
    shown = Counter(map(_identity, newest))
    for entry in coming:
        if shown[_identity(entry)] > 0:
            shown[_identity(entry)] -= 1
        else:
            yield entry


def _identity(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(entry.get(key) for key in ("at_ms", "function", "request_id", "line"))


def _say_table(found: list[dict[str, Any]]) -> None:
    if not found:
        say("no functions; cloud-emu doctor says where they were looked for")
        return
    width = max(len(each["name"]) for each in found)
    for each in found:
        problem = each.get("problem")
        line = f"{each['name']:<{width}}  {each.get('state', ''):<6}  {each.get('language', '')}"
        if problem:
            place = f"{problem['file']}:{problem['line']}" if problem["line"] else problem["file"]
            line += colored(f"  {place}: {problem['message']}", "red")
        say(line)
