"""Runs when an order is inserted: tells the administrator, takes the items off stock, goes on.

Either all items of an order are taken off stock or none is: what is short sends the order back.
"""

from datetime import UTC, datetime

from emulator import cloud

cloud.init()
db = cloud.database(throw_on_not_found=False)
_ = db.command
log = cloud.logger()


class SoldOut(Exception):
    """There is less of a product than the order wants."""


async def main(event, context):
    for change in event["dataList"]:
        order, order_id = change["doc"], change["docId"]
        if not order or order.get("status") != "new":
            continue
        try:
            await notify(order_id, order)
            await process(order_id, order)
        except (cloud.CloudError, KeyError, TypeError) as error:
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


async def process(order_id, order):
    orders = db.collection("orders")

    async def take(transaction):
        current = (await transaction.get(orders.doc(order_id)))["data"]
        # A call that failed is made again, perhaps with orders that it had done already.
        if current is None or current["status"] == "new":
            await take_off_stock(transaction, order["items"])
            changed = {"status": "processing", "processingTime": db.server_date()}
            await transaction.update(orders.doc(order_id), {"data": changed})

    try:
        await db.run_transaction(take)
    except SoldOut as short:
        changed = {"status": "rejected", "rejectedTime": db.server_date(), "reason": str(short)}
        await orders.doc(order_id).update(data=changed)


async def take_off_stock(transaction, items):
    for item in items:
        product = db.collection("products").doc(item["productId"])
        found = (await transaction.get(product))["data"]
        if found is None:
            continue  # no longer on the menu: nothing of it is kept count of
        if found["stock"] < item["quantity"]:
            raise SoldOut(f"{found['stock']} left of {found.get('name', item['productId'])}")
        await transaction.update(product, {"data": {"stock": _.inc(-item["quantity"])}})
