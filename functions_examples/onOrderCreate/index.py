"""Runs when an order is inserted: tells the administrator, takes the items off stock, goes on."""

from datetime import UTC, datetime

from emulator import cloud

cloud.init()
db = cloud.database()
_ = db.command
log = cloud.logger()


async def main(event, context):
    for change in event["dataList"]:
        order, order_id = change["doc"], change["docId"]
        if not order or order.get("status") != "new":
            continue
        try:
            await notify(order_id, order)
            await take_off_stock(order["items"])
            await (
                db.collection("orders")
                .doc(order_id)
                .update(data={"status": "processing", "processingTime": db.server_date()})
            )
        except (cloud.CloudError, KeyError) as error:
            log.error({"message": f"Error processing order {order_id}", "error": str(error)})
    return {"success": True}


async def notify(order_id, order):
    """Send the administrator a message; an order is processed even where that is not possible."""
    try:
        await cloud.openapi.subscribeMessage.send(
            {
                "touser": "admin-open-id",
                "templateId": "template-id",
                "data": {
                    "thing1": {"value": f"New order: {order_id}"},
                    "amount3": {"value": order["amount"]},
                    "time4": {"value": f"{datetime.now(UTC):%Y-%m-%d %H:%M}"},
                },
            }
        )
    except cloud.CloudError as error:
        log.warn({"message": f"No notification for order {order_id}", "error": error.message})


async def take_off_stock(items):
    products = db.collection("products")
    for item in items:
        await products.doc(item["productId"]).update(data={"stock": _.inc(-item["quantity"])})
