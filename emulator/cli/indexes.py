"""Owns `cloud-emu db`: indexes of a running suite, what a query costs, which indexes are missing.

Not here: what an index may be (the suite says). Keys, filters and orders are JSON as the control
API takes them.
"""

import json
from pathlib import Path
from typing import Any, Final

import click

from emulator.cli.options import project_option
from emulator.cli.output import EXIT_DONE, json_option, say, say_json

BUILD_MAX_S: Final = 300.0


def _json_object(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> dict[str, Any]:
    """Return a JSON object, an empty one when nothing is given, or end in wrong usage."""
    try:
        data = json.loads(text or "{}")
    except ValueError as fault:
        raise click.BadParameter(f"{text!r} is not JSON: {fault}", context, parameter) from fault
    if not isinstance(data, dict):
        raise click.BadParameter(f"{text!r} is not a JSON object", context, parameter)
    return data


@click.group(name="db", short_help="Indexes, and what queries cost.")
def db() -> None:
    """Look at the database of the running suite."""


@db.group(short_help="List, create and drop indexes.")
def index() -> None:
    """List, create and drop the indexes of a collection."""


@index.command(name="list", short_help="List the indexes of a collection.")
@click.argument("collection")
@project_option
@json_option
def list_indexes(collection: str, *, project: Path, as_json: bool) -> int:
    """List the indexes of a collection."""
    from emulator.cli.connect import connect
    from emulator.cli.control import path_of

    answer = connect(project).get(path_of("collections", collection, "indexes"))
    if as_json:
        say_json(answer)
        return EXIT_DONE
    for each in answer["indexes"]:
        marks = [name for name in ("unique", "sparse") if each.get(name)]
        if "expireAfterSeconds" in each:
            marks.append(f"expires after {each['expireAfterSeconds']} s")
        say(f"{each['name']:<32} {json.dumps(each['keys'])}  {', '.join(marks)}".rstrip())
    return EXIT_DONE


@index.command(name="create", short_help="Create an index.")
@click.argument("collection")
@click.argument("keys", callback=_json_object)
@click.option("--name", help="Its name; made of the keys without.")
@click.option("--unique", is_flag=True, help="Refuse a key that another document has.")
@click.option("--sparse", is_flag=True, help="Leave out documents without any of the fields.")
@click.option(
    "--expire-after",
    "expire_after_s",
    type=click.IntRange(0),
    metavar="SECONDS",
    help="Remove documents so long after the date in the field.",
)
@project_option
@json_option
def create_index(
    collection: str, keys: dict[str, Any], *, project: Path, as_json: bool, **options: Any
) -> int:
    """Create an index, such as: cloud-emu db index create orders '{"userId": 1}'."""
    from emulator.cli.connect import connect
    from emulator.cli.control import path_of

    body = {"keys": keys, **{name: value for name, value in options.items() if value}}
    if options["expire_after_s"] is not None:
        body["expire_after_s"] = options["expire_after_s"]
    path = path_of("collections", collection, "indexes")
    answer = connect(project).post(path, body, timeout_s=BUILD_MAX_S)
    say_json(answer) if as_json else say(f"created {answer['name']}")
    return EXIT_DONE


@index.command(name="drop", short_help="Drop an index.")
@click.argument("collection")
@click.argument("name")
@project_option
@json_option
def drop_index(collection: str, name: str, *, project: Path, as_json: bool) -> int:
    """Drop an index by its name."""
    from emulator.cli.connect import connect
    from emulator.cli.control import path_of

    answer = connect(project).delete(path_of("collections", collection, "indexes", name))
    say_json(answer) if as_json else say(f"dropped {name}")
    return EXIT_DONE


@db.command(short_help="Say what a query costs.")
@click.argument("collection")
@click.argument("filter_", metavar="FILTER", callback=_json_object, required=False)
@click.option("--sort", callback=_json_object, help='Order, such as {"createTime": -1}.')
@click.option("--limit", type=click.IntRange(0), help="How many documents (100).")
@project_option
@json_option
def explain(
    collection: str,
    filter_: dict[str, Any],
    *,
    sort: dict[str, Any],
    limit: int | None,
    project: Path,
    as_json: bool,
) -> int:
    """Run a query and say which index it used and how much it read."""
    from emulator.cli.connect import connect
    from emulator.cli.control import path_of

    body = {"filter": filter_, "sort": sort, "limit": limit}
    answer = connect(project).post(path_of("collections", collection, "explain"), body)
    if as_json:
        say_json(answer)
        return EXIT_DONE
    used = f" by {', '.join(answer['indexes'])}" if answer["indexes"] else ""
    order = ", in order" if answer["sorted_by_index"] else ""
    say(f"{answer['stage']}{used}{order}")
    say(f"keys examined       {answer['keys_examined']}")
    say(f"documents examined  {answer['documents_examined']}")
    say(f"returned            {answer['returned']}")
    say(f"took                {answer['duration_ms']} ms")
    return EXIT_DONE


@db.command(short_help="Tell which indexes are missing.")
@project_option
@json_option
def advice(project: Path, *, as_json: bool) -> int:
    """Tell which queries read whole collections since the start, and the indexes for them."""
    from emulator.cli.connect import connect

    answer = connect(project).get("/_emu/advice")
    if as_json:
        say_json(answer)
        return EXIT_DONE
    for each in answer["advice"]:
        wanted = each["index"]
        cure = f"create index {json.dumps(wanted['keys'])}" if wanted else "no index would help"
        say(
            f"{each['collection']}: {each['times']} queries read {each['documents_examined']} "
            f"documents for {each['documents_returned']}: {cure}"
        )
    if not answer["advice"]:
        say("no query has missed an index")
    return EXIT_DONE
