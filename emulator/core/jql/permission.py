"""Owns what a schema of uniCloud permits: whole collections, and single fields.

Not here: rules of CloudBase, whose language this is (`core.rules`), and which documents are asked
about. The one idea: a permission is yes, no, or an expression about who asks and a document;
nothing said is no, but for fields, where it is yes, and for a password, where it is no.

Facts: doc.dcloud.net.cn/uniCloud/schema#permission.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from emulator.core.errors import EmulatorError
from emulator.core.jql.schemas import Schema, fields_of
from emulator.core.records import dataclass
from emulator.core.rules.evaluate import LookUp, Scope, compile_rule
from emulator.core.rules.parser import parse
from emulator.core.values import Document, Value

Operation = Literal["read", "create", "update", "delete", "count"]
Way = Literal["read", "write"]
_SPEAKS_OF_DOCUMENT: Final = re.compile(r"\bdoc\s*[.\[]")
ADMIN: Final = "admin"
"""The role that may do everything."""


class NotPermitted(EmulatorError):
    """The schema of a collection does not let this user do that."""

    code = "PERMISSION_ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who asks, as uni-id knows them; nobody has no `uid`."""

    uid: str | None = None
    role: tuple[str, ...] = ()
    permission: tuple[str, ...] = ()

    @property
    def is_admin(self) -> bool:
        """Tell whether permissions are not looked at."""
        return ADMIN in self.role

    def as_value(self) -> Value:
        """Return what expressions know as `auth`."""
        return {"uid": self.uid, "role": list(self.role), "permission": list(self.permission)}


@dataclass(frozen=True, slots=True)
class Rule:
    """An expression that must hold, and what it is a permission of."""

    text: str
    what: str

    @property
    def needs_document(self) -> bool:
        """Tell whether it speaks of a document."""
        return _SPEAKS_OF_DOCUMENT.search(self.text) is not None


class Permission:
    """What one collection permits a user."""

    def __init__(self, table: str, schema: Schema | None, user: User) -> None:
        self._table = table
        self._schema = schema
        self._user = user

    def rules(
        self, operation: Operation, *, fields: Iterable[str] | None = (), way: Way = "read"
    ) -> list[Rule]:
        """Return the expressions that must hold for an operation that uses some fields, or all.

        Raises:
            NotPermitted: it is not permitted whatever the documents are.
        """
        if self._user.is_admin:
            return []
        if self._schema is None:
            raise NotPermitted(
                f"{self._table} has no schema, so only the role admin may use it: write "
                f"database/{self._table}.schema.json, or setUser({{ role: ['admin'] }})"
            )
        known = fields_of(self._schema)
        wanted = known if fields is None else {name.partition(".")[0] for name in fields}
        said: list[tuple[bool | str, str]] = [
            (_said(self._schema, operation, usual=operation == "count"), operation),
            *(
                (_of_field(known[name], way), f"{way} of the field {name}")
                for name in sorted(wanted)
                if name in known
            ),
        ]
        for rule, what in said:
            if rule is False:
                raise self._refusal(f"permission.{what} is false")
        return [Rule(rule, what) for rule, what in said if isinstance(rule, str)]

    def require(
        self,
        rules: Iterable[Rule],
        documents: Iterable[Document],
        *,
        now_ms: int,
        look_up: LookUp,
    ) -> None:
        """Refuse what one of the documents does not permit; none of them permit anything."""
        auth, given = self._user.as_value(), list(documents)
        for rule in rules:
            holds = compile_rule(parse(rule.text))
            for document in given if rule.needs_document else [{}]:
                scope = Scope(auth=auth, doc=document, now=now_ms, look_up=look_up)
                if not holds(scope):
                    raise self._refusal(f"permission.{rule.what} says {rule.text}")

    def _refusal(self, why: str) -> NotPermitted:
        who = self._user.uid or "nobody who is signed in"
        return NotPermitted(f"{self._table}: {why}; it is asked for by {who}")


def _of_field(each: Schema, way: str) -> bool | str:
    return _said(each, way, usual=each.get("bsonType") != "password")


def _said(described: Mapping[str, Any], what: str, *, usual: bool) -> bool | str:
    permission = described.get("permission")
    said = permission.get(what) if isinstance(permission, dict) else permission
    return said if isinstance(said, bool | str) else usual
