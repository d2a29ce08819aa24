"""Runs at midnight: resets the daily counters and reports what was sold on the day before."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

from emulator import cloud

cloud.init()
db = cloud.database()
_ = db.command

# Functions see UTC; the shop's days, like the trigger's, are those of Shanghai.
SHOP_TIME = timezone(timedelta(hours=8))


async def main(event, context):
    try:
        _reset, report = await asyncio.gather(reset_counters(), report_of(day_before(event)))
        await db.collection("reports").add(data=report)
    except cloud.CloudError as error:
        return {"success": False, "error": error.message}
    return {"success": True, "message": "Daily tasks completed successfully"}


def day_before(event):
    """Return the first moment of the day before the trigger fired, or before now without one."""
    fired = datetime.fromisoformat(event["Time"]) if "Time" in event else datetime.now(UTC)
    yesterday = fired.astimezone(SHOP_TIME) - timedelta(days=1)
    return yesterday.replace(hour=0, minute=0, second=0, microsecond=0)


def reset_counters():
    daily = db.collection("statistics").where({"type": "daily"})
    return daily.update(data={"count": 0, "lastReset": db.server_date()})


async def report_of(start):
    within = _.gte(start).and_(_.lt(start + timedelta(days=1)))
    found = await db.collection("orders").where({"createTime": within}).limit(1000).get()
    return {
        "date": start,
        "totalSales": sum(order["amount"] for order in found["data"]),
        "orderCount": len(found["data"]),
        "createdAt": db.server_date(),
    }
