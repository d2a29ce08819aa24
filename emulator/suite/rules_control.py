"""Owns how a running suite's rules are asked and told, as the control API and the CLI see them.

Not here: routes (`wire.control_rules`). The one idea: as in `suite.control`, answers are gathered
and shaped as JSON data, nothing is decided.
"""

from collections.abc import Iterator

from emulator.core.rules.lint import lint
from emulator.core.rules.ruleset import KEYS, Rule
from emulator.core.values import Value
from emulator.services.rule_replay import RuleReplay
from emulator.suite.assembly import Parts


class RulesControl:
    """The rules of one running suite."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def rules(self) -> dict[str, Value]:
        """Return what is permitted: the preset of new collections, and each named collection."""
        permissions = self._parts.access.permissions
        names = dict.fromkeys([*permissions.named(), *self._parts.store.names()])
        return {
            "default": permissions.default,
            "collections": {name: permissions.of(name).told() for name in names},
            "notices": list(self._parts.rules.notices),
        }

    def rules_of(self, collection: str) -> dict[str, Value]:
        """Return what one collection permits, and what is doubtful about it."""
        permission = self._parts.access.permissions.of(collection)
        findings = [] if permission.preset else lint(permission.source)
        return {**permission.told(), "findings": [each.told() for each in findings]}

    def put_rules(self, collection: str, source: Value) -> dict[str, Value]:
        """Replace what one collection permits until the suite stops; raises InvalidParam."""
        self._parts.access.permissions.put(collection, source)
        return self.rules_of(collection)

    def replay(self, collection: str, source: Value) -> list[dict[str, Value]]:
        """Return what users asked of a collection, and what other rules would have said.

        Raises:
            InvalidParam: a rule cannot be read.
        """
        parts = self._parts
        replay = RuleReplay(parts.access, store=parts.store, reader=parts.reader, clock=parts.clock)
        return [each.told() for each in replay.replay(collection, source)]

    def denials(self, limit: int) -> list[dict[str, Value]]:
        """Return the newest denials with their reasons, oldest first."""
        return [each.told() for each in self._parts.access.record.denials(limit)]

    def coverage(self) -> list[dict[str, Value]]:
        """Return how often each rule was asked since the start, and which parts never decided."""
        return self._parts.access.record.coverage(self._asked())

    def _asked(self) -> Iterator[tuple[str, Rule]]:
        permissions = self._parts.access.permissions
        for name in permissions.named():
            permission = permissions.of(name)
            if permission.preset is None:
                written = [key for key in KEYS if key in permission.source]
                for key in written:
                    if key in permission.rules.rules:
                        yield name, permission.rules.rules[key]
