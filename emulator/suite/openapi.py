"""Owns building the open APIs of a suite: the outbox, the payments, and the service over both.

Not here: what they answer (`services.openapi`).
"""

from dataclasses import replace

import orjson

from emulator.ambient import Clock, Ids
from emulator.core.errors import EmulatorError
from emulator.core.openapi import OpenApiAnswer
from emulator.core.values import Value
from emulator.services.access import Access
from emulator.services.caller import Caller
from emulator.services.delayed import Delayed
from emulator.services.functions import Functions
from emulator.services.openapi.outbox import Outbox
from emulator.services.openapi.payment import Payments
from emulator.services.openapi.service import OpenApi
from emulator.services.openapi.settings import OpenApiSettings
from emulator.services.recorder import Recorder
from emulator.services.wechat_users import WechatUsers

_WECHAT_PAY = Caller(kind="administrator", source="wx_paycallback")
_WECHAT_SERVER = Caller(kind="administrator", source="wx_http")


def build_openapi(  # noqa: PLR0913  # what it is built of, each once
    settings: OpenApiSettings,
    functions: Functions,
    recorder: Recorder,
    access: Access,
    delayed: Delayed,
    *,
    appid: str,
    users: WechatUsers,
    clock: Clock,
    ids: Ids,
) -> OpenApi:
    """Return the open APIs; a payment calls the function that its order names."""
    outbox = Outbox(clock)

    async def notify(name: str, event: dict[str, Value]) -> bool:
        told: dict[str, Value] = {"function": name, "event": dict(event)}
        is_taken = False
        try:
            # The platform calls it as the user who paid.
            payer = replace(_WECHAT_PAY, openid=str(event.get("sub_openid", "")))
            invoked = await functions.invoke(name, event, payer)
            failure = invoked.outcome.failure
            answer = invoked.outcome.result.decode() if failure is None else failure.message
            is_taken = failure is None and _is_taken(invoked.outcome.result)
        except EmulatorError as fault:
            answer = fault.message
        heard: dict[str, Value] = {"answer": answer, "taken": is_taken}
        outbox.record("cloudPay.notify", told, OpenApiAnswer(data=heard))
        return is_taken

    payments = Payments(
        appid=appid, clock=clock, ids=ids, auto_pay=settings.auto_pay, notify=notify
    )
    return OpenApi(
        settings,
        appid=appid,
        users=users,
        clock=clock,
        outbox=outbox,
        payments=payments,
        permissions=functions.permissions_of,
        openid_of=functions.openid_of,
        log=lambda line, request_id: recorder.log("warn", line, request_id=request_id),
        order=lambda name, event, delay_s: delayed.order(name, event, delay_s, _WECHAT_SERVER),
        grant_files=access.permissions.file_grants.add,
    )


def _is_taken(result: bytes) -> bool:
    """Tell whether a function answered a notification as WeChat Pay wants it: `{errcode: 0}`."""
    told = orjson.loads(result)
    return type(told) is dict and told.get("errcode") == 0
