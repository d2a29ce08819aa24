"""What schemas permit: collections, and single fields."""

import pytest

from emulator.core.jql.permission import NotPermitted, Permission, User
from emulator.core.rules.evaluate import NoLookUp

NOW = 5


def allowed(rule: object, user: User, *documents: dict) -> bool:
    permission = Permission("t", {"permission": {"read": rule}}, user)
    try:
        rules = permission.rules("read")
        permission.require(rules, documents, now_ms=NOW, look_up=NoLookUp())
    except NotPermitted:
        return False
    return True


def test_permissions_are_yes_no_or_an_expression():
    ada, nobody = User(uid="ada", role=("editor",)), User()
    assert allowed(True, nobody)
    assert not allowed(False, ada)
    assert not allowed(None, ada)
    assert allowed("auth.uid != null", ada)
    assert not allowed("auth.uid != null", nobody)
    assert allowed("'editor' in auth.role", ada)
    assert allowed("doc.uid == auth.uid", ada, {"uid": "ada"})
    assert not allowed("doc.uid == auth.uid", ada, {"uid": "ada"}, {"uid": "bob"})
    assert allowed("doc.uid == auth.uid", ada)
    assert not allowed("'doc-editor' in auth.role", ada)
    assert allowed(False, User(role=("admin",)))
    with pytest.raises(NotPermitted, match="has no schema"):
        Permission("t", None, ada).rules("read")


def test_fields_have_permissions_of_their_own():
    fields = {
        "secret": {"bsonType": "password"}, "mine": {"permission": {"read": "doc.u == auth.uid"}},
        "open": {},
    }  # fmt: skip
    schema = {"properties": fields, "permission": {"read": True}}
    ada = Permission("t", schema, User(uid="ada"))
    assert ada.rules("read", fields=["open.x", "unknown"]) == []
    (rule,) = ada.rules("read", fields=["mine.x", "open"])
    assert rule.needs_document
    ada.require([rule], [{"u": "ada"}], now_ms=NOW, look_up=NoLookUp())
    with pytest.raises(NotPermitted, match="read of the field mine says"):
        ada.require([rule], [{"u": "ada"}, {"u": "bob"}], now_ms=NOW, look_up=NoLookUp())
    assert ada.rules("read", fields=["mine"], way="write") == []
    assert Permission("t", schema, User(role=("admin",))).rules("read", fields=None) == []
    for names in (["secret"], None):
        with pytest.raises(NotPermitted, match="read of the field secret is false"):
            ada.rules("read", fields=names)
