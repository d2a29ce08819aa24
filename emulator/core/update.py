"""Owns updates: an update document becomes one function from a document to its successor.

Not here: single operators (`core.update_operators`, `_arrays`, `_rename`), array filters
(`core.update_filters`) and the walk
(`core.update_tree`). The one idea: the old document is never changed; the new one shares all that
was not touched, and is the same object when nothing was.
Semantics are MongoDB 4.0's; an empty modifier (`{$set: {}}`) is accepted as later servers do.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from emulator.core.documents import (
    admit_value,
    check_document,
    null_byte,
    refuse_dollar_keys,
    resolve,
)
from emulator.core.errors import DatabaseRequestFailed, InvalidOperator
from emulator.core.ordering import equal
from emulator.core.paths import Parts, split_path
from emulator.core.query import demanded_values
from emulator.core.query_types import type_name
from emulator.core.records import dataclass
from emulator.core.update_arrays import ARRAY_OPERATORS
from emulator.core.update_filters import element_tests, refuse_unused
from emulator.core.update_operators import VALUE_OPERATORS, ChangeBuilder
from emulator.core.update_rename import compile_rename
from emulator.core.update_tree import Application, Branch, Change, Leaf, apply_object
from emulator.core.values import MISSING, Document, Filter, Value
from emulator.core.wording import shown

FAILED_TO_PARSE: Final = 9
DOLLAR_PREFIXED: Final = 52
NOT_SINGLE_VALUE: Final = 54
EMPTY_FIELD_NAME: Final = 56
IMMUTABLE: Final = 66
NOT_EXACT_VALUE: Final = 111
QUERY_FEATURE_NOT_ALLOWED: Final = 224

Apply: TypeAlias = Callable[[Application], Document]

_OPERATORS: Final[Mapping[str, ChangeBuilder]] = {**VALUE_OPERATORS, **ARRAY_OPERATORS}
UPDATE_OPERATOR_NAMES: Final = frozenset({*_OPERATORS, "$rename"})
_CANNOT_GROW: Final = frozenset({"$inc", "$mul", "$unset", "$bit", "$pop", "$pull", "$pullAll"})
_STORES_OPERAND: Final = frozenset({"$set", "$setOnInsert", "$min", "$max", "$push", "$addToSet"})
_NEEDS_WAY: Final = frozenset({"$pop", "$pull", "$pullAll"})
_MAY_NAME_ID: Final = frozenset({"$set", "$setOnInsert", "$rename"})
_SHALLOW_PARTS: Final = 50
_SMALL_TEXT_LENGTH: Final = 4096
CHECKED_EVERY_FIELDS: Final = 1024
"""A document that grows by small fields is weighed each time so many have been added."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledUpdate:
    """An update, ready to be applied to any number of documents.

    `is_positional` says that a path has a `$` part, so `apply` needs a `matched_index`.
    """

    _apply: Apply
    is_positional: bool = False

    def apply(
        self,
        document: Document,
        *,
        now_ms: int,
        matched_index: int | None = None,
        inserting: bool = False,
    ) -> Document:
        """Return the updated document, the very same object where nothing changes.

        `matched_index` is where the filter matched in an array, `inserting` tells an upsert.

        Raises:
            DatabaseRequestFailed: the document does not allow it: a path through a scalar (28), a
                value of the wrong type (2 or 14), another `_id` (66).
        """
        return self._apply(
            Application(
                document=document,
                now_ms=now_ms,
                matched_index=matched_index,
                inserting=inserting,
            )
        )


def compile_update(update: Document, *, array_filters: Sequence[Filter] = ()) -> CompiledUpdate:
    """Return the compiled update; its operands are copied and the engine's own from here on.

    Raises:
        InvalidOperator: no such operator (9).
        DatabaseRequestFailed: a path or an operand is refused, two paths conflict (40).
    """
    if type(update) is not dict:
        raise DatabaseRequestFailed(
            f"an update must be an object, not {shown(update)}", mongo_code=FAILED_TO_PARSE
        )
    if not update:
        raise DatabaseRequestFailed("the update is empty", mongo_code=FAILED_TO_PARSE)
    for name in update:
        if name[:1] != "$":
            raise DatabaseRequestFailed(
                f"Unknown modifier: {name}",
                mongo_code=FAILED_TO_PARSE,
                hint="an update holds operators only, or none at all to replace the document",
            )
    apply = _compile(resolve(update, now_ms=0), array_filters)
    is_positional = any("$" in split_path(path) for paths in update.values() for path in paths)
    if resolve(update, now_ms=0) is update:
        return CompiledUpdate(apply, is_positional)
    return CompiledUpdate(
        lambda application: _with_dates(update, array_filters, application), is_positional
    )


def _with_dates(
    update: Document, array_filters: Sequence[Filter], application: Application
) -> Document:
    return _compile(resolve(update, now_ms=application.now_ms), array_filters)(application)


def _compile(update: Document, array_filters: Sequence[Filter]) -> Apply:
    tree = Branch(filters=element_tests(array_filters))
    checks: list[Callable[[Document], None]] = []
    for name, operand in update.items():
        if name not in UPDATE_OPERATOR_NAMES:
            raise InvalidOperator(f"Unknown modifier: {name}", mongo_code=FAILED_TO_PARSE)
        if type(operand) is not dict:
            raise DatabaseRequestFailed(
                "Modifiers operate on fields but we found type "
                f"{type_name(operand)} instead. For example: {{{name}: {{<field>: ...}}}}",
                mongo_code=FAILED_TO_PARSE,
            )
        for path, value in operand.items():
            if name == "$rename":
                checks.append(_rename(tree, path, value))
            else:
                change = _OPERATORS[name](path, _owned(name, path, value))
                _add(tree, Leaf(path, change, needs_way=name in _NEEDS_WAY))
    refuse_unused(tree.filters, update)
    tree.sort()
    if any("_id" in operand for name, operand in update.items() if name not in _MAY_NAME_ID):
        return _refusing_id(_application_of(tree, checks, can_grow=_can_grow(update)))
    return _application_of(tree, checks, can_grow=_can_grow(update))


def _owned(name: str, path: str, value: Value) -> Value:
    """Return the operand copied and checked, where parts of it may be stored."""
    if name not in _STORES_OPERAND:
        return value
    if name in ("$push", "$addToSet") and type(value) is dict and "$each" in value:
        return {
            key: admit_value(item, path=path, now_ms=0) if key == "$each" else item
            for key, item in value.items()
        }
    owned = admit_value(value, path=path, now_ms=0)
    refuse_dollar_keys(owned, path)
    return owned


# --- paths ---------------------------------------------------------------------------------------


def _add(tree: Branch, leaf: Leaf) -> None:
    path = leaf.path
    parts = split_path(path)
    check_path(path, parts)
    for part in parts:
        if part[:2] == "$[" and part != "$[]" and part[2:-1] not in tree.filters:
            raise DatabaseRequestFailed(
                f"No array filter found for identifier '{part[2:-1]}' in path '{path}'"
            )
    tree.insert(parts, leaf)


def check_path(path: str, parts: Parts) -> None:
    """Refuse a path no update can have.

    Raises:
        DatabaseRequestFailed: a part is empty (56), starts with `$` (52), or a positional part is
            first or there twice (2), or a null byte is in it (2).
    """
    if "" in parts:
        raise DatabaseRequestFailed(
            f"The update path '{path}' contains an empty field name, which is not allowed.",
            mongo_code=EMPTY_FIELD_NAME,
        )
    if parts[0] == "$" or parts[0][:2] == "$[":
        raise DatabaseRequestFailed(
            f"Cannot have positional (i.e. '$') element in the first position in path '{path}'"
        )
    if parts.count("$") > 1:
        raise DatabaseRequestFailed(
            f"Too many positional (i.e. '$') elements found in path '{path}'"
        )
    if "\0" in path:
        raise null_byte(path)
    for part in parts:
        is_positional = part == "$" or (part[:2] == "$[" and part[-1] == "]")
        if part[:1] == "$" and not is_positional:
            raise DatabaseRequestFailed(
                f"The dollar ($) prefixed field '{part}' in '{path}' is not valid for storage.",
                mongo_code=DOLLAR_PREFIXED,
            )


def _rename(tree: Branch, source: str, target: Value) -> Callable[[Document], None]:
    """Add both ends of a `$rename`; return the check to make before it is applied."""
    ends = compile_rename(source, target)
    _add(tree, Leaf(source, ends.taken))
    _add(tree, Leaf(target, ends.moved))
    return ends.check


# --- application ---------------------------------------------------------------------------------


def _can_grow(update: Document) -> bool:
    """Tell whether the update may push a document over a bound that its operands keep alone."""
    return any(
        name not in _CANNOT_GROW
        and any(_is_weighty(path, value) for path, value in operand.items())
        for name, operand in update.items()
    )


def _is_weighty(path: str, value: Value) -> bool:
    if type(value) in (dict, list) or "coordinates" in path:
        return True
    if path.count(".") > _SHALLOW_PARTS:
        return True
    return type(value) is str and len(value) > _SMALL_TEXT_LENGTH


def _application_of(
    tree: Branch, checks: Sequence[Callable[[Document], None]], *, can_grow: bool
) -> Apply:
    touches_id = "_id" in tree.children

    def apply(application: Application) -> Document:
        document = application.document
        for check in checks:
            check(document)
        new = apply_object(tree, document, application)
        if new is document:
            return document
        if touches_id:
            new = _with_old_id(document, new)
        if can_grow or len(new) // CHECKED_EVERY_FIELDS > len(document) // CHECKED_EVERY_FIELDS:
            check_document(new)
        return new

    return apply


def _refusing_id(apply: Apply) -> Apply:
    """Return the application that refuses to calculate an `_id` that is there, even the same."""

    def run(application: Application) -> Document:
        new = apply(application)
        if "_id" in application.document:
            raise _immutable_id()
        return new

    return run


def _with_old_id(document: Document, new: Document) -> Document:
    if "_id" not in document:
        return new
    if not equal(document["_id"], new.get("_id", MISSING)):
        raise _immutable_id()
    return {**new, "_id": document["_id"]}


def _immutable_id() -> DatabaseRequestFailed:
    return DatabaseRequestFailed(
        "Performing an update on the path '_id' would modify the immutable field '_id'",
        mongo_code=IMMUTABLE,
    )


# --- whole documents -----------------------------------------------------------------------------


def replacement(document: Document | None, replace: Document) -> Document:
    """Return the document that takes the place of another, with the old `_id` first.

    Raises:
        DatabaseRequestFailed: a key starts with `$` (52), or there is another `_id` (66).
    """
    for key in replace:
        if key[:1] == "$":
            raise DatabaseRequestFailed(
                f"The dollar ($) prefixed field '{key}' in '{key}' is not valid for storage.",
                mongo_code=DOLLAR_PREFIXED,
            )
    if document is None or "_id" not in document:
        return dict(replace)
    document_id = document["_id"]
    if not equal(replace.get("_id", document_id), document_id):
        raise DatabaseRequestFailed(
            "After applying the update, the (immutable) field '_id' was found to have been altered "
            f"to _id: {shown(replace['_id'])}",
            mongo_code=IMMUTABLE,
        )
    return {"_id": document_id, **replace} | {"_id": document_id}


def upsert_base(filter: Filter) -> Document:  # noqa: A002  # the word of the glossary
    """Return the document an upsert starts from: what the filter demands by equality, copied.

    Raises:
        DatabaseRequestFailed: the filter demands one path, or a path and one inside it, twice (54).
    """
    return _base_of(sorted(demanded_values(filter), key=lambda item: item[0] != "_id"))


def upsert_id(filter: Filter) -> Document:  # noqa: A002  # the word of the glossary
    """Return the `_id` alone that the filter demands of a whole document, if it does.

    Raises:
        DatabaseRequestFailed: it is demanded twice (54), or a part of it only (111).
    """
    demanded = [item for item in demanded_values(filter) if item[0].partition(".")[0] == "_id"]
    if demanded and all(path != "_id" for path, _ in demanded):
        raise DatabaseRequestFailed(
            f"field at '_id' must be exactly specified, field at sub-path '{demanded[0][0]}' found",
            mongo_code=NOT_EXACT_VALUE,
        )
    return _base_of(demanded)


def refuse_expression(filter: Filter) -> None:  # noqa: A002  # the word of the glossary
    """Refuse a filter that no upsert may have.

    Raises:
        DatabaseRequestFailed: an `$expr` is in it (224).
    """
    if "$expr" in filter:
        raise DatabaseRequestFailed(
            "$expr is not allowed in the query predicate for an upsert",
            mongo_code=QUERY_FEATURE_NOT_ALLOWED,
        )
    for name in ("$and", "$or", "$nor"):
        inner = filter.get(name)
        for each in inner if type(inner) is list else ():
            if type(each) is dict:
                refuse_expression(each)


def _base_of(demanded: Iterable[tuple[str, Value]]) -> Document:
    tree = Branch()
    for path, value in demanded:
        parts = split_path(path)
        check_path(path, parts)
        owned = admit_value(value, path=path, now_ms=0)
        try:
            tree.insert(parts, Leaf(path, _always(owned)))
        except DatabaseRequestFailed as fault:
            raise DatabaseRequestFailed(
                f"cannot infer query fields to set, path '{path}' is matched twice",
                mongo_code=NOT_SINGLE_VALUE,
            ) from fault
    return apply_object(tree, {}, Application(document={}, now_ms=0))


def _always(value: Value) -> Change:
    return lambda _old, _application: value
