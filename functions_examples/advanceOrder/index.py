"""Moves an order one step on its way, from the kitchen to the guest: processing, ready, served."""

from emulator import cloud

cloud.init()
db = cloud.database()

NEXT = {"processing": "ready", "ready": "served"}


async def main(event, context):
    order = db.collection("orders").doc(event["orderId"])

    async def advance(transaction):
        found = (await transaction.get(order))["data"]
        status = NEXT.get(found["status"])
        if status is None:
            raise ValueError(f"an order that is {found['status']} goes no further")
        # Two people may press the button at once; only one of them takes this step.
        if event.get("from", found["status"]) != found["status"]:
            raise ValueError(f"the order is {found['status']} already")
        await transaction.update(
            order, {"data": {"status": status, f"{status}Time": db.server_date()}}
        )
        return {"success": True, "status": status}

    try:
        return await db.run_transaction(advance)
    except (cloud.CloudError, ValueError) as error:
        return {"success": False, "error": str(error)}
