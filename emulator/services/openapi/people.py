"""Owns what WeChat knows of users: phone numbers, open data behind a CloudID.

Not here: the sessions of login codes (`services.openapi.sessions`). The one idea: there is one test
user, whose data the project may write down.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from emulator.core.values import Value
from emulator.services.openapi.calls import Answer, Call, done, refused, text_of
from emulator.services.openapi.settings import OpenApiSettings

CLOUD_IDS_MAX: Final = 1_000


class People:
    """The test user of one project."""

    def __init__(self, settings: OpenApiSettings, *, appid: str, now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._appid = appid
        self._now_ms = now_ms

    def handlers(self) -> dict[str, Callable[[Call], Answer]]:
        """Return the APIs of this module by name."""
        return {
            "phonenumber.getPhoneNumber": self._phone_number,
            "auth.getPaidUnionId": _paid_unionid,
        }

    def open_data(self, cloud_ids: Sequence[str]) -> list[tuple[str, Value]]:
        """Return each CloudID with what it stands for, in order."""
        data = dict(self._settings.open_data) or self._phone()
        shown = {"watermark": self._watermark(), **data}
        return [
            (cloud_id, {"cloudID": cloud_id, "data": shown})
            for cloud_id in cloud_ids[:CLOUD_IDS_MAX]
        ]

    def _phone_number(self, call: Call) -> Answer:
        if not text_of(call, "code"):
            return refused(40029, "invalid code")
        return done(phone_info={**self._phone(), "watermark": self._watermark()})

    def _phone(self) -> dict[str, Value]:
        number = self._settings.phone_number
        return {"phoneNumber": number, "purePhoneNumber": number, "countryCode": "86"}

    def _watermark(self) -> dict[str, Value]:
        return {"timestamp": self._now_ms() // 1000, "appid": self._appid}


def _paid_unionid(call: Call) -> Answer:
    openid = text_of(call, "openid") or call.openid
    return done(unionid=f"u{_digest(openid)[:27]}") if openid else refused(40003, "invalid openid")


def signature(*parts: str) -> str:
    """Return the text that stands for a signature by WeChat over these parts."""
    return _digest("\n".join(parts))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
