import asyncio
from datetime import UTC, datetime, timedelta

MIDNIGHT_IN_SHANGHAI = timedelta(hours=16)


def moment(at):
    return {"$date": {"$numberLong": str(round(at.timestamp() * 1000))}}


def next_firing(clock):
    """Return the next midnight of Shanghai, which has no summer time."""
    now = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0) + MIDNIGHT_IN_SHANGHAI
    return today if today > now else today + timedelta(days=1)


def day_before(fires):
    """Return orders of the day before the firing and around it, and what is sold on it."""
    begins = fires - timedelta(days=1)
    orders = [
        {"_id": "too-early", "amount": 1, "createTime": moment(begins - timedelta(seconds=1))},
        {"_id": "first", "amount": 20, "createTime": moment(begins)},
        {"_id": "last", "amount": 22.5, "createTime": moment(fires - timedelta(seconds=1))},
        {"_id": "too-late", "amount": 1, "createTime": moment(fires)},
    ]
    return {
        "orders": orders,
        "statistics": [
            {"_id": "d", "type": "daily", "count": 9},
            {"_id": "m", "type": "monthly", "count": 9},
        ],
        "reports": [],
    }


async def check(cloud_suite, fires):
    (report,) = await cloud_suite.documents("reports")
    assert (report["totalSales"], report["orderCount"]) == (42.5, 2)
    assert report["date"] == moment(fires - timedelta(days=1))
    daily, monthly = await cloud_suite.documents("statistics")
    assert (daily["count"], monthly["count"]) == (0, 9)
    assert "$date" in daily["lastReset"]


async def test_reports_the_day_before_the_moment_it_was_fired_for(cloud_suite):
    fires = next_firing(cloud_suite.clock)
    await cloud_suite.seed(day_before(fires))
    event = {"Type": "Timer", "TriggerName": "midnight", "Time": f"{fires:%Y-%m-%dT%H:%M:%S}Z"}
    result = await cloud_suite.invoke("dailyTasks", event)
    assert result == {"success": True, "message": "Daily tasks completed successfully"}
    await check(cloud_suite, fires)


async def test_its_timer_fires_at_midnight(cloud_suite):
    fires = next_firing(cloud_suite.clock)
    await cloud_suite.seed(day_before(fires))
    seconds = fires.timestamp() - cloud_suite.clock.now_ms() / 1000
    cloud_suite.clock.advance(seconds - 1)
    await cloud_suite.idle()
    assert await cloud_suite.documents("reports") == []
    cloud_suite.clock.advance(1)
    async with asyncio.timeout(10):
        while not await cloud_suite.documents("reports"):
            await asyncio.sleep(0.005)
    await cloud_suite.idle()
    await check(cloud_suite, fires)


async def test_called_by_hand_it_reports_yesterday(cloud_suite):
    yesterday = datetime.now(UTC) - timedelta(days=1)
    order = {"amount": 5, "createTime": moment(yesterday)}
    await cloud_suite.seed({"orders": [order], "statistics": [], "reports": []})
    assert (await cloud_suite.invoke("dailyTasks"))["success"]
    (report,) = await cloud_suite.documents("reports")
    assert report["totalSales"] == 5


async def test_says_what_is_missing(cloud_suite):
    result = await cloud_suite.invoke("dailyTasks")
    assert not result["success"]
    assert "Db or Table not exist" in result["error"]
