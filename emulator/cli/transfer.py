"""Owns `cloud-emu export` and `import`: collections of a running suite as files, and back.

Not here: formats and modes (the suite). The one idea: a file is streamed and put in place when it
is complete; an export writes into a new folder, or one that an export has made.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

import click

from emulator.cli.options import FOLDER, project_option
from emulator.cli.output import EXIT_DONE, EXIT_FAILED, Failed, json_option, say, say_json, tell

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse

    from emulator.cli.control import ControlClient

TRANSFER_PAUSE_MAX_S: Final = 300.0
"""How long the suite may say nothing while a file goes one way or the other."""
MARKER: Final = "cloud-emu-export.json"
PROBLEMS_SHOWN_MAX: Final = 10
_FORMATS: Final = {".jsonl": "jsonl", ".json": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}


@click.command("export", short_help="Write collections of the running suite to files.")
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    help="Of the files.",
)
@click.option("--collection", "names", multiple=True, help="This one only; may be given again.")
@project_option
@json_option
def export_command(
    folder: Path, *, file_format: str, names: tuple[str, ...], project: Path, as_json: bool
) -> int:
    """Write each collection to a file of its name, as the cloud's console does.

    JSON Lines (--format jsonl) keep every type; CSV keeps what a table can hold.
    """
    from emulator.cli.connect import connect

    client = connect(project)
    wanted = list(names or client.get("/_emu/info")["collections"])
    _require_own(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = _file_names(wanted, file_format)
    (folder / MARKER).write_text(json.dumps(files, indent=2), encoding="utf-8")
    for file, name in files.items():
        _download(client, name, file_format, folder / file)
    if as_json:
        say_json({"folder": str(folder), "files": files})
    else:
        for file, name in files.items():
            say(f"{name}: {folder / file}")
    return EXIT_DONE


@click.command("import", short_help="Load files into collections of the running suite.")
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--mode",
    type=click.Choice(["insert", "upsert"]),
    default="insert",
    show_default=True,
    help="What becomes of a document whose _id is taken.",
)
@click.option("--format", "file_format", type=click.Choice(["jsonl", "csv"]), help="By its name.")
@click.option("--collection", help="Not the one the file is named after.")
@project_option
@json_option
def import_command(
    paths: tuple[Path, ...],
    *,
    mode: str,
    file_format: str | None,
    collection: str | None,
    project: Path,
    as_json: bool,
) -> int:
    """Load JSON Lines and CSV files, or all of a folder, into collections of their names.

    A document whose _id is taken stays out (--mode insert) or takes the other's place
    (--mode upsert). Bad lines are told and cost nothing else.
    """
    from emulator.cli.connect import connect

    client = connect(project)
    outcomes = []
    for path, name in _files_of(paths):
        format_ = file_format or _FORMATS.get(path.suffix.lower(), "jsonl")
        outcome = _upload(client, path, collection or name, {"format": format_, "mode": mode})
        outcomes.append({"file": str(path), **outcome})
        if not as_json:
            _say_outcome(path, outcome)
    if as_json:
        say_json({"imports": outcomes})
    clean = all(each["failed"] == each["conflicts"] == 0 for each in outcomes)
    return EXIT_DONE if clean else EXIT_FAILED


def _require_own(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier export."""
    if folder.exists() and not (folder / MARKER).exists() and any(folder.iterdir()):
        raise Failed(
            f"{folder} is not empty and was not made by an export",
            hint="choose a new folder, or empty it first",
        )


def _file_names(names: Iterable[str], file_format: str) -> dict[str, str]:
    """Return a file name for each collection, different even where case means nothing."""
    files: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        stem, number = name, 1
        while stem.lower() in taken:
            number += 1
            stem = f"{name}~{number}"
        taken.add(stem.lower())
        files[f"{stem}.{file_format}"] = name
    return files


def _files_of(paths: Iterable[Path]) -> list[tuple[Path, str]]:
    """Return files with the collections they are named after, those of folders by name."""
    found: list[tuple[Path, str]] = []
    for path in paths:
        if path.is_dir():
            marker = path / MARKER
            names = json.loads(marker.read_text(encoding="utf-8")) if marker.exists() else {}
            found += [
                (file, names.get(file.name, file.stem))
                for file in sorted(path.iterdir())
                if file.suffix.lower() in _FORMATS and file.name != MARKER
            ]
        elif path.is_file():
            found.append((path, path.stem))
        else:
            raise Failed(f"there is no file {path}")
    if not found:
        raise Failed(
            f"no data files in {', '.join(map(str, paths))}", hint="name .jsonl or .csv files"
        )
    return found


def _download(client: "ControlClient", name: str, file_format: str, target: Path) -> None:
    from http.client import HTTPException

    aside = target.with_name(f"{target.name}.part")
    connection = _connection(client)
    try:
        connection.request("GET", _path(name, "export", {"format": file_format}))
        response = connection.getresponse()
        if response.status != 200:
            raise _refusal(response)
        with aside.open("wb") as file:
            shutil.copyfileobj(response, file)
    except (OSError, HTTPException) as fault:
        aside.unlink(missing_ok=True)
        raise Failed(f"{name} could not be exported: {fault!r}") from fault
    finally:
        connection.close()
    aside.replace(target)


def _upload(
    client: "ControlClient", path: Path, name: str, query: Mapping[str, str]
) -> dict[str, Any]:
    from http.client import HTTPException

    connection = _connection(client)
    try:
        with path.open("rb") as file:
            headers = {"Content-Length": str(path.stat().st_size)}
            # A suite that refuses a file may say so before it has read all of it.
            with suppress(ConnectionError):
                connection.request("POST", _path(name, "import", query), body=file, headers=headers)
            response = connection.getresponse()
            if response.status != 200:
                raise _refusal(response)
            outcome: dict[str, Any] = json.loads(response.read())
            return outcome
    except (OSError, HTTPException) as fault:
        raise Failed(f"{path} could not be imported: {fault!r}") from fault
    finally:
        connection.close()


def _connection(client: "ControlClient") -> "HTTPConnection":
    from http.client import HTTPConnection

    parts = urlsplit(client.url)
    return HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TRANSFER_PAUSE_MAX_S)


def _path(name: str, verb: str, query: Mapping[str, str]) -> str:
    from emulator.cli.control import path_of

    return f"{path_of('collections', name, verb)}?{urlencode(query)}"


def _refusal(response: "HTTPResponse") -> Failed:
    raw = response.read()
    try:
        told = json.loads(raw)
        return Failed(str(told["message"]), hint=str(told.get("hint") or ""), code=told["code"])
    except (ValueError, KeyError, TypeError):
        return Failed(f"the suite answered {response.status}: {raw[:200]!r}")


def _say_outcome(path: Path, outcome: Mapping[str, Any]) -> None:
    counts = [
        f"{outcome[kind]} {kind}"
        for kind in ("inserted", "replaced", "conflicts", "failed")
        if outcome[kind] or kind == "inserted"
    ]
    say(f"{outcome['collection']}: {', '.join(counts)}")
    problems = outcome["problems"]
    for problem in problems[:PROBLEMS_SHOWN_MAX]:
        tell(f"{path}:{problem['line']}: {problem['message']}")
    more = outcome["failed"] + outcome["conflicts"] - PROBLEMS_SHOWN_MAX
    if more > 0:
        tell(f"{path}: and {more} more")
