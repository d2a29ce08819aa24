"""Moves an amount between two accounts: both change or neither does, whoever else is at it."""

from emulator import cloud

cloud.init()
db = cloud.database()
_ = db.command


async def main(event, context):
    accounts = db.collection("accounts")
    giver, taker = accounts.doc(event["fromAccount"]), accounts.doc(event["toAccount"])
    amount = event["amount"]

    async def move(transaction):
        balance = (await transaction.get(giver))["data"]["balance"]
        await transaction.get(taker)
        if balance < amount:
            raise ValueError("Insufficient balance")
        await transaction.update(giver, {"data": {"balance": _.inc(-amount)}})
        await transaction.update(taker, {"data": {"balance": _.inc(amount)}})
        return {"success": True}

    try:
        return await db.run_transaction(move)
    except (cloud.CloudError, ValueError) as error:
        return {"success": False, "error": str(error)}
