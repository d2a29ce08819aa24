"""Owns what a project may say about the open APIs."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from emulator.core.records import dataclass
from emulator.core.values import Value

Verdict = Literal["pass", "review", "risky"]

PHONE_NUMBER_DEFAULT = "13800138000"


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mock:
    """What is answered instead of what the suite would say: JSON data, or a file of a type."""

    data: Mapping[str, Value] = field(default_factory=_nothing)
    file: Path | None = None
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenApiSettings:
    """Verdicts, the test user, templates by id, and mocks by the API's dotted name.

    `auto_pay` pays an order a moment after it is made. `open_data` is what a CloudID stands for.
    """

    enforce_permissions: bool = True
    risky_words: tuple[str, ...] = ()
    images: Verdict = "pass"
    auto_pay: bool = True
    phone_number: str = PHONE_NUMBER_DEFAULT
    open_data: Mapping[str, Value] = field(default_factory=_nothing)
    templates: Mapping[str, tuple[str, ...]] = field(default_factory=_nothing)
    mocks: Mapping[str, Mock] = field(default_factory=_nothing)
