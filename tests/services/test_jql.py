"""JQL as commands: what is asked of the database, and what never gets there."""

from typing import Any

import pytest

from emulator.ambient import ManualClock
from emulator.core.commands import Aggregate, Find, Found, Insert, Inserted, Update, Updated
from emulator.core.jql.nodes import JqlSyntax
from emulator.core.jql.permission import NotPermitted, User
from emulator.core.jql.query import Query, Step, Table
from emulator.core.jql.schemas import ValidationFailed
from emulator.core.rules.evaluate import NoLookUp
from emulator.services.caller import ADMINISTRATOR
from emulator.services.jql import Jql

OWN = {"read": "doc.uid == auth.uid", "create": True, "update": True}
SCHEMAS = {"note": {"permission": OWN, "properties": {"uid": {}, "title": {"trim": "both"}}}}


class Carrier:
    """Keeps the commands; the documents are those it was made with."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self.commands: list[Any] = []
        self._documents = documents

    async def execute(self, command, caller):
        self.commands.append(command)
        if isinstance(command, Insert):
            return Inserted(ids=("1",))
        if isinstance(command, Update):
            return Updated(matched=2, modified=1)
        return Found(documents=self._documents)


def jql(carrier: Carrier) -> Jql:
    return Jql(
        carrier, clock=ManualClock(), schema_of=SCHEMAS.get, look_ups=lambda now_ms: NoLookUp()
    )


def asked(*steps: tuple[str, Any], uid: str = "ada", **more: Any) -> Query:
    named = tuple(Step(*step) for step in steps)
    return Query(tables=(Table(name="note"),), steps=named, user=User(uid=uid), **more)


async def test_documents_that_a_rule_speaks_of_are_looked_at_first():
    carrier = Carrier({"uid": "ada"})
    found = await jql(carrier).get(asked(("where", "title == 'x'")), ADMINISTRATOR)
    look, read = carrier.commands
    assert (type(look), look.filter) == (Find, {"title": {"$eq": "x"}})
    assert (type(read), read.pipeline[-1]) == (Aggregate, {"$limit": 100})
    assert list(found.documents) == [{"uid": "ada"}]
    with pytest.raises(NotPermitted):
        await jql(Carrier({"uid": "ada"}, {"uid": "bob"})).get(asked(), ADMINISTRATOR)


async def test_what_is_not_valid_is_not_stored():
    carrier = Carrier()
    assert await jql(carrier).add(asked(), [{"title": " a "}], ADMINISTRATOR) == ("1",)
    assert carrier.commands[0].documents == ({"title": "a"},)
    with pytest.raises(ValidationFailed):
        await jql(carrier).add(asked(), [{"title": "a"}, {"other": 1}], ADMINISTRATOR)
    assert len(carrier.commands) == 1


async def test_changes_are_values_for_every_document_that_is_found():
    carrier = Carrier()
    change = {"title": " a "}
    query = asked(("doc", "1"))
    assert await jql(carrier).update(query, change, {"$set": dict(change)}, ADMINISTRATOR) == 1
    (command,) = carrier.commands
    assert (command.filter, command.update, command.multi) == (
        {"_id": "1"},
        {"$set": {"title": "a"}},
        True,
    )
    for operators in ({"$inc": {"n": 1}}, {"$unset": {"n": ""}}):
        with pytest.raises(JqlSyntax, match="no operators"):
            await jql(carrier).update(query, {}, operators, ADMINISTRATOR)


async def test_everything_is_not_removed_by_accident():
    with pytest.raises(JqlSyntax, match="needs where"):
        await jql(Carrier()).remove(asked(), ADMINISTRATOR)


async def test_levels_of_trees_are_bounded():
    for options in ({"getTree": {"limitLevel": 16}}, {"getTree": True}, {"getTreePath": {}}):
        with pytest.raises(JqlSyntax):
            await jql(Carrier()).get(asked(options=options), ADMINISTRATOR)
