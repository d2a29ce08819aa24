"""Owns `cloud-emu reset` and `seed`: the data of a running suite as a whole.

Not here: reading seed files (`config.seed_files`) and loading them (the suite).
"""

from pathlib import Path
from typing import Final

import click

from emulator.cli.options import project_option
from emulator.cli.output import EXIT_DONE, Failed, json_option, say, say_json

LOAD_MAX_S: Final = 300.0


@click.command(short_help="Empty the running suite.")
@project_option
@json_option
def reset(project: Path, *, as_json: bool) -> int:
    """Empty the running suite: documents, files, logs."""
    from emulator.cli.connect import connect

    connect(project).post("/_emu/reset", timeout_s=LOAD_MAX_S)
    say_json({"reset": True}) if as_json else say("emptied")
    return EXIT_DONE


@click.command(short_help="Load data files into the running suite.")
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--replace", is_flag=True, help="Drop everything else first.")
@click.option("--triggers", is_flag=True, help="Let database triggers hear of it.")
@project_option
@json_option
def seed(
    paths: tuple[Path, ...], *, replace: bool, triggers: bool, project: Path, as_json: bool
) -> int:
    """Load data files into the running suite; orders.jsonl fills the collection orders."""
    from emulator.cli.connect import connect
    from emulator.config.run_settings import seed_matches
    from emulator.config.seed_files import read_seed_files

    files = [file for path in paths for file in seed_matches(Path.cwd(), str(path))]
    if not files:
        raise Failed(f"no data files in {', '.join(map(str, paths))}", hint="name .jsonl or .json")
    body = {"collections": read_seed_files(files), "replace": replace, "triggers": triggers}
    answer = connect(project).post("/_emu/seed", body, timeout_s=LOAD_MAX_S)
    if as_json:
        say_json(answer)
        return EXIT_DONE
    for name, count in answer.get("collections", {}).items():
        say(f"{name}: {count} document{'' if count == 1 else 's'}")
    return EXIT_DONE
