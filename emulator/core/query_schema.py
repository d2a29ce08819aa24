"""Owns `$jsonSchema`: JSON Schema draft 4 as MongoDB reads it, compiled to one predicate.

Not here: collection-level validation and its messages. The one idea: a keyword speaks about values
of its own kind and passes all others, so a schema is a list of small tests that all must pass.
Unlike draft 4 there is no type "integer", and no `$ref`, `default`, `definitions`, `format`, `id`.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final, TypeAlias

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.ordering import hash_key, is_nan
from emulator.core.paths import ValueTest
from emulator.core.query_operators import NUMBERS, integral, is_number
from emulator.core.query_types import NUMBER_TYPES, type_name, type_set
from emulator.core.regex import compile_regex
from emulator.core.values import MISSING, Document, Regex, Value
from emulator.core.wording import shown

SCHEMA_DEPTH_MAX: Final = 50

Schema: TypeAlias = Mapping[str, Value]
Keyword: TypeAlias = Callable[[Value, Schema, int], ValueTest]
"""Takes the keyword's value, the schema around it and the depth; returns the test."""

_JSON_TYPES: Final[Mapping[str, frozenset[str]]] = {
    "array": frozenset({"array"}),
    "boolean": frozenset({"bool"}),
    "null": frozenset({"null"}),
    "number": NUMBER_TYPES,
    "object": frozenset({"object"}),
    "string": frozenset({"string"}),
}


def compile_schema(schema: Value) -> ValueTest:
    """Return the predicate that tells whether a document fits the schema.

    Raises:
        DatabaseRequestFailed: an unknown keyword or a value out of range (9), a value of the wrong
            type (14), an unknown type name (2).
    """
    return _schema(schema, "$jsonSchema", 0)


def _schema(schema: Value, keyword: str, depth: int) -> ValueTest:
    _expect(type(schema) is dict, keyword, "an object", schema)
    if depth > SCHEMA_DEPTH_MAX:
        raise _unparsable(f"$jsonSchema is nested deeper than {SCHEMA_DEPTH_MAX} levels")
    if "type" in schema and "bsonType" in schema:
        raise _unparsable("Cannot specify both $jsonSchema keywords 'type' and 'bsonType'")
    tests: list[ValueTest] = []
    for name, value in schema.items():
        build = _KEYWORDS.get(name)
        if build is None:
            raise _unparsable(f"Unknown $jsonSchema keyword: {name}")
        tests.append(build(value, schema, depth + 1))
    return lambda value: all(test(value) for test in tests)


def _unparsable(message: str) -> DatabaseRequestFailed:
    return DatabaseRequestFailed(message, mongo_code=9)


def _expect(condition: bool, keyword: str, wanted: str, value: Value) -> None:  # noqa: FBT001  # an assertion reads so
    if not condition:
        raise DatabaseRequestFailed(
            f"$jsonSchema keyword '{keyword}' must be {wanted}, not {shown(value)}", mongo_code=14
        )


def _only(kind: type, test: ValueTest) -> ValueTest:
    """Return the test made for values of one kind that every other value passes."""
    return lambda value: value.__class__ is not kind or test(value)


def _only_numbers(test: ValueTest) -> ValueTest:
    return lambda value: value.__class__ not in NUMBERS or test(value)


# --- any value -----------------------------------------------------------------------------------


def _type(value: Value, _around: Schema, _depth: int) -> ValueTest:
    names = value if type(value) is list else [value]
    _expect(bool(names) and all(type(name) is str for name in names), "type", "strings", value)
    if len(set(names)) != len(names):
        raise _unparsable("$jsonSchema keyword 'type' has duplicate names")
    unknown = [name for name in names if name not in _JSON_TYPES]
    if unknown == ["integer"]:
        raise _unparsable("$jsonSchema type 'integer' is not currently supported.")
    if unknown:
        raise DatabaseRequestFailed(f"Unknown type name alias: {unknown[0]}")
    wanted = frozenset[str]().union(*(_JSON_TYPES[name] for name in names))
    return lambda value: type_name(value) in wanted


def _bson_type(value: Value, _around: Schema, _depth: int) -> ValueTest:
    names = value if type(value) is list else [value]
    _expect(bool(names) and all(type(name) is str for name in names), "bsonType", "strings", value)
    if len(set(names)) != len(names):
        raise _unparsable("$jsonSchema keyword 'bsonType' has duplicate names")
    wanted = type_set(names)
    return lambda value: type_name(value) in wanted


def _enum(value: Value, _around: Schema, _depth: int) -> ValueTest:
    _expect(type(value) is list, "enum", "an array", value)
    keys = frozenset(map(_unordered_key, value))
    if not value or len(keys) != len(value):
        raise _unparsable("$jsonSchema keyword 'enum' must be a nonempty array of unique values")
    return lambda value: _unordered_key(value) in keys


def _unordered_key(value: Value) -> Value:
    """Return a hash key for which the order of fields does not count, as in JSON Schema."""
    if type(value) is dict:
        return (dict, *((name, _unordered_key(value[name])) for name in sorted(value)))
    if type(value) is list:
        return (list, *map(_unordered_key, value))
    return hash_key(value)


def _schemas(keyword: str, value: Value, depth: int) -> list[ValueTest]:
    _expect(type(value) is list, keyword, "an array", value)
    if not value:
        raise _unparsable(f"$jsonSchema keyword '{keyword}' must be a nonempty array")
    return [_schema(inner, keyword, depth) for inner in value]


def _all_of(value: Value, _around: Schema, depth: int) -> ValueTest:
    tests = _schemas("allOf", value, depth)
    return lambda value: all(test(value) for test in tests)


def _any_of(value: Value, _around: Schema, depth: int) -> ValueTest:
    tests = _schemas("anyOf", value, depth)
    return lambda value: any(test(value) for test in tests)


def _one_of(value: Value, _around: Schema, depth: int) -> ValueTest:
    tests = _schemas("oneOf", value, depth)
    return lambda value: sum(test(value) for test in tests) == 1


def _not(value: Value, _around: Schema, depth: int) -> ValueTest:
    test = _schema(value, "not", depth)
    return lambda value: not test(value)


def _text_only(keyword: str) -> Keyword:
    def build(value: Value, _around: Schema, _depth: int) -> ValueTest:
        _expect(type(value) is str, keyword, "a string", value)
        return lambda _: True

    return build


# --- numbers and strings -------------------------------------------------------------------------


def _minimum(value: Value, around: Schema, _depth: int) -> ValueTest:
    _expect(is_number(value), "minimum", "a number", value)
    return _bound(value, operator.gt if _flag(around, "exclusiveMinimum") else operator.ge)


def _maximum(value: Value, around: Schema, _depth: int) -> ValueTest:
    _expect(is_number(value), "maximum", "a number", value)
    return _bound(value, operator.lt if _flag(around, "exclusiveMaximum") else operator.le)


def _bound(bound: Value, fits: Callable[[Value, Value], bool]) -> ValueTest:
    if is_nan(bound):
        return _only_numbers(is_nan)
    return _only_numbers(lambda number: not is_nan(number) and fits(number, bound))


def _flag(around: Schema, keyword: str) -> bool:
    flag = around.get(keyword, False)
    _expect(type(flag) is bool, keyword, "a boolean", flag)
    return bool(flag)


def _exclusive(keyword: str, needs: str) -> Keyword:
    def build(value: Value, around: Schema, _depth: int) -> ValueTest:
        _expect(type(value) is bool, keyword, "a boolean", value)
        if needs not in around:
            raise _unparsable(f"$jsonSchema keyword '{keyword}' needs '{needs}' beside it")
        return lambda _: True

    return build


def _multiple_of(value: Value, _around: Schema, _depth: int) -> ValueTest:
    _expect(is_number(value), "multipleOf", "a number", value)
    if not value > 0:
        raise _unparsable("$jsonSchema keyword 'multipleOf' must have a positive value")
    step = _fraction(value)

    def test(number: Value) -> bool:
        exact = _fraction(number)
        return exact == 0 or (None not in (exact, step) and exact % step == 0)

    return _only_numbers(test)


def _fraction(number: Value) -> Value:
    """Return the number as it reads in decimal digits, None for an infinity or NaN."""
    exact = Decimal(str(number)) if type(number) is float else Decimal(number)
    return Fraction(exact) if exact.is_finite() else None


def _size(keyword: str, value: Value) -> int:
    _expect(is_number(value), keyword, "a number", value)
    size = integral(value)
    if size is None or size < 0:
        raise _unparsable(f"$jsonSchema keyword '{keyword}' must be a non-negative whole number")
    return size


def _size_of(keyword: str, kind: type, fits: Callable[[int, int], bool]) -> Keyword:
    def build(value: Value, _around: Schema, _depth: int) -> ValueTest:
        bound = _size(keyword, value)
        return _only(kind, lambda value: fits(len(value), bound))

    return build


def _at_least(size: int, bound: int) -> bool:
    return size >= bound


def _at_most(size: int, bound: int) -> bool:
    return size <= bound


def _pattern(value: Value, _around: Schema, _depth: int) -> ValueTest:
    _expect(type(value) is str, "pattern", "a string", value)
    return _only(str, compile_regex(Regex(value)))


# --- arrays --------------------------------------------------------------------------------------


def _items(value: Value, _around: Schema, depth: int) -> ValueTest:
    if type(value) is list:
        tests = [_schema(inner, "items", depth) for inner in value]
        return _only(
            list, lambda array: all(test(item) for test, item in zip(tests, array, strict=False))
        )
    each = _schema(value, "items", depth)
    return _only(list, lambda array: all(map(each, array)))


def _additional_items(value: Value, around: Schema, depth: int) -> ValueTest:
    each = _flag_or_schema(value, "additionalItems", depth)
    listed = around.get("items")
    if type(listed) is not list:
        return lambda _: True
    start = len(listed)
    return _only(list, lambda array: all(map(each, array[start:])))


def _flag_or_schema(value: Value, keyword: str, depth: int) -> ValueTest:
    if type(value) is bool:
        return lambda _: value
    return _schema(value, keyword, depth)


def _unique_items(value: Value, _around: Schema, _depth: int) -> ValueTest:
    _expect(type(value) is bool, "uniqueItems", "a boolean", value)
    if not value:
        return lambda _: True
    return _only(list, lambda array: len(set(map(_unordered_key, array))) == len(array))


# --- objects -------------------------------------------------------------------------------------


def _required(value: Value, _around: Schema, _depth: int) -> ValueTest:
    names = _names("required", value)
    return _only(dict, lambda document: all(name in document for name in names))


def _names(keyword: str, value: Value) -> list[str]:
    _expect(type(value) is list, keyword, "an array of strings", value)
    _expect(all(type(name) is str for name in value), keyword, "an array of strings", value)
    if not value or len(set(value)) != len(value):
        raise _unparsable(f"$jsonSchema keyword '{keyword}' must name unique fields, at least one")
    return list(value)


def _properties(value: Value, _around: Schema, depth: int) -> ValueTest:
    _expect(type(value) is dict, "properties", "an object", value)
    tests = [(name, _schema(inner, "properties", depth)) for name, inner in value.items()]

    def test(document: Document) -> bool:
        return all(
            inner(found)
            for name, inner in tests
            if (found := document.get(name, MISSING)) is not MISSING
        )

    return _only(dict, test)


def _pattern_tests(value: Value, depth: int) -> list[tuple[Callable[[str], bool], ValueTest]]:
    _expect(type(value) is dict, "patternProperties", "an object", value)
    return [
        (compile_regex(Regex(name)), _schema(inner, "patternProperties", depth))
        for name, inner in value.items()
    ]


def _pattern_properties(value: Value, _around: Schema, depth: int) -> ValueTest:
    tests = _pattern_tests(value, depth)
    return _only(
        dict,
        lambda document: all(
            test(item) for name, item in document.items() for fits, test in tests if fits(name)
        ),
    )


def _additional_properties(value: Value, around: Schema, depth: int) -> ValueTest:
    each = _flag_or_schema(value, "additionalProperties", depth)
    listed = frozenset(_dict_or_empty(around, "properties"))
    patterns = [compile_regex(Regex(name)) for name in _dict_or_empty(around, "patternProperties")]

    def is_additional(name: str) -> bool:
        return name not in listed and not any(fits(name) for fits in patterns)

    return _only(
        dict,
        lambda document: all(each(item) for name, item in document.items() if is_additional(name)),
    )


def _dict_or_empty(around: Schema, keyword: str) -> Iterable[str]:
    value = around.get(keyword, {})
    return value if type(value) is dict else {}


def _dependencies(value: Value, _around: Schema, depth: int) -> ValueTest:
    _expect(type(value) is dict, "dependencies", "an object", value)
    tests = [
        (name, _required(inner, {}, depth) if type(inner) is list else _schema(inner, name, depth))
        for name, inner in value.items()
    ]
    return _only(
        dict, lambda document: all(test(document) for name, test in tests if name in document)
    )


_KEYWORDS: Final[Mapping[str, Keyword]] = {
    "additionalItems": _additional_items,
    "additionalProperties": _additional_properties,
    "allOf": _all_of,
    "anyOf": _any_of,
    "bsonType": _bson_type,
    "dependencies": _dependencies,
    "description": _text_only("description"),
    "enum": _enum,
    "exclusiveMaximum": _exclusive("exclusiveMaximum", "maximum"),
    "exclusiveMinimum": _exclusive("exclusiveMinimum", "minimum"),
    "items": _items,
    "maximum": _maximum,
    "maxItems": _size_of("maxItems", list, _at_most),
    "maxLength": _size_of("maxLength", str, _at_most),
    "maxProperties": _size_of("maxProperties", dict, _at_most),
    "minimum": _minimum,
    "minItems": _size_of("minItems", list, _at_least),
    "minLength": _size_of("minLength", str, _at_least),
    "minProperties": _size_of("minProperties", dict, _at_least),
    "multipleOf": _multiple_of,
    "not": _not,
    "oneOf": _one_of,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "properties": _properties,
    "required": _required,
    "title": _text_only("title"),
    "type": _type,
    "uniqueItems": _unique_items,
}
