"""Owns what a schema of uniCloud says of new and changed documents: defaults, what may be stored.

Not here: permissions (`core.jql.permission`), where schemas lie (`config.uni_schemas`). The one
idea: each word of a field's description is a check that returns what is wrong, or nothing.

Facts: doc.dcloud.net.cn/uniCloud/schema.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from emulator.core.aggregate.filters import compile_request_filter
from emulator.core.errors import EmulatorError
from emulator.core.jql.filters import Variables, filter_of
from emulator.core.jql.parser import parse_condition
from emulator.core.regex import compile_regex
from emulator.core.values import Date, Document, Regex, Value

Schema = Mapping[str, Any]
OWN_FIELDS: Final = frozenset({"_id"})

_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+\Z")
_URL: Final = re.compile(r"(?:https?|ftp)://(?:localhost|[^\s/]+\.[^\s/]+)\S*\Z", re.IGNORECASE)
_PLACE: Final = re.compile(r"\{(\w+)\}")
_ENVIRONMENT: Final = {
    "now": "$cloudEnv_now", "uid": "$cloudEnv_uid", "clientIP": "$cloudEnv_clientIP",
}  # fmt: skip


class ValidationFailed(EmulatorError):
    """A document is not as the schema of its collection says."""

    code = "VALIDATION_ERROR"


def fields_of(schema: Schema) -> Mapping[str, Schema]:
    """Return the descriptions of the fields by name."""
    found = schema.get("properties")
    return (
        {name: each for name, each in found.items() if isinstance(each, dict)}
        if isinstance(found, dict)
        else {}
    )


def references(schema: Schema) -> Iterator[tuple[str, str, str]]:
    """Yield the fields that point to another collection: field, collection, field there."""
    for name, each in fields_of(schema).items():
        table, dot, key = str(each.get("foreignKey") or "").rpartition(".")
        if dot:
            yield name, table, key


def parent_key(schema: Schema, wanted: str = "") -> tuple[str, str] | None:
    """Return the field that points to the parent, and what it holds of that."""
    for name, each in fields_of(schema).items():
        if isinstance(each.get("parentKey"), str) and wanted in {"", name}:
            return name, each["parentKey"]
    return None


def completed(schema: Schema, document: Document, variables: Variables) -> Document:
    """Return a new document with defaults, texts trimmed.

    Raises:
        ValidationFailed: a default is the user's id and nobody is signed in.
    """
    found = trimmed(schema, document)
    for name, each in fields_of(schema).items():
        if "forceDefaultValue" in each:
            found[name] = _default(each["forceDefaultValue"], variables)
        elif "defaultValue" in each and name not in found:
            found[name] = _default(each["defaultValue"], variables)
    return found


def trimmed(schema: Schema, document: Document) -> Document:
    """Return a document whose texts are cut as the schema says."""
    found = dict(document)
    cuts: Mapping[object, Callable[[str], str]] = {
        "both": str.strip,
        "start": str.lstrip,
        "end": str.rstrip,
    }
    for name, each in fields_of(schema).items():
        value, cut = found.get(name), cuts.get(each.get("trim"))
        if cut is not None and isinstance(value, str):
            found[name] = cut(value)
    return found


def _default(told: Any, variables: Variables) -> Value:
    name = told.get("$env") if isinstance(told, dict) else None
    if name is None:
        return told
    value = variables.get(_ENVIRONMENT.get(name, ""))
    if value is None:
        raise ValidationFailed(f"defaultValue: $env {name!r}: nobody is signed in")
    return value


def require_valid(schema: Schema, document: Document, *, is_new: bool, now_ms: int) -> None:
    """Refuse a new document, or the changes of one, that are not as the schema says.

    Raises:
        ValidationFailed: what is wrong, in the schema's own words where it has some.
    """
    known = fields_of(schema)
    unknown = [name for name in document if name not in known and name not in OWN_FIELDS]
    if unknown and known:
        raise ValidationFailed(f"the schema has no fields {unknown}; describe them in properties")
    required = schema.get("required")
    missing = required if is_new and isinstance(required, list) else ()
    for name in missing:
        if document.get(name) in (None, ""):
            raise _refusal(known.get(name, {}), name, "required", f"{name} is required")
    for name, value in document.items():
        each = known.get(name)
        if each is not None and not (value is None and name not in (required or ())):
            _require_field(each, name, value)
    if is_new:
        _require_rules(schema, document, now_ms)


def _require_field(each: Schema, name: str, value: Value) -> None:
    kind = each.get("bsonType")
    if not _is_of_kind(kind, value):
        raise _refusal(each, name, "format", f"{name} is to be of type {kind}")
    for word, (check, why) in _CHECKS.items():
        told = each.get(word)
        if told is not None and not check(value, told, each):
            raise _refusal(each, name, word, f"{name} {why.format(told)}")


def _require_rules(schema: Schema, document: Document, now_ms: int) -> None:
    rules = schema.get("fieldRules")
    for each in rules if isinstance(rules, list) else ():
        if not isinstance(each, dict) or not isinstance(each.get("rule"), str):
            continue
        asked = filter_of(parse_condition(each["rule"], now_ms=now_ms), {})
        if not compile_request_filter(asked, now_ms=now_ms).matches(document):
            message = each.get("errorMessage")
            text = message if isinstance(message, str) else f"the rule {each['rule']} does not hold"
            raise ValidationFailed(text)


_KINDS: Final[Mapping[object, tuple[type, ...]]] = {
    "string": (str,),
    "password": (str,),
    "bool": (bool,),
    "int": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "number": (int, float),
    "object": (dict,),
    "file": (dict,),
    "array": (list,),
    "date": (Date,),
}


def _is_of_kind(kind: object, value: Value) -> bool:
    """Tell whether a value is of one of the kinds; what is no kind says nothing."""
    kinds = kind if isinstance(kind, list) else [kind]
    for each in kinds:
        types = _KINDS.get(each) if isinstance(each, str) else None
        if types is None:
            return True
        if isinstance(value, bool) and bool not in types:
            continue
        if isinstance(value, types) and not (
            each in {"int", "timestamp"} and isinstance(value, float) and not value.is_integer()
        ):
            return True
    return False


def _allowed(value: Value, told: Any, each: Schema) -> bool:
    if not isinstance(told, list):
        # What another collection allows is for that collection to say.
        return True
    choices = [one.get("value") if isinstance(one, dict) else one for one in told]
    if each.get("bsonType") == "array" and isinstance(value, list):
        return all(one in choices for one in value)
    return value in choices


def _length(value: Value) -> int | None:
    return len(value) if isinstance(value, str | list) else None


def _number(told: Any) -> float:
    try:
        return float(told)
    except (TypeError, ValueError):
        return float("nan")


def _is_at_least(value: Value, told: Any, each: Schema) -> bool:
    if not isinstance(value, int | float):
        return True
    least = _number(told)
    return not (value <= least if each.get("exclusiveMinimum") is True else value < least)


def _is_at_most(value: Value, told: Any, each: Schema) -> bool:
    if not isinstance(value, int | float):
        return True
    most = _number(told)
    return not (value >= most if each.get("exclusiveMaximum") is True else value > most)


def _is_long_enough(value: Value, told: Any, each: Schema) -> bool:
    del each
    length = _length(value)
    return length is None or not length < _number(told)


def _is_short_enough(value: Value, told: Any, each: Schema) -> bool:
    del each
    length = _length(value)
    return length is None or not length > _number(told)


def _is_as_pattern(value: Value, told: Any, each: Schema) -> bool:
    del each
    if not isinstance(value, str) or not isinstance(told, str) or not told:
        return True
    return bool(compile_regex(Regex(told))(value))


def _is_in_format(value: Value, told: Any, each: Schema) -> bool:
    del each
    form = {"email": _EMAIL, "url": _URL}.get(told) if isinstance(told, str) else None
    return form is None or not isinstance(value, str) or form.match(value) is not None


_CHECKS: Final[Mapping[str, tuple[Callable[[Value, Any, Schema], bool], str]]] = {
    "enum": (_allowed, "is none of the values that enum lists"),
    "minimum": (_is_at_least, "is less than {}"),
    "maximum": (_is_at_most, "is more than {}"),
    "minLength": (_is_long_enough, "is shorter than {}"),
    "maxLength": (_is_short_enough, "is longer than {}"),
    "pattern": (_is_as_pattern, "is not as pattern {} says"),
    "format": (_is_in_format, "is no {}"),
}


def _refusal(each: Schema, name: str, word: str, usual: str) -> ValidationFailed:
    """Return the refusal in the schema's words, with its `{title}` and the like filled in."""
    told = each.get("errorMessage")
    text = told.get(word) if isinstance(told, dict) else told
    if not isinstance(text, str):
        return ValidationFailed(usual)
    known = {"title": name, "label": each.get("title", name), **each}
    return ValidationFailed(_PLACE.sub(lambda found: str(known.get(found[1], found[0])), text))
