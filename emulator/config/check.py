"""Owns the verdict on what `.emulator.toml`, flags and variables say: schema errors as sentences.

Not here: reading files or putting values together (`config.load`). The one idea: the JSON Schema
that is shipped decides, and a table turns each kind of its errors into file, line, key, what is
wrong and the nearest thing that would have been right.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from importlib import resources
from typing import Any, Final

from emulator.config.toml_lines import KeyPath
from emulator.core.plain_schema import fits

Finding = tuple[KeyPath, str]
"""Where in the data, and what is wrong there."""

Schema = Mapping[str, Any]

_TYPE_NAMES: Final[Mapping[str, str]] = {
    "string": "a text in quotes",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a table",
    "array": "a list",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    """One error of the library: the sub-schema, its keyword's value, and what it refused."""

    rules: Schema
    wanted: Any
    value: Any
    message: str
    is_name: bool


@cache
def schema() -> Schema:
    """Return the JSON Schema of `.emulator.toml`."""
    text = resources.files("emulator.config").joinpath("schema.json").read_text("utf-8")
    loaded: Schema = json.loads(text)
    return loaded


def findings(data: Mapping[str, Any]) -> list[Finding]:
    """Return everything in the data of a whole `.emulator.toml` that cannot be used."""
    return [*_findings(data, schema(), ()), *_unusable(data, ())]


def setting_findings(section: str, key: str, value: object) -> list[str]:
    """Return what is wrong with one value that came by flag or variable."""
    found = findings({section: {key: value}})
    return [message for _, message in found]


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """Return the choice that looks most like the name, None when none does."""
    import difflib  # for who made a mistake

    close = difflib.get_close_matches(name.lower(), list(choices), n=1, cutoff=0.6)
    return close[0] if close else None


def dotted(path: KeyPath) -> str:
    """Return a path as people write it: `functions.pay.triggers[0].name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _findings(data: object, rules: Schema, base: KeyPath) -> Iterator[Finding]:
    if fits(data, rules):
        return
    # What is plainly right, which is nearly everything, does without: the import costs 50 ms.
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(rules)
    for error in validator.iter_errors(data):
        rules_there: Any = error.schema
        fault = _Fault(
            rules=rules_there,
            wanted=error.validator_value,
            value=error.instance,
            message=error.message,
            is_name="propertyNames" in error.absolute_schema_path,
        )
        say = _SENTENCES.get(str(error.validator), _by_the_library)
        yield from say(fault, (*base, *error.absolute_path))


def _unusable(value: object, path: KeyPath) -> Iterator[Finding]:
    """Yield what no setting takes, and no schema can say: the text end of C, and no number."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _unusable(name, (*path, name))
            yield from _unusable(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unusable(item, (*path, index))
    elif isinstance(value, str) and "\0" in value:
        yield path, "must not hold the character NUL"
    elif isinstance(value, float) and value != value:  # noqa: PLR0124  # so is only NaN
        yield path, "must be a number, is nan"


def _unknown_key(fault: _Fault, path: KeyPath) -> Iterator[Finding]:
    known = set(fault.rules.get("properties", {}))
    for name in fault.value:
        if name not in known:
            yield (*path, name), f"no such setting{_instead(name, path, known)}"


def _instead(name: str, path: KeyPath, known: Iterable[str]) -> str:
    close = nearest(name, known)
    if close is not None:
        return f'; did you mean "{close}"?'
    elsewhere = [
        section
        for section, rules in schema()["properties"].items()
        if name in rules.get("properties", {}) and path != (section,)
    ]
    if elsewhere:
        return f"; it belongs under [{elsewhere[0]}]"
    return f"; known here: {', '.join(sorted(known))}"


def _wrong_type(fault: _Fault, path: KeyPath) -> Iterator[Finding]:
    known = schema()["properties"]["functions"]["properties"]
    if len(path) == 2 and path[0] == "functions" and path[1] not in known:
        name = str(path[1])
        yield path, f"no such setting{_instead(name, path[:1], known)}"
        return
    wanted = fault.wanted
    types = [wanted] if isinstance(wanted, str) else wanted
    expected = " or ".join(_TYPE_NAMES[name] for name in types)
    repair = _repair(fault.value, wanted) if len(types) == 1 else ""
    if wanted == "array" and isinstance(fault.value, dict):
        repair = f"; write [[{dotted(path)}]]"
    yield path, f"must be {expected}, is {_shown(fault.value)}{repair}"


def _repair(value: object, wanted: str) -> str:
    if isinstance(value, str) and wanted in ("integer", "number") and value.strip().isdigit():
        return f"; write {value.strip()} without quotes"
    if wanted == "string" and isinstance(value, bool | int | float):
        return f'; write "{_plain(value)}" in quotes'
    if isinstance(value, str) and wanted == "boolean" and value.lower() in ("true", "false"):
        return f"; write {value.lower()} without quotes"
    return ""


def _wrong_choice(fault: _Fault, path: KeyPath) -> Iterator[Finding]:
    choices = fault.wanted
    listed = ", ".join(json.dumps(choice) for choice in choices)
    texts = {choice.lower(): choice for choice in choices if isinstance(choice, str)}
    close = nearest(fault.value, texts) if isinstance(fault.value, str) else None
    hint = f'; did you mean "{texts[close]}"?' if close is not None else ""
    yield path, f"must be one of {listed}, is {_shown(fault.value)}{hint}"


def _wrong_form(fault: _Fault, path: KeyPath) -> Iterator[Finding]:
    says = fault.rules.get("says", f"a text like {fault.wanted}")
    if fault.is_name:
        path = (*path, str(fault.value))
    yield path, f"must be {says}, is {_shown(fault.value)}"


def _out_of_range(fault: _Fault, path: KeyPath) -> Iterator[Finding]:
    rules = fault.rules
    low = rules.get("minimum", rules.get("exclusiveMinimum"))
    above = "above " if "exclusiveMinimum" in rules else ""
    yield path, f"must be {above}{low} to {rules['maximum']}, is {fault.value}"


def _missing(fault: _Fault, path: KeyPath) -> Iterator[Finding]:
    for name in fault.wanted:
        if name not in fault.value and repr(name) in fault.message:
            yield path, f'"{name}" is missing'


def _empty(fault: _Fault, path: KeyPath) -> Iterator[Finding]:
    yield path, "must not be empty"


def _by_the_library(fault: _Fault, path: KeyPath) -> Iterator[Finding]:
    yield path, fault.message


_SENTENCES: Final[Mapping[str, Callable[[_Fault, KeyPath], Iterator[Finding]]]] = {
    "additionalProperties": _unknown_key,
    "type": _wrong_type,
    "enum": _wrong_choice,
    "pattern": _wrong_form,
    "minimum": _out_of_range,
    "maximum": _out_of_range,
    "exclusiveMinimum": _out_of_range,
    "required": _missing,
    "minLength": _empty,
    "minProperties": _empty,
}


def _shown(value: object) -> str:
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (dict, "a table"),
        (list, "a list"),
        ((datetime, date, time), f"the date {value}"),
        (str, f"the text {json.dumps(value, ensure_ascii=False, default=str):.80}"),
    )
    for kind, text in kinds:
        if isinstance(value, kind):
            return text
    return _plain(value)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
