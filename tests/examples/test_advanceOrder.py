import asyncio


async def order(cloud_suite, status):
    await cloud_suite.seed({"orders": [{"_id": "o1", "status": status}]})


async def status(cloud_suite):
    (found,) = await cloud_suite.documents("orders")
    return found["status"]


async def test_an_order_goes_from_the_kitchen_to_the_guest(cloud_suite):
    await order(cloud_suite, "processing")
    for step in ("ready", "served"):
        told = await cloud_suite.invoke("advanceOrder", {"orderId": "o1"})
        assert told == {"success": True, "status": step}
        assert await status(cloud_suite) == step
    (found,) = await cloud_suite.documents("orders")
    assert "$date" in found["readyTime"]


async def test_an_order_that_is_served_or_rejected_goes_no_further(cloud_suite):
    for last in ("served", "rejected", "new"):
        await order(cloud_suite, last)
        told = await cloud_suite.invoke("advanceOrder", {"orderId": "o1"})
        assert told == {"success": False, "error": f"an order that is {last} goes no further"}


async def test_an_order_that_is_not_there_is_said(cloud_suite):
    await order(cloud_suite, "new")
    assert not (await cloud_suite.invoke("advanceOrder", {"orderId": "none"}))["success"]


async def test_of_many_who_press_at_once_one_takes_the_step(cloud_suite):
    await order(cloud_suite, "processing")
    event = {"orderId": "o1", "from": "processing"}
    told = await asyncio.gather(
        *(cloud_suite.invoke("advanceOrder", dict(event)) for _ in range(5))
    )
    assert [each["success"] for each in told].count(True) == 1
    assert await status(cloud_suite) == "ready"
