"""Owns the names that lead to WeChat itself: `cloud.openapi`, `cloud.cloud_pay` and their kin.

None of them is available in this version: the call itself refuses, with the code that the platform
uses for an API it does not know, so that user code can guard against it.
"""

from typing import NoReturn

from emulator.cloud.errors import cloud_error
from emulator.cloud.naming import camel_case
from emulator.core.values import Value


class OpenApi:
    """A dotted name of WeChat's server API, such as `cloud.openapi.subscribeMessage.send`."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> "OpenApi":
        """Return the name that lies below this one."""
        if name.startswith("__"):
            raise AttributeError(name)
        return OpenApi(f"{self._path}.{camel_case(name)}")

    def __call__(self, *_: Value, **__: Value) -> NoReturn:
        """Refuse the call."""
        raise cloud_error(
            self._path,
            "OPENAPI_NOT_FOUND",
            f"{self._path} is not available in this version; catch cloud.CloudError to go on",
        )
