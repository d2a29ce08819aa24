"""Owns trimming, replacing and patterns: `$trim`, `$replaceOne`, `$regexFind` and their siblings.

Not here: reading and judging patterns (`core.regex` and its modules). The one idea: a constant
pattern is compiled with the expression; a search for places obeys the same bounds as a filter's.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from emulator.core.aggregate.expressions_strings import check_length
from emulator.core.aggregate.nodes import (
    Expression,
    Named,
    Operator,
    Scope,
    Variables,
    folded,
    is_nullish,
    refusal,
    wrong_type,
)
from emulator.core.regex import STEPS_MAX, compile_regex
from emulator.core.regex_parser import PatternReader
from emulator.core.regex_risk import judge
from emulator.core.values import Document, Regex, Value

_BLANKS: Final = "\0 \t\n\v\f\r\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B)))
_CACHED_FINDERS: Final = 64

_TRIM: Final = Named(
    required=("input",), optional=("chars",), not_object=50696, unknown=50694, missing=50695
)


def _trim(strip: Callable[[str, str], str]) -> Operator:
    def build(name: str, operand: Value, scope: Scope) -> Expression:
        operands = {
            each: scope.expression(value) for each, value in _TRIM.read(name, operand).items()
        }
        read, chars = operands["input"].run, operands.get("chars")

        def run(document: Document, variables: Variables) -> Value:
            text = read(document, variables)
            if is_nullish(text):
                return None
            if text.__class__ is not str:
                raise wrong_type(
                    f"{name} requires its input to be a string, got {{type}}", 50699, text
                )
            cut = _BLANKS if chars is None else chars.run(document, variables)
            if is_nullish(cut):
                return None
            if cut.__class__ is not str:
                raise wrong_type(
                    f"{name} requires 'chars' to be a string, got {{type}}", 50700, cut
                )
            return strip(text, cut)

        return folded(run, list(operands.values()))

    return Operator(build, _TRIM.form)


# --- replacing -----------------------------------------------------------------------------------

_REPLACE: Final = Named(
    required=("input", "find", "replacement"),
    not_object=51751,
    unknown=51750,
    missing={"input": 51749, "find": 51748, "replacement": 51747},
)
_REPLACE_CODES: Final = (("input", 51746), ("find", 51745), ("replacement", 51744))


def _replace(count: int) -> Operator:
    def build(name: str, operand: Value, scope: Scope) -> Expression:
        operands = _REPLACE.read(name, operand)
        arguments = [scope.expression(operands[each]) for each, _ in _REPLACE_CODES]
        runs = [argument.run for argument in arguments]

        def run(document: Document, variables: Variables) -> Value:
            values = [each(document, variables) for each in runs]
            for value, (which, code) in zip(values, _REPLACE_CODES, strict=True):
                if value.__class__ is not str and not is_nullish(value):
                    raise wrong_type(
                        f"{name} requires that '{which}' be a string, found: {{type}}", code, value
                    )
            if any(map(is_nullish, values)):
                return None
            text, find, replacement = values
            places = 1 if count == 1 else text.count(find)
            check_length(len(text) + places * len(replacement), name)
            return text.replace(find, replacement, count)

        return folded(run, arguments)

    return Operator(build, _REPLACE.form)


# --- patterns ------------------------------------------------------------------------------------

_Search: TypeAlias = Callable[[str, int], re.Match[str] | None]

_REGEX: Final = Named(
    required=("input", "regex"),
    optional=("options",),
    not_object=51103,
    unknown=31024,
    missing={"input": 31022, "regex": 31023},
)


def _regex_operator(on_null: Value, call: Callable[[Regex, str], Value]) -> Operator:
    """Return the operator that asks a pattern about a text; `on_null` is its answer for null."""

    def build(name: str, operand: Value, scope: Scope) -> Expression:
        operands = {
            each: scope.expression(value) for each, value in _REGEX.read(name, operand).items()
        }
        read, pattern = operands["input"].run, operands["regex"].run
        options = operands.get("options")

        def run(document: Document, variables: Variables) -> Value:
            text = read(document, variables)
            if text.__class__ is not str and not is_nullish(text):
                raise wrong_type(
                    f"{name} needs 'input' to be of type string, not {{type}}", 51104, text
                )
            flags = None if options is None else options.run(document, variables)
            regex = _regex_of(name, pattern(document, variables), flags)
            if regex is None or is_nullish(text):
                return on_null
            return call(regex, text)

        return folded(run, list(operands.values()))

    return Operator(build, _REGEX.form)


def _regex_of(name: str, pattern: Value, options: Value) -> Regex | None:
    """Return the pattern a value and its options make, None for null."""
    if options.__class__ is not str and not is_nullish(options):
        raise wrong_type(
            f"{name} needs 'options' to be of type string, not {{type}}", 51106, options
        )
    if is_nullish(pattern):
        return None
    options = "" if is_nullish(options) else options
    if pattern.__class__ is Regex:
        if options and pattern.options:
            raise refusal(
                f"{name}: found regex options specified in both 'regex' and 'options'", 51107
            )
        pattern, options = pattern.pattern, options or pattern.options
    if pattern.__class__ is not str:
        raise wrong_type(
            f"{name} needs 'regex' to be of type string or regex, not {{type}}", 51105, pattern
        )
    return Regex(pattern, "".join(sorted(set(options))))


def _matches(regex: Regex, text: str) -> bool:
    return compile_regex(regex)(text)


def _find(regex: Regex, text: str) -> Value:
    return next(_places(regex, text), None)


def _find_all(regex: Regex, text: str) -> Value:
    return list(_places(regex, text))


def _places(regex: Regex, text: str) -> Iterator[Document]:
    """Yield every match from left to right; behind an empty one the search goes a character on."""
    search = _finder(regex.pattern, regex.options)
    place = 0
    while (found := search(text, place)) is not None:
        yield {"match": found[0], "idx": found.start(), "captures": list(found.groups())}
        place = found.end() + (found.end() == found.start())
        if place >= len(text):
            return


@lru_cache(maxsize=_CACHED_FINDERS)
def _finder(pattern: str, options: str) -> _Search:
    """Return the search for a pattern's places, refused or bounded as a filter's would be."""
    compile_regex(Regex(pattern, options))
    reader = PatternReader(pattern, options)
    node = reader.read()
    find = re.compile(node.text, re.IGNORECASE if reader.ignores_case else re.NOFLAG).search
    risk = judge(node, anchored=False)
    if risk.reason:
        raise refusal(f"/{pattern:.200}/ could run for ever: {risk.reason}", 51091)
    length_max = int((STEPS_MAX / risk.ways) ** (1 / max(risk.degree, 1)))

    def search(text: str, place: int) -> re.Match[str] | None:
        if len(text) > length_max:
            raise refusal(
                f"/{pattern:.200}/ could take too long on a text of {len(text)} characters", 50
            )
        return find(text, place)

    return search


TEXT: Final[Mapping[str, Operator]] = {
    "$ltrim": _trim(str.lstrip),
    "$rtrim": _trim(str.rstrip),
    "$trim": _trim(str.strip),
    "$regexFind": _regex_operator(None, _find),
    "$regexFindAll": _regex_operator([], _find_all),
    "$regexMatch": _regex_operator(on_null=False, call=_matches),
    "$replaceAll": _replace(-1),
    "$replaceOne": _replace(1),
}
