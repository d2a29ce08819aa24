"""A query passes only when the rule allows all it may find; brute force agrees."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.core.query import compile_filter
from emulator.core.rules.evaluate import Scope
from emulator.core.rules.implies import refusal
from emulator.core.rules.ruleset import compile_rules
from emulator.core.values import MISSING, Date

ALICE = Scope(auth={"openid": "alice", "uid": "u1", "loginType": "WECHAT_PUBLIC"}, now=1_000)


def read_rule(text):
    rules = compile_rules({"read": text})
    assert rules.faults == ()
    return rules.rule("read")


ALLOWED = [
    ("doc.age > 10", {"age": {"$gt": 15}}),
    ("doc.age > 10", {"age": {"$gt": 10}}),
    ("doc.age > 10", {"age": 11}),
    ("doc.age > 10", {"age": {"$in": [11, 12]}}),
    ("doc.age > 10 || doc.open == true", {"open": True}),
    ("doc.age >= 10 && doc.age < 20", {"age": {"$gte": 12, "$lt": 15}}),
    ("doc._openid == auth.openid", {"_openid": "alice"}),
    ("doc._openid == auth.openid", {"_openid": "alice", "city": {"$ne": "x"}}),
    ("doc._openid == auth.openid", {"$and": [{"_openid": "alice"}, {"age": 3}]}),
    ("doc.a == 1 || doc.a == 2", {"$or": [{"a": 1}, {"a": 2}]}),
    ("doc.a == 1 || doc.a == 2", {"a": {"$in": [1, 2]}}),
    ("doc.a in [1, 2, 3]", {"a": {"$in": [1, 2]}}),
    ("!(doc.a in [1, 2])", {"a": {"$nin": [1, 2, 3]}}),
    ("doc.a != 5", {"a": {"$ne": 5}}),
    ("doc.a != null", {"a": {"$gt": 1}}),
    ("doc.info.level < 3", {"info.level": {"$lt": 2}}),
    ("auth.openid in doc.members", {"members": "alice"}),
    ("doc.name == 'shop-' + auth.uid", {"name": "shop-u1"}),
    ("doc.owner == `${auth.openid}!`", {"owner": "alice!"}),
    ("doc.price * 2 > 10", {"price": 6}),
    ("doc.expires > now", {"expires": {"$gt": 2_000}}),
    ("doc.at > now", {"at": {"$gt": Date(1_000)}}),
    ("auth != null", {}),
    ("true", {"x": {"$regex": "a"}}),
    ("doc.open", {"open": True}),
    ("doc.a == doc.b", {"a": 1, "b": 1}),
    ("doc.a == 1 ? true : doc.b == 2", {"b": 2}),
]

REFUSED = [
    ("doc.age > 10", {"age": {"$gt": 8}}),
    ("doc.age > 10", {}),
    ("doc.age > 10", {"age": {"$gte": 10}}),
    ("doc.age > 10", {"age": {"$in": [5, 20]}}),
    ("doc.age > 10", {"$or": [{"age": 20}, {"city": "x"}]}),
    ("doc.age > 10", {"age": {"$not": {"$lte": 10}}}),
    ("doc._openid == auth.openid", {"_openid": "bob"}),
    ("doc._openid == auth.openid", {"_openid": {"$in": ["alice", "bob"]}}),
    ("doc._openid == auth.openid", {"city": "x"}),
    ("doc.a == 1 && doc.b == 2", {"a": 1}),
    ("doc.a == 'x'", {"a": {"$regex": "^x$"}}),
    ("doc.a != 5", {"$nor": [{"a": {"$gt": 5}}]}),
    ("doc.a === null", {"a": None}),
    ("doc.price * 2 > 10", {"price": {"$gt": 6}}),
    ("doc.info.level < 3", {"info.level": {"$lt": 4}}),
    ("doc.a < doc.b", {"a": {"$lt": 3}}),
    ("false", {}),
    ("auth == null", {"a": 1}),
    ("doc.open", {"open": {"$ne": False}}),
]


@pytest.mark.parametrize(("text", "filter_"), ALLOWED)
def test_queries_within_the_rule_pass(text, filter_):
    assert refusal(read_rule(text), filter_, ALICE) is None


@pytest.mark.parametrize(("text", "filter_"), REFUSED)
def test_queries_beyond_the_rule_are_refused(text, filter_):
    found = refusal(read_rule(text), filter_, ALICE)
    assert found is not None
    if found.example is not None:
        assert compile_filter(filter_).matches(found.example) or "$regex" in str(filter_)
        assert not read_rule(text).allows(Scope(auth=ALICE.auth, now=1_000, doc=found.example))


def test_the_counter_example_lies_where_the_bounds_differ():
    found = refusal(read_rule("doc.age > 10"), {"age": {"$gt": 8}}, ALICE)
    assert found.example["age"] in (9, 10)


def test_too_many_fields_are_refused_untried():
    names = [f"f{number}" for number in range(12)]
    rule = read_rule(" || ".join(f"doc.{name} == {at}" for at, name in enumerate(names)))
    found = refusal(rule, {"$or": [{name: {"$gt": 3}} for name in names]}, ALICE)
    assert "too complex" in found.reason


# Brute force

CONSTANTS = [0, 1, 2, "x", "y", None, True]
DOMAIN = [MISSING, None, 0, 0.5, 1, 1.5, 2, 3, -1, "", "x", "xx", "y", "z", True, False]
FIELDS = ["a", "b"]

constants = st.sampled_from(CONSTANTS)
fields = st.sampled_from(FIELDS)


def written(value):
    return {type(None): "null", bool: "true"}.get(type(value)) or repr(value)


atoms = st.one_of(
    st.builds(
        lambda f, op, c: f"doc.{f} {op} {written(c)}",
        fields,
        st.sampled_from(["==", "!=", "===", "!==", "<", "<=", ">", ">="]),
        constants,
    ),
    st.builds(
        lambda f, cs: f"doc.{f} in [{', '.join(map(written, cs))}]",
        fields,
        st.lists(constants, max_size=3),
    ),
    st.builds(lambda f: f"doc.{f}", fields),
    st.sampled_from(
        ["doc.a == doc.b", "doc.a < doc.b", "doc.a != doc.b", "auth.openid == 'alice'"]
    ),
)
rules = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(
            lambda one, other, op: f"({one}) {op} ({other})",
            inner,
            inner,
            st.sampled_from(["&&", "||"]),
        ),
        st.builds(lambda e: f"!({e})", inner),
    ),
    max_leaves=4,
)
conditions = st.one_of(
    constants,
    st.dictionaries(
        st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$eq", "$ne"]),
        constants,
        min_size=1,
        max_size=2,
    ),
    st.builds(lambda cs: {"$in": cs}, st.lists(constants, max_size=3)),
    st.builds(lambda cs: {"$nin": cs}, st.lists(constants, max_size=3)),
    st.builds(lambda c: {"$not": {"$gt": c}}, constants),
)
plain = st.dictionaries(fields, conditions, max_size=2)
filters = st.one_of(
    plain,
    st.builds(lambda fs: {"$or": fs}, st.lists(plain, min_size=1, max_size=3)),
    st.builds(lambda fs: {"$nor": fs}, st.lists(plain, min_size=1, max_size=2)),
    st.builds(lambda f, g: {"$and": [f, g]}, plain, plain),
)


def documents():
    for values in itertools.product(DOMAIN, repeat=len(FIELDS)):
        pairs = zip(FIELDS, values, strict=True)
        yield {name: value for name, value in pairs if value is not MISSING}


@settings(max_examples=300, deadline=None)
@given(rules, filters)
def test_nothing_passes_that_a_document_contradicts(text, filter_):
    rule = read_rule(text)
    found = refusal(rule, filter_, ALICE)
    finds = compile_filter(filter_).matches

    def contradicts(document):
        scope = Scope(auth=ALICE.auth, now=ALICE.now, doc=document)
        return finds(document) and not rule.allows(scope)

    if found is None:
        assert not any(map(contradicts, documents()))
    elif found.example is not None:
        assert contradicts(found.example)
    else:
        assert rule.doc_paths == frozenset()
