"""The subset check against brute force: 100,000 random pairs of a rule and a query.

Whatever the check lets pass, no document of the domain may be found by the query and refused by the
rule; whatever it refuses with a counter-example, that document must be found and refused. And it is
no check that refuses everything: most of what force allows must pass.
"""

import itertools
import random

import pytest

from emulator.core.query import compile_filter
from emulator.core.rules.evaluate import Scope
from emulator.core.rules.implies import refusal
from emulator.core.rules.ruleset import compile_rules
from emulator.core.values import MISSING

PAIRS = 100_000
SEEDS = 20
ALICE = {"openid": "alice", "uid": "u1"}
CONSTANTS = [0, 1, 2, "x", "y", "alice", None, True]
DOMAIN = [MISSING, None, 0, 0.5, 1, 1.5, 2, 3, -1, "", "x", "xx", "y", "z", "alice", True, False]
FIELDS = ["a", "b"]
DOCUMENTS = [
    {name: value for name, value in zip(FIELDS, values, strict=True) if value is not MISSING}
    for values in itertools.product(DOMAIN, repeat=len(FIELDS))
]
COMPARISONS = ["==", "!=", "===", "!==", "<", "<=", ">", ">="]
OPERATORS = ["$gt", "$gte", "$lt", "$lte", "$eq", "$ne"]


def written(value):
    return {type(None): "null", bool: "true"}.get(type(value)) or repr(value)


class Dice:
    """Random rules and queries, the same ones for a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def field(self):
        return self.random.choice(FIELDS)

    def constant(self):
        return self.random.choice(CONSTANTS)

    def constants(self):
        return [self.constant() for _ in range(self.random.randint(0, 3))]

    def rule(self, depth=2):
        kind = self.random.randint(0, 9 if depth else 5)
        if kind <= 2:
            return (
                f"doc.{self.field()} {self.random.choice(COMPARISONS)} {written(self.constant())}"
            )
        if kind == 3:
            return f"doc.{self.field()} in [{', '.join(map(written, self.constants()))}]"
        if kind == 4:
            return self.random.choice(
                ["doc.a", "!doc.b", "doc.a == doc.b", "doc.a < doc.b", "doc.a != doc.b"]
            )
        if kind == 5:
            return f"doc.{self.field()} == auth.openid"
        if kind == 9:
            return f"!({self.rule(depth - 1)})"
        joint = self.random.choice(["&&", "||"])
        return f"({self.rule(depth - 1)}) {joint} ({self.rule(depth - 1)})"

    def condition(self):
        kind = self.random.randint(0, 6)
        if kind <= 1:
            return self.constant()
        if kind <= 3:
            count = self.random.randint(1, 2)
            return {name: self.constant() for name in self.random.sample(OPERATORS, count)}
        if kind == 4:
            return {"$in": self.constants()}
        if kind == 5:
            return {"$nin": self.constants()}
        return self.random.choice(
            [{"$not": {"$gt": self.constant()}}, {"$exists": self.random.random() < 0.5}]
        )

    def plain(self):
        chosen = self.random.sample(FIELDS, self.random.randint(0, len(FIELDS)))
        return {name: self.condition() for name in chosen}

    def query(self):
        kind = self.random.randint(0, 5)
        if kind <= 2:
            return self.plain()
        several = [self.plain() for _ in range(self.random.randint(1, 3))]
        return {("$or", "$and", "$nor")[kind - 3]: several}


def contradicted(rule, filter_):
    finds = compile_filter(filter_).matches
    return any(
        finds(document) and not rule.allows(Scope(auth=ALICE, doc=document))
        for document in DOCUMENTS
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_force_agrees(seed):
    dice = Dice(seed)
    passed = refused_for_nothing = 0
    for _ in range(PAIRS // SEEDS):
        text, filter_ = dice.rule(), dice.query()
        rule = compile_rules({"read": text}).rule("read")
        found = refusal(rule, filter_, Scope(auth=ALICE))
        if found is None:
            assert not contradicted(rule, filter_), (text, filter_)
            passed += 1
        elif found.example is not None:
            assert compile_filter(filter_).matches(found.example), (text, filter_, found)
            assert not rule.allows(Scope(auth=ALICE, doc=found.example)), (text, filter_, found)
        else:
            refused_for_nothing += not contradicted(rule, filter_)
    assert passed > PAIRS // SEEDS // 20
    assert refused_for_nothing <= passed // 20
