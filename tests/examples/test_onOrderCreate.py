ORDER = {
    "_id": "o1",
    "status": "new",
    "amount": 30,
    "items": [{"productId": "p1", "quantity": 2}, {"productId": "p2", "quantity": 1}],
}


async def insert(cloud_suite, *orders):
    """Insert orders through a function, as a shop's own function would."""
    event = {"collection": "orders", "data": list(orders)}
    assert (await cloud_suite.invoke("batchAdd", event, "oUser"))["success"]
    await cloud_suite.idle()


async def stock(cloud_suite):
    return {each["_id"]: each["stock"] for each in await cloud_suite.documents("products")}


async def test_an_order_takes_its_items_off_stock_and_is_processed(cloud_suite):
    await cloud_suite.seed(
        {"orders": [], "products": [{"_id": "p1", "stock": 10}, {"_id": "p2", "stock": 5}]}
    )
    await insert(cloud_suite, ORDER)
    assert await stock(cloud_suite) == {"p1": 8, "p2": 4}
    (order,) = await cloud_suite.documents("orders")
    assert order["status"] == "processing"
    assert "$date" in order["processingTime"]


async def test_its_own_update_does_not_start_it_again(cloud_suite):
    await cloud_suite.seed({"orders": [], "products": [{"_id": "p1", "stock": 10}]})
    await insert(cloud_suite, {**ORDER, "items": [{"productId": "p1", "quantity": 1}]})
    assert await stock(cloud_suite) == {"p1": 9}


async def test_an_order_that_is_not_new_is_left_alone(cloud_suite):
    await cloud_suite.seed({"orders": [], "products": [{"_id": "p1", "stock": 10}]})
    await insert(cloud_suite, {**ORDER, "status": "draft"})
    assert await stock(cloud_suite) == {"p1": 10}
    assert (await cloud_suite.documents("orders"))[0]["status"] == "draft"


async def test_an_order_that_cannot_be_processed_does_not_hold_up_the_next(cloud_suite):
    await cloud_suite.seed({"orders": [], "products": [{"_id": "p1", "stock": 10}]})
    broken = {"_id": "broken", "status": "new", "amount": 1}
    good = {**ORDER, "items": [{"productId": "p1", "quantity": 3}]}
    await insert(cloud_suite, broken, good)
    stored = {each["_id"]: each["status"] for each in await cloud_suite.documents("orders")}
    assert stored == {"broken": "new", "o1": "processing"}
    assert await stock(cloud_suite) == {"p1": 7}


async def test_an_order_of_more_than_there_is_is_sent_back_whole(cloud_suite):
    await cloud_suite.seed(
        {"orders": [], "products": [{"_id": "p1", "stock": 10}, {"_id": "p2", "stock": 0}]}
    )
    await insert(cloud_suite, ORDER)
    assert await stock(cloud_suite) == {"p1": 10, "p2": 0}
    (order,) = await cloud_suite.documents("orders")
    assert (order["status"], order["reason"]) == ("rejected", "0 left of p2")


async def test_an_order_that_was_processed_already_is_not_processed_again(cloud_suite):
    await cloud_suite.seed({"orders": [ORDER], "products": [{"_id": "p1", "stock": 10}]})
    order = {**ORDER, "items": [{"productId": "p1", "quantity": 1}]}
    event = {"dataList": [{"doc": order, "docId": "o1"}]}
    for _ in range(2):
        await cloud_suite.call("onOrderCreate", event, source="wx_trigger")
    assert await stock(cloud_suite) == {"p1": 9}


async def test_what_is_not_kept_in_stock_holds_nothing_up(cloud_suite):
    await cloud_suite.seed({"orders": [], "products": [{"_id": "p1", "stock": 10}]})
    await insert(cloud_suite, ORDER)
    assert await stock(cloud_suite) == {"p1": 8}
    assert (await cloud_suite.documents("orders"))[0]["status"] == "processing"


async def test_an_order_that_is_not_stored_takes_its_items_all_the_same(cloud_suite):
    await cloud_suite.seed({"orders": [], "products": [{"_id": "p1", "stock": 10}]})
    event = {"dataList": [{"doc": ORDER, "docId": "o1"}]}
    told = await cloud_suite.call("onOrderCreate", event, source="wx_trigger")
    assert told["result"] == {"success": True}
    assert await stock(cloud_suite) == {"p1": 8}


async def test_orders_that_make_no_sense_hurt_nobody(cloud_suite):
    await cloud_suite.seed({"orders": [], "products": [{"_id": "p1", "stock": 10}]})
    items = [
        "text",
        7,
        None,
        ["p1"],
        [{"productId": "p1", "quantity": "many"}],
    ]
    odd = [{**ORDER, "_id": f"odd{number}", "items": each} for number, each in enumerate(items)]
    await insert(cloud_suite, *odd, {**ORDER, "items": [{"productId": "p1", "quantity": 1}]})
    assert await stock(cloud_suite) == {"p1": 9}
    stored = {each["_id"]: each["status"] for each in await cloud_suite.documents("orders")}
    assert stored.pop("o1") == "processing"
    assert set(stored.values()) == {"new"}
    assert cloud_suite.suite.parts.dispatcher.dead_letters() == []


async def test_many_orders_at_once_never_sell_what_is_not_there(cloud_suite):
    await cloud_suite.seed({"orders": [], "products": [{"_id": "p1", "stock": 25}]})
    items = [{"productId": "p1", "quantity": 1}]
    orders = [{**ORDER, "_id": f"o{number}", "items": items} for number in range(40)]
    await insert(cloud_suite, *orders)
    assert await stock(cloud_suite) == {"p1": 0}
    stored = [each["status"] for each in await cloud_suite.documents("orders")]
    assert (stored.count("processing"), stored.count("rejected")) == (25, 15)


async def test_the_administrator_is_told_of_the_order(cloud_suite):
    await cloud_suite.seed({"orders": [ORDER], "products": []})
    told = await cloud_suite.call(
        "onOrderCreate", {"dataList": [{"doc": ORDER, "docId": "o1"}]}, source="wx_trigger"
    )
    assert told["result"] == {"success": True}
    (message,) = cloud_suite.suite.control.messages()
    assert message["api"] == "openapi.subscribeMessage.send"
    assert message["result"]["errcode"] == 0
    assert message["data"]["data"]["thing1"] == {"value": "New order: o1"}


async def test_a_notification_that_wechat_refuses_does_not_stop_the_order(cloud_suite):
    order = {**ORDER, "_id": "an-id-of-many-characters"}
    await cloud_suite.seed({"orders": [order], "products": []})
    told = await cloud_suite.call(
        "onOrderCreate", {"dataList": [{"doc": order, "docId": order["_id"]}]}, source="wx_trigger"
    )
    assert told["result"] == {"success": True}
    assert any("No notification for order" in each["line"] for each in told["logs"])
