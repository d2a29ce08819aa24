"""Owns what a schema of uniCloud permits: whole collections, and single fields.

Not here: rules of CloudBase, whose language this is (`core.rules`), and which documents are asked
about. The one idea: a permission is yes, no, or an expression about who asks and a document;
nothing said is no, but for fields, where it is yes, and for a password, where it is no.

Facts: doc.dcloud.net.cn/uniCloud/schema#permission.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from emulator.core.errors import EmulatorError
from emulator.core.jql.schemas import Schema, fields_of
from emulator.core.records import dataclass
from emulator.core.rules.evaluate import LookUp, Scope, compile_rule
from emulator.core.rules.parser import parse
from emulator.core.values import Document, Value

Operation = Literal["read", "create", "update", "delete", "count"]
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


class Permission:
    """What one collection permits a user."""

    def __init__(self, table: str, schema: Schema | None, user: User) -> None:
        self._table = table
        self._schema = schema
        self._user = user

    def rule(self, operation: Operation) -> bool | str:
        """Return what is said of an operation.

        Raises:
            NotPermitted: there is no schema, so nothing is permitted.
        """
        if self._user.is_admin:
            return True
        if self._schema is None:
            raise NotPermitted(
                f"{self._table} has no schema, so only the role admin may use it: write "
                f"database/{self._table}.schema.json, or setUser({{ role: ['admin'] }})"
            )
        return _said(self._schema, operation, usual=operation == "count")

    def require(
        self, operation: Operation, documents: Iterable[Document], *, now_ms: int, look_up: LookUp
    ) -> None:
        """Refuse an operation on documents of which one is not permitted."""
        rule = self.rule(operation)
        if rule is True:
            return
        if rule is False:
            raise self._refusal(f"permission.{operation} is false")
        holds = compile_rule(parse(str(rule)))
        auth = self._user.as_value()
        # What does not depend on a document is asked once even where there is none.
        for document in documents if "doc." in str(rule) else [{}]:
            scope = Scope(auth=auth, doc=document, now=now_ms, look_up=look_up)
            if not holds(scope):
                raise self._refusal(f"permission.{operation} says {rule}")

    def require_fields(
        self, fields: Iterable[str] | None, way: Literal["read", "write"], scope: Scope
    ) -> None:
        """Refuse the use of a field, or of any if none are told, that is not permitted."""
        if self._user.is_admin or self._schema is None:
            return
        known = fields_of(self._schema)
        wanted = known if fields is None else [name.partition(".")[0] for name in fields]
        for name in wanted:
            each = known.get(name)
            rule = True if each is None else _of_field(each, way)
            auth = Scope(auth=self._user.as_value(), doc=scope.doc, now=scope.now)
            if rule is not True and not (isinstance(rule, str) and compile_rule(parse(rule))(auth)):
                raise self._refusal(f"the {way} permission of the field {name} says {rule}")

    def _refusal(self, why: str) -> NotPermitted:
        who = self._user.uid or "nobody who is signed in"
        return NotPermitted(f"{self._table}: {why}; it is asked for by {who}")


def _of_field(each: Schema, way: str) -> bool | str:
    return _said(each, way, usual=each.get("bsonType") != "password")


def _said(described: Mapping[str, Any], what: str, *, usual: bool) -> bool | str:
    permission = described.get("permission")
    said = permission.get(what) if isinstance(permission, dict) else permission
    return said if isinstance(said, bool | str) else usual
