"""Owns `cloudPay`: orders, refunds, and telling the function that an order names.

Not here: how it travels (`wire.openapi`). The one idea: an order is a small state machine kept in
memory; with `auto_pay` it is paid a moment after it is made, else when the control API says so, and
paying calls the function as the platform does. Answers have the keys of WeChat Pay's own interface.
Facts: WeChat's pages on CloudPay.unifiedOrder, refund, queryOrder and the payment notification.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from emulator.ambient import Clock, Ids
from emulator.core.errors import InvalidParam
from emulator.core.values import Value
from emulator.services.openapi.calls import Answer, Call, OpenApiNotFound, text_of
from emulator.services.openapi.notices import Notices, Notify
from emulator.services.openapi.orders import (
    MERCHANT,
    PROVIDER,
    STATES_IN_WORDS,
    Order,
    Refund,
    State,
    bill_of,
    china_time,
    fault_of,
    links_to,
    refund_fields,
    zipped,
)
from emulator.services.openapi.people import signature

ORDERS_MAX: Final = 10_000
PAYING_TAKES_MS: Final = 500
BILL_TYPE: Final = "text/plain; charset=utf-8"
_BILL_TYPES: Final = ("ALL", "SUCCESS", "REFUND")
_AUTH_CODE: Final = re.compile(r"1[0-5]\d{16}", re.ASCII)
_DAY: Final = re.compile(r"\d{8}", re.ASCII)
_TRADE_TYPES: Final = ("JSAPI", "NATIVE", "APP", "MWEB")


class Payments:
    """The orders of one suite; the oldest are forgotten beyond `ORDERS_MAX`."""

    def __init__(
        self, *, appid: str, clock: Clock, ids: Ids, auto_pay: bool, notify: Notify
    ) -> None:
        self._appid = appid
        self._clock = clock
        self._ids = ids
        self._auto_pay = auto_pay
        self._notices = Notices(notify, clock)
        self._orders: OrderedDict[str, Order] = OrderedDict()
        self._paying: set[asyncio.Task[None]] = set()
        self._table: Mapping[str, Callable[[Call], Awaitable[Answer]]] = {
            "unifiedOrder": self._unified_order,
            "microPay": self._micro_pay,
            "micropay": self._micro_pay,
            "reverse": self._reverse,
            "downloadBill": self._bill,
            "queryOrder": self._query_order,
            "closeOrder": self._close_order,
            "refund": self._refund,
            "queryRefund": self._query_refund,
        }

    async def call(self, call: Call) -> Answer:
        """Answer one method of `cloudPay`.

        Raises:
            OpenApiNotFound: this version has no such method.
        """
        run = self._table.get(call.api)
        if run is None:
            known = ", ".join(self._table)
            raise OpenApiNotFound(f"cloudPay.{call.api:.60} is not emulated; there is {known}")
        return await run(call)

    async def settle(self, out_trade_no: str, *, succeeds: bool) -> Order:
        """Pay an open order, or let the payment fail, and tell its function.

        Raises:
            InvalidParam: there is no such order, or it is not open.
        """
        order = self._orders.get(out_trade_no)
        if order is None or order.state != "NOTPAY":
            what = "no order" if order is None else f"the order is {order.state}:"
            raise InvalidParam(f"{what} {out_trade_no:.40}")
        state: State = "SUCCESS" if succeeds else "PAYERROR"
        order = self._keep(replace(order, state=state, paid_ms=self._clock.now_ms()))
        if order.function:
            await self._notices.tell(order.function, self._paid_event(order))
        return order

    def running(self) -> list[str]:
        """Return the orders that are being paid."""
        return [f"{len(self._paying)} payments"] if self._paying else []

    def clear(self) -> None:
        """Forget every order."""
        self._orders.clear()
        self._notices.clear()

    async def close(self) -> None:
        """Pay no more."""
        await self._notices.close()
        paying = list(self._paying)
        for task in paying:
            task.cancel()
        await asyncio.gather(*paying, return_exceptions=True)

    async def _unified_order(self, call: Call) -> Answer:
        trade_type = text_of(call, "trade_type") or "JSAPI"
        if trade_type not in _TRADE_TYPES:
            return _faulty("trade_type 参数错误")
        order = self._ordered(call, trade_type)
        if isinstance(order, Answer):
            return order
        self._keep(order)
        answer = self._prepared(trade_type)
        if self._auto_pay:
            moment_ms = self._clock.now_ms() + PAYING_TAKES_MS
            paying = asyncio.get_running_loop().create_task(
                self._pay(order.out_trade_no, moment_ms)
            )
            self._paying.add(paying)
            paying.add_done_callback(self._paying.discard)
        return answer

    async def _micro_pay(self, call: Call) -> Answer:
        """Take a payment by the code that a person shows, at once."""
        code = text_of(call, "auth_code")
        if not code:
            return _faulty("缺少参数 auth_code")
        order = self._ordered(call, "MICROPAY")
        if isinstance(order, Answer):
            return order
        if not _AUTH_CODE.fullmatch(code):
            return self._failed("AUTH_CODE_INVALID", "请扫描微信支付被扫条码/二维码")
        order = replace(order, state="SUCCESS", paid_ms=self._clock.now_ms())
        return self._well(**self._paid_fields(self._keep(order)))

    async def _reverse(self, call: Call) -> Answer:
        """Take back an order that was made with `microPay`."""
        order = self._named(call)
        if order is None or order.trade_type != "MICROPAY":
            return self._failed("ORDERNOTEXIST", "订单不存在")
        if order.state == "SUCCESS":
            self._keep(replace(order, state="REVOKED"))
        return self._well(recall="N")

    async def _bill(self, call: Call) -> Answer:
        """Answer the text of a day's bill, which is no JSON."""
        day, kind = text_of(call, "bill_date"), text_of(call, "bill_type") or "ALL"
        if not _DAY.fullmatch(day) or kind not in _BILL_TYPES:
            return _faulty("bill_date 或 bill_type 参数错误", error_code="20001")
        text = bill_of(self._orders.values(), day, kind, self._appid)
        if not text:
            return _faulty("No Bill Exist", error_code="20002")
        packed = text_of(call, "tar_type") == "GZIP"
        return Answer(content=zipped(text) if packed else text.encode(), content_type=BILL_TYPE)

    def _ordered(self, call: Call, trade_type: str) -> Order | Answer:
        """Return the order that a call describes, or why there can be none."""
        number, fee = text_of(call, "out_trade_no"), _fee(call.data.get("total_fee"))
        missing = _missing(call, "body", "out_trade_no", "spbill_create_ip")
        if missing:
            return _faulty(f"缺少参数 {missing}")
        if fee is None or fee <= 0:
            return _faulty("total_fee 必须是大于 0 的整数")
        fault = fault_of(number, body=text_of(call, "body"), attach=text_of(call, "attach"))
        if fault:
            return _faulty(fault)
        known = self._orders.get(number)
        if known is not None and known.state in ("SUCCESS", "REFUND"):
            return self._failed("ORDERPAID", "该订单已支付")
        if known is not None and known.state in ("CLOSED", "REVOKED"):
            return self._failed("ORDERCLOSED", "该订单已关闭")
        order = Order(
            out_trade_no=number,
            transaction_id=f"42{int(self._ids.document_id()[:20], 16):026d}"[:28],
            total_fee=fee,
            body=text_of(call, "body"),
            openid=text_of(call, "openid") or text_of(call, "sub_openid") or call.openid,
            sub_mch_id=text_of(call, "sub_mch_id"),
            function=text_of(call, "function_name"),
            trade_type=trade_type,
            attach=text_of(call, "attach"),
        )
        if known is None:
            return order
        if not known.is_repeated_by(order):
            return self._failed("INVALID_REQUEST", "201 商户订单号重复")
        return replace(order, transaction_id=known.transaction_id)

    async def _pay(self, number: str, moment_ms: int) -> None:
        """Pay as a user would: after whoever made the order had time to write it down."""
        await self._clock.sleep_until(moment_ms)
        with suppress(InvalidParam):  # it was paid or closed meanwhile
            await self.settle(number, succeeds=True)

    def _prepared(self, trade_type: str) -> Answer:
        prepay = f"wx{self._ids.document_id()}"
        seconds = str(self._clock.now_ms() // 1000)
        nonce, package = self._ids.document_id(), f"prepay_id={prepay}"
        payment = {
            "appId": self._appid,
            "timeStamp": seconds,
            "nonceStr": nonce,
            "package": package,
            "signType": "MD5",
            "paySign": signature(self._appid, seconds, nonce, package)[:32].upper(),
        }
        # `payment` is what the mini program hands to wx.requestPayment; its keys are camelCase.
        told = {**links_to(trade_type, prepay), "payment": payment}
        return self._well(trade_type=trade_type, prepay_id=prepay, **told)

    async def _query_order(self, call: Call) -> Answer:
        order = self._named(call)
        if order is None:
            return self._failed("ORDERNOTEXIST", "此交易订单号不存在")
        paid = {} if order.state == "NOTPAY" else self._paid_fields(order)
        return self._well(
            trade_state=order.state,
            trade_state_desc=STATES_IN_WORDS[order.state],
            **{"out_trade_no": order.out_trade_no, **paid},
        )

    async def _close_order(self, call: Call) -> Answer:
        order = self._named(call)
        if order is None:
            return self._failed("ORDERNOTEXIST", "订单不存在")
        if order.state in ("SUCCESS", "REFUND"):
            return self._failed("ORDERPAID", "订单已支付，不能发起关单")
        self._keep(replace(order, state="CLOSED"))
        return self._well()

    async def _refund(self, call: Call) -> Answer:
        order, fee = self._named(call), _fee(call.data.get("refund_fee"))
        number = text_of(call, "out_refund_no")
        if order is None:
            return self._failed("ORDERNOTEXIST", "订单不存在")
        if not number or fee is None or fee <= 0:
            return _faulty("缺少参数 out_refund_no 或 refund_fee")
        if order.state not in ("SUCCESS", "REFUND"):
            return self._failed("TRADE_OVERDUE", "订单未支付，不能退款")
        refund = order.refund(number)
        total = _fee(call.data.get("total_fee"))
        if total not in (None, order.total_fee) or (refund is not None and refund.fee != fee):
            return self._failed(
                "REFUND_FEE_MISMATCH", "订单金额或退款金额与之前请求不一致，请核实后再试"
            )
        if refund is None:
            if order.refunded == order.total_fee:
                return self._failed("ERROR", "订单已全额退款")
            if order.refunded + fee > order.total_fee:
                return self._failed("INVALID_REQUEST", "refund_fee大于可退金额")
            refund_id = "50" + signature(order.transaction_id, number)[:26]
            refund = Refund(number=number, id=refund_id, fee=fee, at_ms=self._clock.now_ms())
            order = self._keep(replace(order, state="REFUND", refunds=(*order.refunds, refund)))
            if text_of(call, "function_name"):
                event = self._refunded_event(order, refund)
                await self._notices.tell(text_of(call, "function_name"), event)
        return self._well(
            transaction_id=order.transaction_id,
            out_trade_no=order.out_trade_no,
            out_refund_no=number,
            refund_id=refund.id,
            refund_fee=refund.fee,
            total_fee=order.total_fee,
            cash_fee=order.total_fee,
        )

    async def _query_refund(self, call: Call) -> Answer:
        number = text_of(call, "out_refund_no")
        order = self._named(call) or next(
            (each for each in self._orders.values() if each.refund(number)), None
        )
        if order is None or not order.refunds:
            return self._failed("REFUNDNOTEXIST", "退款订单查询失败")
        return self._well(**refund_fields(order))

    def _paid_event(self, order: Order) -> dict[str, Value]:
        result = "SUCCESS" if order.state == "SUCCESS" else "FAIL"
        fields = {**self._common(), **self._paid_fields(order), "result_code": result}
        return _both_spellings(fields)

    def _refunded_event(self, order: Order, refund: Refund) -> dict[str, Value]:
        fields = {
            **self._common(),
            "sub_mch_id": order.sub_mch_id,
            "transaction_id": order.transaction_id,
            "out_trade_no": order.out_trade_no,
            "refund_id": refund.id,
            "out_refund_no": refund.number,
            "total_fee": order.total_fee,
            "refund_fee": refund.fee,
            "settlement_refund_fee": refund.fee,
            "refund_status": "SUCCESS",
            "success_time": china_time("%Y-%m-%d %H:%M:%S", refund.at_ms),
        }
        return _both_spellings(fields)

    def _paid_fields(self, order: Order) -> dict[str, Value]:
        return {
            "openid": _provider_openid(order.openid),
            "sub_openid": order.openid,
            "is_subscribe": "N",
            "sub_is_subscribe": "N",
            "sub_mch_id": order.sub_mch_id,
            **({"attach": order.attach} if order.attach else {}),
            "trade_type": order.trade_type,
            "bank_type": "OTHERS",
            "total_fee": order.total_fee,
            "cash_fee": order.total_fee,
            "fee_type": "CNY",
            "transaction_id": order.transaction_id,
            "out_trade_no": order.out_trade_no,
            "time_end": china_time("%Y%m%d%H%M%S", order.paid_ms),
        }

    def _common(self) -> dict[str, Value]:
        nonce = self._ids.document_id()
        return {
            "return_code": "SUCCESS",
            "return_msg": "OK",
            "appid": PROVIDER,
            "mch_id": MERCHANT,
            "sub_appid": self._appid,
            "nonce_str": nonce,
            "sign": signature(self._appid, nonce)[:32].upper(),
        }

    def _well(self, **fields: Value) -> Answer:
        told = {"result_code": "SUCCESS", **fields, "errcode": 0, "errmsg": "ok"}
        return Answer(data={**self._common(), **told})

    def _failed(self, code: str, why: str) -> Answer:
        told = {"result_code": "FAIL", "err_code": code, "err_code_des": why}
        return Answer(data={**self._common(), **told, "errcode": 0, "errmsg": "ok"})

    def _named(self, call: Call) -> Order | None:
        number = text_of(call, "out_trade_no")
        if number:
            return self._orders.get(number)
        wanted = text_of(call, "transaction_id")
        return next((each for each in self._orders.values() if each.transaction_id == wanted), None)

    def _keep(self, order: Order) -> Order:
        self._orders[order.out_trade_no] = order
        while len(self._orders) > ORDERS_MAX:
            self._orders.popitem(last=False)
        return order


def _faulty(why: str, **more: Value) -> Answer:
    """Return the answer to a request that WeChat Pay does not understand."""
    told = {"return_code": "FAIL", "return_msg": why, **more}
    return Answer(data={**told, "errcode": 0, "errmsg": "ok"})


def _provider_openid(openid: str) -> str:
    """Return what a user is called in the service provider's app, which is another one."""
    return f"oPoo4{signature(PROVIDER, openid)[:23]}" if openid else ""


def _missing(call: Call, *names: str) -> str:
    return next((name for name in names if not text_of(call, name)), "")


def _fee(value: Any) -> int | None:
    if type(value) is int:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        return int(value)
    return None


def _both_spellings(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Return the fields in snake_case and in camelCase: code in the field reads either."""
    both = dict(fields)
    for name, value in fields.items():
        first, *others = name.split("_")
        both[first + "".join(word[:1].upper() + word[1:] for word in others)] = value
    return both
