"""Owns the content checks `security.*`: verdicts that the project chooses.

Facts: WeChat's pages on security.msgSecCheck 1.0 and 2.0, imgSecCheck and mediaCheckAsync.
"""

from collections.abc import Callable
from typing import Final

from emulator.services.openapi.calls import Answer, Call, Media, done, refused, text_of
from emulator.services.openapi.settings import OpenApiSettings, Verdict

TEXT_LENGTH_MAX: Final = 500_000
TEXT_2_LENGTH_MAX: Final = 2_500
"""What version 2 of the check takes."""
PICTURE_SIZE_MAX_BYTES: Final = 1024 * 1024
RISKY: Final = 87014
TEST_TEXT: Final = "特3456书yuuo莞6543李zxcz蒜7782法fgnv级"
"""What WeChat's page gives to try a refusal with; it is risky in every project."""

_LABELS: Final = {"pass": 100, "review": 20001, "risky": 20001}


class Checks:
    """The verdicts of one project."""

    def __init__(self, settings: OpenApiSettings) -> None:
        self._words = (TEST_TEXT, *settings.risky_words)
        self._images = settings.images

    def handlers(self) -> dict[str, Callable[[Call], Answer]]:
        """Return the APIs of this module by name."""
        return {
            "security.msgSecCheck": self._text,
            "security.imgSecCheck": self._picture,
            "security.mediaCheckAsync": self._later,
            "riskControl.getUserRiskRank": _risk_rank,
            "security.getUserRiskRank": _risk_rank,
        }

    def _text(self, call: Call) -> Answer:
        content = text_of(call, "content")
        if not content:
            return refused(44002, "content is empty")
        second = call.data.get("version") in (2, "2")
        if len(content) > (TEXT_2_LENGTH_MAX if second else TEXT_LENGTH_MAX):
            return refused(45002, "content size out of limit")
        found = [word for word in self._words if word in content]
        if not second:
            return refused(RISKY, "risky content") if found else done()
        if not text_of(call, "openid"):
            return refused(40003, "invalid openid")
        if call.data.get("scene") not in (1, 2, 3, 4):
            return refused(40097, "invalid args: scene must be 1, 2, 3 or 4")
        verdict: Verdict = "risky" if found else "pass"
        label = _LABELS[verdict]
        detail = {"strategy": "content_model", "errcode": 0, "suggest": verdict, "label": label}
        return done(
            trace_id=call.request_id,
            result={"suggest": verdict, "label": label},
            detail=[{**detail, "prob": 90}],
        )

    def _picture(self, call: Call) -> Answer:
        media = call.data.get("media")
        if not isinstance(media, Media):
            return refused(41005, "media data missing")
        if len(media.content) > PICTURE_SIZE_MAX_BYTES:
            return refused(40006, "invalid media size")
        return refused(RISKY, "risky content") if self._images == "risky" else done()

    def _later(self, call: Call) -> Answer:
        if not text_of(call, "media_url"):
            return refused(40097, "invalid args: media_url is missing")
        if call.data.get("version") in (2, "2"):
            if not text_of(call, "openid"):
                return refused(40003, "invalid openid")
            if call.data.get("scene") not in (1, 2, 3, 4):
                return refused(40097, "invalid args: scene must be 1, 2, 3 or 4")
        return done(trace_id=call.request_id)


def _risk_rank(call: Call) -> Answer:
    """Return that nobody is a risk; `unoin_id` is how WeChat spells it."""
    if not text_of(call, "openid"):
        return refused(40003, "invalid openid")
    return done(risk_rank=0, unoin_id=0)
