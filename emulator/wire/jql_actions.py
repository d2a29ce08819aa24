"""Owns the action by which functions of uniCloud use JQL: `jql.run`.

Not here: what JQL means (`services.jql`), how functions write it (`node/unicloud_jql.js`). The one
idea: no SDK has such an action; steps come as they were called, values in Extended JSON.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

import orjson

from emulator.core.values import Document, Value
from emulator.services.caller import Caller
from emulator.wire import envelope, fields
from emulator.wire.ejson import document_json, value_json
from emulator.wire.fields import Body

if TYPE_CHECKING:
    from emulator.core.jql.query import Query, Step
    from emulator.services.jql import Jql

TABLES_MAX: Final = 20
STEPS_MAX: Final = 100

Run = Callable[[Body, Caller, str], Awaitable[bytes]]


class JqlActions:
    """The actions of one suite; what carries JQL out is opened when it is first asked for."""

    def __init__(self, open_jql: "Callable[[], Jql]") -> None:
        self._open = open_jql
        self._jql: Jql | None = None

    def table(self) -> dict[str, Run]:
        """Return the actions by name."""
        return {"jql.run": self._run}

    async def _run(self, body: Body, caller: Caller, request_id: str) -> bytes:
        if self._jql is None:
            self._jql = self._open()
        jql, query = self._jql, _query(body)
        verb = fields.text(body, "verb")
        match verb:
            case "get":
                found = await jql.get(query, caller)
                listed = b",".join(map(document_json, found.documents))
                data = b'{"list":[%b],"count":%b}' % (listed, orjson.dumps(found.count))
            case "count":
                data = b'{"total":%d}' % await jql.count(query, caller)
            case "add":
                ids = await jql.add(query, _documents(body), caller)
                data = b'{"ids":[%b]}' % b",".join(map(value_json, ids))
            case "update":
                operators = fields.document(body.get("operators"), "operators")
                data = b'{"updated":%d}' % await jql.update(
                    query, _documents(body)[0], operators, caller
                )
            case "remove":
                data = b'{"deleted":%d}' % await jql.remove(query, caller)
            case _:
                raise fields.wrong("verb", verb, "get, count, add, update or remove")
        return envelope.success(data, request_id)


def _documents(body: Body) -> list[Document]:
    return [fields.document(each, "data") for each in fields.items(body, "data")] or [{}]


def _query(body: Body) -> "Query":
    # Many modules, which few projects need.
    from emulator.core.jql.permission import User
    from emulator.core.jql.query import Query, Table

    tables = fields.items(body, "tables")
    if not 1 <= len(tables) <= TABLES_MAX:
        raise fields.wrong("tables", len(tables), f"1 to {TABLES_MAX} collections")
    read = [fields.document(each, "tables") for each in tables]
    user = fields.optional_document(body.get("user"), "user") or {}
    uid = user.get("uid")
    return Query(
        tables=tuple(Table(name=fields.text(each, "name"), steps=_steps(each)) for each in read),
        steps=_steps(body),
        user=User(
            uid=uid if isinstance(uid, str) else None,
            role=_texts(user, "role"),
            permission=_texts(user, "permission"),
        ),
        client_ip=fields.optional_text(body, "clientIP") or "127.0.0.1",
        options=fields.optional_document(body.get("options"), "options") or {},
    )


def _texts(user: Mapping[str, Value], name: str) -> tuple[str, ...]:
    found = user.get(name)
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _steps(body: Body) -> "tuple[Step, ...]":
    from emulator.core.jql.query import Step

    found = body.get("steps") or []
    if type(found) is not list or len(found) > STEPS_MAX:
        raise fields.wrong("steps", found, f"a list of at most {STEPS_MAX} steps")
    steps = [fields.document(each, "steps") for each in found]
    return tuple(Step(fields.text(each, "verb"), _given(each)) for each in steps)


def _given(step: Document) -> Value:
    query = step.get("query")
    return fields.document(query, "query") if query is not None else step.get("given")
