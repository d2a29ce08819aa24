"""Owns `cloud-emu trace`: why things happened, as trees or for other tools.

Not here: what is recorded (the suite says).
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

from emulator.cli.options import project_option
from emulator.cli.output import EXIT_DONE, Failed, colored, faint, json_option, say, say_json

SPANS_DEFAULT: Final = 100
_TOLD: Final = ("collection", "user", "access", "stage", "indexes", "documents_examined", "source")


@click.command(short_help="Show what happened and why.")
@click.argument("request_id", required=False, default="")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=SPANS_DEFAULT,
    show_default=True,
    help="How many of the newest spans.",
)
@click.option("--otlp", is_flag=True, help="Print OpenTelemetry's JSON.")
@project_option
@json_option
def trace(request_id: str, *, limit: int, otlp: bool, project: Path, as_json: bool) -> int:
    """Show what happened and why: calls, what they read and wrote, what that triggered.

    With a REQUEST_ID only the tree that request belongs to.
    """
    from emulator.cli.connect import connect

    form = "otlp" if otlp else "tree"
    told = connect(project).get("/_emu/trace", request_id=request_id, limit=limit, form=form)
    if as_json or otlp:
        say_json(told)
        return EXIT_DONE
    if request_id and not told:
        raise Failed(f"nothing is known of request {request_id}", hint="cloud-emu fn log shows ids")
    for line in _lines(told, ""):
        say(line)
    return EXIT_DONE


def _lines(nodes: Iterable[Mapping[str, Any]], indent: str) -> Iterator[str]:
    for node in nodes:
        duration = node["duration_ms"]
        took = "under way" if duration is None else f"{duration:g} ms"
        yield f"{indent}{node['kind']} {node['name']}  {faint(f'{took}  {_facts(node)}'.rstrip())}"
        if node["error"]:
            yield f"{indent}  {colored(node['error'], 'red')}"
        for _, level, line in node["events"]:
            yield f"{indent}  {faint(f'{level}: {line}')}"
        yield from _lines(node["children"], indent + "  ")


def _facts(node: Mapping[str, Any]) -> str:
    found = node["attributes"]
    return "  ".join(f"{name} {found[name]}" for name in _TOLD if found.get(name))
