"""Owns what is remembered of verdicts: each denial with its reasons, and which rules were asked.

Not here: the verdicts (`services.access`). The one idea: it is for developers alone, so it is made
after the fact, bounded, and never part of an answer to the caller.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from typing import Any, Final

from emulator.core.records import dataclass
from emulator.core.rules.coverage import asked, parts
from emulator.core.rules.evaluate import Scope
from emulator.core.rules.nodes import Place
from emulator.core.rules.ruleset import Rule
from emulator.core.values import MISSING, Value
from emulator.services.caller import Caller
from emulator.services.recorder import Recorder

DENIALS_MAX: Final = 500
EXAMINED_MAX: Final = 200
"""So many decisions of one rule are looked at part by part; the others are counted."""
RULES_MAX: Final = 2_000
HEARD_MAX: Final = 1_000
"""Commands of users that other rules can be tried on."""
VALUE_LENGTH_MAX: Final = 80
HINTS_MAX: Final = 1_000
"""Hints cost a look at the documents; after so many the developer has understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """Who was denied what, by which rule, and why; `at` is a character of the rule, from 0."""

    operation: str
    target: str
    user: str
    request_id: str
    rule: str
    reasons: tuple[str, ...]
    example: Value = None
    at: int | None = None
    at_ms: int = 0

    @property
    def sentence(self) -> str:
        """Return it as a line of the log."""
        who = f"the user {self.user}" if self.user else "a caller who is not signed in"
        reasons = "; ".join(self.reasons)
        said = f" by {self.rule!r}" if self.rule else ""
        return f"{self.operation} of {self.target} is denied to {who}{said}: {reasons}"

    def told(self) -> dict[str, Value]:
        """Return it as JSON data."""
        return {
            "at_ms": self.at_ms,
            "operation": self.operation,
            "target": self.target,
            "user": self.user,
            "request_id": self.request_id,
            "rule": self.rule,
            "character": None if self.at is None else self.at + 1,
            "reasons": list(self.reasons),
            "example": self.example,
        }


@dataclass(slots=True)
class _Asked:
    """What came of one rule so far."""

    rule: Rule
    allowed: int = 0
    denied: int = 0
    examined: int = 0
    seen: set[tuple[Place, bool]] = field(default_factory=set)


class AccessRecord:
    """The denials and the coverage of one suite."""

    def __init__(self, recorder: Recorder | None = None) -> None:
        self._recorder = recorder
        self._denials: deque[Denial] = deque(maxlen=DENIALS_MAX)
        self._asked: dict[tuple[str, str, str], _Asked] = {}
        self._hints = 0
        self._heard: deque[tuple[Any, Caller]] = deque(maxlen=HEARD_MAX)

    @property
    def wants_hints(self) -> bool:
        """Tell whether hints are still said."""
        return self._recorder is not None and self._hints < HINTS_MAX

    def hear(self, command: Any, caller: Caller) -> None:
        """Keep what a user asked, to try other rules on it."""
        self._heard.append((command, caller))

    def heard(self) -> list[tuple[Any, Caller]]:
        """Return the newest commands of users, oldest first."""
        return list(self._heard)

    def denied(self, denial: Denial) -> None:
        """Keep a denial and say it to the developer."""
        if self._recorder is not None:
            line = self._recorder.log("warn", denial.sentence, request_id=denial.request_id)
            denial = replace(denial, at_ms=line.at_ms)
        self._denials.append(denial)

    def hint(self, line: str, *, request_id: str) -> None:
        """Say something about an answer that may surprise."""
        self._hints += 1
        if self._recorder is not None:
            self._recorder.log("info", line, request_id=request_id)

    def denials(self, limit: int = DENIALS_MAX) -> list[Denial]:
        """Return the newest denials, oldest first."""
        return list(self._denials)[-limit:] if limit > 0 else []

    def decided(self, target: str, rule: Rule, scope: Scope | None, *, allowed: bool) -> None:
        """Count a verdict of a rule; without a scope it was one for many documents."""
        key = (target, rule.key, rule.text)
        known = self._asked.get(key)
        if known is None:
            if len(self._asked) >= RULES_MAX:
                return
            known = self._asked[key] = _Asked(rule)
        if allowed:
            known.allowed += 1
        else:
            known.denied += 1
        if scope is not None and known.examined < EXAMINED_MAX:
            known.examined += 1
            known.seen.update(asked(rule.node, scope))

    def coverage(self, rules: Iterable[tuple[str, Rule]]) -> list[dict[str, Value]]:
        """Return for each rule how often it was asked, and which parts were never true or false."""
        return [
            self._covered(target, rule, self._asked.get((target, rule.key, rule.text)))
            for target, rule in rules
        ]

    def clear(self) -> None:
        """Forget everything."""
        self._denials.clear()
        self._asked.clear()
        self._heard.clear()

    def _covered(self, target: str, rule: Rule, known: _Asked | None) -> dict[str, Value]:
        seen = known.seen if known else set()
        return {
            "target": target,
            "key": rule.key,
            "rule": rule.text,
            "allowed": known.allowed if known else 0,
            "denied": known.denied if known else 0,
            "parts": [
                {
                    "text": rule.text[node.place.at : node.place.end],
                    "at": node.place.at,
                    "true": (node.place, True) in seen,
                    "false": (node.place, False) in seen,
                }
                for node in parts(rule.node)
            ],
        }


def shown(values: Sequence[tuple[str, Value]]) -> str:
    """Return values with what they are of, as a sentence has them."""
    return ", ".join(f"{text} is {_written(value)}" for text, value in values)


def _written(value: Value) -> str:
    return "not there" if value is MISSING else f"{value!r:.{VALUE_LENGTH_MAX}}"
