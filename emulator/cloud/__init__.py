"""The Python twin of wx-server-sdk: what user code imports as `cloud`.

The names are the SDK's, in snake_case or camelCase; arguments come by name or as one dict; results
are dicts with the SDK's keys. In `def` code a call blocks and returns the result, in `async def`
code it returns an awaitable of it; either way it has started when it returns.
"""

from typing import Any, Final

from emulator.cloud.context import get_wx_context, logger
from emulator.cloud.database import CloudDatabase, database
from emulator.cloud.errors import CloudError
from emulator.cloud.files import delete_file, download_file, get_temp_file_url, upload_file
from emulator.cloud.functions import call_function
from emulator.cloud.naming import snake_case
from emulator.cloud.openapi import OpenApi
from emulator.cloud.settings import DYNAMIC_CURRENT_ENV, init

openapi: Final = OpenApi("openapi")
cloud_pay: Final = OpenApi("cloudPay")
get_open_data: Final = OpenApi("getOpenData")
get_voip_sign: Final = OpenApi("getVoIPSign")
create_ticket: Final = OpenApi("createTicket")

__all__ = [
    "DYNAMIC_CURRENT_ENV",
    "CloudDatabase",
    "CloudError",
    "call_function",
    "cloud_pay",
    "create_ticket",
    "database",
    "delete_file",
    "download_file",
    "get_open_data",
    "get_temp_file_url",
    "get_voip_sign",
    "get_wx_context",
    "init",
    "logger",
    "openapi",
    "upload_file",
]

_SPELLINGS: Final = {"getVoIPSign": "get_voip_sign"}
"""Names that are not spelled by the rule."""


def __getattr__(name: str) -> Any:
    """Return what the JavaScript spelling of a name stands for."""
    snake = _SPELLINGS.get(name) or snake_case(name)
    if snake == name or snake not in __all__:
        raise AttributeError(f"cloud has no attribute {name!r}")
    return globals()[snake]
