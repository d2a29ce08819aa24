"""Owns how conditions and updates written with `db.command` become filters and update operators.

Not here: what the operators mean (`core.query`, `core.update`). The one idea: nested objects are
flattened to dotted field paths, down to arrays, values and commands, which then take their place
under the operator they stand for. Facts from @cloudbase/database 1.4.3, as captured on the wire;
where the JavaScript SDK sends nonsense (a command inside a raw `$or`), the sensible form is sent.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from emulator.cloud.command import Comparison, Logic, UpdateOperator
from emulator.cloud.encode import Unencodable, encode
from emulator.core.values import Document, Value

Fields = Iterable[tuple[str, Value]]


def encode_filter(conditions: "Mapping[str, Value] | Logic") -> Document:
    """Return the filter of the conditions given to `where()` or `match()`.

    Raises:
        Unencodable: a condition cannot be sent.
    """
    if isinstance(conditions, Logic):
        return _logic(conditions, encode_filter)
    return _conditions(_flattened(conditions))


def encode_update(data: Mapping[str, Value]) -> Document:
    """Return the update operators of the data given to `update()`.

    Raises:
        Unencodable: a value cannot be sent.
    """
    update: Document = {}
    for path, value in _flattened(data):
        if path[:1] == "$":
            update.setdefault(path, {}).update(_operand(value))
        elif isinstance(value, UpdateOperator):
            update.setdefault(value.operator, {})[path] = _operand(value.operand)
        else:
            update.setdefault("$set", {})[path] = encode(value)
    return update


def encode_stage(stage: Mapping[str, Value]) -> Document:
    """Return a pipeline stage; its objects keep their shape, conditions of `$match` apart.

    Raises:
        Unencodable: a value cannot be sent.
    """
    return _conditions(stage.items())


def _flattened(fields: Mapping[str, Value], prefix: str = "") -> Iterator[tuple[str, Value]]:
    """Yield dotted paths and leaves; keys with `$` stay together under the path they belong to."""
    if not isinstance(fields, Mapping):
        raise Unencodable(fields, f"must be an object of conditions, not {type(fields).__name__}")
    for key, value in fields.items():
        if type(key) is not str:
            raise Unencodable(key, f"has a field name that is no text: {key!r:.80}")
        path = prefix + key
        if type(value) is not dict or key[:1] == "$":
            yield path, value
            continue
        operators = {name: item for name, item in value.items() if str(name)[:1] == "$"}
        if operators:
            yield path, operators
            value = {name: item for name, item in value.items() if name not in operators}
        yield from _flattened(value, f"{path}.")


def _conditions(fields: Fields) -> Document:
    filter_: Document = {}
    for path, value in fields:
        if path == "$match":
            filter_[path] = encode_filter(value)
        elif isinstance(value, Logic):
            _merge(filter_, _logic(value, partial(_about, path)), path)
        elif isinstance(value, Comparison):
            _merge(filter_, {path: _operand(value)}, path)
        else:
            filter_[path] = _operand(value)
    return filter_


def _about(path: str, condition: Value) -> Document:
    """Return the filter of a condition that is about one field."""
    if type(condition) is dict:
        return _conditions(_flattened(condition))
    return _conditions([(path, condition)])


def _logic(command: Logic, filter_of: Callable[[Any], Document]) -> Document:
    if command.operator != "$not":
        return {command.operator: [filter_of(each) for each in command.operands]}
    inner = filter_of(command.operands[0])
    path = next(iter(inner), "")
    # MongoDB negates operators of a field only; of anything wider, no alternative may hold.
    if len(inner) != 1 or path[:1] == "$":
        return {"$nor": [inner]}
    return {path: {"$not": inner[path]}}


def _merge(filter_: Document, condition: Document, path: str) -> None:
    """Add a condition as the SDK does: lists of alternatives of several fields become one list."""
    for key, value in condition.items():
        known = filter_.get(key)
        if key != path and isinstance(known, list) and isinstance(value, list):
            filter_[key] = known + value
        elif isinstance(known, dict) and isinstance(value, dict):
            filter_[key] = {**known, **value}
        else:
            filter_[key] = value


def _operand(value: Value) -> Value:
    """Return a value that may hold commands, without flattening it."""
    if type(value) is dict:
        return _conditions(value.items())
    if type(value) is list or type(value) is tuple:
        return [_operand(item) for item in value]
    if isinstance(value, Comparison):
        return {value.operator: _operand(value.operand)}
    if isinstance(value, Logic):
        return _merged_operators(value)
    return encode(value)


def _merged_operators(command: Logic) -> Document:
    """Return one operator document for a logic command where no field name can stand."""
    if command.operator == "$not":
        return {"$not": _operand(command.operands[0])}
    if command.operator != "$and":
        raise Unencodable(command, _FIELD_NEEDED)
    merged: Document = {}
    for each in command.operands:
        merged.update(_operand(each))
    return merged


_FIELD_NEEDED: Final = (
    "holds an alternative without a field; give it a field name: {field: command}"
)
