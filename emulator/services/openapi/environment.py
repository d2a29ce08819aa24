"""Owns `cloudbase.*`, the open APIs on the environment itself: calls for later, texts, open data.

Not here: waiting (`services.delayed`) and what a CloudID stands for (`services.openapi.people`).
Marketing by text messages, which sends files of numbers, is an addition that nobody has bought
here: it is answered so. Facts: WeChat's pages on cloudbase.addDelayedFunctionTask, sendSms,
describeSmsRecords, createSendSmsTask, getStatistics, getOpenData and getVoIPSign.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from emulator.core.errors import EmulatorError
from emulator.core.values import Value
from emulator.services.openapi.calls import Answer, Call, done, refused, text_of
from emulator.services.openapi.orders import china_time
from emulator.services.openapi.people import People, signature

INVALID_PARAM: Final = -501007
"""The number of the cloud's INVALID_PARAM, as the SDKs have it."""
PHONE_NUMBERS_MAX: Final = 1_000
SMS_LENGTH_MAX: Final = 30
SMS_KEPT_MAX: Final = 2_000
PAGE_SIZE_DEFAULT: Final = 20
PAGE_SIZE_MAX: Final = 100
NO_WEBSITE: Final = -601028
NO_DATA: Final = 10011

OrderCall = Callable[[str, Value, int], object]
"""Call a function with an event after so many seconds; raises InvalidParam."""


class Environment:
    """The environment of one suite, as its own functions may ask WeChat about it."""

    def __init__(self, people: People, order: OrderCall, now_ms: Callable[[], int]) -> None:
        self._people = people
        self._order = order
        self._now_ms = now_ms
        self._texts: deque[dict[str, Value]] = deque(maxlen=SMS_KEPT_MAX)

    def handlers(self) -> dict[str, Callable[[Call], Answer]]:
        """Return the APIs of this module by name."""
        return {
            "cloudbase.addDelayedFunctionTask": self._call_later,
            "cloudbase.sendSms": self._text_message,
            "cloudbase.sendSmsV2": self._text_message,
            "cloudbase.describeSmsRecords": self._texts_sent,
            "cloudbase.createSendSmsTask": _no_website,
            "cloudbase.describeExtensionUploadInfo": _no_uploads,
            "cloudbase.getStatistics": lambda _: refused(NO_DATA, "no data"),
            "cloudbase.report": lambda _: done(),
            "cloudbase.getOpenData": self._open_data,
            "cloudbase.getVoIPSign": self.voice_signature,
        }

    def _call_later(self, call: Call) -> Answer:
        name, delay_s = text_of(call, "function_name"), call.data.get("delay_time")
        if not name:
            return refused(40101, "missing parameter: function_name")
        if type(delay_s) is not int:
            return refused(40101, "missing parameter: delay_time, a whole number of seconds")
        try:
            event = _event(call.data.get("data"))
        except ValueError as fault:
            return refused(47001, f"data format error: data must be JSON text: {fault}")
        try:
            self._order(name, event, delay_s)
        except EmulatorError as fault:
            return refused(INVALID_PARAM, fault.message)
        return done()

    def _text_message(self, call: Call) -> Answer:
        """Send nothing: a text is only checked and kept in the outbox."""
        numbers = call.data.get("phone_number_list") or call.data.get("phone_number")
        numbers = [numbers] if isinstance(numbers, str) else numbers
        if not isinstance(numbers, list) or not numbers:
            return refused(40101, "missing parameter: phone_number_list")
        if len(numbers) > PHONE_NUMBERS_MAX:
            return refused(
                INVALID_PARAM,
                f"{len(numbers)} phone numbers; {PHONE_NUMBERS_MAX} are allowed",
            )
        content = text_of(call, "content")
        if len(content) > SMS_LENGTH_MAX:
            return refused(INVALID_PARAM, f"content is longer than {SMS_LENGTH_MAX} characters")
        told = [_status(call, each) for each in numbers]
        at = china_time("%Y-%m-%d %H:%M:%S", self._now_ms())
        self._texts += [_record(each, content, at) for each in told]
        return done(send_status_list=told)

    def _texts_sent(self, call: Call) -> Answer:
        """Answer the texts of some days, newest first; the request may stand in `PostData`."""
        held = _asked(call.data, "PostData")
        asked = held if isinstance(held, Mapping) else call.data
        first, last = _asked(asked, "StartDate"), _asked(asked, "EndDate")
        if not (isinstance(first, str) and isinstance(last, str)):
            return refused(INVALID_PARAM, "StartDate and EndDate are wanted, such as 2021-01-07")
        number = _asked(asked, "Mobile")
        found = [
            text
            for text in reversed(self._texts)
            if first <= str(text["CreateTime"])[: len("2021-01-07")] <= last
            and number in (None, "", text["Mobile"])
        ]
        size = min(_whole(_asked(asked, "PageSize"), PAGE_SIZE_DEFAULT), PAGE_SIZE_MAX)
        start = (_whole(_asked(asked, "PageNumber"), 1) - 1) * size
        shown: list[Value] = [*found[start : start + size]]
        return done(SmsRecords=shown, TotalCount=len(found), RequestId=call.request_id)

    def clear(self) -> None:
        """Forget the texts that were sent."""
        self._texts.clear()

    def _open_data(self, call: Call) -> Answer:
        wanted = call.data.get("cloudid_list")
        if not isinstance(wanted, list):
            return refused(40101, "missing parameter: cloudid_list")
        found = self._people.open_data([each for each in wanted if isinstance(each, str)])
        # The page shows an object here; what comes is its text, which programs parse once more.
        return done(
            data_list=[
                {"cloud_id": cloud_id, "json": orjson.dumps(value).decode()}
                for cloud_id, value in found
            ]
        )

    def voice_signature(self, call: Call) -> Answer:
        """Return what stands for the signature of a group of voices."""
        parts = (str(call.data.get(name)) for name in ("group_id", "timestamp", "nonce"))
        return done(signature=signature(*parts))


def _event(data: Any) -> Value:
    """Return the event of the data of an order, which is JSON text; `{}` without.

    Raises:
        ValueError: it is no JSON text.
    """
    if data is None or data == "":
        return {}
    if not isinstance(data, str):
        raise ValueError("it is no text")  # noqa: TRY004  # one fault for the caller
    event: Value = orjson.loads(data)
    return event


def _status(call: Call, number: Any) -> dict[str, Value]:
    """Return what became of one number: those of the mainland, with +86, are sent to."""
    sent = isinstance(number, str) and number.startswith("+86")
    return {
        "serial_no": signature(call.request_id, str(number))[:16] if sent else "",
        "phone_number": str(number),
        "code": "Ok" if sent else "FailedOperation.PhoneNumberInvalid",
        "message": "send success" if sent else "the number must begin with +86",
        "iso_code": "CN",
    }


def _record(status: Mapping[str, Value], content: str, at: str) -> dict[str, Value]:
    """Return a text as WeChat lists it; one that could not be sent costs nothing."""
    sent = status["code"] == "Ok"
    return {
        "Mobile": status["phone_number"],
        "Content": content,
        "ContentSize": len(content),
        "Fee": 1 if sent else 0,
        "CreateTime": at,
        "ReceivedTime": at if sent else "",
        "Status": "sent" if sent else "error",
        "Remarks": status["message"],
    }


def _asked(fields: Mapping[str, Value], name: str) -> Value:
    """Return a field that the SDK may have renamed: `StartDate` is `start_date` of `startDate`."""
    spelled = "".join(f"_{each.lower()}" if each.isupper() else each for each in name)
    return next((fields[key] for key in (name, spelled, spelled[1:]) if key in fields), None)


def _whole(value: Value, otherwise: int) -> int:
    return value if type(value) is int and value > 0 else otherwise


def _no_website(call: Call) -> Answer:
    del call
    return refused(NO_WEBSITE, "the environment has no website to send people to: it is not bought")


def _no_uploads(call: Call) -> Answer:
    del call
    return refused(INVALID_PARAM, "files of extensions are not taken: none is installed")
