"""Owns the open APIs at their addresses on api.weixin.qq.com, for programs without an SDK.

Not here: what they answer (`services.openapi`). The one idea: a table from path to the name that
the SDK has for it; the body is JSON, or a form where a picture goes along, and the answer is what
the API says, with `errcode`.
"""

from collections.abc import Mapping
from dataclasses import replace
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
    "/cgi-bin/message/wxopen/activityid/create": "updatableMessage.createActivityId",
    "/cgi-bin/message/wxopen/template/send": "templateMessage.send",
    "/cgi-bin/message/wxopen/template/uniform_send": "uniformMessage.send",
    "/cgi-bin/message/wxopen/updatablemsg/send": "updatableMessage.setUpdatableMsg",
    "/cgi-bin/media/upload": "customerServiceMessage.uploadTempMedia",
    "/cgi-bin/media/get": "customerServiceMessage.getTempMedia",
    "/cgi-bin/wxaapp/createwxaqrcode": "wxacode.createQRCode",
    "/sns/jscode2session": "auth.code2Session",
    "/wxa/business/getuserphonenumber": "phonenumber.getPhoneNumber",
    "/cgi-bin/soter/verify_signature": "soter.verifySignature",
    "/cv/img/aicrop": "img.aiCrop",
    "/cv/img/qrcode": "img.scanQRCode",
    "/cv/img/superresolution": "img.superresolution",
    "/cv/ocr/bankcard": "ocr.bankcard",
    "/cv/ocr/bizlicense": "ocr.businessLicense",
    "/cv/ocr/comm": "ocr.printedText",
    "/cv/ocr/driving": "ocr.vehicleLicense",
    "/cv/ocr/drivinglicense": "ocr.driverLicense",
    "/cv/ocr/idcard": "ocr.idcard",
    "/tcb/cloudbasereport": "cloudbase.report",
    "/tcb/createsendsmstask": "cloudbase.createSendSmsTask",
    "/tcb/describeextensionuploadinfo": "cloudbase.describeExtensionUploadInfo",
    "/tcb/describesmsrecords": "cloudbase.describeSmsRecords",
    "/tcb/getstatistics": "cloudbase.getStatistics",
    "/tcb/sendsms": "cloudbase.sendSms",
    "/tcb/sendsmsv2": "cloudbase.sendSmsV2",
    "/wxa/generate_urllink": "urllink.generate",
    "/wxa/generatescheme": "urlscheme.generate",
    "/wxa/genwxashortlink": "shortlink.generate",
    "/wxa/getopendata": "cloudbase.getOpenData",
    "/wxa/getpaidunionid": "auth.getPaidUnionId",
    "/wxa/getuserriskrank": "riskControl.getUserRiskRank",
    "/wxa/getvoipsign": "cloudbase.getVoIPSign",
    "/wxa/getwxacode": "wxacode.get",
    "/wxa/getwxacodeunlimit": "wxacode.getUnlimited",
    "/wxa/img_sec_check": "security.imgSecCheck",
    "/wxa/media_check_async": "security.mediaCheckAsync",
    "/wxa/msg_sec_check": "security.msgSecCheck",
    "/wxa/query_urllink": "urllink.query",
    "/wxa/queryscheme": "urlscheme.query",
    "/wxa/search/wxaapi_submitpages": "search.submitPages",
    "/wxa/servicemarket": "serviceMarket.invokeService",
    "/wxaapi/newtmpl/addtemplate": "subscribeMessage.addTemplate",
    "/wxaapi/newtmpl/deltemplate": "subscribeMessage.deleteTemplate",
    "/wxaapi/newtmpl/getcategory": "subscribeMessage.getCategory",
    "/wxaapi/newtmpl/getpubtemplatekeywords": "subscribeMessage.getPubTemplateKeyWordsById",
    "/wxaapi/newtmpl/getpubtemplatetitles": "subscribeMessage.getPubTemplateTitleList",
    "/wxaapi/newtmpl/gettemplate": "subscribeMessage.getTemplateList",
}
"""Some have no answer here but the project's mock."""

CODE_TO_SESSION: Final = "/sns/jscode2session"
"""The one that is asked with the app's secret instead of a token, and says no `errcode` of 0."""
READ: Final = frozenset(
    {
        "/cgi-bin/media/get",
        "/cgi-bin/message/wxopen/activityid/create",
        "/wxa/getpaidunionid",
        "/wxaapi/newtmpl/getcategory",
        "/wxaapi/newtmpl/getpubtemplatekeywords",
        "/wxaapi/newtmpl/getpubtemplatetitles",
        "/wxaapi/newtmpl/gettemplate",
    }
)
"""Paths for GET only; `CODE_TO_SESSION` takes any method, all others want POST."""
FAMILIES: Final = (
    "bizwifi|business|card|cgi-bin|channels|componenttcb|customservice|cv|datacube|merchant|product|scan|"
    "semantic|shop|sns|tcb|union|wxa|wxaapi|wxaopen|wxapi"
)
"""How paths begin that WeChat answers, with `invalid url` where it has none such."""
OF_OFFICIAL_ACCOUNTS: Final = (
    "/cgi-bin/draft/",
    "/cgi-bin/freepublish/",
    "/cgi-bin/groups/",
    "/cgi-bin/material/",
    "/cgi-bin/menu/",
    "/cgi-bin/tags/",
    "/cgi-bin/ticket/getticket",
    "/cgi-bin/user/",
    "/componenttcb/",
)
"""How paths begin that a mini program may not ask; the last is for providers' own tokens."""
_OF_SESSIONS: Final = (
    ("appid", 41002, "appid missing"),
    ("secret", 41004, "appsecret missing"),
    ("js_code", 41008, "missing code"),
)
"""What a login code comes with, in the order that WeChat looks for it."""


class OpenPaths:
    """The addresses of one suite."""

    def __init__(self, openapi: OpenApi) -> None:
        self._openapi = openapi

    async def answer(self, request: web.Request, request_id: str) -> web.StreamResponse:
        """Answer the API of a path.

        Raises:
            Refused: the body is none that it takes, or there is no answer for the API.
        """
        api = NAMES[request.path]
        _require_method(request)
        given = await _data(request)
        if request.path == CODE_TO_SESSION:
            _require_session_fields(given)
        try:
            told = self._openapi.call(api, given, replace(ADMINISTRATOR, request_id=request_id))
        except OpenApiNotFound as fault:
            raise Refused(40066, f"invalid url. {fault.message}; {fault.hint}") from fault
        if told.content is not None:
            kind = {hdrs.CONTENT_TYPE: told.content_type}
            return web.Response(body=told.content, headers=kind)
        data = told.data
        if told.errcode:
            data = {**data, "errmsg": f"{data.get('errmsg', '')} rid: {request_id}"}
        if request.path == CODE_TO_SESSION and not data["errcode"]:
            data = {key: data[key] for key in data if data[key] and key != "errmsg"}
        return web.json_response(body=orjson.dumps(data))


def refusal_of(path: str) -> Refused:
    """Return WeChat's refusal of a path that nothing here answers."""
    if path.startswith(OF_OFFICIAL_ACCOUNTS):
        return Refused(48001, "api unauthorized: mini programs have no right to this one")
    return Refused(40066, f"invalid url: {path:.100} is not emulated")


def _require_method(request: web.Request) -> None:
    if request.path == CODE_TO_SESSION:
        return
    if request.path in READ:
        if request.method != hdrs.METH_GET:
            raise Refused(43001, "require GET method")
    elif request.method != hdrs.METH_POST:
        raise Refused(43002, "require POST method")


def _require_session_fields(given: Mapping[str, Any]) -> None:
    for name, number, message in _OF_SESSIONS:
        if not given.get(name):
            raise Refused(number, message)
    if given.get("grant_type") != "authorization_code":
        raise Refused(40002, "invalid grant_type")


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
