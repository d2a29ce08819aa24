"""Owns the names that lead to WeChat itself: `cloud.openapi`, `cloud.cloud_pay`, open data.

Not here: what WeChat answers (`services.openapi`). The one idea: a dotted name is a call; as in
wx-server-sdk keys go out in snake_case and come back in camelCase, a picture comes back as
`{"contentType", "buffer"}`, and WeChat's own refusal is an error with its `errcode`.
"""

from collections.abc import Mapping
from typing import Any, Final

from emulator.cloud.calls import Request, answering
from emulator.cloud.encode import json_data, passed
from emulator.cloud.errors import CloudError, sdk_error
from emulator.cloud.naming import camel_case, snake_case
from emulator.core.openapi import CallOpenApi, Media, OpenApiAnswer
from emulator.core.values import Value

ROOT: Final = "openapi"
_BYTES: Final = (bytes, bytearray, memoryview)


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

    def __call__(self, options: Value = None, /, **named: Value) -> Any:
        """Call the API; raises CloudError where WeChat or the suite refuses.

        `cloud.openapi({"appid": ...})` itself is no call: it is the same names for another app.
        """
        path = self._path
        if path == ROOT:
            return self
        if options is not None and not isinstance(options, Mapping):
            raise sdk_error(path, f"parameter should be dict instead of {type(options).__name__}")
        given = {**(options or {}), **named}

        def build() -> Request:
            data = {
                key_out(key): passed(path, str(key), _encoded, item) for key, item in given.items()
            }
            return Request(CallOpenApi(api=path, data=data), lambda told: _read(path, told))

        return answering(path)(build)()


def key_out(key: object) -> str:
    """Return the key that WeChat knows: `templateId` is `template_id`."""
    text = str(key)
    return snake_case(text).removesuffix("_") if not text.endswith("_") else text.rstrip("_")


def _encoded(value: Value) -> Any:
    if isinstance(value, _BYTES):
        return Media(bytes(value), "media.png")
    if isinstance(value, Mapping):
        media = value.get("value")
        if isinstance(media, _BYTES):
            return Media(bytes(media), "media.png")
        return {key_out(key): _encoded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(item) for item in value]
    return json_data(value)


def _read(path: str, told: OpenApiAnswer) -> dict[str, Value]:
    well: dict[str, Value] = {"errMsg": f"{path}:ok", "errCode": 0}
    if told.content is not None:
        return {"contentType": told.content_type, "buffer": told.content, **well}
    if told.errcode:
        message = f"{path}:fail {told.data.get('errmsg', '')}"
        raise CloudError(message, err_code=told.errcode)
    data = {key: item for key, item in told.data.items() if key not in ("errcode", "errmsg")}
    return {**_camel(data), **well}


def _camel(value: Value) -> Any:
    if isinstance(value, Mapping):
        return {_key_in(key): _camel(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_camel(item) for item in value]
    return value


def _key_in(key: str) -> str:
    return camel_case(key) if "_" in key.strip("_") else key
