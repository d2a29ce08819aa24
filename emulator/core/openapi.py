"""Owns a call of WeChat's open APIs as a command, and what it is answered with.

Not here: what any API does (`services.openapi`). The one idea: data has the keys of WeChat's HTTP
interface (`template_id`), whatever an SDK calls them; an answer is JSON with an `errcode`, or
bytes.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from emulator.core.records import dataclass
from emulator.core.values import Value

JSON_TYPE: Final = "application/json; encoding=utf-8"


@dataclass(frozen=True, slots=True)
class Media:
    """Bytes among the data of a call, such as a picture to be checked."""

    content: bytes
    file_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOpenApi:
    """A call by its whole name: `openapi.wxacode.get`, `cloudPay.refund`, `getOpenData`."""

    api: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenApiAnswer:
    """What an API says: JSON data, or `content` of a type."""

    data: dict[str, Value] = field(default_factory=dict)
    content: bytes | None = None
    content_type: str = JSON_TYPE

    @property
    def errcode(self) -> int:
        """Return WeChat's number, 0 when all went well."""
        return int(self.data.get("errcode", 0))
