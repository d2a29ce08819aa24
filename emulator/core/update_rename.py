"""Owns `$rename`, the one update operator that concerns two paths.

Not here: that the paths may not conflict with others (`core.update_tree` sees both). The one idea:
the value is read from the document as it was, put at the target, and taken from the source.
"""

from collections.abc import Callable

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.paths import Parts, direct_value, split_path, written_index
from emulator.core.records import dataclass
from emulator.core.update_tree import PATH_NOT_VIABLE, Application, Change
from emulator.core.values import MISSING, Document, Value
from emulator.core.wording import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """What happens at both ends, and the check of a document before."""

    taken: Change
    moved: Change
    check: Callable[[Document], None]


def compile_rename(source: str, target: Value) -> Rename:
    """Return the compiled `$rename`.

    Raises:
        DatabaseRequestFailed: the target is no other fixed path, or one holds the other (2).
    """
    if type(target) is not str:
        raise DatabaseRequestFailed(
            f"The 'to' field for $rename must be a string: {source}: {shown(target)}"
        )
    from_parts, to_parts = split_path(source), split_path(target)
    if source == target:
        raise _refused("The source and target field for $rename must differ", source, target)
    if source.startswith(f"{target}.") or target.startswith(f"{source}."):
        raise _refused(
            "The source and target field for $rename must not be on the same path", source, target
        )
    for end, path, parts in (("source", source, from_parts), ("destination", target, to_parts)):
        if any(part == "$" or part[:2] == "$[" for part in parts):
            raise DatabaseRequestFailed(f"The {end} field for $rename may not be dynamic: {path}")

    def moved(old: Value, application: Application) -> Value:
        value = direct_value(application.document, from_parts)
        return old if value is MISSING else value

    def check(document: Document) -> None:
        if _has_source(document, from_parts):
            _refuse_array_on(document, from_parts, "source")
            _refuse_array_on(document, to_parts, "destination")

    return Rename(taken=_taken, moved=moved, check=check)


def _refused(text: str, source: str, target: str) -> DatabaseRequestFailed:
    return DatabaseRequestFailed(f'{text}: {source}: "{target}"')


def _has_source(document: Document, parts: Parts) -> bool:
    """Tell whether there is something to move; a way through a scalar is refused (28)."""
    value: Value = document
    for place, part in enumerate(parts):
        if type(value) is dict:
            value = value.get(part, MISSING)
        elif type(value) is list and (index := written_index(part)) is not None:
            value = value[index] if index < len(value) else MISSING
        else:
            raise DatabaseRequestFailed(
                f"cannot use the part ({part} of {'.'.join(parts)}) to traverse the element "
                f"({{{parts[place - 1]}: {shown(value)}}})",
                mongo_code=PATH_NOT_VIABLE,
            )
        if value is MISSING:
            return False
    return True


def _taken(_old: Value, _application: Application) -> Value:
    return MISSING


def _refuse_array_on(document: Document, parts: Parts, end: str) -> None:
    value: Value = document
    for place, part in enumerate(parts):
        if type(value) is list:
            raise DatabaseRequestFailed(
                f"The {end} field cannot be an array element, '{'.'.join(parts)}' in doc with "
                f"_id: {shown(document.get('_id'))} has an array field called '{parts[place - 1]}'"
            )
        if type(value) is not dict:
            return
        value = value.get(part, MISSING)
