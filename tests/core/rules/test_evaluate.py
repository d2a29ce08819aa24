"""What a rule means for one caller and one document: a table."""

import math

import pytest

from emulator.core.rules.evaluate import NoLookUp, Scope, compile_rule, compiled, truth
from emulator.core.rules.parser import parse
from emulator.core.values import MISSING, Date


class Documents(NoLookUp):
    def __init__(self):
        self.asked = []

    def document(self, collection, document_id):
        self.asked.append((collection, document_id))
        return {"role": "admin", "_id": document_id} if document_id == "alice" else None

    def count(self, collection, filter_):
        self.asked.append((collection, filter_))
        return 1 if filter_.get("role") == "admin" else 0


ALICE = {"openid": "alice", "uid": "u1", "loginType": "WECHAT_PUBLIC"}
DOC = {
    "_openid": "alice", "age": 20, "name": "x", "open": True, "closed": False, "none": None,
    "tags": ["a", "b"], "info": {"level": 3}, "at": Date(5_000), "empty": "", "zero": 0,
}  # fmt: skip

CASES = [
    # who
    ("auth != null", True), ("auth == null", False), ("auth.openid == doc._openid", True),
    ("auth.loginType == 'ANONYMOUS'", False), ("auth.nothing == undefined", True),
    ("auth.nothing.deeper == null", True), ("auth.openid", True),
    # nothing
    ("doc.none == null", True), ("doc.none === null", True), ("doc.gone == null", True),
    ("doc.gone === null", False), ("doc.gone === undefined", True), ("doc.gone != null", False),
    ("doc.none == false", False), ("doc.zero == null", False), ("doc.gone == doc.none", True),
    # equality converts nothing
    ("doc.age == 20", True), ("doc.age == 20.0", True), ("doc.age == '20'", False),
    ("doc.open == 1", False), ("doc.open == true", True), ("doc.zero == false", False),
    ("doc.info == {level: 3}", True), ("doc.tags == ['a', 'b']", True), ("doc.at == 5000", False),
    # order
    ("doc.age > 10", True), ("doc.age >= 20", True), ("doc.age < 20", False),
    ("doc.name > 'w'", True), ("doc.name > 1", False), ("doc.gone > 1", False),
    ("doc.gone < 1", False), ("doc.at > now", True), ("doc.open > 0", False),
    # membership
    ("doc.name in ['x', 'y']", True), ("doc.name in []", False), ("!(doc.name in ['y'])", True),
    ("'a' in doc.tags", True), ("'level' in doc.info", True), ("'x' in doc.name", True),
    ("doc.age in [20.0]", True), ("null in [null]", True), ("'a' in doc.gone", False),
    # logic, as values
    ("doc.open && doc.age > 1", True), ("doc.closed || doc.empty", False),
    ("doc.zero || doc.name", True), ("!doc.empty", True), ("!doc.tags", False),
    ("doc.open ? doc.age == 20 : false", True),
    # members
    ("doc['name'] == 'x'", True), ("doc.tags[1] == 'b'", True), ("doc.tags[9] == null", True),
    ("doc.tags.length == 2", True), ("doc.name.length == 1", True), ("doc.tags['0'] == 'a'", True),
    ("doc.info.level == 3", True), ("doc.age.deeper == null", True), ("doc.tags[-1] == null", True),
    ("doc.info[1] == null", True), ("doc.tags[true] == null", True),
    # sums
    ("doc.age + 1 == 21", True), ("doc.age - 1 == 19", True), ("doc.age * 2 == 40", True),
    ("doc.age / 0 == 1", False), ("doc.age % 3 == 2", True), ("'a' + 1 == 'a1'", True),
    ("doc.gone + 1 == 1", False), ("'x' + null == 'xnull'", True), ("-doc.age == -20", True),
    ("+doc.name == 0", False), ("`${doc.name}-${doc.age}-${doc.open}` == 'x-20-true'", True),
    ("now - 1000 == 0", True), ("1.5 + 1.5 == '3'", False), ("`${1.5 + 1.5}` == '3'", True),
    # other documents
    ("get('database.users.alice').role == 'admin'", True),
    ("get(`database.users.${auth.openid}`).role == 'admin'", True),
    ("get('database.users.' + auth.openid).role == 'admin'", True),
    ("get('database.users.bob') == null", True), ("get('database.users.bob').role == null", True),
    ("get('users.alice') == null", True), ("get('database.users') == null", True),
    (
        "get('database.collection.roles').where({_openid: auth.openid, role: 'admin'}).size() > 0",
        True,
    ),
    ("get('database.roles').where({role: 'guest'}).count() > 0", False),
    ("get('other').where({role: 'admin'}).size() > 0", False),
    # the request
    ("request.data.age == 30", True), ("request.data.gone == null", True),
    ("request.data._openid == undefined", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "allowed"), CASES)
def test_rule_about_a_document(text, allowed):
    scope = Scope(
        auth=ALICE, doc=DOC, request={"data": {"age": 30}}, now=1_000, look_up=Documents()
    )
    assert compile_rule(parse(text))(scope) is allowed


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("auth != null", False),
        ("auth.openid == doc._openid", False),
        ("auth.openid == null", True),
        ("doc._openid == auth.openid", False),
    ],
)
def test_rule_for_nobody(text, allowed):
    assert compile_rule(parse(text))(Scope(doc=DOC)) is allowed


def test_what_is_decided_already_asks_for_no_document():
    documents = Documents()
    scope = Scope(auth=ALICE, doc=DOC, look_up=documents)
    assert compile_rule(parse("doc.open || get('database.users.alice').role == 'admin'"))(scope)
    assert documents.asked == []


def test_collections_are_named_both_ways():
    documents = Documents()
    scope = Scope(look_up=documents)
    for path in ("database.roles", "database.collection.roles"):
        compiled(parse(f"get('{path}').where({{a: 1}}).size()"))(scope)
    assert documents.asked == [("roles", {"a": 1})] * 2


@pytest.mark.parametrize(
    ("value", "counts"),
    [(MISSING, False), (None, False), (0, False), (math.nan, False), ("", False), (False, False),
     ("0", True), (0.1, True), ([], True), ({}, True), (Date(0), True)],
)  # fmt: skip
def test_truth_is_javascripts(value, counts):
    assert truth(value) is counts
