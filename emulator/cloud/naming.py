"""Owns the two spellings of every name: Python's snake_case and the JavaScript SDK's camelCase.

The one idea: snake_case is what is written down; a camelCase name is looked up by turning it round,
so `orderBy`, `getWXContext` and `fileID` work wherever `order_by`, `get_wx_context` and `file_id`
do, and names that Python reserves (`in`, `and`, `or`, `not`) are found with their underscore.
"""

import keyword
import re
from typing import Any, Final

_WORD_STARTS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """Return the Python spelling of a name: `getWXContext` is `get_wx_context`, `in` is `in_`."""
    snake = _WORD_STARTS.sub("_", name).lower()
    return f"{snake}_" if keyword.iskeyword(snake) else snake


def camel_case(name: str) -> str:
    """Return the JavaScript spelling of a name: `order_by` is `orderBy`, `in_` is `in`."""
    first, *others = name.strip("_").split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


class BothSpellings:
    """Attributes answer to their camelCase name too."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        """Return the attribute whose Python spelling belongs to the name."""
        snake = snake_case(name)
        if snake == name or name.startswith("__"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return getattr(self, snake)
