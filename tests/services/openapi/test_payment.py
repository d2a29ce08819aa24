import asyncio
import gzip
from typing import Any

import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.core.errors import InvalidParam
from emulator.services.openapi.calls import Call, OpenApiNotFound
from emulator.services.openapi.notices import AGAIN_AFTER_S
from emulator.services.openapi.orders import china_time
from emulator.services.openapi.payment import ORDERS_MAX, PAYING_TAKES_MS, Payments

ORDER = {
    "body": "goods",
    "out_trade_no": "1",
    "spbill_create_ip": "127.0.0.1",
    "sub_mch_id": "19",
    "total_fee": 100,
    "function_name": "paid",
}


class Desk:
    """Payments, and what the functions they name were told."""

    def __init__(self, *, auto_pay: bool = False) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.takes_note = True
        self.clock = ManualClock()
        self.payments = Payments(
            appid="wx1",
            clock=self.clock,
            ids=CountedIds(),
            auto_pay=auto_pay,
            notify=self._notify,
        )

    async def paid(self) -> None:
        """Let the time pass that paying takes."""
        self.clock.advance(PAYING_TAKES_MS / 1000)
        while self.payments.running():
            await asyncio.sleep(0)

    async def _notify(self, name: str, event: dict[str, Any]) -> bool:
        self.told.append((name, event))
        return self.takes_note

    async def call(self, api: str, **data: Any) -> dict[str, Any]:
        answer = await self.payments.call(Call(api=api, data=data, openid="oUser"))
        return answer.data


async def test_an_order_is_paid_by_hand_and_its_function_is_told_in_both_spellings():
    desk = Desk()
    made = await desk.call("unifiedOrder", **ORDER)
    assert made["payment"]["package"] == f"prepay_id={made['prepay_id']}"
    assert (await desk.call("queryOrder", out_trade_no="1"))["trade_state"] == "NOTPAY"
    assert desk.told == []
    order = await desk.payments.settle("1", succeeds=True)
    ((name, event),) = desk.told
    assert name == "paid"
    assert event["result_code"] == event["resultCode"] == "SUCCESS"
    assert event["out_trade_no"] == event["outTradeNo"] == "1"
    assert event["totalFee"] == 100
    assert event["sub_openid"] == event["subOpenid"] == "oUser"
    assert event["openid"].startswith("oPoo4")
    assert event["openid"] != "oUser"
    assert (event["appid"], event["sub_appid"]) == ("wxd2d16a504f24665e", "wx1")
    found = await desk.call("queryOrder", transaction_id=order.transaction_id)
    assert (found["trade_state"], found["total_fee"]) == ("SUCCESS", 100)
    assert found["trade_state_desc"] == "支付成功"


async def test_an_order_is_paid_a_moment_later_where_the_project_wants_it():
    desk = Desk(auto_pay=True)
    await desk.call("unifiedOrder", **ORDER)
    assert desk.told == []
    assert desk.payments.running() == ["1 payments"]
    await desk.paid()
    assert [name for name, _ in desk.told] == ["paid"]
    again = await desk.call("unifiedOrder", **ORDER)
    assert (again["result_code"], again["err_code"]) == ("FAIL", "ORDERPAID")


async def test_an_order_that_was_closed_is_not_paid_later():
    desk = Desk(auto_pay=True)
    await desk.call("unifiedOrder", **ORDER)
    await desk.call("closeOrder", out_trade_no="1")
    await desk.paid()
    assert desk.told == []


async def test_what_is_being_paid_ends_with_the_suite():
    desk = Desk(auto_pay=True)
    await desk.call("unifiedOrder", **ORDER)
    await desk.payments.close()
    assert desk.payments.running() == []
    assert desk.told == []


async def test_a_payment_may_fail():
    desk = Desk()
    await desk.call("unifiedOrder", **ORDER)
    await desk.payments.settle("1", succeeds=False)
    assert desk.told[0][1]["resultCode"] == "FAIL"
    assert (await desk.call("queryOrder", out_trade_no="1"))["trade_state"] == "PAYERROR"


@pytest.mark.parametrize(
    "change",
    [
        {"body": ""},
        {"out_trade_no": None},
        {"total_fee": 0},
        {"total_fee": 1.5},
        {"total_fee": "many"},
        {"out_trade_no": "x" * 33},
        {"out_trade_no": "中文 1"},
        {"body": "x" * 129},
        {"attach": "x" * 128},
        {"trade_type": "MAGIC"},
    ],
)
async def test_an_order_that_is_not_understood_fails_as_a_whole(change: dict[str, Any]):
    told = await Desk().call("unifiedOrder", **{**ORDER, **change})
    assert told["return_code"] == "FAIL"
    assert told["return_msg"]


async def test_refunds_add_up_to_what_was_paid():
    desk = Desk(auto_pay=True)
    await desk.call("unifiedOrder", **ORDER)
    await desk.paid()
    one = {"out_trade_no": "1", "out_refund_no": "r1", "refund_fee": "60", "total_fee": 100}
    refunded = await desk.call("refund", **one, function_name="refunded")
    assert refunded["refund_fee"] == 60
    assert desk.told[-1][0] == "refunded"
    assert desk.told[-1][1]["refundStatus"] == "SUCCESS"
    assert (await desk.call("refund", **one))["refund_id"] == refunded["refund_id"]
    more = await desk.call("refund", **{**one, "out_refund_no": "r2", "refund_fee": 50})
    assert more["err_code"] == "INVALID_REQUEST"
    for wrong in ({"refund_fee": 59}, {"out_refund_no": "r2", "total_fee": 99}):
        mismatched = await desk.call("refund", **{**one, **wrong})
        assert mismatched["err_code"] == "REFUND_FEE_MISMATCH"
    await desk.call("refund", **{**one, "out_refund_no": "r2", "refund_fee": 40})
    whole = await desk.call("refund", **{**one, "out_refund_no": "r3", "refund_fee": 1})
    assert whole["err_code_des"] == "订单已全额退款"
    found = await desk.call("queryRefund", out_refund_no="r2")
    assert (found["refund_count"], found["refund_fee_1"]) == (2, 40)
    assert found["transaction_id"] == refunded["transaction_id"]
    assert found["refund_success_time_1"].startswith("2023-11-15 ")
    assert (await desk.call("queryOrder", out_trade_no="1"))["trade_state"] == "REFUND"


async def test_only_an_open_order_is_closed():
    desk = Desk()
    await desk.call("unifiedOrder", **ORDER)
    assert (await desk.call("closeOrder", out_trade_no="1"))["result_code"] == "SUCCESS"
    assert (await desk.call("unifiedOrder", **ORDER))["err_code"] == "ORDERCLOSED"
    with pytest.raises(InvalidParam, match="CLOSED"):
        await desk.payments.settle("1", succeeds=True)
    paid = Desk(auto_pay=True)
    await paid.call("unifiedOrder", **ORDER)
    await paid.paid()
    assert (await paid.call("closeOrder", out_trade_no="1"))["err_code"] == "ORDERPAID"


@pytest.mark.parametrize(
    ("api", "code"),
    [
        ("queryOrder", "ORDERNOTEXIST"),
        ("closeOrder", "ORDERNOTEXIST"),
        ("refund", "ORDERNOTEXIST"),
        ("queryRefund", "REFUNDNOTEXIST"),
    ],
)
async def test_an_order_that_is_not_there_is_said_to_be_missing(api: str, code: str):
    assert (await Desk().call(api, out_trade_no="none"))["err_code"] == code


async def test_an_order_that_is_not_paid_is_not_refunded():
    desk = Desk()
    await desk.call("unifiedOrder", **ORDER)
    told = await desk.call("refund", out_trade_no="1", out_refund_no="r", refund_fee=1)
    assert told["result_code"] == "FAIL"
    faulty = await desk.call("refund", out_trade_no="1", refund_fee=1)
    assert faulty["return_code"] == "FAIL"


async def test_an_unknown_method_is_refused():
    with pytest.raises(OpenApiNotFound, match="transfers"):
        await Desk().call("transfers")


async def test_orders_have_a_bound():
    desk = Desk()
    for number in range(ORDERS_MAX + 1):
        await desk.call("unifiedOrder", **{**ORDER, "out_trade_no": str(number)})
    assert (await desk.call("queryOrder", out_trade_no="0"))["err_code"] == "ORDERNOTEXIST"
    desk.payments.clear()
    assert (await desk.call("queryOrder", out_trade_no="5"))["err_code"] == "ORDERNOTEXIST"


async def test_a_code_that_a_person_shows_is_paid_at_once():
    desk = Desk()
    code = {"auth_code": "134567890123456789"}
    paid = await desk.call("microPay", **ORDER, **code)
    assert (paid["result_code"], paid["trade_type"], paid["total_fee"]) == (
        "SUCCESS",
        "MICROPAY",
        100,
    )
    assert (await desk.call("queryOrder", out_trade_no="1"))["trade_state"] == "SUCCESS"
    assert (await desk.call("micropay", **ORDER, **code))["err_code"] == "ORDERPAID"
    assert (await desk.call("reverse", out_trade_no="1"))["recall"] == "N"
    assert (await desk.call("queryOrder", out_trade_no="1"))["trade_state"] == "REVOKED"
    assert (await desk.call("reverse", out_trade_no="2"))["err_code"] == "ORDERNOTEXIST"
    assert desk.told == []


async def test_a_code_that_is_none_is_refused():
    desk = Desk()
    wrong = await desk.call("microPay", **ORDER, auth_code="99")
    assert wrong["err_code"] == "AUTH_CODE_INVALID"
    assert (await desk.call("microPay", **ORDER))["return_msg"] == "缺少参数 auth_code"
    assert (await desk.call("queryOrder", out_trade_no="1"))["err_code"] == "ORDERNOTEXIST"


async def test_a_function_that_takes_no_note_is_told_again_by_the_clock():
    desk = Desk()
    desk.takes_note = False
    await desk.call("unifiedOrder", **ORDER)
    await desk.payments.settle("1", succeeds=True)
    assert len(desk.told) == 1
    for number, seconds in enumerate(AGAIN_AFTER_S[:3], start=2):
        await asyncio.sleep(0)
        desk.clock.advance(seconds - 1)
        await asyncio.sleep(0)
        assert len(desk.told) == number - 1
        desk.clock.advance(1)
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(desk.told) == number
    desk.takes_note = True
    for _ in range(3):
        desk.clock.advance(sum(AGAIN_AFTER_S))
        for _ in range(3):
            await asyncio.sleep(0)
    assert len(desk.told) == 5
    assert desk.told[0] == desk.told[-1]


async def test_nobody_is_told_again_after_a_reset():
    desk = Desk()
    desk.takes_note = False
    await desk.call("unifiedOrder", **ORDER)
    await desk.payments.settle("1", succeeds=True)
    await asyncio.sleep(0)
    desk.payments.clear()
    desk.clock.advance(sum(AGAIN_AFTER_S))
    await asyncio.sleep(0)
    assert len(desk.told) == 1
    await desk.payments.close()


async def test_a_bill_has_the_orders_and_refunds_of_a_day():
    desk = Desk()
    await desk.call("unifiedOrder", **{**ORDER, "body": "tea, green"})
    day = {"bill_date": china_time("%Y%m%d", desk.clock.now_ms())}
    assert (await desk.call("downloadBill", **day))["return_msg"] == "No Bill Exist"
    await desk.payments.settle("1", succeeds=True)
    await desk.call("refund", out_trade_no="1", out_refund_no="r", refund_fee=30)
    answer = await desk.payments.call(Call(api="downloadBill", data=day))
    assert answer.content is not None
    heads, paid, back, totals, sums = answer.content.decode("utf-8-sig").splitlines()
    assert len(heads.split(",")) == len(paid.split(",")) == len(back.split(",")) == 27
    assert "`1,`oUser,`JSAPI,`SUCCESS" in paid
    assert "`tea  green" not in paid
    assert "`tea green" in paid
    assert "`r,`0.30," in back
    assert (len(totals.split(",")), sums) == (7, "`2,`1.00,`0.30,`0.00,`0.00000,`1.00,`0.30")
    packed = await desk.payments.call(Call(api="downloadBill", data={**day, "tar_type": "GZIP"}))
    assert packed.content is not None
    assert gzip.decompress(packed.content) == answer.content
    only = await desk.payments.call(Call(api="downloadBill", data={**day, "bill_type": "REFUND"}))
    assert only.content is not None
    assert len(only.content.splitlines()) == 4
    assert (await desk.call("downloadBill", bill_date="yesterday"))["error_code"] == "20001"


async def test_what_an_order_attaches_comes_back_with_its_payment():
    desk = Desk(auto_pay=True)
    await desk.call("unifiedOrder", **{**ORDER, "attach": "cart 7"})
    await desk.paid()
    (_, event) = desk.told[0]
    assert (event["attach"], event["subMchId"]) == ("cart 7", "19")
    found = await desk.call("queryOrder", out_trade_no="1")
    assert (found["attach"], found["sub_mch_id"]) == ("cart 7", "19")


async def test_an_open_order_is_repeated_word_for_word_or_not_at_all():
    desk = Desk()
    await desk.call("unifiedOrder", **ORDER)
    assert (await desk.call("unifiedOrder", **ORDER))["result_code"] == "SUCCESS"
    for change in ({"total_fee": 7}, {"body": "else"}, {"attach": "else"}):
        told = await desk.call("unifiedOrder", **{**ORDER, **change})
        assert (told["err_code"], told["err_code_des"]) == (
            "INVALID_REQUEST",
            "201 商户订单号重复",
        )
    assert (await desk.payments.settle("1", succeeds=True)).total_fee == ORDER["total_fee"]


@pytest.mark.parametrize(
    ("trade_type", "field"), [("JSAPI", None), ("NATIVE", "code_url"), ("MWEB", "mweb_url")]
)
async def test_an_order_outside_a_mini_program_has_a_link(trade_type: str, field: str | None):
    told = await Desk().call("unifiedOrder", **ORDER, trade_type=trade_type)
    links = {name for name in told if name.endswith("_url")}
    assert links == ({field} if field else set())
