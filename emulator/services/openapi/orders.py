"""Owns what an order of WeChat Pay is, and the bill of a day's orders.

Not here: what is done with orders (`services.openapi.payment`). Facts: WeChat Pay's pages on
downloading bills (version 2): columns, a backtick before each value, totals at the end.
"""

import gzip
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Literal

from emulator.core.records import dataclass
from emulator.core.values import Value

State = Literal["NOTPAY", "SUCCESS", "REFUND", "CLOSED", "PAYERROR", "REVOKED"]

STATES_IN_WORDS: Final[Mapping[State, str]] = {
    "NOTPAY": "订单未支付",
    "SUCCESS": "支付成功",
    "REFUND": "订单发生过退款,退款详情请查询退款单",
    "CLOSED": "订单已关闭",
    "PAYERROR": "支付失败",
    "REVOKED": "订单已撤销",
}
MERCHANT: Final = "1800008281"
PROVIDER: Final = "wxd2d16a504f24665e"
"""The merchant and the app of the service provider, whose sub-merchants cloud projects are."""
OUT_TRADE_NO_LENGTH_MAX: Final = 32
BODY_LENGTH_MAX: Final = 128
ATTACH_LENGTH_MAX: Final = 127
_TRADE_NO: Final = re.compile(r"[\w\-|*@]+", re.ASCII)
_CHINA: Final = timezone(timedelta(hours=8))
_COLUMNS: Final = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
_TOTALS: Final = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """One refund of an order, by its own number; `fee` as the order's."""

    number: str
    id: str
    fee: int
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order; fees are in the smallest unit of its currency."""

    out_trade_no: str
    transaction_id: str
    total_fee: int
    body: str
    openid: str
    sub_mch_id: str
    function: str
    trade_type: str = "JSAPI"
    attach: str = ""
    state: State = "NOTPAY"
    paid_ms: int = 0
    refunds: tuple[Refund, ...] = ()

    @property
    def refunded(self) -> int:
        """Return how much of it was paid back."""
        return sum(each.fee for each in self.refunds)

    def is_repeated_by(self, other: "Order") -> bool:
        """Tell whether another order says the same, as WeChat Pay wants it of a repetition."""
        return _said(self) == _said(other)

    def refund(self, number: str) -> Refund | None:
        """Return a refund by its number."""
        return next((each for each in self.refunds if each.number == number), None)


def _said(order: Order) -> tuple[object, ...]:
    return order.total_fee, order.body, order.attach, order.trade_type, order.openid


def fault_of(number: str, *, body: str, attach: str) -> str:
    """Return what WeChat Pay would not take of an order's texts, empty when all is well."""
    if len(number) > OUT_TRADE_NO_LENGTH_MAX:
        return f"out_trade_no 超过 {OUT_TRADE_NO_LENGTH_MAX} 个字符"
    if not _TRADE_NO.fullmatch(number):
        return "out_trade_no 只能是数字、大小写字母或 _-|*@"
    if len(body) > BODY_LENGTH_MAX:
        return f"body 超过 {BODY_LENGTH_MAX} 个字符"
    if len(attach) > ATTACH_LENGTH_MAX:
        return f"attach 超过 {ATTACH_LENGTH_MAX} 个字符"
    return ""


def links_to(trade_type: str, prepay: str) -> dict[str, str]:
    """Return what leads a person to the payment where no mini program does."""
    if trade_type == "NATIVE":
        return {"code_url": f"weixin://wxpay/bizpayurl?pr={prepay[-9:]}"}
    if trade_type == "MWEB":
        page = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb"
        return {"mweb_url": f"{page}?prepay_id={prepay}&package={prepay[-9:]}"}
    return {}


def refund_fields(order: Order) -> dict[str, Value]:
    """Return an order's refunds as WeChat Pay tells them: numbered, in one object."""
    fields: dict[str, Value] = {
        "transaction_id": order.transaction_id,
        "out_trade_no": order.out_trade_no,
        "total_fee": order.total_fee,
        "fee_type": "CNY",
        "cash_fee": order.total_fee,
        "refund_count": len(order.refunds),
    }
    for index, each in enumerate(order.refunds):
        fields |= {
            f"out_refund_no_{index}": each.number,
            f"refund_id_{index}": each.id,
            f"refund_channel_{index}": "ORIGINAL",
            f"refund_fee_{index}": each.fee,
            f"refund_status_{index}": "SUCCESS",
            f"refund_account_{index}": "REFUND_SOURCE_UNSETTLED_FUNDS",
            f"refund_recv_accout_{index}": "支付用户零钱",  # WeChat Pay's own spelling
            f"refund_success_time_{index}": china_time("%Y-%m-%d %H:%M:%S", each.at_ms),
        }
    return fields


def china_time(form: str, moment_ms: int) -> str:
    """Return a moment as the clocks in China show it."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment_ms)
    return moment.astimezone(_CHINA).strftime(form)


def bill_of(orders: Iterable[Order], day: str, kind: str, appid: str) -> str:
    """Return the bill of a day (`20260131`): paid, paid back or both; empty for none."""
    rows: list[Sequence[str]] = []
    paid = back = 0
    for order in orders:
        if kind != "REFUND" and order.paid_ms and china_time("%Y%m%d", order.paid_ms) == day:
            rows.append(_row(order, None, appid))
            paid += order.total_fee
        for refund in order.refunds:
            if kind != "SUCCESS" and china_time("%Y%m%d", refund.at_ms) == day:
                rows.append(_row(order, refund, appid))
                back += refund.fee
    if not rows:
        return ""
    totals = (str(len(rows)), _yuan(paid), _yuan(back), "0.00", "0.00000", _yuan(paid), _yuan(back))
    lines = [_COLUMNS, *map(_line, rows), _TOTALS, _line(totals)]
    return "\ufeff" + "\r\n".join(lines) + "\r\n"


def zipped(text: str) -> bytes:
    """Return a bill as `tar_type: GZIP` has it; the same text gives the same bytes."""
    return gzip.compress(text.encode(), mtime=0)


def _row(order: Order, refund: Refund | None, appid: str) -> Sequence[str]:
    back = refund is not None
    at_ms = order.paid_ms if refund is None else refund.at_ms
    fee = _yuan(0 if refund is None else refund.fee)
    return (
        *(china_time("%Y-%m-%d %H:%M:%S", at_ms), appid, MERCHANT, order.sub_mch_id or "0", ""),
        *(order.transaction_id, order.out_trade_no, order.openid, order.trade_type),
        *("REFUND" if back else "SUCCESS", "OTHERS", "CNY"),
        *(_yuan(0 if back else order.total_fee), "0.00"),
        *("0" if refund is None else refund.id, "0" if refund is None else refund.number),
        *(fee, "0.00", "ORIGINAL" if back else "", "SUCCESS" if back else ""),
        *(order.body.replace(",", " "), "", "0.00000", "0.60%"),
        *(_yuan(0 if back else order.total_fee), fee, ""),
    )


def _line(values: Sequence[str]) -> str:
    return ",".join(f"`{' '.join(each.split())}" for each in values)


def _yuan(fee: int) -> str:
    return f"{fee // 100}.{fee % 100:02d}"
