"""Owns the APIs that send something to a user: subscribe, customer service, template messages.

Not here: the rules of template fields (`core.templates`) and the outbox. The one idea: what WeChat
checks is checked, in its order and with its numbers; nothing leaves the machine.
Facts: WeChat's pages on subscribeMessage.send and customerServiceMessage.send.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

from emulator.core.templates import fault_in, kind_of
from emulator.core.values import Value
from emulator.services.openapi.calls import Answer, Call, Media, done, picture, refused, text_of

MEDIA_MAX: Final = 100
MEDIA_SIZE_MAX_BYTES: Final = 2 * 1024 * 1024
_CUSTOMER_MESSAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("content",),
    "image": ("media_id",),
    "link": ("title", "description", "url"),
    "miniprogrampage": ("title", "pagepath"),
}
_UNIFORM: Final[Mapping[str, tuple[tuple[str, int], ...]]] = {
    "weapp_template_msg": (("template_id", 40037), ("form_id", 41028)),
    "mp_template_msg": (("appid", 40013), ("template_id", 40037)),
}
"""By part of a uniform message: the texts that it must have, with what their lack is."""
_TITLE: Final[Value] = {"tid": 99, "title": "付款成功通知", "type": 2, "categoryId": "616"}
_KEYWORDS: Final[tuple[Value, ...]] = (
    {"kid": 1, "name": "物品名称", "example": "名称", "rule": "thing"},
    {"kid": 2, "name": "付款金额", "example": "¥10.50", "rule": "amount"},
    {"kid": 3, "name": "付款时间", "example": "2019年10月1日 15:01", "rule": "date"},
)
"""The public templates' one title and its key words, as WeChat's pages show them."""
_STATES: Final = ("developer", "trial", "formal")


class Messages:
    """What is sent, and what was uploaded to be sent."""

    def __init__(self, templates: Mapping[str, tuple[str, ...]], now_ms: Callable[[], int]) -> None:
        self._templates = templates
        self._now_ms = now_ms
        self._sent = 0
        self._media: OrderedDict[str, bytes] = OrderedDict()

    def handlers(self) -> dict[str, Callable[[Call], Answer]]:
        """Return the APIs of this module by name."""
        return {
            "subscribeMessage.send": self._subscribe,
            "subscribeMessage.getTemplateList": self._template_list,
            "subscribeMessage.addTemplate": self._add_template,
            "subscribeMessage.deleteTemplate": lambda _: done(),
            "subscribeMessage.getPubTemplateTitleList": lambda _: done(count=1, data=[_TITLE]),
            "subscribeMessage.getPubTemplateKeyWordsById": lambda _: done(
                count=len(_KEYWORDS), data=[*_KEYWORDS]
            ),
            "subscribeMessage.getCategory": lambda _: done(data=[{"id": 616, "name": "工具"}]),
            "templateMessage.send": self._template,
            "templateMessage.addTemplate": self._add_template,
            "templateMessage.deleteTemplate": lambda _: done(),
            "templateMessage.getTemplateList": lambda _: done(list=[]),
            "uniformMessage.send": self._uniform,
            "customerServiceMessage.send": self._customer_service,
            "customerServiceMessage.setTyping": self._typing,
            "customerServiceMessage.uploadTempMedia": self._upload_media,
            "customerServiceMessage.getTempMedia": self._media_of,
        }

    def _subscribe(self, call: Call) -> Answer:
        template_id = text_of(call, "template_id")
        if not text_of(call, "touser"):
            return refused(40003, "invalid openid")
        if not template_id or (self._templates and template_id not in self._templates):
            return refused(40037, "invalid template_id")
        state = call.data.get("miniprogram_state")
        if state is not None and state not in _STATES:
            return refused(47003, f"argument invalid! miniprogram_state invalid: {state!r:.40}")
        fault = fault_in(call.data.get("data"), self._templates.get(template_id, ()))
        if fault:
            return refused(47003, f"argument invalid! {fault}")
        return done(msgid=self._number(call))

    def _template(self, call: Call) -> Answer:
        if not text_of(call, "touser"):
            return refused(40003, "invalid openid")
        if not text_of(call, "template_id"):
            return refused(40037, "template_id不正确")
        if not text_of(call, "form_id"):
            return refused(41028, "form_id不正确，或者过期")
        return done(template_id=text_of(call, "template_id"))

    def _uniform(self, call: Call) -> Answer:
        if not text_of(call, "touser"):
            return refused(40003, "invalid openid")
        given = {name: call.data[name] for name in _UNIFORM if name in call.data}
        if not given or not all(isinstance(part, Mapping) for part in given.values()):
            return refused(47001, f"data format error: one of {' and '.join(_UNIFORM)} is wanted")
        for part, content in given.items():
            for name, number in _UNIFORM[part]:
                if not content.get(name):
                    return refused(number, f"invalid {name}")
        return done()

    def _customer_service(self, call: Call) -> Answer:
        if not text_of(call, "touser"):
            return refused(40003, "invalid openid")
        kind = text_of(call, "msgtype")
        wanted = _CUSTOMER_MESSAGES.get(kind)
        if wanted is None:
            return refused(40008, "invalid message type")
        content = call.data.get(kind)
        for name in wanted:
            if not isinstance(content, dict) or not content.get(name):
                return refused(44004, f"empty content: {kind}.{name}")
        return done()

    def _typing(self, call: Call) -> Answer:
        if text_of(call, "command") not in ("Typing", "CancelTyping"):
            return refused(45072, "invalid command")
        return done() if text_of(call, "touser") else refused(40003, "invalid openid")

    def _upload_media(self, call: Call) -> Answer:
        media = call.data.get("media")
        if not isinstance(media, Media):
            return refused(41005, "media data missing")
        if len(media.content) > MEDIA_SIZE_MAX_BYTES:
            return refused(40006, "invalid media size")
        media_id = hashlib.sha256(media.content).hexdigest()[:64]
        self._media[media_id] = media.content
        while len(self._media) > MEDIA_MAX:
            self._media.popitem(last=False)
        return done(type="image", media_id=media_id, created_at=self._now_ms() // 1000)

    def _media_of(self, call: Call) -> Answer:
        content = self._media.get(text_of(call, "media_id"))
        if content is None:
            return refused(40007, "invalid media_id")
        return picture(content, "image/jpeg")

    def _template_list(self, call: Call) -> Answer:
        del call
        return done(data=[_listed(*each) for each in self._templates.items()])

    def _add_template(self, call: Call) -> Answer:
        tid = str(call.data.get("tid") or call.data.get("id") or "")
        if not tid:
            return refused(200014, "模版 tid 参数错误")
        made = hashlib.sha256(tid.encode()).hexdigest()[:43]
        return done(**{"pri_tmpl_id": made, "template_id": made})

    def _number(self, call: Call) -> int:
        self._sent += 1
        told = f"{call.request_id}{self._now_ms()}/{self._sent}"
        digest = hashlib.sha256(told.encode()).digest()
        return int.from_bytes(digest[:6])


def _listed(template_id: str, fields: tuple[str, ...]) -> Value:
    content = "\n".join(f"{kind_of(field)}:{{{{{field}.DATA}}}}" for field in fields)
    return {"pri_tmpl_id": template_id, "title": template_id, "content": content, "type": 2}
