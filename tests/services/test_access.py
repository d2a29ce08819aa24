"""Rules in use: queries, single documents, look-ups, templates, functions, files, explanations."""

import pytest

from emulator.core import commands
from emulator.core.errors import FunctionForbidden, InvalidParam, PermissionDenied
from emulator.core.values import MISSING, ServerDate
from emulator.services.access import VERDICTS_MAX, Access
from emulator.services.access_look_ups import DOCUMENTS_MAX
from emulator.services.access_record import AccessRecord
from emulator.services.caller import Caller
from emulator.services.permissions import Permissions, PermissionSettings
from tests.services.permitted_world import NOW_MS, PEOPLE, PermittedWorld

OWN = "doc._openid == auth.openid"
ROLES = (
    {"_id": "alice", "role": "admin", "boss": "carol", "_openid": "alice"},
    {"_id": "carol", "role": "user", "boss": "alice", "_openid": "carol"},
)


async def verdict(doing):
    """Return what was found, or `no`."""
    try:
        return await doing if hasattr(doing, "__await__") else doing
    except PermissionDenied:
        return "no"


# rule, caller, query, how many it finds or no
READS = [
    (OWN, "alice", {"_openid": "{openid}"}, 1),
    (OWN, "alice", {"_openid": "alice"}, 1),
    (OWN, "alice", {"_openid": {"$eq": "{openid}"}}, 1),
    (OWN, "alice", {"_openid": {"$in": ["{openid}"]}}, 1),
    (OWN, "alice", {"_openid": {"$in": ["{openid}", "bob"]}}, "no"),
    (OWN, "alice", {"_openid": "{openid}", "age": {"$gt": 3}}, 1),
    (OWN, "alice", {"_openid": "{openid}", "age": {"$gt": 30}}, 0),
    (OWN, "alice", {"$and": [{"_openid": "{openid}"}, {"open": True}]}, 1),
    (OWN, "alice", {"$or": [{"_openid": "{openid}"}, {"open": True}]}, "no"),
    (OWN, "alice", {"_openid": "bob"}, "no"),
    (OWN, "alice", {"_id": "mine", "_openid": "{openid}"}, 1),
    (OWN, "alice", {"_id": "foreign", "_openid": "{openid}"}, 0),
    (OWN, "alice", {"_id": {"$in": ["mine"]}}, "no"),
    (OWN, "alice", {"age": 20}, "no"),
    (OWN, "nobody", {"_openid": "{openid}"}, "no"),
    ("doc.age > 10", "alice", {"age": {"$gt": 15}}, 1),
    ("doc.age > 10", "alice", {"age": {"$gt": 8}}, "no"),
    ("doc.age > 10", "alice", {"age": {"$gte": 10}}, "no"),
    ("doc.age > 10", "alice", {"age": {"$in": [15, 20]}}, 2),
    ("doc.age > 10", "alice", {"age": {"$in": [5, 20]}}, "no"),
    ("doc.age > 10", "alice", {"_id": "mine"}, 1),
    ("doc.age > 10", "alice", {"_id": "foreign"}, "no"),
    ("doc.age > 10", "alice", {"_id": "missing"}, "no"),
    ("doc.age > 10", "nobody", {"age": {"$gt": 15}}, 1),
    ("doc.open == true || " + OWN, "alice", {"open": True}, 2),
    ("doc.open == true || " + OWN, "alice", {"open": False}, "no"),
    ("doc.open == true || " + OWN, "alice", {"_openid": "{openid}"}, 1),
    ("doc.open", "alice", {"open": True}, 2),
    ("doc.open != true", "alice", {"open": False}, 1),
    ("doc.open != true", "alice", {"open": {"$ne": True}}, 1),
    ("auth.openid in doc.members", "alice", {"members": "{openid}"}, 1),
    ("auth.openid in doc.members", "alice", {"members": "bob"}, "no"),
    ("auth.openid in doc.members", "alice", {"_id": "mine"}, 1),
    ("auth.openid in doc.members", "alice", {"_id": "foreign"}, "no"),
    ("auth.openid in doc.members", "alice", {"_id": "loose"}, "no"),
    ("auth.uid != null", "web", {}, 3),
    ("auth.uid != null", "alice", {}, "no"),
    ("auth.loginType == 'EMAIL'", "web", {}, 3),
    ("auth.loginType === undefined", "alice", {}, 3),
    ("auth.loginType in ['EMAIL', 'CUSTOM']", "web", {"age": 5}, 1),
    (f"now == {NOW_MS}", "alice", {}, 3),
    (f"now < {NOW_MS}", "alice", {}, "no"),
    (f"doc.age < now - {NOW_MS} + 10", "alice", {"age": {"$lt": 9}}, 1),
    (f"doc.age < now - {NOW_MS} + 10", "alice", {"age": {"$lt": 11}}, "no"),
    ("get('database.roles.' + auth.openid).role == 'admin'", "alice", {}, 3),
    ("get('database.roles.' + auth.openid).role == 'admin'", "carol", {}, "no"),
    ("get(`database.roles.${auth.openid}`).role == 'admin'", "alice", {}, 3),
    ("get(`database.roles.${auth.openid}`) != undefined", "carol", {}, 3),
    ("get(`database.roles.${auth.openid}`) != undefined", "web", {}, "no"),
    ("get(`database.nowhere.${auth.openid}`) == undefined", "alice", {}, 3),
    ("get(`database.roles.${doc._openid}`).role == 'admin'", "carol", {"_openid": "alice"}, 1),
    ("get(`database.roles.${doc._openid}`).role == 'admin'", "carol", {"_openid": "carol"}, "no"),
    ("get(`database.roles.${doc._openid}`).role == 'admin'", "carol", {}, "no"),
    (
        "get(`database.roles.${doc._openid}`).role == 'admin'",
        "carol",
        {"_openid": {"$in": ["alice"]}},
        1,
    ),
    (
        "get('database.roles.' + get('database.roles.' + auth.openid).boss).role == 'admin'",
        "carol",
        {},
        3,
    ),
    ("get('database.roles').where({role: 'admin'}).size() > 0", "carol", {}, 3),
    (
        "get('database.collection.roles').where({_openid: auth.openid, role: 'admin'}).size() > 0",
        "alice",
        {},
        3,
    ),
    (
        "get('database.collection.roles').where({_openid: auth.openid, role: 'admin'}).size() > 0",
        "carol",
        {},
        "no",
    ),
    ("get('database.roles').where({$bad: 1}).size() > 0", "carol", {}, "no"),
    ("false", "alice", {}, "no"),
    ("true", "nobody", {"age": {"$exists": True}}, 3),
]


@pytest.mark.parametrize(("rule", "who", "query", "wanted"), READS)
async def test_reading_by_rule(rule, who, query, wanted):
    world = PermittedWorld({"read": rule})
    world.put("roles", *ROLES)
    found = await verdict(world.find(query, who))
    assert (found if found == "no" else len(found)) == wanted
    assert await verdict(world.count(query, who)) == wanted
    pipeline = ({"$match": query}, {"$match": {"never": {"$exists": False}}})
    listed = await verdict(world.aggregate(*pipeline, who=who))
    assert (listed if listed == "no" else len(listed)) == wanted
    # The same again comes out of what was kept of the verdict.
    again = await verdict(world.find(query, who))
    assert (again if again == "no" else len(again)) == wanted


# rule, caller, document, allowed
CREATES = [
    (OWN, "alice", {}, True),
    (OWN, "web", {}, False),
    ("auth.openid != null && doc._openid == auth.openid", "alice", {"a": 1}, True),
    ("doc.total > 0", "alice", {"total": 1}, True),
    ("doc.total > 0", "alice", {"total": 0}, False),
    ("doc.total > 0", "alice", {}, False),
    ("request.data.total > 0", "alice", {"total": 1}, True),
    ("request.data.address.city == 'x'", "alice", {"address": {"city": "x"}}, True),
    ("request.data.role === undefined", "alice", {"role": "admin"}, False),
    ("request.data.at <= now", "alice", {"at": ServerDate()}, True),
    ("request.data.at < now", "alice", {"at": ServerDate()}, False),
    ("auth != null", "nobody", {}, False),
]


@pytest.mark.parametrize(("rule", "who", "document", "allowed"), CREATES)
async def test_creating_by_rule(rule, who, document, allowed):
    world = PermittedWorld({"create": rule})
    assert (await verdict(world.add(document, who) and 1) == 1) is allowed if allowed else True
    if not allowed:
        with pytest.raises(PermissionDenied):
            world.add(document, who)


# rule, caller, query, update, how many or no
UPDATES = [
    (OWN, "alice", {"_id": "mine"}, {"$set": {"age": 1}}, 1),
    (OWN, "alice", {"_id": "foreign"}, {"$set": {"age": 1}}, "no"),
    (OWN, "alice", {"_openid": "{openid}"}, {"$set": {"age": 1}}, 1),
    (OWN, "alice", {"age": 20}, {"$set": {"age": 1}}, "no"),
    # The old document is checked, not what it becomes.
    ("doc.age > 10", "alice", {"_id": "mine"}, {"$set": {"age": 1}}, 1),
    ("request.data.age < 30", "alice", {"_id": "mine"}, {"$set": {"age": 1}}, 1),
    ("request.data.age < 30", "alice", {"_id": "mine"}, {"$set": {"age": 40}}, "no"),
    ("request.data.a.b == 1", "alice", {}, {"$set": {"a.b": 1}}, 3),
    ("request.data.age == undefined", "alice", {}, {"$inc": {"age": 1}}, "no"),
    (OWN, "alice", {"_id": "mine"}, {"$unset": {"_openid": ""}}, "no"),
    (OWN, "alice", {"_id": "mine"}, {"$rename": {"age": "_openid"}}, "no"),
    (OWN, "alice", {"_id": "mine"}, {"$set": {"_openid.x": 1}}, "no"),
]


@pytest.mark.parametrize(("rule", "who", "query", "update", "wanted"), UPDATES)
async def test_updating_by_rule(rule, who, query, update, wanted):
    world = PermittedWorld({"update": rule})
    try:
        done = world.update(query, update, who, multi=True)
    except PermissionDenied:
        done = "no"
    assert done == wanted


async def test_only_the_first_match_of_a_pipeline_counts():
    world = PermittedWorld({"read": "doc.age > 10"})
    stage = {"$match": {"age": {"$gt": 12}}}
    assert len(await world.aggregate(stage)) == 2
    with pytest.raises(PermissionDenied):
        await world.aggregate({"$sort": {"age": 1}}, stage)


async def test_a_private_pipeline_sees_the_callers_own_documents():
    world = PermittedWorld("PRIVATE")
    totals = await world.aggregate({"$group": {"_id": None, "n": {"$sum": 1}}})
    assert totals == [{"_id": None, "n": 1}]
    mine = await world.aggregate({"$match": {"_openid": "bob"}})
    assert [each["_id"] for each in mine] == ["mine"]


@pytest.mark.parametrize(
    ("permission", "joins"),
    [
        ("READONLY", True),
        ("ADMINWRITE", True),
        ("PRIVATE", False),
        ({"read": "auth != null"}, True),
        ({"read": OWN}, False),
    ],
)
async def test_joining_needs_the_right_to_read_everything(permission, joins):
    world = PermittedWorld("READONLY")
    world.put("other", {"_id": "x"})
    world.permissions.put("other", permission)
    join = {"$lookup": {"from": "other", "localField": "_id", "foreignField": "_id", "as": "o"}}
    if joins:
        assert len(await world.aggregate(join)) == 3
    else:
        with pytest.raises(PermissionDenied):
            await world.aggregate(join)


async def test_reads_by_id_may_be_held_to_the_subset_check():
    world = PermittedWorld({"read": OWN}, subset_only=True)
    with pytest.raises(PermissionDenied):
        await world.find({"_id": "mine"})
    assert await world.find({"_id": "mine", "_openid": "{openid}"}) == ["mine"]


async def test_look_ups_of_one_request_have_an_end():
    rule = " || ".join(
        f"get('database.roles').where({{n: {number}}}).size() > 0" for number in range(3)
    )
    world = PermittedWorld({"read": rule})
    world.put("roles", *({"_id": str(number), "n": number + 5} for number in range(20)))
    with pytest.raises(PermissionDenied):
        await world.find({})
    assert DOCUMENTS_MAX == 10


# Explanations


async def test_a_denied_query_names_a_counter_example_and_what_was_there():
    world = PermittedWorld({"read": "doc.age > 10"})
    with pytest.raises(PermissionDenied) as denial:
        await world.find({"age": {"$gt": 4}})
    (kept,) = world.access.record.denials()
    assert kept.reasons == (
        "age = 10 is allowed by your query and refused by the rule",
        "3 matched, 2 visible",
    )
    assert (kept.user, kept.request_id, kept.rule) == ("alice", "r1", "doc.age > 10")
    assert denial.value.message == "Permission denied"
    assert any("age = 10" in line for line in world.lines())


async def test_a_denied_document_names_the_part_that_failed():
    world = PermittedWorld({"read": f"auth != null && {OWN}"})
    with pytest.raises(PermissionDenied):
        await world.find({"_id": "foreign"})
    (kept,) = world.access.record.denials()
    assert kept.reasons == (
        "'doc._openid == auth.openid' does not hold: doc._openid is 'bob', auth.openid is 'alice'",
    )
    assert kept.at == len("auth != null && ")


async def test_an_empty_answer_tells_what_was_hidden():
    world = PermittedWorld("PRIVATE")
    assert await world.find({"open": True}, "carol") == []
    assert any("2 matched, 0 visible" in line for line in world.lines())
    before = len(world.lines())
    assert await world.find({"age": 99}, "carol") == []
    assert len(world.lines()) == before


async def test_coverage_counts_verdicts_and_parts():
    world = PermittedWorld({"read": f"doc.open == true || {OWN}"})
    await world.find({"_id": "mine"})
    await world.find({"open": True})
    rule = world.permissions.of("c").rules.rule("read")
    (told,) = world.access.record.coverage([("c", rule)])
    assert (told["allowed"], told["denied"]) == (2, 0)
    assert [(part["true"], part["false"]) for part in told["parts"]] == [
        (True, False),
        (False, False),
    ]


# What is kept, replaced, refused


async def test_replaced_rules_hold_for_the_next_request():
    world = PermittedWorld({"read": "doc.age > 10"})
    query = {"age": {"$gt": 12}}
    assert len(await world.find(query)) == 2
    world.permissions.put("c", {"read": "doc.age > 12 && doc.open == false"})
    with pytest.raises(PermissionDenied):
        await world.find(query)
    with pytest.raises(InvalidParam, match=r"c\.read: character 10"):
        world.permissions.put("c", {"read": "doc.age >"})
    with pytest.raises(PermissionDenied):
        await world.find(query)


async def test_verdicts_that_are_kept_are_few(monkeypatch):
    monkeypatch.setattr("emulator.services.access.VERDICTS_MAX", 3)
    world = PermittedWorld({"read": "doc.age > 10"})
    for age in range(20, 30):
        await world.find({"age": {"$gt": age}})
    assert len(world.access._verdicts) == 3
    assert VERDICTS_MAX > 1000


@pytest.mark.parametrize(
    "value", [True, 1, 1.0, "1", None], ids=["true", "1", "1.0", "text", "null"]
)
async def test_kept_verdicts_do_not_mix_up_values_that_look_alike(value):
    world = PermittedWorld({"read": "doc.n === true"})
    for each in (True, 1, 1.0, "1", None):
        found = await verdict(world.find({"n": each}))
        assert (found == "no") is (each is not True)
    assert (await verdict(world.find({"n": value})) == "no") is (value is not True)


async def test_an_operation_runs_on_what_the_filter_became():
    world = PermittedWorld("READONLY")
    command = commands.FindAndModify(
        collection="c", filter={"_id": "foreign"}, update={"$set": {"age": 1}}
    )
    assert world.database.find_and_modify(command, PEOPLE["alice"]).document is None
    assert world.stored("foreign")["age"] == 5
    ask = commands.Find(collection="c", filter={"_openid": "{openid}"})
    assert (await world.database.explain(ask, PEOPLE["alice"])).documents[0]["_id"] == "mine"


# Functions and files


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        (None, {"alice": True, "web": True, "nobody": False, "admin": True}),
        ({"*": {"invoke": True}}, {"alice": True, "nobody": True}),
        ({"*": {"invoke": False}}, {"alice": False, "nobody": False, "admin": True}),
        ({"*": {"invoke": False}, "pay": {"invoke": "auth != null"}}, {"alice": True}),
        ({"*": {"invoke": True}, "pay": {"invoke": "false"}}, {"alice": False}),
        ({"pay": {"invoke": "auth.uid == 'x'"}}, {"alice": False, "web": False}),
        ({"other": {"invoke": False}}, {"alice": True, "nobody": False}),
    ],
)
def test_functions_are_called_by_whom_their_rule_allows(rules, allowed):
    access = Access(Permissions(PermissionSettings(functions=rules)))
    for who, wanted in allowed.items():
        if wanted:
            access.require_function(PEOPLE[who], "pay")
        else:
            with pytest.raises(FunctionForbidden) as refusal:
                access.require_function(PEOPLE[who], "pay")
            assert refusal.value.code == "PERMISSION_DENIED"


def test_http_and_triggers_pass_function_rules():
    access = Access(Permissions(PermissionSettings(functions={"*": {"invoke": False}})))
    access.require_function(Caller(kind="anonymous", source="wx_http"), "pay")
    for source in ("wx_client", "web_client", ""):
        with pytest.raises(FunctionForbidden):
            access.require_function(Caller(kind="user", openid="alice", source=source), "pay")


PUBLIC = {"condition": "auth.openid != null", "path_regex": "^/public/.*"}
FILES = [
    # rules, caller, operation, path, owner (None: no such file), allowed
    (None, "nobody", "read", "a.png", "bob", True),
    (None, "alice", "write", "new.png", None, True),
    (None, "alice", "write", "a.png", "alice", True),
    (None, "alice", "write", "a.png", "bob", False),
    (None, "alice", "delete", "a.png", "bob", False),
    (None, "web", "delete", "a.png", "u1", True),
    (None, "nobody", "write", "new.png", None, False),
    (None, "admin", "write", "a.png", "bob", True),
    ({"read": True, "write": "auth.openid != null"}, "alice", "write", "a.png", "bob", True),
    ({"read": True, "write": "auth.openid != null"}, "nobody", "write", "a.png", None, False),
    ({"read": "resource.openid == auth.openid"}, "alice", "read", "a.png", "alice", True),
    ({"read": "resource.openid == auth.openid"}, "alice", "read", "a.png", "bob", False),
    ({"read": True}, "alice", "write", "a.png", "alice", False),
    ({"read": "true", "write": "false"}, "alice", "write", "a.png", "alice", False),
    ({"read": True, "write": PUBLIC}, "alice", "write", "public/a.png", None, True),
    ({"read": True, "write": PUBLIC}, "alice", "write", "private/a.png", None, False),
    ({"read": True, "write": PUBLIC}, "nobody", "write", "public/a.png", None, False),
    ({"read": True, "write": PUBLIC}, "alice", "delete", "public/a.png", "bob", True),
    ({"read": "resource.path == '/a.png'"}, "nobody", "read", "a.png", "bob", True),
    ({"read": {"condition": True, "path_regex": "("}}, "alice", "read", "a.png", "bob", False),
    ("nonsense", "alice", "read", "a.png", "alice", False),
]


@pytest.mark.parametrize(("rules", "who", "operation", "path", "owner", "allowed"), FILES)
def test_files_by_rule(rules, who, operation, path, owner, allowed):
    access = Access(Permissions(PermissionSettings(files=rules)), AccessRecord())
    found = access.allows_storage(operation, path, PEOPLE[who], lambda: owner)
    assert found is allowed
    assert len(access.record.denials()) == (not allowed)


def test_what_is_missing_is_shown_as_missing():
    world = PermittedWorld({"update": "doc.locked == false"})
    with pytest.raises(PermissionDenied) as denial:
        world.update({"_id": "mine"}, {"$set": {"a": 1}})
    assert "doc.locked is not there" in denial.value.hint
    assert MISSING is not None


# The developers' guide, word for word

GUIDE = {
    "read": True,
    "write": "auth.openid != null",
    "create": "auth.openid != null && doc._openid == auth.openid",
    "update": "auth.openid != null && ((doc._openid == auth.openid) || "
    "(get('database.collection.roles').where({_openid: auth.openid, role: 'admin'}).size() > 0))",
    "delete": "auth.openid != null && "
    "get('database.collection.roles').where({_openid: auth.openid, role: 'admin'}).size() > 0",
}


@pytest.mark.parametrize(
    ("operation", "alice", "carol", "nobody"),
    [
        ("read all", 3, 3, 3),
        ("add", 1, 1, "no"),
        ("update mine", 1, "no", "no"),
        ("update foreign", 1, "no", "no"),
        ("remove mine", 1, "no", "no"),
        ("remove foreign", 1, "no", "no"),
    ],
)
async def test_the_rules_of_the_guide(operation, alice, carol, nobody):
    for who, wanted in (("alice", alice), ("carol", carol), ("nobody", nobody)):
        world = PermittedWorld(GUIDE)
        world.put("roles", *ROLES)
        assert world.permissions.notices == ()
        assert await world.outcome(operation, who) == wanted
