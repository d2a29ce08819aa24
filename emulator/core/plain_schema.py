"""Owns telling at once that data is plainly as a JSON Schema wants it.

Not here: what is wrong otherwise, and how to say it, which is the business of `jsonschema`. The one
idea: nearly everything that is checked is right, and the library takes longer to load than all
checks of a start. Data that this module does not find plainly right is the library's to judge, also
where a schema uses a word that is not known here.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]
_Check = Callable[[Any, Any, Schema, Schema], bool]
"""What a word of a schema says, the data, the schema that has the word, and the whole schema."""

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def fits(data: Any, schema: Schema) -> bool:
    """Tell whether the data is plainly as the schema (draft 2020-12) wants it."""
    return _fits(data, schema, schema)


def _fits(data: Any, schema: Any, whole: Schema) -> bool:
    if isinstance(schema, bool):
        return schema
    return all(
        word in _SILENT or (word in _CHECKS and _CHECKS[word](said, data, schema, whole))
        for word, said in schema.items()
    )


def _is_of_type(said: Any, data: Any, _schema: Schema, _whole: Schema) -> bool:
    names = [said] if isinstance(said, str) else said
    return any(type(data) in _TYPES.get(name, ()) for name in names)


def _refers(said: Any, data: Any, _schema: Schema, whole: Schema) -> bool:
    begin, _, name = said.rpartition("/")
    return (
        begin == "#/$defs" and name in whole["$defs"] and _fits(data, whole["$defs"][name], whole)
    )


def _properties(said: Any, data: Any, _schema: Schema, whole: Schema) -> bool:
    return type(data) is not dict or all(
        _fits(data[name], schema, whole) for name, schema in said.items() if name in data
    )


def _additional(said: Any, data: Any, schema: Schema, whole: Schema) -> bool:
    if type(data) is not dict:
        return True
    known = schema.get("properties", {})
    return all(_fits(item, said, whole) for name, item in data.items() if name not in known)


_SILENT: Final = frozenset(
    {"$schema", "$defs", "title", "description", "default", "examples", "says"}
)
_CHECKS: Final[Mapping[str, _Check]] = {
    "$ref": _refers,
    "type": _is_of_type,
    "properties": _properties,
    "additionalProperties": _additional,
    "enum": lambda said, data, *_: type(data) is str and data in said,
    "const": lambda said, data, *_: type(data) is str and data == said,
    "required": lambda said, data, *_: type(data) is not dict or all(each in data for each in said),
    "minProperties": lambda said, data, *_: type(data) is not dict or len(data) >= said,
    "propertyNames": lambda said, data, _schema, whole: (
        type(data) is not dict or all(_fits(name, said, whole) for name in data)
    ),
    "items": lambda said, data, _schema, whole: (
        type(data) is not list or all(_fits(item, said, whole) for item in data)
    ),
    "minItems": lambda said, data, *_: type(data) is not list or len(data) >= said,
    "maxItems": lambda said, data, *_: type(data) is not list or len(data) <= said,
    "minLength": lambda said, data, *_: type(data) is not str or len(data) >= said,
    "maxLength": lambda said, data, *_: type(data) is not str or len(data) <= said,
    "pattern": lambda said, data, *_: type(data) is not str or bool(re.search(said, data)),
    "minimum": lambda said, data, *_: type(data) not in (int, float) or data >= said,
    "maximum": lambda said, data, *_: type(data) not in (int, float) or data <= said,
    "exclusiveMinimum": lambda said, data, *_: type(data) not in (int, float) or data > said,
    "exclusiveMaximum": lambda said, data, *_: type(data) not in (int, float) or data < said,
}
