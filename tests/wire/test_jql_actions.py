"""The action by which functions use JQL: what its fields must be."""

import json
from typing import Any

import pytest

from emulator.core.errors import InvalidParam
from emulator.services.caller import ADMINISTRATOR
from emulator.services.jql import Read
from emulator.wire.jql_actions import STEPS_MAX, TABLES_MAX, JqlActions


class Asked:
    """Keeps what it is asked, and answers something of each kind."""

    def __init__(self) -> None:
        self.query: Any = None
        self.given: Any = None

    async def get(self, query, caller):
        self.query = query
        return Read(documents=[{"_id": "1"}], count=None)

    async def count(self, query, caller):
        return 3

    async def add(self, query, documents, caller):
        self.given = documents
        return ["x", 2]

    async def update(self, query, data, operators, caller):
        self.given = (data, operators)
        return 1

    async def remove(self, query, caller):
        return 2


BODY = {"tables": [{"name": "t", "steps": []}], "verb": "get"}


async def told(asked: Asked, **more: Any) -> Any:
    opened = []
    actions = JqlActions(lambda: opened.append(1) or asked)  # type: ignore[func-returns-value]
    answer = await actions.table()["jql.run"]({**BODY, **more}, ADMINISTRATOR, "r1")
    assert opened == [1]
    return json.loads(answer)["data"]


async def test_steps_and_users_are_read():
    asked = Asked()
    steps = [{"verb": "where", "given": "a == 1"}, {"verb": "where", "query": {"b": {"$gt": 1}}}]
    user = {"uid": "ada", "role": ["admin"], "permission": None}
    got = await told(asked, steps=steps, user=user, clientIP="1.2.3.4", options={"getOne": True})
    assert got == {"list": [{"_id": "1"}], "count": None}
    query = asked.query
    assert [each.given for each in query.steps] == ["a == 1", {"b": {"$gt": 1}}]
    assert (query.user.uid, query.user.role, query.user.permission) == ("ada", ("admin",), ())
    assert (query.client_ip, query.options) == ("1.2.3.4", {"getOne": True})


async def test_each_verb_has_its_answer():
    asked = Asked()
    assert await told(asked, verb="count") == {"total": 3}
    assert await told(asked, verb="add", data=[{"a": {"$date": 5}}]) == {"ids": ["x", 2]}
    assert asked.given[0]["a"].ms == 5
    changed = await told(asked, verb="update", data=[{"a": 1}], operators={"$set": {"a": 1}})
    assert (changed, asked.given[1]) == ({"updated": 1}, {"$set": {"a": 1}})
    assert await told(asked, verb="remove") == {"deleted": 2}


@pytest.mark.parametrize(
    "more",
    [
        {"verb": "drop"},
        {"verb": 1},
        {"tables": []},
        {"tables": "t"},
        {"tables": [{"name": 1}]},
        {"tables": [{"name": "t"}] * (TABLES_MAX + 1)},
        {"steps": [{"verb": "where"}] * (STEPS_MAX + 1)},
        {"steps": "where"},
        {"steps": [1]},
        {"verb": "add", "data": 1},
        {"verb": "update", "data": [{}]},
        {"user": 1},
        {"clientIP": 1},
    ],
)
async def test_other_fields_are_refused(more):
    with pytest.raises(InvalidParam):
        await told(Asked(), **more)
