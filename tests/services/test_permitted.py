"""Permission is decided in one place, and there is no way round it."""

import ast
import inspect
import re
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

import emulator
from emulator.core.errors import EmulatorError
from emulator.core.rules.ruleset import compile_rules
from emulator.services.database import Database
from emulator.services.permitted import PermittedDatabase
from emulator.services.pieces import Pieces
from tests.services.permitted_world import OPERATIONS, PermittedWorld

PACKAGE = Path(emulator.__file__).parent


PARTS = {"changing", "removing", "change", "delete", "updated", "put_new"}
"""What a command that was decided on is carried out by, piece by piece."""


def test_every_command_about_documents_is_decided_on():
    for name, method in inspect.getmembers(Database, inspect.isfunction):
        if name.startswith("_") or "caller" not in inspect.signature(method).parameters:
            continue
        decided = name in vars(PermittedDatabase) or name in PARTS
        guarded = "require_database(caller" in inspect.getsource(method)
        assert decided or guarded, f"{name} can be called by anyone"


def test_parts_of_commands_are_used_by_who_asks_for_permission():
    used = re.compile(rf"database\.({'|'.join(PARTS)})\(")
    modules = PACKAGE.rglob("*.py")
    users = {module.name for module in modules if used.search(module.read_text("utf-8"))}
    assert users == {"pieces.py"}
    for each in (Pieces.insert, Pieces.update, Pieces.find_and_modify, Pieces.remove):
        assert "permitted(command, caller)" in inspect.getsource(each)


def test_nobody_builds_a_database_without_permissions():
    for module in PACKAGE.rglob("*.py"):
        tree = ast.parse(module.read_text("utf-8"))
        built = {
            node.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "Database" not in built or module.parent.name == "cloud", module


def test_rules_are_asked_by_access_alone():
    """Everything else may read, explain and test rules, but decides nothing by them."""
    for module in (PACKAGE / "services").glob("*.py"):
        tree = ast.parse(module.read_text("utf-8"))
        imported = {
            node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module
        }
        if "emulator.core.rules.implies" in imported:
            assert module.stem.startswith("access"), module


# Whatever a client sends


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 3),
        st.sampled_from(["", "{openid}", "{uid}", "alice", "$age", "mine", "_openid"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "_openid",
                    "_id",
                    "age",
                    "a.b",
                    "$and",
                    "$or",
                    "$nor",
                    "$in",
                    "$gt",
                    "$not",
                    "$exists",
                    "$eq",
                    "$elemMatch",
                    "$expr",
                    "$regex",
                    "$bad",
                    "",
                    ".",
                    "a..b",
                ]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)
objects = st.dictionaries(
    st.sampled_from(["_openid", "_id", "age", "$and", "$or", "$nor", "$expr", "a.b"]),
    values,
    max_size=3,
)
RULES = [
    "PRIVATE",
    {"read": "doc._openid == auth.openid", "write": "doc._openid == auth.openid"},
    {"read": "doc.age > 10 && doc.a.b != 'x'", "write": "request.data.age < 3 || doc.age == 1"},
]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(RULES), objects, st.sampled_from(["alice", "carol", "nobody"]))
async def test_no_query_shows_or_changes_what_is_not_allowed(permission, query, who):
    world = PermittedWorld(permission)
    rules = world.permissions.of("c").rules
    foreign = world.stored("foreign")
    try:
        found = await world.find(query, who)
    except EmulatorError:
        found = []
    if permission != RULES[2]:
        assert set(found) <= ({"mine"} if who == "alice" else set())
    try:
        world.remove(query, who)
        world.update(query, {"$set": {"hacked": 1}}, who, multi=True)
    except EmulatorError:
        pass
    if permission != RULES[2]:
        assert world.stored("foreign") == foreign
    assert rules.faults == ()


@settings(max_examples=300, deadline=None)
@given(objects, objects, st.sampled_from(list(OPERATIONS)))
async def test_no_update_takes_over_or_gives_away(query, update, operation):
    del operation
    world = PermittedWorld({"read": True, "write": True})
    for change in (update, {"$set": update}, {"$rename": {"age": "_openid"}}, {"$unset": update}):
        for replaces in (False, True):
            try:
                world.update(query, change, "carol", replace=replaces, upsert=True)
            except EmulatorError:
                continue
    for name, owner in (("mine", "alice"), ("foreign", "bob"), ("loose", None)):
        assert world.stored(name).get("_openid") == owner


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "doc",
                ".",
                "a",
                "auth",
                "openid",
                "==",
                "&&",
                "||",
                "!",
                "(",
                ")",
                "[",
                "]",
                "{",
                "}",
                "get",
                "'database.c.x'",
                "`",
                "${",
                "1",
                "1e999",
                "'",
                "in",
                "now",
                "?",
                ":",
                ",",
                "-",
                "where",
                "size",
                "undefined",
                "\\",
                "\0",
                "文",
                "/",
                "%",
                "*",
            ]
        ),
        max_size=14,
    ),
    st.sampled_from(["", " "]),
)
async def test_no_rule_text_breaks_a_request(words, between):
    text = between.join(words)
    rules = compile_rules({"read": text, "write": text})
    world = PermittedWorld({"read": text, "write": text})
    for operation in ("read all", "read mine", "add", "update all", "set new"):
        await world.outcome(operation, "alice")
    assert set(rules.rules) == {"read", "write", "create", "update", "delete"}
