"""Owns the stages of a pipeline that fields, groups and orders of JQL are.

Not here: reading the texts (`core.jql.parser`), conditions (`core.jql.filters`). The one idea: each
part of a query is one or two stages, in the order in which JQL applies them.
"""

from collections.abc import Sequence
from typing import Final

from emulator.core.jql.filters import Variables, expression_of
from emulator.core.jql.nodes import Call, Column, JqlSyntax, Path
from emulator.core.values import Document, Value

_ACCUMULATORS: Final = frozenset(
    {"sum", "avg", "max", "min", "first", "last", "push", "addToSet", "stdDevPop", "stdDevSamp",
     "mergeObjects"}
)  # fmt: skip


def project_stage(columns: Sequence[Column], variables: Variables) -> Document:
    """Return the stage that leaves the fields asked for, and `_id`."""
    wanted: Document = {}
    for column in columns:
        if column.inner:
            wanted.update(_of_joined(column, variables))
        elif not column.alias and isinstance(column.node, Path):
            wanted[column.name] = 1
        else:
            wanted[column.alias] = expression_of(column.node, variables)
    return {"$project": _without_clashes(wanted)}


def _of_joined(column: Column, variables: Variables) -> Document:
    """Return what of a joined table comes: its fields, in each of its documents."""
    path = column.name
    if not any(each.alias or each.inner for each in column.inner):
        return {f"{path}.{each.name}": 1 for each in column.inner}
    inner: Document = {}
    for each in column.inner:
        if each.inner or not isinstance(each.node, Path):
            raise JqlSyntax(
                f"fields of {path} may be renamed, not computed: do that in the field() of a "
                "temporary table"
            )
        inner[each.name] = f"$$each.{each.node.name}"
    del variables
    return {path: {"$map": {"input": f"${path}", "as": "each", "in": inner}}}


def _without_clashes(wanted: Document) -> Document:
    """Leave out what is a part of another field that comes whole."""
    return {
        name: value
        for name, value in wanted.items()
        if not any(name.startswith(f"{other}.") for other in wanted if wanted[other] == 1)
    }


def group_stages(
    keys: Sequence[Column], results: Sequence[Column], variables: Variables
) -> list[Document]:
    """Return the stages that group by some fields, and compute others of each group."""
    names = [column.name for column in keys]
    by: Document = {
        f"k{number}": expression_of(column.node, variables) for number, column in enumerate(keys)
    }
    group: Document = {"_id": by or None}
    shown: Document = {"_id": 0, **{name: f"$_id.k{at}" for at, name in enumerate(names)}}
    for number, column in enumerate(results):
        group[f"r{number}"] = _accumulated(column, variables)
        shown[column.name] = f"$r{number}"
    return [{"$group": group}, {"$project": shown}]


def _accumulated(column: Column, variables: Variables) -> Value:
    node = column.node
    if isinstance(node, Call) and node.name == "count":
        return {"$sum": 1}
    if not isinstance(node, Call) or node.name not in _ACCUMULATORS or len(node.given) != 1:
        raise JqlSyntax(
            "groupField takes operators of groups such as count(*), sum(field) or avg(field), each "
            "with a name: count(*) as total"
        )
    return {f"${node.name}": expression_of(node.given[0], variables)}


def distinct_stages(columns: Sequence[Column]) -> list[Document]:
    """Return the stages that leave each combination of fields once."""
    if not columns:
        raise JqlSyntax("distinct() needs field() before it, which names what is to be distinct")
    by: Document = {f"k{at}": f"${column.name}" for at, column in enumerate(columns)}
    shown: Document = {column.name: f"$_id.k{at}" for at, column in enumerate(columns)}
    return [{"$group": {"_id": by}}, {"$project": {"_id": 0, **shown}}]


def lookup_stages(
    *, table: str, local: str, foreign: str, own: Sequence[Document], is_ours: bool
) -> list[Document]:
    """Return the stages that join a table.

    Where the key `is_ours`, the table's documents take the place of the field; else they stand
    under the table's name in the field they point to, with its value as `_value`.
    """
    # The field holds an object already when another table points to it, too.
    before: Value = {"$ifNull": [f"${local}._value", f"${local}"]}
    value: Value = {"$ifNull": [before, None]}
    several: Value = {"$cond": [{"$isArray": "$$value"}, "$$value", ["$$value"]]}
    there: Value = {"$cond": [{"$isArray": f"${foreign}"}, f"${foreign}", [f"${foreign}"]]}
    shared: Value = {"$gt": [{"$size": {"$setIntersection": [several, there]}}, 0]}
    known: Value = {"$ne": ["$$value", None]}
    target = local if is_ours else "_joined"
    lookup: Document = {
        "from": table,
        "let": {"value": value},
        "pipeline": [{"$match": {"$expr": {"$and": [known, shared]}}}, *own],
        "as": target,
    }
    if is_ours:
        return [{"$lookup": lookup}]
    held: Document = {local: {table: "$_joined", "_value": before}}
    return [{"$lookup": lookup}, {"$addFields": held}, {"$project": {"_joined": 0}}]
