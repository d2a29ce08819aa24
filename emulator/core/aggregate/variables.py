"""Owns field paths and variables in expressions: `"$a.b"`, `"$$name.a"`, and which names may be.

Not here: operators that bind variables (`expressions_iteration`). The one idea: a path is split
once, and a variable is a slot known while compiling. Over an array a path gives the array of what
it finds in the elements that are objects; a numeric part is an ordinary name.
"""

from typing import Final

from emulator.core.aggregate.nodes import Expression, Scope, constant, refusal
from emulator.core.paths import Parts
from emulator.core.values import MISSING, Date, Value

PATH_PARTS_MAX: Final = 200


def parse_path(path: str, *, what: str = "FieldPath") -> Parts:
    """Return the parts of a field path.

    Raises:
        DatabaseRequestFailed: a part is empty (15998), starts with `$` (16410) or holds a null
            byte (16411); the path ends in a dot (40353), is empty (40352) or too long.
    """
    if not path:
        raise refusal(f"{what} cannot be constructed with empty string", 40352)
    if path[-1] == ".":
        raise refusal(f"{what} must not end with a '.'.", 40353)
    parts = tuple(path.split("."))
    if len(parts) > PATH_PARTS_MAX:
        raise refusal(f"{what} is too long: more than {PATH_PARTS_MAX} parts", 15998)
    for part in parts:
        check_field_name(part, what=what)
    return parts


def check_field_name(name: str, *, what: str = "FieldPath") -> None:
    """Raise MongoDB's refusal of a name no field can have in an expression."""
    if not name:
        raise refusal(f"{what} field names may not be empty strings.", 15998)
    if name[0] == "$":
        raise refusal(f"{what} field names may not start with '$'.", 16410)
    if "\0" in name:
        raise refusal(f"{what} field names may not contain '\\0'.", 16411)
    if "." in name:
        raise refusal(f"{what} field names may not contain '.'.", 16412)


def follow(value: Value, parts: Parts) -> Value:
    """Return what a path finds in a value, an array's elements each on their own."""
    for place, part in enumerate(parts):
        if value.__class__ is dict:
            value = value.get(part, MISSING)
        elif value.__class__ is list:
            rest = parts[place:]
            found = [follow(item, rest) for item in value if item.__class__ is dict]
            return [item for item in found if item is not MISSING]
        else:
            return MISSING
    return value


def nested(value: Value, parts: Parts) -> Value:
    """Return what lies behind a path through objects only, else MISSING."""
    for part in parts:
        if value.__class__ is not dict:
            return MISSING
        value = value.get(part, MISSING)
    return value


# --- compiling -----------------------------------------------------------------------------------


def compile_reference(text: str, scope: Scope) -> Expression:
    """Return the expression of a string that starts with `$`.

    Raises:
        DatabaseRequestFailed: the path is refused, or there is no such variable (17276).
    """
    if text[1:2] == "$":
        name, dot, path = text[2:].partition(".")
        return variable(name, parse_path(path) if dot else (), scope)
    if len(text) == 1:
        raise refusal("'$' by itself is not a valid FieldPath", 16872)
    return variable("CURRENT", parse_path(text[1:]), scope)


def variable(name: str, parts: Parts, scope: Scope) -> Expression:
    """Return the expression of a variable and a path in it."""
    if name in scope.slots:
        return _of_slot(scope.slots[name], parts)
    if name in ("CURRENT", "ROOT"):
        return _of_document(parts)
    if name in scope.constants:
        return constant(follow(scope.constants[name], parts))
    if name == "REMOVE":
        return constant(MISSING)
    if name == "NOW":
        return constant(follow(Date(scope.now_ms), parts))
    _check_readable(name)
    raise refusal(f"Use of undefined variable: {name}", 17276)


def _of_slot(slot: int, parts: Parts) -> Expression:
    if not parts:
        return Expression(run=lambda _document, variables: variables[slot])
    return Expression(run=lambda _document, variables: follow(variables[slot], parts))


def _of_document(parts: Parts) -> Expression:
    if not parts:
        return Expression(run=lambda document, _variables: document)
    name, rest = parts[0], parts[1:]
    if not rest:
        return Expression(run=lambda document, _variables: document.get(name, MISSING), parts=parts)
    return Expression(
        run=lambda document, _variables: follow(document.get(name, MISSING), rest), parts=parts
    )


def _check_readable(name: str) -> None:
    if not name:
        raise refusal("empty variable names are not allowed", 16869)
    _check_characters(name, 16870, 16871, first_may_be_upper=True)


def check_bindable(name: str) -> None:
    """Raise MongoDB's refusal of a name no user variable can have; CURRENT may be set anew."""
    if not name:
        raise refusal("empty variable names are not allowed", 16866)
    if name != "CURRENT":
        _check_characters(name, 16867, 16868, first_may_be_upper=False)


def _check_characters(name: str, first: int, other: int, *, first_may_be_upper: bool) -> None:
    head = name[0]
    if not (head > "\x7f" or "a" <= head <= "z" or (first_may_be_upper and "A" <= head <= "Z")):
        raise refusal(f"'{name}' starts with an invalid character for a user variable name", first)
    for character in name[1:]:
        if not (character > "\x7f" or character.isalnum() or character == "_"):
            raise refusal(
                f"'{name}' contains an invalid character for a variable name: '{character}'", other
            )
