"""Owns the actions of open APIs and payment: `wx.openApi`, `wx.api`, `wx.wxPayApi`.

Not here: what an API answers (`services.openapi`) and protobuf (`wire.openapi_messages`). The one
idea: the SDK tells a refusal of the cloud from an answer by the content type alone, so these
actions answer bytes of another type, and only failures are the usual JSON.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from emulator.ambient import Clock, Ids
from emulator.core.errors import InvalidParam
from emulator.core.openapi import JSON_TYPE, CallOpenApi, Media, OpenApiAnswer
from emulator.services.caller import Caller
from emulator.services.openapi.calls import OpenApiDenied, OpenApiNotFound
from emulator.services.openapi.people import signature
from emulator.services.openapi.service import OpenApi
from emulator.wire import ejson, envelope, fields, json_text
from emulator.wire.exchange import Binary
from emulator.wire.fields import Body
from emulator.wire.openapi_messages import (
    ApiData,
    read_api_data,
    read_cloud_ids,
    write_answer,
    write_credentials,
    write_open_data,
    write_refusal,
    write_signature,
)

BYTES_TYPE: Final = "application/octet-stream"
PAY_TYPE: Final = "text/plain; charset=utf-8"
"""Not the type of failures: wx-server-sdk reports an "unknown response" to that one."""
_FAMILIES: Final = frozenset({"openapi", "cloudPay", "getOpenData"})

Run = Callable[[Body, Caller, str], Awaitable[bytes | Binary]]


class OpenApiActions:
    """The actions of one suite."""

    def __init__(self, openapi: OpenApi, *, ids: Ids, clock: Clock) -> None:
        self._openapi = openapi
        self._ids = ids
        self._clock = clock
        self._svrkit: Mapping[str, Callable[[bytes], bytes]] = {
            "ApiGetOpenDataByCloudId": self._open_data,
            "ApiVoipSign": self._signed,
            "GetCloudCallSign": self._signed,
        }

    def table(self) -> dict[str, Run]:
        """Return the actions by name."""
        return {"wx.openApi": self._packed, "wx.api": self._plain, "wx.wxPayApi": self._pay}

    async def _packed(self, body: Body, caller: Caller, request_id: str) -> bytes | Binary:
        """Answer a call whose data is a protobuf message."""
        name = fields.text(body, "apiName")
        asked = read_api_data(_content(body))
        try:
            return Binary(self._packed_answer(name, asked, _known(caller, request_id)), BYTES_TYPE)
        except (OpenApiNotFound, OpenApiDenied) as fault:
            self._openapi.tell(fault, caller)
            return Binary(write_refusal(fault.number), BYTES_TYPE)

    def _packed_answer(self, name: str, asked: ApiData, caller: Caller) -> bytes:
        if asked.api_type == "token":
            content = write_credentials(
                secret_id="cloud-emu-local-secret-id",
                secret_key="cloud-emu-local-secret-key",
                token=self._ids.token(),
            )
            return write_answer(content, BYTES_TYPE)
        if asked.api_type == "svrkit":
            answer = self._svrkit.get(asked.svrkit_name)
            if answer is None:
                raise OpenApiNotFound(f"{asked.svrkit_name:.60} is not answered by this version")
            return write_answer(answer(asked.svrkit_data), BYTES_TYPE)
        data = {pair.key: _argument(pair.value, pair.file_name) for pair in asked.pairs}
        told = self._openapi.call(name, data, caller)
        if told.content is not None:
            return write_answer(told.content, told.content_type)
        return write_answer(orjson.dumps(told.data), JSON_TYPE)

    async def _plain(self, body: Body, caller: Caller, request_id: str) -> bytes | Binary:
        """Answer a call whose data is JSON text, as `callOpenAPI` sends it."""
        text = fields.optional_text(body, "requestData")
        data = ejson.read_json(text, "requestData") if text else {}
        if type(data) is not dict:
            raise fields.wrong("requestData", data, "an object")
        given = fields.text(body, "apiName")
        name = given if given.partition(".")[0] in _FAMILIES else f"openapi.{given}"
        command = CallOpenApi(api=name, data=data)
        try:
            told = await self._openapi.carry_out(command, _known(caller, request_id))
        except (OpenApiNotFound, OpenApiDenied) as fault:
            self._openapi.tell(fault, caller)
            told = OpenApiAnswer(data={"errcode": fault.number, "errmsg": fault.message})
        if told.content is not None:
            raise InvalidParam(
                f"openapi.{name:.60} answers a file; call it as cloud.openapi.{name}"
            )
        inner = orjson.dumps(told.data).decode()
        return envelope.success(orjson.dumps({"responseData": inner}), request_id)

    async def _pay(self, body: Body, caller: Caller, request_id: str) -> bytes | Binary:
        """Answer a method of `cloudPay`, whose data is JSON text."""
        name = fields.text(body, "apiName").removeprefix("cloudPay.")
        data = json_object(_content(body))
        told = await self._openapi.pay(name, data, _known(caller, request_id))
        return Binary(orjson.dumps(told.data) if told.content is None else told.content, PAY_TYPE)

    def _open_data(self, data: bytes) -> bytes:
        found = self._openapi.people.open_data(read_cloud_ids(data))
        return write_open_data((cloud_id, orjson.dumps(value)) for cloud_id, value in found)

    def _signed(self, data: bytes) -> bytes:
        return write_signature(signature(data.hex()))


def json_object(content: bytes) -> dict[str, Any]:
    """Return the JSON object of a field that came as bytes.

    Raises:
        InvalidParam: it is none.
    """
    try:
        data = json_text.read(content) if content else {}
    except orjson.JSONDecodeError as fault:
        raise InvalidParam(f"requestData is not JSON: {fault}") from fault
    if type(data) is not dict:
        raise fields.wrong("requestData", data, "an object")
    return data


def _known(caller: Caller, request_id: str) -> Caller:
    """Return the caller with a request id: that of its function, else of this request."""
    return caller if caller.request_id else replace(caller, request_id=request_id)


def _content(body: Body) -> bytes:
    content = body.get("requestData")
    if isinstance(content, str):
        return content.encode()
    return content if isinstance(content, bytes) else b""


def _argument(value: bytes, file_name: str) -> Any:
    if file_name:
        return Media(value, file_name)
    try:
        return json_text.read(value)
    except orjson.JSONDecodeError:
        return Media(value)
