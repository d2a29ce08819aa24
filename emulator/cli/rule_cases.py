"""Owns files of rule tests: JSON or TOML to questions with what is expected, and their reports.

Not here: how a question is answered (`suite.rule_tests`) and the command (`cli.rules`).
"""

import html
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from emulator.core.ejson import decode
from emulator.core.errors import ConfigurationError
from emulator.core.records import dataclass
from emulator.suite.rule_tests import AT_DEFAULT_MS, OPERATIONS, Question, Rules, Verdict

CASE_KEYS: Final = frozenset(
    {"name", "operation", "collection", "user", "at", "id", "where", "data", "expect", "reaches"}
)
EXPECTED: Final = ("allow", "deny")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One test: its file and name, what came of it, and why it failed, if it did."""

    file: str
    name: str
    verdict: Verdict
    failure: str

    def told(self) -> dict[str, Any]:
        """Return it as JSON data."""
        verdict = self.verdict
        return {
            "file": self.file,
            "name": self.name,
            "passed": not self.failure,
            "allowed": verdict.allowed,
            "reached": verdict.reached,
            "why": verdict.why or verdict.fault,
            "failure": self.failure,
        }


def run_file(path: Path, rules: Mapping[str, Any]) -> tuple[list[Outcome], list[dict[str, Any]]]:
    """Run the tests of one file and return their outcomes and the coverage of the rules.

    `rules` are the project's, which a file may replace by its own.

    Raises:
        ConfigurationError: the file is no file of tests; name and test are told.
    """
    data = _read(path)
    documents = {
        str(name): [decode(each) for each in listed]
        for name, listed in data.get("documents", {}).items()
    }
    made = Rules(data.get("rules", rules), documents=documents)
    outcomes = [_outcome(path, number, case, made) for number, case in enumerate(data["tests"], 1)]
    return outcomes, made.coverage()


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
        data = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as fault:
        raise ConfigurationError(f"{path}: cannot be read: {fault.strerror}") from fault
    except ValueError as fault:
        raise ConfigurationError(f"{path}: {fault}") from fault
    if not isinstance(data, dict) or not isinstance(data.get("tests"), list):
        raise ConfigurationError(f'{path}: a list "tests" is expected')
    return data


def _outcome(path: Path, number: int, case: Any, rules: Rules) -> Outcome:
    place = f"{path}: test {number}"
    if not isinstance(case, dict):
        raise ConfigurationError(f"{place}: an object is expected")
    unknown = sorted(case.keys() - CASE_KEYS)
    if unknown:
        known = ", ".join(sorted(CASE_KEYS))
        raise ConfigurationError(f"{place}: {unknown[0]!r} is none of {known}")
    if case.get("operation") not in OPERATIONS or case.get("expect") not in EXPECTED:
        raise ConfigurationError(
            f"{place}: operation is one of {', '.join(OPERATIONS)}, expect is allow or deny"
        )
    if not isinstance(case.get("collection"), str):
        raise ConfigurationError(f"{place}: collection names the collection")
    question = Question(
        operation=case["operation"],
        collection=case["collection"],
        user=case.get("user"),
        at_ms=_moment(place, case.get("at")),
        id=case.get("id"),
        where=decode(case.get("where", {})),
        data=decode(case.get("data", {})),
    )
    verdict = rules.ask(question)
    name = case.get("name") or _named(question, case["expect"])
    return Outcome(file=str(path), name=name, verdict=verdict, failure=_failure(case, verdict))


def _named(question: Question, expected: str) -> str:
    who = question.user if question.user is not None else "nobody"
    what = question.id or json.dumps(question.where, default=str)
    return f"{expected} {who} {question.operation} {question.collection} {what}"


def _failure(case: Mapping[str, Any], verdict: Verdict) -> str:
    if verdict.allowed and case["expect"] == "deny":
        return f"allowed, and {verdict.reached} documents reached"
    if not verdict.allowed and case["expect"] == "allow":
        return f"denied: {verdict.why}"
    if verdict.fault:
        return verdict.fault
    wanted = case.get("reaches")
    if wanted is not None and wanted != verdict.reached:
        return f"{verdict.reached} documents reached, {wanted} expected"
    return ""


def _moment(place: str, at: Any) -> int:
    if at is None:
        return AT_DEFAULT_MS
    try:
        moment = at if isinstance(at, datetime) else datetime.fromisoformat(str(at))
    except ValueError as fault:
        raise ConfigurationError(f"{place}: at: {at!r} is no moment: {fault}") from fault
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def uncovered(coverage: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the rules and the parts of them that the tests never decided both ways."""
    lines: list[str] = []
    for rule in coverage:
        place = f"{rule['target']}.{rule['key']}"
        if not rule["allowed"] + rule["denied"]:
            lines.append(f"{place}: never asked")
            continue
        for part in rule["parts"]:
            missing = [word for word in ("true", "false") if not part[word]]
            if missing and part["text"] not in ("true", "false"):
                lines.append(f"{place}: {part['text']!r} was never {' nor '.join(missing)}")
    return lines


def as_page(outcomes: Sequence[Outcome], coverage: Sequence[Mapping[str, Any]]) -> str:
    """Return a report as one HTML page that needs nothing else."""
    rows = "".join(
        f"<tr class={'bad' if each.failure else 'good'}><td>{html.escape(each.name)}</td>"
        f"<td>{html.escape(each.failure or 'passed')}</td></tr>"
        for each in outcomes
    )
    rules = "".join(
        f"<tr><td>{html.escape(rule['target'])}.{html.escape(rule['key'])}</td>"
        f"<td>{_marked(rule)}</td><td>{rule['allowed']}</td><td>{rule['denied']}</td></tr>"
        for rule in coverage
    )
    failed = sum(bool(each.failure) for each in outcomes)
    return (
        "<!doctype html><meta charset=utf-8><title>Security rules</title><style>"
        "body{font:15px/1.5 sans-serif;margin:2rem}td{padding:.2rem 1rem .2rem 0;"
        "vertical-align:top}.bad{color:#b00020}.half{background:#ffe9a8}.none{background:#ffc9c9}"
        "code{white-space:pre-wrap}</style>"
        f"<h1>{len(outcomes)} tests, {failed} failed</h1><table>{rows}</table>"
        "<h2>Coverage</h2><p>Yellow was only ever true or only ever false, red was never asked."
        f"</p><table><tr><th>rule<th><th>allowed<th>denied</tr>{rules}</table>"
    )


def _marked(rule: Mapping[str, Any]) -> str:
    """Return a rule's text with its parts marked by what they came to."""
    text, at, pieces = rule["rule"], 0, []
    for part in sorted(rule["parts"], key=lambda each: each["at"]):
        decided = part["true"] + part["false"]
        mark = ("none", "half", "")[decided]
        pieces.append(html.escape(text[at : part["at"]]))
        pieces.append(f"<span class='{mark}'>{html.escape(part['text'])}</span>")
        at = part["at"] + len(part["text"])
    return f"<code>{''.join(pieces)}{html.escape(text[at:])}</code>"
