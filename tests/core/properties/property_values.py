"""Strategies of the laws: values, documents, filters, updates, projections and sorts.

The one idea: few names and few scalars, so that random filters meet random documents often.
"""

from decimal import Decimal

from hypothesis import strategies as st

from emulator.core.values import (
    MAX_KEY,
    MIN_KEY,
    Binary,
    Date,
    Int64,
    ObjectId,
    Regex,
    Timestamp,
)

NAMES = st.sampled_from(["a", "b", "c", "0", "1"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(".".join)

NUMBERS = st.sampled_from(
    [
        *(0, 1, 2, -1, 7, 2**31, 2**53 + 1, -(2**63), 0.0, 1.0, 1.5, -2.5, float(2**53)),
        *(Int64(1), Int64(7), float("inf"), float("-inf"), float("nan"), Decimal("1.5")),
    ]
)
SCALARS = st.one_of(
    NUMBERS,
    st.sampled_from(["", "a", "ab", "B", "é", "\U0001f600", "\uffff"]),
    st.sampled_from([None, True, False, Date(0), Date(1), ObjectId("0" * 24), ObjectId("f" * 24)]),
    st.sampled_from([Regex("a"), Regex("a", "i"), Binary(b""), Binary(b"ab"), Binary(b"a", 5)]),
    st.sampled_from([Timestamp(0, 1), Timestamp(1, 0), MIN_KEY, MAX_KEY]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)
DOCUMENTS = OBJECTS.map(lambda fields: {"_id": "x", **fields})

# --- filters -------------------------------------------------------------------------------------

OPERANDS = VALUES.filter(lambda value: type(value) is not Regex)
LEAVES = st.one_of(
    st.builds(lambda value: {"$eq": value}, VALUES),
    st.builds(lambda value: {"$ne": value}, OPERANDS),
    st.builds(
        lambda name, value: {name: value}, st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), OPERANDS
    ),
    st.builds(
        lambda name, values: {name: values},
        st.sampled_from(["$in", "$nin", "$all"]),
        st.lists(OPERANDS, max_size=3),
    ),
    st.builds(lambda flag: {"$exists": flag}, st.booleans()),
    st.builds(lambda size: {"$size": size}, st.integers(0, 3)),
    st.builds(
        lambda divisor, rest: {"$mod": [divisor, rest]},
        st.sampled_from([2, 3, -2]),
        st.integers(-1, 2),
    ),
    st.builds(
        lambda name: {"$type": name},
        st.sampled_from(["int", "long", "double", "number", "string", "array", "object", "null"]),
    ),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda one: {"$not": one}, inner),
        st.builds(lambda one: {"$elemMatch": one}, inner),
        st.builds(lambda one, two: {**one, **two}, inner, inner),
        st.builds(lambda path, one: {"$elemMatch": {path: one}}, NAMES, inner),
    ),
    max_leaves=3,
)
CLAUSES = st.builds(lambda path, wanted: {path: wanted}, PATHS, VALUES | CONDITIONS)
FILTERS = st.recursive(
    CLAUSES,
    lambda inner: st.one_of(
        st.builds(
            lambda name, branches: {name: branches},
            st.sampled_from(["$and", "$or", "$nor"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        st.builds(lambda one, two: {**one, **two}, inner, inner),
    ),
    max_leaves=4,
)

# --- updates, projections, sorts -----------------------------------------------------------------

UPDATES = st.dictionaries(
    st.sampled_from(
        [
            *("$set", "$unset", "$inc", "$mul", "$min", "$max", "$push", "$addToSet", "$pop"),
            *("$pull", "$pullAll", "$rename", "$bit", "$setOnInsert", "$currentDate"),
        ]
    ),
    st.dictionaries(
        PATHS,
        st.one_of(
            VALUES,
            NUMBERS,
            st.sampled_from([1, -1, "c", {"and": 1}, {"$each": [1, "a"], "$sort": -1}, [1], True]),
        ),
        min_size=1,
        max_size=2,
    ),
    min_size=1,
    max_size=2,
)
DIRECTIONS = st.sampled_from([1, -1])
SORTS = st.lists(st.tuples(PATHS, DIRECTIONS), min_size=1, max_size=3, unique_by=lambda one: one[0])

OPERATOR_NAMES = st.sampled_from(
    [
        *("$eq", "$ne", "$gt", "$in", "$nin", "$all", "$elemMatch", "$size", "$mod", "$type"),
        *("$regex", "$options", "$not", "$and", "$or", "$nor", "$exists", "$near", "$nearSphere"),
        *("$geometry", "$maxDistance", "$geoWithin", "$geoIntersects", "$centerSphere", "$box"),
        *("$expr", "$jsonSchema", "$where", "$text", "$comment", "$bitsAllSet", "$set", "$unset"),
        *("$inc", "$mul", "$push", "$each", "$position", "$slice", "$sort", "$pull", "$pullAll"),
        *("$addToSet", "$pop", "$rename", "$bit", "$currentDate", "$setOnInsert", "$min", "$max"),
        *("$date", "$oid", "$numberLong", "$numberDouble", "$binary", "$regularExpression"),
        *("$timestamp", "$ref", "$id", "$db", "$", "$[]", "type", "coordinates", "required"),
        *("properties", "items", "enum", "pattern", "bsonType"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | OPERATOR_NAMES | PATHS, inner, max_size=3)
    ),
    max_leaves=10,
)
"""Anything a client may send where a filter, an update or a document is expected."""
