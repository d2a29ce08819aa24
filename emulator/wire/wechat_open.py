"""Owns the open APIs at their addresses on api.weixin.qq.com, for programs without an SDK.

Not here: what they answer (`services.openapi`). The one idea: a table from path to the name that
the SDK has for it; the body is JSON, or a form where a picture goes along, and the answer is what
the API says, with `errcode`.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from emulator.core.openapi import Media
from emulator.services.caller import ADMINISTRATOR
from emulator.services.openapi.calls import OpenApiNotFound
from emulator.services.openapi.service import OpenApi
from emulator.wire.exchange import read_body
from emulator.wire.multipart import MultipartParser, PartHead, boundary_of
from emulator.wire.wechat_errors import Refused
from emulator.wire.wechat_fields import REQUEST_MAX_BYTES, read_json

TOKENS: Final = ("access_token", "cloudbase_access_token")
"""Where a request holds its token; the second is what code in a container has."""
NAMES: Final[Mapping[str, str]] = {
    "/cgi-bin/message/subscribe/send": "subscribeMessage.send",
    "/cgi-bin/message/custom/send": "customerServiceMessage.send",
    "/cgi-bin/message/custom/typing": "customerServiceMessage.setTyping",
    "/cgi-bin/message/wxopen/template/send": "templateMessage.send",
    "/cgi-bin/message/wxopen/template/uniform_send": "uniformMessage.send",
    "/cgi-bin/media/upload": "customerServiceMessage.uploadTempMedia",
    "/cgi-bin/media/get": "customerServiceMessage.getTempMedia",
    "/cgi-bin/wxaapp/createwxaqrcode": "wxacode.createQRCode",
    "/sns/jscode2session": "auth.code2Session",
    "/wxa/business/getuserphonenumber": "phonenumber.getPhoneNumber",
    "/tcb/sendsms": "cloudbase.sendSms",
    "/tcb/sendsmsv2": "cloudbase.sendSmsV2",
    "/wxa/generate_urllink": "urllink.generate",
    "/wxa/generatescheme": "urlscheme.generate",
    "/wxa/genwxashortlink": "shortlink.generate",
    "/wxa/getopendata": "cloudbase.getOpenData",
    "/wxa/getuserriskrank": "riskControl.getUserRiskRank",
    "/wxa/getvoipsign": "cloudbase.getVoIPSign",
    "/wxa/getwxacode": "wxacode.get",
    "/wxa/getwxacodeunlimit": "wxacode.getUnlimited",
    "/wxa/img_sec_check": "security.imgSecCheck",
    "/wxa/media_check_async": "security.mediaCheckAsync",
    "/wxa/msg_sec_check": "security.msgSecCheck",
    "/wxaapi/newtmpl/addtemplate": "subscribeMessage.addTemplate",
    "/wxaapi/newtmpl/deltemplate": "subscribeMessage.deleteTemplate",
    "/wxaapi/newtmpl/getcategory": "subscribeMessage.getCategory",
    "/wxaapi/newtmpl/gettemplate": "subscribeMessage.getTemplateList",
}


QUIET: Final = frozenset({"/sns/jscode2session"})
"""What says nothing of errors, nor of what there is none of, when all is well."""


class OpenPaths:
    """The addresses of one suite."""

    def __init__(self, openapi: OpenApi) -> None:
        self._openapi = openapi

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer the API of a path.

        Raises:
            Refused: the body is none that it takes, or there is no answer for the API.
        """
        api = NAMES[request.path]
        try:
            told = self._openapi.call(api, await _data(request), ADMINISTRATOR)
        except OpenApiNotFound as fault:
            raise Refused(40066, f"invalid url. {fault.message}") from fault
        if told.content is not None:
            kind = {hdrs.CONTENT_TYPE: told.content_type}
            return web.Response(body=told.content, headers=kind)
        data = told.data
        if request.path in QUIET and not data["errcode"]:
            data = {key: data[key] for key in data if data[key] and key != "errmsg"}
        return web.json_response(body=orjson.dumps(data))


async def _data(request: web.Request) -> dict[str, Any]:
    query = {
        key: value
        for key, value in request.query.items()
        if key not in ("access_token", "cloudbase_access_token")
    }
    raw = await read_body(request, max_bytes=REQUEST_MAX_BYTES)
    kind = request.headers.get(hdrs.CONTENT_TYPE, "")
    if kind.startswith("multipart/"):
        return {**query, **_form(raw, kind)}
    body = read_json(raw) if raw.strip() else {}
    if type(body) is not dict:
        raise Refused(47001, "data format error: the body must be a JSON object")
    return {**query, **body}


def _form(raw: bytes, kind: str) -> dict[str, Media]:
    """Return the files of a form by the names of their parts."""
    parser = MultipartParser(boundary_of(kind))
    files: dict[str, Media] = {}
    head, content = PartHead(name="", file_name=None, content_type=""), bytearray()
    for event in parser.feed(raw):
        if isinstance(event, PartHead):
            head, content = event, bytearray()
        elif isinstance(event, bytes | memoryview):
            content += event
        else:
            files[head.name] = Media(bytes(content), head.file_name or "")
    parser.close()
    return files
