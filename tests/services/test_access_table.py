"""Who may do what: permission, caller, operation and what comes of it, one row for an operation.

A number is how many documents were read or changed; `no` is a denial.
"""

import pytest

from tests.services.permitted_world import OPERATIONS, PermittedWorld

CALLERS = ("alice", "carol", "web", "nobody")

READ_BY_ALL = """
read all        3  3  3  3
read mine       1  1  1  1
read foreign    1  1  1  1
read missing    0  0  0  0
read bob's      1  1  1  1
read own        1  0  0  0
count           3  3  3  3
aggregate       3  3  3  3
group           3  3  3  3
"""
READ_BY_CREATOR = """
read all        1  0  0 no
read mine       1  0  0 no
read foreign    0  0  0 no
read missing    0  0  0 no
read bob's      1  0  0 no
read own        1  0  0 no
count           1  0  0 no
aggregate       1  0  0 no
group           1  0  0 no
"""
READ_BY_NOBODY = """
read all       no no no no
read mine      no no no no
read foreign   no no no no
read missing   no no no no
read bob's     no no no no
read own       no no no no
count          no no no no
aggregate      no no no no
group          no no no no
"""
WRITTEN_BY_CREATOR = """
add             1  1  1 no
add as bob     no no no no
update mine     1  0  0 no
update foreign  0  0  0 no
update all      1  0  0 no
set mine        1  0  0 no
set foreign     0  0  0 no
set new         1  1  1 no
take over       0  0  0 no
give away      no no no no
remove mine     1  0  0 no
remove foreign  0  0  0 no
remove all      1  0  0 no
"""
WRITTEN_BY_NOBODY = """
add            no no no no
add as bob     no no no no
update mine    no no no no
update foreign no no no no
update all     no no no no
set mine       no no no no
set foreign    no no no no
set new        no no no no
take over      no no no no
give away      no no no no
remove mine    no no no no
remove foreign no no no no
remove all     no no no no
"""
OWN = "doc._openid == auth.openid"
PERMISSIONS = {
    "READONLY": ("READONLY", READ_BY_ALL + WRITTEN_BY_CREATOR),
    "PRIVATE": ("PRIVATE", READ_BY_CREATOR + WRITTEN_BY_CREATOR),
    "ADMINWRITE": ("ADMINWRITE", READ_BY_ALL + WRITTEN_BY_NOBODY),
    "ADMINONLY": ("ADMINONLY", READ_BY_NOBODY + WRITTEN_BY_NOBODY),
    "no rules": ({}, READ_BY_NOBODY + WRITTEN_BY_NOBODY),
    "everything": (
        {"read": True, "write": "true"},
        READ_BY_ALL
        + """
add             1  1  1  1
add as bob     no no no no
update mine     1  1  1  1
update foreign  1  1  1  1
update all      3  3  3  3
set mine        1  1  1  1
set foreign     1  1  1  1
set new         1  1  1  1
take over      no no no no
give away      no no no no
remove mine     1  1  1  1
remove foreign  1  1  1  1
remove all      3  3  3  3
""",
    ),
    "whoever is signed in": (
        {"read": "auth != null", "write": "auth != null", "delete": "auth.loginType == 'EMAIL'"},
        """
read all        3  3  3 no
read mine       1  1  1 no
read missing    0  0  0 no
count           3  3  3 no
aggregate       3  3  3 no
add             1  1  1 no
update foreign  1  1  1 no
update all      3  3  3 no
set new         1  1  1 no
remove mine    no no  1 no
remove all     no no  3 no
""",
    ),
    # A query has to say what the rule says; a single document is read and checked.
    "own by rule": (
        {"read": OWN, "write": f"auth.openid != null && {OWN}"},
        """
read all       no no no no
read mine       1 no no no
read foreign   no no no no
read bob's     no no no no
read own        1  0 no no
count          no no no no
aggregate      no no no no
group          no no no no
add             1  1 no no
add as bob     no no no no
update mine     1 no no no
update foreign no no no no
update all     no no no no
set mine        1 no no no
set foreign    no no no no
set new         1  1 no no
take over      no no no no
give away      no no no no
remove mine     1 no no no
remove foreign no no no no
remove all     no no no no
""",
    ),
}


def cases():
    for name, (permission, table) in PERMISSIONS.items():
        for row in filter(None, table.splitlines()):
            *words, one, two, three, four = row.split()
            operation = " ".join(words)
            for caller, verdict in zip(CALLERS, (one, two, three, four), strict=True):
                wanted = verdict if verdict == "no" else int(verdict)
                yield pytest.param(
                    permission, operation, caller, wanted, id=f"{name}-{operation}-{caller}"
                )


@pytest.mark.parametrize(("permission", "operation", "caller", "wanted"), list(cases()))
async def test_what_comes_of_an_operation(permission, operation, caller, wanted):
    world = PermittedWorld(permission)
    before = {name: world.stored(name) for name in ("mine", "foreign", "loose")}
    assert await world.outcome(operation, caller) == wanted
    if wanted in ("no", 0):
        assert {name: world.stored(name) for name in before} == before


@pytest.mark.parametrize("permission", [each for each, _ in PERMISSIONS.values()], ids=str)
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_an_administrator_may_do_everything(permission, operation):
    assert await PermittedWorld(permission).outcome(operation, "admin") != "no"


@pytest.mark.parametrize("operation", ["set mine", "update mine", "update all"])
@pytest.mark.parametrize("permission", ["READONLY", "PRIVATE", {"read": True, "write": True}])
async def test_documents_keep_their_owner(permission, operation):
    world = PermittedWorld(permission)
    await world.outcome(operation, "alice")
    assert world.stored("mine")["_openid"] == "alice"
    assert world.stored("foreign")["_openid"] == "bob"


@pytest.mark.parametrize("caller", ["alice", "web"])
@pytest.mark.parametrize("permission", ["PRIVATE", {"write": True}])
@pytest.mark.parametrize(
    "make",
    [
        lambda world, who: world.add({"_id": "new"}, who),
        lambda world, who: world.set("new", {"a": 1}, who),
        lambda world, who: world.update({"_id": "new"}, {"$set": {"a": 1}}, who, upsert=True),
        lambda world, who: world.update(
            {"_id": "new", "b": 1}, {"$inc": {"a": 1}}, who, upsert=True
        ),
    ],
    ids=["add", "set", "upsert by id", "upsert"],
)
def test_what_a_user_makes_is_marked(permission, caller, make):
    world = PermittedWorld(permission)
    make(world, caller)
    assert world.stored("new")["_openid"] == {"alice": "alice", "web": "u1"}[caller]
