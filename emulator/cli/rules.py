"""Owns `cloud-emu rules`: test rules, look them over, see which were asked.

Not here: files of tests (`cli.rule_cases`), verdicts (`suite.rule_tests`), the questions of the
lint (`core.rules.lint`).
"""

import json
from pathlib import Path
from typing import Any

import click

from emulator.cli.options import project_option
from emulator.cli.output import (
    EXIT_DONE,
    EXIT_FAILED,
    bold,
    colored,
    json_option,
    say,
    say_json,
)

_COLORS = {"error": "red", "warning": "yellow", "note": "blue"}


@click.group(name="rules", short_help="Test and check security rules.")
def rules() -> None:
    """Test the security rules of a project, look them over, see which were asked."""


@rules.command(short_help="Run unit tests of rules.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a report with coverage: HTML, or JSON by the file's name.",
)
@project_option
@json_option
def test(files: tuple[Path, ...], *, report: Path | None, project: Path, as_json: bool) -> int:
    """Run the tests in JSON or TOML files; no suite needs to run."""
    from emulator.cli.rule_cases import as_page, run_file, uncovered

    permitted = _settings(project)[0].collections
    outcomes, coverage = [], []
    for path in files:
        done, covered = run_file(path, permitted)
        outcomes += done
        coverage += covered
    failed = sum(bool(each.failure) for each in outcomes)
    told = {"tests": [each.told() for each in outcomes], "failed": failed, "coverage": coverage}
    if report is not None:
        as_data = report.suffix == ".json"
        text = json.dumps(told, default=str) if as_data else as_page(outcomes, coverage)
        report.write_text(text, "utf-8")
    if as_json:
        say_json(told)
        return EXIT_FAILED if failed else EXIT_DONE
    for each in outcomes:
        mark = colored("failed", "red") if each.failure else colored("ok", "green")
        say(f"{mark:<6}  {each.name}{f': {each.failure}' if each.failure else ''}")
    for line in uncovered(coverage):
        say(f"{colored('!', 'yellow')} {line}")
    say(f"{len(outcomes)} tests, {failed} failed")
    return EXIT_FAILED if failed else EXIT_DONE


@rules.command(short_help="Look rules over without running them.")
@project_option
@json_option
def check(project: Path, *, as_json: bool) -> int:
    """Tell what is wrong or doubtful about the rules of a project; exit 1 on an error."""
    from emulator.core.rules.lint import lint
    from emulator.services.permissions import Permissions, PermissionSettings

    settings, notices = _settings(project)
    found: list[dict[str, Any]] = [
        {"collection": "", "key": "", "position": 0, "severity": "error", "message": notice}
        for notice in notices
    ]
    for name, source in settings.collections.items():
        found += [{"collection": name, **each.told()} for each in lint(source)]
    others = Permissions(PermissionSettings(files=settings.files, functions=settings.functions))
    found += [
        {"collection": "", "key": "", "position": 0, "severity": "error", "message": notice}
        for notice in others.notices
    ]
    failed = any(each["severity"] == "error" for each in found)
    if as_json:
        say_json({"findings": found})
        return EXIT_FAILED if failed else EXIT_DONE
    for each in found:
        place = ".".join(filter(None, (each["collection"], each["key"])))
        where = f"{place}: character {each['position'] + 1}: " if place else ""
        say(f"{colored(each['severity'], _COLORS[each['severity']])}: {where}{each['message']}")
    if not found:
        say(f"{len(settings.collections)} collections have rules or presets; nothing is doubtful")
    return EXIT_FAILED if failed else EXIT_DONE


@rules.command(short_help="Tell which rules were asked so far.")
@project_option
@json_option
def coverage(project: Path, *, as_json: bool) -> int:
    """Tell which rules of the running suite were asked since its start, and how they decided."""
    from emulator.cli.connect import connect
    from emulator.cli.rule_cases import uncovered

    answer = connect(project).get("/_emu/rules/coverage")
    if as_json:
        say_json(answer)
        return EXIT_DONE
    for each in answer["coverage"]:
        place = bold(f"{each['target']}.{each['key']}")
        say(f"{place}  allowed {each['allowed']}, denied {each['denied']}")
    for line in uncovered(answer["coverage"]):
        say(f"{colored('!', 'yellow')} {line}")
    if not answer["coverage"]:
        say("no collection has rules of its own")
    return EXIT_DONE


@rules.command(short_help="Tell what was denied, and why.")
@click.option("--limit", type=click.IntRange(1), default=20, help="How many (20).")
@project_option
@json_option
def denials(project: Path, *, limit: int, as_json: bool) -> int:
    """Tell the newest denials of the running suite with their reasons."""
    from emulator.cli.connect import connect

    answer = connect(project).get(f"/_emu/denials?limit={limit}")
    if as_json:
        say_json(answer)
        return EXIT_DONE
    for each in answer["denials"]:
        say(f"{bold(each['operation'])} of {each['target']} by {each['user'] or 'nobody'}")
        if each["rule"]:
            say(f"  {each['rule']}")
        for reason in each["reasons"]:
            say(f"  {reason}")
    if not answer["denials"]:
        say("nothing was denied")
    return EXIT_DONE


@rules.command(short_help="Try other rules on what users asked.")
@click.argument("file", type=click.Path(path_type=Path))
@project_option
@json_option
def replay(file: Path, *, project: Path, as_json: bool) -> int:
    """Tell which answers of the running suite would change under the rules of another file.

    FILE has the form of database.rules.json.
    """
    from emulator.cli.connect import connect
    from emulator.cli.control import path_of
    from emulator.config.text_files import parse_json, read_text

    suite = connect(project)
    changed: list[dict[str, Any]] = []
    total = 0
    for name, source in parse_json(read_text(file), name=str(file)).items():
        path = path_of("collections", name, "rules", "replay")
        replayed = suite.post(path, {"rules": source})["replayed"]
        total += len(replayed)
        changed += [
            {"collection": name, **each} for each in replayed if each["now"] != each["then"]
        ]
    if as_json:
        say_json({"asked": total, "changed": changed})
        return EXIT_DONE
    for each in changed:
        asked = json.dumps(each["command"], ensure_ascii=False)
        say(f"{each['operation']} of {each['collection']} by {each['user'] or 'nobody'} {asked}")
        say(f"  {each['now']} now, {each['then']} then{': ' if each['why'] else ''}{each['why']}")
    say(f"{total} requests, {len(changed)} would be answered otherwise")
    return EXIT_DONE


def _settings(project: Path) -> Any:
    """Return what a project permits, and what is wrong with its files."""
    from emulator.config import load_config
    from emulator.config.rule_files import RuleFiles

    return RuleFiles(load_config(project)).read()
