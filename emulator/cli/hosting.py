"""Owns `cloud-emu hosting`: files of the hosted site put into the data folder, listed, removed.

Not here: what is served on which path (`services.hosting`). The one idea: nothing has to run, and
what runs serves the files as soon as they are there.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from emulator.cli.options import FOLDER, project_option
from emulator.cli.output import (
    EXIT_DONE,
    EXIT_FAILED,
    Failed,
    faint,
    json_option,
    say,
    say_json,
    tell,
)

if TYPE_CHECKING:
    from emulator.services.deploying import Deployments, HostedFile

SHOWN_MAX: Final = 5

data_dir_option: Final = click.option(
    "--data-dir", type=FOLDER, help="Folder that keeps the data (.cloud-emu)."
)


@click.group(short_help="Files of the hosted site.")
def hosting() -> None:
    """Deploy, list and delete the files of the hosted site."""


@hosting.command(short_help="Put files on the site.")
@click.argument("source", type=click.Path(path_type=Path), default=Path())
@click.argument("place", default="")
@data_dir_option
@project_option
@json_option
def deploy(source: Path, place: str, *, data_dir: Path | None, project: Path, as_json: bool) -> int:
    """Copy the file or folder SOURCE (here) to PLACE of the site (its root)."""
    done = _deployments(project, data_dir).deploy(source, place)
    if as_json:
        say_json({"deployed": list(done.names), "left_out": list(done.left_out)})
        return EXIT_DONE
    files = "file" if len(done.names) == 1 else "files"
    say(f"{len(done.names)} {files} deployed")
    for name in done.left_out[:SHOWN_MAX]:
        tell(f"left out, as it cannot be hosted: {name}")
    if len(done.left_out) > SHOWN_MAX:
        tell(f"and {len(done.left_out) - SHOWN_MAX} more")
    return EXIT_DONE


@hosting.command(name="ls", short_help="List deployed files.")
@click.argument("prefix", default="")
@data_dir_option
@project_option
@json_option
def list_files(prefix: str, *, data_dir: Path | None, project: Path, as_json: bool) -> int:
    """List the deployed files whose path starts with PREFIX."""
    found = _deployments(project, data_dir).list(prefix.lstrip("/"))
    if as_json:
        say_json(
            [
                {"path": each.name, "size_bytes": each.size_bytes, "updated_at": _time(each)}
                for each in found
            ]
        )
        return EXIT_DONE
    for each in found:
        say(f"{each.size_bytes:>10,} {faint(_time(each))} {each.name}")
    if not found:
        say("nothing was deployed")
    return EXIT_DONE


@hosting.command(short_help="Take files off the site.")
@click.argument("path")
@click.option("--dir", "folder", is_flag=True, help="Everything below the path.")
@data_dir_option
@project_option
@json_option
def delete(path: str, *, folder: bool, data_dir: Path | None, project: Path, as_json: bool) -> int:
    """Delete the deployed file PATH, or with --dir everything below it."""
    count = _deployments(project, data_dir).delete(path, folder=folder)
    if as_json:
        say_json({"deleted": count})
    else:
        say(f"{count} deleted")
    return EXIT_DONE if count else EXIT_FAILED


def _deployments(project: Path, data_dir: Path | None) -> "Deployments":
    from emulator.cli.data_folder import prepare
    from emulator.cli.options import load
    from emulator.services.deploying import Deployments
    from emulator.services.hosting import DEPLOYED_FOLDER

    folder = load(project, {"data_dir": data_dir}).data_dir
    try:
        prepare(folder)
    except OSError as fault:
        raise Failed(f"the data folder {folder} cannot be used: {fault.strerror}") from fault
    return Deployments(folder / DEPLOYED_FOLDER)


def _time(file: "HostedFile") -> str:
    return datetime.fromtimestamp(file.updated_ms / 1000, UTC).isoformat(timespec="seconds")
