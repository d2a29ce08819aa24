"""Owns what WeChat takes in the fields of a subscribe message: the kinds, and what each may hold.

Not here: who sends the message (`services.openapi.messages`). The one idea: a field's kind is its
name without its number, `thing1` is a `thing`; a kind is a row with a pattern for its whole text.
Facts: WeChat's page on subscribe messages, section on parameter kinds; errcode 47003.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from emulator.core.values import Value

THING_LENGTH_MAX: Final = 20
PHRASE_LENGTH_MAX: Final = 5

_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_DAY: Final = r"(?:[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日|[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2})"
_CLOCK: Final = r"(?:[01]?[0-9]|2[0-4]):[0-5][0-9](?::[0-5][0-9])?"
_MOMENT: Final = rf"{_DAY}(?: ?{_CLOCK})?"
_TIME: Final = rf"(?:(?:{_DAY} ?)?{_CLOCK}|{_DAY})"
_NAME: Final = re.compile(r"([a-z]+(?:_[a-z]+)*)\d*\Z")

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "thing": (r"(?s).{1,20}", "1 to 20 characters"),
    "number": (r"[-+]?[0-9]{1,32}(?:\.[0-9]{1,32})?", "a number of at most 32 digits"),
    "letter": (r"[A-Za-z]{1,32}", "1 to 32 letters"),
    "symbol": (rf"[^\w\s{_HAN}]{{1,5}}", "1 to 5 symbols"),
    "character_string": (r"[!-~]{1,32}", "1 to 32 digits, letters or symbols"),
    "time": (
        rf"{_TIME}(?: ?[~-] ?{_TIME})?",
        "a time of 24 hours such as 15:01 or 2019年10月1日 15:01",
    ),
    "date": (
        rf"{_MOMENT}(?: ?[~-] ?{_MOMENT})?",
        "a date such as 2019年10月1日 or 2019年10月1日 15:01",
    ),
    "amount": (
        r"[¥￥$€£]?[0-9]{1,10}(?:\.[0-9]{1,10})?元?",
        "a currency sign, at most 10 digits and 元, such as ¥10.50",
    ),
    "phone_number": (r"(?:[^\w]|[0-9_]){1,17}", "at most 17 digits and signs"),
    "car_number": (
        rf"(?!.{{9}})[{_HAN}A-Z0-9][A-Z][A-Z0-9]{{4,6}}[{_HAN}]?",
        "a licence plate of at most 8 characters",
    ),
    "name": (
        rf"[{_HAN}A-Za-z·]{{1,10}}|[A-Za-z .·'-]{{1,20}}",
        "at most 10 characters where one is Chinese, else 20 letters and signs",
    ),
    "phrase": (rf"[{_HAN}]{{1,5}}", "1 to 5 Chinese characters"),
}
"""By kind: the pattern of its whole text, compiled when it is asked for, and what that is in words.

Kinds that this version does not know, such as `const`, hold any text that is not empty.
"""


def kind_of(field: str) -> str:
    """Return the kind of a field of a template, empty when its name has no such form."""
    found = _NAME.match(field)
    return found[1] if found else ""


def fault_in(data: Value, wanted: Iterable[str] = ()) -> str:
    """Return what is wrong with the data of a message, empty when nothing is.

    `wanted` names the fields that the template has, where that is known.
    """
    if not isinstance(data, dict):
        return "data must be an object of fields"
    for field in wanted:
        if field not in data:
            return f"data.{field}.value is empty"
    for field, holder in data.items():
        value = holder.get("value") if isinstance(holder, dict) else None
        if value is None or value == "":
            return f"data.{field}.value is empty"
        if isinstance(value, dict | list):
            return f"data.{field}.value invalid: it is no text"
        text = _text(value)
        row = KINDS.get(kind_of(field))
        if row is not None and re.fullmatch(row[0], text) is None:
            return f"data.{field}.value invalid: {text!r:.60} is not {row[1]}"
    return ""


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
