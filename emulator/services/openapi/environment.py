"""Owns `cloudbase.*`, the open APIs on the environment itself: calls for later, texts, open data.

Not here: waiting (`services.delayed`) and what a CloudID stands for (`services.openapi.people`).
Facts: WeChat's pages on cloudbase.addDelayedFunctionTask, sendSms, getOpenData and getVoIPSign.
"""

from collections.abc import Callable
from typing import Any, Final

import orjson

from emulator.core.errors import EmulatorError
from emulator.core.values import Value
from emulator.services.openapi.calls import Answer, Call, done, refused, text_of
from emulator.services.openapi.people import People, signature

INVALID_PARAM: Final = -501007
"""The number of the cloud's INVALID_PARAM, as the SDKs have it."""
PHONE_NUMBERS_MAX: Final = 1_000
SMS_LENGTH_MAX: Final = 30

OrderCall = Callable[[str, Value, int], object]
"""Call a function with an event after so many seconds; raises InvalidParam."""


class Environment:
    """The environment of one suite, as its own functions may ask WeChat about it."""

    def __init__(self, people: People, order: OrderCall) -> None:
        self._people = people
        self._order = order

    def handlers(self) -> dict[str, Callable[[Call], Answer]]:
        """Return the APIs of this module by name."""
        return {
            "cloudbase.addDelayedFunctionTask": self._call_later,
            "cloudbase.sendSms": self._text_message,
            "cloudbase.sendSmsV2": self._text_message,
            "cloudbase.getOpenData": self._open_data,
            "cloudbase.getVoIPSign": self._voice_signature,
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
        if len(text_of(call, "content")) > SMS_LENGTH_MAX:
            return refused(INVALID_PARAM, f"content is longer than {SMS_LENGTH_MAX} characters")
        return done(send_status_list=[_status(call, each) for each in numbers])

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

    def _voice_signature(self, call: Call) -> Answer:
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
