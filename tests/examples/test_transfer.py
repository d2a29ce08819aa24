import asyncio

import pytest


@pytest.fixture
async def bank(cloud_suite):
    await cloud_suite.seed(
        {"accounts": [{"_id": "ann", "balance": 100}, {"_id": "bob", "balance": 5}]}
    )
    return cloud_suite


async def balances(bank):
    return {each["_id"]: each["balance"] for each in await bank.documents("accounts")}


def transfer(amount, giver="ann", taker="bob"):
    return {"fromAccount": giver, "toAccount": taker, "amount": amount}


async def test_moves_money(bank):
    assert await bank.invoke("transfer", transfer(30), "oUser") == {"success": True}
    assert await balances(bank) == {"ann": 70, "bob": 35}


async def test_moves_nothing_that_is_not_there(bank):
    told = await bank.invoke("transfer", transfer(101), "oUser")
    assert told == {"success": False, "error": "Insufficient balance"}
    assert await balances(bank) == {"ann": 100, "bob": 5}


async def test_moves_nothing_to_nobody(bank):
    told = await bank.invoke("transfer", transfer(1, taker="nobody"), "oUser")
    assert not told["success"]
    assert "document with _id nobody does not exist" in told["error"]
    assert await balances(bank) == {"ann": 100, "bob": 5}


async def test_many_at_once_lose_nothing(bank):
    """Whoever meets another starts over; who meets too many of them is told, and moved nothing."""
    events = [transfer(7), transfer(1, "bob", "ann")] * 5
    told = await asyncio.gather(*(bank.invoke("transfer", event) for event in events))
    moved = sum(
        (7 if event["fromAccount"] == "ann" else -1)
        for event, each in zip(events, told, strict=True)
        if each["success"]
    )
    assert any(each["success"] for each in told)
    assert all(each["success"] or "TransactionConflict" in each["error"] for each in told), told
    assert await balances(bank) == {"ann": 100 - moved, "bob": 5 + moved}


async def test_leaves_no_transaction_open(bank):
    await bank.invoke("transfer", transfer(101))
    await bank.invoke("transfer", transfer(1))
    assert len(bank.suite.parts.transactions) == 0
