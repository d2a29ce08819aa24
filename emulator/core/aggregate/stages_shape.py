"""Owns the stages that change each document: project, add and unset fields, replace root, unwind.

Not here: the trees of field names (`fields`). The one idea: one document in, one out, `$unwind`
aside, whose slices stay as small as they came.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from emulator.core.aggregate.derived import derived
from emulator.core.aggregate.fields import (
    Change,
    compile_add_fields,
    compile_project,
    compile_unset,
    remove_path,
    set_path,
)
from emulator.core.aggregate.nodes import Expression, Variables, refusal
from emulator.core.aggregate.stage_nodes import (
    SLICE_DOCUMENTS,
    Building,
    Slice,
    Slices,
    Stage,
    StageBuilder,
    mapped,
)
from emulator.core.aggregate.unwound import parted, unwind
from emulator.core.aggregate.variables import nested, parse_path
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.paths import Parts
from emulator.core.query_types import type_name
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Document, Int64, Value


def _project(_name: str, operand: Value, building: Building) -> Stage:
    return _changing(compile_project(operand, building.scope))


def _add_fields(name: str, operand: Value, building: Building) -> Stage:
    return _changing(compile_add_fields(operand, building.scope, stage=name))


def _unset(_name: str, operand: Value, _building: Building) -> Stage:
    return _changing(compile_unset(operand))


def _changing(change: Change) -> Stage:
    """Return the stage that changes fields of each document, on the spot or when looked into."""
    one_by_one, flat = mapped(change.run), change.flat
    if flat is None:
        return Stage(run=one_by_one, keeps_count=True)

    def run(incoming: Slices, variables: Variables) -> Slices:
        for chunk in incoming:
            try:
                made = derived(chunk, flat, variables)
            except DatabaseRequestFailed:
                yield from one_by_one(iter([chunk]), variables)
            else:
                yield made

    return Stage(run=run, keeps_count=True)


def _replace_root(_name: str, operand: Value, building: Building) -> Stage:
    if type(operand) is not dict:
        raise refusal(
            f"expected an object as specification for $replaceRoot stage, got {type_name(operand)}",
            40229,
        )
    for given in operand:
        if given != "newRoot":
            raise refusal(
                f"unrecognized option to $replaceRoot stage: {given}, only valid option is"
                " 'newRoot'.",
                40230,
            )
    if "newRoot" not in operand:
        raise refusal("no newRoot specified for the $replaceRoot stage", 40231)
    return _new_root(building.expression(operand["newRoot"]))


def _replace_with(_name: str, operand: Value, building: Building) -> Stage:
    return _new_root(building.expression(operand))


def _new_root(expression: Expression) -> Stage:
    evaluate = expression.run

    def transform(document: Document, variables: Variables) -> Document:
        value = evaluate(document, variables)
        if value.__class__ is not dict:
            raise refusal(
                "'newRoot' expression must evaluate to an object, but resulting value was:"
                f" {value!r:.80}. Type of resulting value: '{type_name(value)}'.",
                40228,
            )
        root: Document = value
        return root

    return Stage(run=mapped(transform), keeps_count=True)


# --- unwind --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unwind:
    """What an `$unwind` is asked for."""

    parts: Parts
    index: Parts | None
    preserves: bool

    def documents(self, document: Document) -> Iterator[Document]:
        """Yield a document for each element."""
        value = nested(document, self.parts)
        if value.__class__ is list and value:
            put = _putter(self.parts)
            for place, item in enumerate(value):
                yield self._numbered(put(document, item), Int64(place))
        elif value.__class__ is list or value is None or value is MISSING:
            if self.preserves:
                left = remove_path(document, self.parts) if value == [] else document
                yield self._numbered(left, None)
        else:
            yield self._numbered(document, None)

    def _numbered(self, document: Document, place: Value) -> Document:
        return document if self.index is None else set_path(document, self.index, place)

    def slices(self, chunk: Slice) -> Slices:
        """Yield slices of a document for each element of each document."""
        for part in parted(chunk):
            unwound = None
            if self.index is None and len(self.parts) == 1:
                unwound = unwind(part, self.parts[0], preserves=self.preserves)
            if unwound is not None:
                yield unwound
                continue
            made: list[Document] = []
            for document in part:
                for each in self.documents(document):
                    made.append(each)
                    if len(made) == SLICE_DOCUMENTS:
                        yield made
                        made = []
            yield made


def _putter(parts: Parts) -> Callable[[Document, Value], Document]:
    if len(parts) == 1:
        name = parts[0]
        return lambda document, value: {**document, name: value}
    return lambda document, value: set_path(document, parts, value)


def _unwind(_name: str, operand: Value, _building: Building) -> Stage:
    asked = _read_unwind(operand)

    def run(incoming: Slices, _variables: Variables) -> Slices:
        for chunk in incoming:
            yield from asked.slices(chunk)

    return Stage(run=run)


def _read_unwind(operand: Value) -> _Unwind:
    options = {"path": operand} if type(operand) is str else operand
    if type(options) is not dict:
        raise refusal(
            "expected either a string or an object as specification for $unwind stage, got"
            f" {type_name(operand)}",
            15981,
        )
    for given in options:
        if given not in ("path", "includeArrayIndex", "preserveNullAndEmptyArrays"):
            raise refusal(f"unrecognized option to $unwind stage: {given}", 28811)
    preserves = options.get("preserveNullAndEmptyArrays", False)
    if type(preserves) is not bool:
        raise refusal(
            "expected a boolean for the preserveNullAndEmptyArrays option to $unwind stage, got"
            f" {type_name(preserves)}",
            28809,
        )
    return _Unwind(
        parts=_unwind_path(options.get("path", "")),
        index=_index_path(options.get("includeArrayIndex"))
        if "includeArrayIndex" in options
        else None,
        preserves=preserves,
    )


def _unwind_path(path: Value) -> Parts:
    if type(path) is not str:
        raise refusal(
            f"expected a string as the path for $unwind stage, got {type_name(path)}", 28808
        )
    if not path:
        raise refusal("no path specified to $unwind stage", 28812)
    if path[0] != "$":
        raise refusal(f"path option to $unwind stage should be prefixed with a '$': {path}", 28818)
    return parse_path(path[1:])


def _index_path(path: Value) -> Parts:
    if type(path) is not str or not path:
        raise refusal(
            "expected a non-empty string for the includeArrayIndex option to $unwind stage", 28810
        )
    if path[0] == "$":
        raise refusal(
            f"includeArrayIndex option to $unwind stage should not be prefixed with a '$': {path}",
            28822,
        )
    return parse_path(path)


SHAPE: Final[Mapping[str, StageBuilder]] = {
    "$addFields": _add_fields,
    "$project": _project,
    "$replaceRoot": _replace_root,
    "$replaceWith": _replace_with,
    "$set": _add_fields,
    "$unset": _unset,
    "$unwind": _unwind,
}
