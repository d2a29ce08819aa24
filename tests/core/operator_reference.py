"""Makes docs/reference/operators.md out of the operator tables and of what is said about them here.

Run it to bring the page up to date; `test_operator_reference.py` fails while it is not. Every
operator of the tables has a row here, and every row an operator or a refusal.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from emulator.core.aggregate.accumulators import ACCUMULATORS
from emulator.core.aggregate.expressions import OPERATORS
from emulator.core.aggregate.pipeline import STAGES, WRITING_STAGES
from emulator.core.query import FIELD_TABLE, FILTER_TABLE
from emulator.core.update import UPDATE_OPERATOR_NAMES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "operators.md"

WORKS, DIFFERS, REFUSED = "works", "differs", "refused"

Row = tuple[str, str, str]
"""How the SDKs write it, its state, and what to know."""

FILTERS: Mapping[str, Row] = {
    "$and": ("`_.and([…])`, `_.gt(1).and(…)`", WORKS, ""),
    "$or": ("`_.or([…])`, `_.eq(1).or(…)`", WORKS, ""),
    "$nor": ("`_.nor([…])`", WORKS, ""),
    "$expr": ("`_.expr(…)`", WORKS, "at the top or inside and, or, nor; never in `$elemMatch`"),
    "$jsonSchema": ("`_.jsonSchema(…)`", WORKS, "MongoDB's draft 4 subset with `bsonType`"),
    "$comment": ("", WORKS, "is ignored"),
    "$where": ("", REFUSED, "runs JavaScript in the database, which the cloud does not allow"),
    "$text": ("", REFUSED, "the cloud has no text search"),
}
CONDITIONS: Mapping[str, Row] = {
    "$eq": ("`_.eq`, or the value itself", WORKS, "null finds missing fields too"),
    "$ne": ("`_.neq`", WORKS, "holds of the whole document: no element may be equal"),
    "$gt": ("`_.gt`", WORKS, "only values of the operand's own type"),
    "$gte": ("`_.gte`", WORKS, "only values of the operand's own type"),
    "$lt": ("`_.lt`", WORKS, "only values of the operand's own type"),
    "$lte": ("`_.lte`", WORKS, "only values of the operand's own type"),
    "$in": ("`_.in`", WORKS, "patterns may stand among the values"),
    "$nin": ("`_.nin`", WORKS, ""),
    "$not": ("`_.not`", WORKS, "takes operators or a pattern"),
    "$exists": ("`_.exists`", WORKS, "null is there"),
    "$type": ("", WORKS, "names, numbers, or a list of them; elements of arrays are asked too"),
    "$mod": ("`_.mod`", WORKS, ""),
    "$size": ("`_.size`", WORKS, ""),
    "$all": ("`_.all`", WORKS, "an empty list finds nothing"),
    "$elemMatch": ("`_.elemMatch`", WORKS, "one element meets all of it"),
    "$regex": (
        "`db.RegExp`, `/…/`",
        DIFFERS,
        "PCRE read by an own parser: a pattern that could run for ever is refused instead of being "
        "cut off, and so are recursion, callouts, verbs but `(*FAIL)`, `\\K`, `\\G`, and scripts "
        "other than Han and ten more",
    ),
    "$options": (
        "`db.RegExp`",
        WORKS,
        "`i`, `m`, `s`, `x`; `g`, `u`, `y` are ignored",
    ),
    "$near": ("", WORKS, "needs a geo index; without one error 291"),
    "$nearSphere": ("`_.geoNear`", WORKS, "needs a geo index; nearest first, in metres"),
    "$maxDistance": ("`_.geoNear`", WORKS, "beside `$near` or `$nearSphere`"),
    "$minDistance": ("`_.geoNear`", WORKS, "beside `$near` or `$nearSphere`"),
    "$geoWithin": ("`_.geoWithin`", WORKS, "polygon, box, circle; edges are great circles"),
    "$within": ("", WORKS, "the old name of `$geoWithin`"),
    "$geoIntersects": ("`_.geoIntersects`", WORKS, "touching counts"),
    "$bitsAllSet": ("", WORKS, ""),
    "$bitsAnySet": ("", WORKS, ""),
    "$bitsAllClear": ("", WORKS, ""),
    "$bitsAnyClear": ("", WORKS, ""),
    "$comment": ("", WORKS, "is ignored"),
    "$where": ("", REFUSED, "runs JavaScript in the database, which the cloud does not allow"),
}
UPDATES: Mapping[str, Row] = {
    "$set": ("plain values, `_.set`", WORKS, "new fields are appended in the order of their names"),
    "$setOnInsert": ("", WORKS, "on an upsert that inserts"),
    "$unset": ("`_.remove`", WORKS, "an element of an array becomes null"),
    "$inc": ("`_.inc`", WORKS, "int32 widens to int64; beyond int64 it is refused"),
    "$mul": ("`_.mul`", WORKS, "as `$inc`; a missing field becomes 0"),
    "$min": ("`_.min`", WORKS, "compares across types"),
    "$max": ("`_.max`", WORKS, "compares across types"),
    "$currentDate": ("`db.serverDate()` is its like", WORKS, ""),
    "$bit": ("`_.bit`", WORKS, "integers only"),
    "$rename": ("`_.rename`", WORKS, "never from or into an array"),
    "$push": (
        "`_.push`, `_.unshift`",
        WORKS,
        "`$each`, then `$position`, then `$sort`, then `$slice`",
    ),
    "$addToSet": ("`_.addToSet`", WORKS, "1 and 1.0 are one value; order of keys counts"),
    "$pop": ("`_.pop`, `_.shift`", WORKS, ""),
    "$pull": ("`_.pull`", WORKS, "an object is a filter on the elements"),
    "$pullAll": ("`_.pullAll`", WORKS, ""),
}
PATHS: Mapping[str, Row] = {
    "a.b": ("`'a.b'`, nested objects in `update`", WORKS, "also through the objects of an array"),
    "a.0": ("`'a.0'`", WORKS, "the element, or a field of that name"),
    "a.$": ("`'a.$'`", WORKS, "the element that the filter matched"),
    "a.$[]": ("", WORKS, "every element"),
    "a.$[id]": ("", DIFFERS, "understood, but no SDK sends the array filters it needs"),
}
PROJECTIONS: Mapping[str, Row] = {
    "1, true": ("`field({a: true})`", WORKS, "the document's own order stays"),
    "0, false": ("`field({a: false})`", WORKS, "never mixed with 1 but for `_id`"),
    "$slice": ("`db.command.project.slice`", WORKS, "all other fields stay"),
    "$elemMatch": ("`db.command.project.elemMatch`", WORKS, "the first element that matches"),
    "a.$": ("", WORKS, "the element that the filter matched"),
    "$meta": ("", REFUSED, "the cloud has no text search"),
}

DIFFERENCES: Mapping[str, str] = {
    "$regexFind": "patterns as under `$regex`",
    "$regexFindAll": "patterns as under `$regex`",
    "$regexMatch": "patterns as under `$regex`",
}
"""Aggregation operators that are not quite the cloud's; everything else works."""

SPELLINGS: Mapping[str, str] = {"$ne": "neq"}
RAW_ONLY = frozenset(
    {
        *("$acos", "$acosh", "$asin", "$asinh", "$atan", "$atan2", "$atanh", "$binarySize"),
        *("$bsonSize", "$const", "$convert", "$cos", "$cosh", "$dateToParts", "$degreesToRadians"),
        *("$getField", "$isNumber", "$ltrim", "$radiansToDegrees", "$regexFind", "$regexFindAll"),
        *("$regexMatch", "$replaceAll", "$replaceOne", "$round", "$rtrim", "$setField", "$sin"),
        *("$sinh", "$tan", "$tanh", "$toBool", "$toDate", "$toDecimal", "$toDouble", "$toInt"),
        *("$toLong", "$toObjectId", "$toString", "$trim", "$type", "$unsetField", "$facet"),
        *("$graphLookup", "$redact", "$replaceWith", "$set", "$unionWith", "$unset"),
    }
)
"""What @cloudbase/database 1.4.3 has no name for; it can only be sent as it is."""

HEAD = """\
# Operators

What filters, updates, projections and pipelines understand, and how far it is the cloud's: it
**works** as in the cloud (MongoDB 4.0 under the SDKs), **differs** in the way said, or is
**refused** as the cloud does. Operators of later MongoDB versions are understood where the cloud
would fail.
An operator that stands in no table answers `DATABASE_INVALID_OPERRATOR`. Where nothing stands under
"in the SDKs", they have no name of their own for it: it can be sent with `options({raw: true})`.

This page is made of the tables in the code by `python tests/core/operator_reference.py`.
"""


def page() -> str:
    """Return the text of the page."""
    sections = [
        ("Filters", "operator", rows(FILTERS)),
        ("Conditions on a field", "operator", rows(CONDITIONS)),
        ("Updates", "operator", rows(UPDATES)),
        ("Paths in updates", "path", rows(PATHS)),
        ("Projections", "value", rows(PROJECTIONS)),
        ("Stages of a pipeline", "stage", rows(stages())),
        ("Accumulators of `$group` and `$bucket`", "accumulator", rows(plain(ACCUMULATORS, "$."))),
        ("Expressions", "expression", rows(plain(OPERATORS, "$."))),
    ]
    parts = [HEAD]
    for title, name, lines in sections:
        parts.append(f"\n## {title}\n\n| {name} | in the SDKs | state | |\n|---|---|---|---|\n")
        parts.extend(lines)
    return "".join(parts)


def rows(table: Mapping[str, Row]) -> Iterable[str]:
    for name, (spelling, state, note) in sorted(table.items()):
        yield f"| `{name}` | {spelling} | {state} | {note} |\n"


def stages() -> Mapping[str, Row]:
    refused = dict.fromkeys(WRITING_STAGES, ("", REFUSED, "the cloud has no stage that writes"))
    return {**plain(STAGES, "."), **refused}


def plain(names: Iterable[str], prefix: str) -> Mapping[str, Row]:
    """Return the rows of operators that the SDKs call by their own names."""
    table = {}
    for name in names:
        spelling = "" if name in RAW_ONLY else f"`{prefix}{SPELLINGS.get(name, name[1:])}`"
        state = DIFFERS if name in DIFFERENCES else WORKS
        table[name] = (spelling, state, DIFFERENCES.get(name, ""))
    return table


TABLES = {
    "filters": (FILTERS, FILTER_TABLE),
    "conditions": (CONDITIONS, FIELD_TABLE),
    "updates": (UPDATES, UPDATE_OPERATOR_NAMES),
}
"""What is said here beside what there is."""

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
