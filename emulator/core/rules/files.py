"""Owns the rules of stored files: JSON to a verdict for a path, its owner and a caller.

Not here: the language (`core.rules.parser`), rules of documents (`core.rules.ruleset`). The one
idea: a rule may be bound to paths (`condition` with `path_regex`, as guides write it); a path that
the pattern does not match is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Literal

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.records import dataclass
from emulator.core.regex import compile_regex
from emulator.core.rules.evaluate import Scope
from emulator.core.rules.ruleset import Fault, Rule, RuleSet, compile_rules
from emulator.core.values import Regex, Value

FileOperation = Literal["read", "write"]

FILE_KEYS: Final[tuple[FileOperation, ...]] = ("read", "write")
DEFAULT: Final[Mapping[str, bool | str]] = {
    "read": True,
    "write": "resource.openid == auth.openid || resource.openid == auth.uid",
}
"""What holds where a project says nothing: all read, the creator writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRule:
    """One rule, and the paths it is bound to; None for all of them."""

    rule: Rule
    reaches: Callable[[str], bool] | None = None

    def allows(self, scope: Scope, cloud_path: str, owner: str) -> bool:
        """Tell whether a caller may, for a file of this owner; paths begin with a slash."""
        path = f"/{cloud_path}"
        if self.reaches is not None and not self.reaches(path):
            return False
        return self.rule.allows(replace(scope, resource={"openid": owner, "path": path}))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRules:
    """A rule for reading and one for writing, which deleting is too."""

    rules: Mapping[FileOperation, FileRule]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()


def compile_file_rules(source: Value) -> FileRules:
    """Return the rules of a JSON object; what cannot be read refuses its operation."""
    plain = dict(source) if isinstance(source, Mapping) else source
    patterns: dict[str, Value] = {}
    if isinstance(plain, dict):
        for key, value in plain.items():
            if isinstance(value, Mapping) and "condition" in value:
                plain[key] = value["condition"]
                patterns[key] = value.get("path_regex")
    compiled = compile_rules(plain)
    faults = list(compiled.faults)
    return FileRules(
        rules={key: _bound(key, compiled, patterns.get(key), faults) for key in FILE_KEYS},
        faults=tuple(faults),
        notes=compiled.notes,
    )


def _bound(key: FileOperation, compiled: RuleSet, pattern: Value, faults: list[Fault]) -> FileRule:
    rule = compiled.rules[key]
    if pattern is None:
        return FileRule(rule=rule)
    try:
        if not isinstance(pattern, str):
            raise DatabaseRequestFailed("path_regex is a text")
        return FileRule(rule=rule, reaches=compile_regex(Regex(pattern, "")))
    except DatabaseRequestFailed as fault:
        faults.append(Fault(key=key, position=0, message=f"path_regex: {fault.message}"))
        return FileRule(rule=compile_rules({}).rules[key])
