"""Which rule decides, what the presets say, and why a rule said no."""

import pytest

from emulator.core.rules.evaluate import Scope
from emulator.core.rules.explain import why_not
from emulator.core.rules.ruleset import KEYS, PRESETS, compile_rules

ALICE = {"openid": "alice"}
OWN, FOREIGN = {"_openid": "alice"}, {"_openid": "bob"}


def allowed(rules, operation, auth=ALICE, doc=OWN):
    return rules.rule(operation).allows(Scope(auth=auth, doc=doc))


PRESET_CASES = [
    # preset, operation, own document, foreign document, nobody signed in
    ("READONLY", "read", True, True, True),
    ("READONLY", "create", True, True, False),
    ("READONLY", "update", True, False, False),
    ("READONLY", "delete", True, False, False),
    ("PRIVATE", "read", True, False, False),
    ("PRIVATE", "create", True, True, False),
    ("PRIVATE", "update", True, False, False),
    ("PRIVATE", "delete", True, False, False),
    ("ADMINWRITE", "read", True, True, True),
    ("ADMINWRITE", "create", False, False, False),
    ("ADMINWRITE", "update", False, False, False),
    ("ADMINWRITE", "delete", False, False, False),
    ("ADMINONLY", "read", False, False, False),
    ("ADMINONLY", "create", False, False, False),
    ("ADMINONLY", "update", False, False, False),
    ("ADMINONLY", "delete", False, False, False),
]


@pytest.mark.parametrize(("preset", "operation", "own", "foreign", "nobody"), PRESET_CASES)
def test_presets_allow_what_the_console_says(preset, operation, own, foreign, nobody):
    rules = compile_rules(preset)
    assert rules == compile_rules(PRESETS[preset]) or rules.faults == ()
    assert allowed(rules, operation) is own
    assert allowed(rules, operation, doc=FOREIGN) is foreign
    assert allowed(rules, operation, auth=None, doc=OWN) is nobody


def test_narrow_operations_inherit_from_write_and_missing_is_no():
    rules = compile_rules({"write": "auth != null", "delete": False})
    assert [allowed(rules, key) for key in ("read", "create", "update", "delete")] == [
        False, True, True, False,
    ]  # fmt: skip


def test_truth_may_be_written_as_text():
    rules = compile_rules({"read": "true", "write": "false"})
    assert allowed(rules, "read")
    assert not allowed(rules, "create")


def test_expression_that_is_none_refuses_its_operation_alone():
    rules = compile_rules({"read": True, "update": "doc.a ==", "create": 5, "extra": True})
    assert allowed(rules, "read")
    assert not allowed(rules, "update")
    assert [(fault.key, fault.position) for fault in rules.faults] == [("create", 0), ("update", 8)]
    assert "extra" in rules.notes[0]


@pytest.mark.parametrize("source", [None, [], 5, "NOBODY"])
def test_what_is_no_object_refuses_everything(source):
    rules = compile_rules(source)
    assert not any(allowed(rules, key) for key in KEYS)
    assert rules.faults


REASONS = [
    ("doc.age > 10", {"age": 5}, [("doc.age > 10", (("doc.age", 5),))]),
    ("auth != null && doc.a == 1", {"a": 2}, [("doc.a == 1", (("doc.a", 2),))]),
    ("doc.a == 1 || doc.b == 2", {"a": 0, "b": 0},
     [("doc.a == 1", (("doc.a", 0),)), ("doc.b == 2", (("doc.b", 0),))]),
    ("!(doc.a in [1])", {"a": 1}, [("doc.a in [1]", (("doc.a", 1), ("[1]", [1])))]),
    ("!(doc.a || doc.b)", {"b": 1}, [("doc.b", (("doc.b", 1),))]),
    ("doc.open", {"open": False}, [("doc.open", (("doc.open", False),))]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "doc", "reasons"), REASONS)
def test_denial_names_the_part_that_decided(text, doc, reasons):
    rule = compile_rules({"read": text}).rule("read")
    found = why_not(rule, Scope(auth=ALICE, doc=doc))
    assert [(each.text, each.values) for each in found] == reasons
    assert all(text[each.at :].startswith(each.text) for each in found)


def test_what_is_allowed_needs_no_reason():
    rule = compile_rules({"read": "doc.age > 10"}).rule("read")
    assert why_not(rule, Scope(doc={"age": 11})) == ()
