"""Steps of a query: what they say together, and the stages they become."""

import pytest

from emulator.core.jql.nodes import JqlSyntax
from emulator.core.jql.parser import parse_columns
from emulator.core.jql.query import Query, Step, Table, read_steps
from emulator.core.jql.stages import (
    distinct_stages,
    group_stages,
    lookup_stages,
    project_stage,
)

NOW = 5


def stages(*steps: tuple[str, object]) -> list[dict]:
    asked = read_steps([Step(*step) for step in steps], {}, now_ms=NOW)
    return [{"$match": asked.filter()}, *asked.shaping({}), *asked.cutting()]


def columns(text: str):
    return parse_columns(text, now_ms=NOW)


CASES = [
    ([], [{"$match": {}}]),
    ([("doc", "a"), ("where", "")], [{"$match": {"$and": [{"_id": "a"}, {}]}}]),
    ([("where", {"a": 1})], [{"$match": {"a": 1}}]),
    (
        [("field", "a,b as c"), ("orderBy", "a desc"), ("skip", 1), ("limit", 5000)],
        [
            {"$match": {}}, {"$sort": {"a": -1}}, {"$project": {"a": 1, "c": "$b"}}, {"$skip": 1},
            {"$limit": 1000},
        ],
    ),
    (
        [("field", "a as c"), ("orderBy", "c")],
        [{"$match": {}}, {"$project": {"c": "$a"}}, {"$sort": {"c": 1}}],
    ),
    ([("field", {"a": True, "b": 0})], [{"$match": {}}, {"$project": {"a": 1}}]),
    ([("field", "")], [{"$match": {}}]),
]  # fmt: skip


def test_steps_become_stages():
    for steps, expected in CASES:
        assert stages(*steps) == expected, steps


@pytest.mark.parametrize(
    "step",
    [
        ("limit", -1), ("limit", "1"), ("skip", True), ("where", 1), ("field", 1), ("orderBy", ""),
        ("groupBy", None), ("run", 1),
    ],
)  # fmt: skip
def test_steps_that_say_nothing_are_refused(step):
    with pytest.raises(JqlSyntax):
        stages(step)


def test_groups_are_named_by_their_place():
    group, project = group_stages(columns("a.b, add(c,1) as d"), columns("sum(e) as f"), {})
    assert group["$group"]["_id"] == {"k0": "$a.b", "k1": {"$add": ["$c", 1]}}
    assert project["$project"] == {"_id": 0, "a.b": "$_id.k0", "d": "$_id.k1", "f": "$r0"}
    assert group_stages([], columns("count(*) as n"), {})[0]["$group"]["_id"] is None
    for text in ("a as b", "size(a) as b", "sum(a,b) as c"):
        with pytest.raises(JqlSyntax, match="groupField takes"):
            group_stages([], columns(text), {})


def test_fields_of_joined_tables_are_projected():
    assert project_stage(columns("a{b,c},d"), {})["$project"] == {"a.b": 1, "a.c": 1, "d": 1}
    assert project_stage(columns("a.b,a"), {})["$project"] == {"a": 1}
    renamed = project_stage(columns("a{b as c}"), {})["$project"]["a"]["$map"]
    assert renamed["in"] == {"c": "$$each.b"}
    with pytest.raises(JqlSyntax):
        project_stage(columns("a{add(b,1) as c}"), {})
    with pytest.raises(JqlSyntax):
        distinct_stages([])


def test_joins_say_where_the_documents_go():
    asked = {"table": "t", "local": "x", "foreign": "_id", "own": []}
    assert lookup_stages(**asked, is_ours=True)[0]["$lookup"]["as"] == "x"
    names = [next(iter(each)) for each in lookup_stages(**asked, is_ours=False)]
    assert names == ["$lookup", "$addFields", "$project"]


def test_variables_are_known_by_all_their_names():
    known = Query(tables=(Table(name="t"),), client_ip="1.2.3.4").variables(NOW)
    assert known["$cloudEnv_clientIP"] == known["$env.clientIP"] == "1.2.3.4"
    assert known["$cloudEnv_now"] == NOW
    assert known["auth.uid"] is None
