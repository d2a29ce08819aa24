"""Transactions as user code writes them: what calls send and answer, and what starts over."""

import asyncio

import pytest

from emulator import cloud
from emulator.cloud.transaction import RolledBack
from emulator.core.commands import (
    CommitTransaction,
    Find,
    Found,
    Insert,
    Inserted,
    Remove,
    Removed,
    RollbackTransaction,
    Started,
    StartTransaction,
    Update,
    Updated,
)
from emulator.core.errors import TransactionConflict, TransactionNotExist

db = cloud.database()
_ = db.command
account = db.collection("accounts").doc("a")
STARTED = Started(transaction_id="t")
CONFLICT = TransactionConflict("[ResourceUnavailable.TransactionConflict] Transaction is conflict.")
OVER = TransactionNotExist("[ResourceUnavailable.TransactionNotExist] no")
INC = {"$inc": {"n": 1}}


def kinds(bound):
    return [type(command).__name__ for command in bound.transport.commands]


def one(**options):
    return {"collection": "accounts", "filter": {"_id": "a"}, "transaction_id": "t", **options}


def test_every_call_of_a_transaction_carries_its_id(bound):
    found = Found(documents=({"_id": "a", "n": 1},))
    updated = Updated(matched=1, modified=1)
    bound.answer(STARTED, found, found, updated, updated, Inserted(ids=("b",)), Removed(count=1))
    transaction = db.start_transaction()
    accounts = transaction.collection("accounts")
    assert accounts.doc("a").get() == {"data": {"_id": "a", "n": 1}, "errMsg": "document.get:ok"}
    assert accounts.where({"n": 1}).limit(5).get()["data"] == [{"_id": "a", "n": 1}]
    assert accounts.doc("a").update(data={"n": _.inc(1)})["stats"] == {"updated": 1}
    accounts.doc("a").set(data={"n": 3})
    assert accounts.add(data={"_id": "b"})["_id"] == "b"
    assert accounts.doc("a").remove()["stats"] == {"removed": 1}
    assert bound.transport.commands == [
        StartTransaction(),
        Find(**one()),
        Find(**one(filter={"n": 1}, limit=5)),
        Update(**one(update=INC)),
        Update(**one(update={"n": 3}, replace=True, upsert=True)),
        Insert(collection="accounts", documents=({"_id": "b"},), transaction_id="t"),
        Remove(**one()),
    ]


@pytest.mark.parametrize(
    ("call", "command", "answer"),
    [
        pytest.param(lambda t: t.get(account), Find(**one()), Found(documents=({},)), id="get"),
        pytest.param(
            lambda t: t.get(account.field({"n": True})),
            Find(**one(projection={"n": 1})),
            Found(documents=({},)),
            id="get of some fields",
        ),
        pytest.param(
            lambda t: t.update(account, {"data": {"n": _.inc(1)}}),
            Update(**one(update=INC)),
            Updated(matched=1, modified=1),
            id="update with a dict",
        ),
        pytest.param(
            lambda t: t.update(account, data={"n": _.inc(1)}),
            Update(**one(update=INC)),
            Updated(matched=1, modified=1),
            id="update by name",
        ),
        pytest.param(
            lambda t: t.set(account, data={"n": 1}),
            Update(**one(update={"n": 1}, replace=True, upsert=True)),
            Updated(matched=1, modified=1),
            id="set",
        ),
        pytest.param(lambda t: t.remove(account), Remove(**one()), Removed(count=1), id="remove"),
        pytest.param(lambda t: t.delete(account), Remove(**one()), Removed(count=1), id="delete"),
        pytest.param(
            lambda t: t.add(db.collection("accounts"), data={"n": 1}),
            Insert(collection="accounts", documents=({"n": 1},), transaction_id="t"),
            Inserted(ids=("x",)),
            id="add",
        ),
    ],
)
def test_references_from_outside_are_taken_in(bound, call, command, answer):
    bound.answer(STARTED, answer)
    call(db.startTransaction())
    assert bound.transport.last == command


def test_a_reference_that_was_taken_in_stays_outside_itself(bound):
    bound.answer(STARTED, Found(documents=({},)), Found(documents=({},)))
    db.start_transaction().get(account)
    account.get()
    assert bound.transport.last == Find(collection="accounts", filter={"_id": "a"})


def test_a_missing_document_is_an_error_unless_told_otherwise(bound):
    bound.answer(STARTED, Found(documents=()), STARTED, Found(documents=()))
    with pytest.raises(cloud.CloudError, match="document with _id a does not exist"):
        db.start_transaction().get(account)
    quiet = cloud.database(throw_on_not_found=False)
    assert quiet.start_transaction().collection("accounts").doc("a").get()["data"] is None


def test_set_tells_nothing_of_a_document_it_created_as_in_the_sdk(bound):
    bound.answer(STARTED, Updated(matched=0, modified=0, upserted_id="a"))
    told = db.start_transaction().set(account, data={"n": 1})
    assert told["stats"] == {"updated": 0, "created": 0}


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda it: it.where({}).update(data={"n": 1}), id="update"),
        pytest.param(lambda it: it.where({}).remove(), id="remove"),
    ],
)
def test_a_transaction_writes_documents_by_id_only(bound, call):
    bound.answer(STARTED)
    accounts = db.start_transaction().collection("accounts")
    with pytest.raises(cloud.CloudError, match=r"by id only: doc\(id\)"):
        call(accounts)
    assert kinds(bound) == ["StartTransaction"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        pytest.param(lambda t: t.get("a"), "a document instead of str", id="get"),
        pytest.param(lambda t: t.add(account, data={}), r"db.collection\(name\)", id="add"),
        pytest.param(lambda t: t.collection(""), "not empty", id="collection"),
        pytest.param(lambda t: db.run_transaction(None), "a function instead of None", id="run"),
    ],
)
def test_what_is_no_reference_is_refused(bound, call, words):
    bound.answer(STARTED)
    transaction = db.start_transaction()
    with pytest.raises(cloud.CloudError, match=words):
        call(transaction)


def test_a_transaction_ends_by_hand(bound):
    bound.answer(STARTED, None, STARTED, None, STARTED, OVER)
    assert db.start_transaction().commit() == {"errMsg": "transaction.commit:ok"}
    assert db.start_transaction().rollback() == {"errMsg": "transaction.rollback:ok"}
    with pytest.raises(cloud.CloudError) as caught:
        db.start_transaction().commit()
    assert caught.value.code == "DATABASE_TRANSACTION_FAIL"
    assert caught.value.err_msg.startswith("transaction.commit:fail -501001 resource system error.")
    assert bound.transport.commands[1] == CommitTransaction(transaction_id="t")
    assert bound.transport.commands[3] == RollbackTransaction(transaction_id="t")


def test_run_commits_and_returns_what_the_callback_did(bound):
    bound.answer(STARTED, Updated(matched=1, modified=1), None)
    result = db.run_transaction(lambda t: t.update(account, data={"n": 1})["stats"]["updated"])
    assert result == 1
    assert kinds(bound) == ["StartTransaction", "Update", "CommitTransaction"]


async def test_run_awaits_an_async_callback(bound):
    bound.answer(STARTED, Found(documents=({"n": 1},)), Updated(matched=1, modified=1), None)

    async def callback(transaction):
        found = await transaction.get(account)
        await transaction.update(account, {"data": {"n": _.inc(1)}})
        return found["data"]["n"]

    assert await db.runTransaction(callback, 3) == 1
    assert kinds(bound) == ["StartTransaction", "Find", "Update", "CommitTransaction"]


async def test_start_is_awaited_in_async_code(bound):
    bound.answer(STARTED, None)
    transaction = await db.start_transaction()
    assert await transaction.rollback() == {"errMsg": "transaction.rollback:ok"}


def sync_run(callback, *times):
    return db.run_transaction(callback, *times)


def async_run(callback, *times):
    async def run():
        async def later(transaction):
            result = callback(transaction)
            return await result if asyncio.isfuture(result) else result

        return await db.run_transaction(later, *times)

    return asyncio.run(run())


both = pytest.mark.parametrize("run", [sync_run, async_run], ids=["sync", "async"])


def touch(transaction):
    return transaction.remove(account)


@both
@pytest.mark.parametrize("where", ["write", "commit"])
def test_a_conflict_starts_over_without_a_rollback(bound, run, where):
    lost = [STARTED, CONFLICT] if where == "write" else [STARTED, Removed(count=1), CONFLICT]
    bound.answer(*lost, *lost, STARTED, Removed(count=1), None)
    assert run(touch)["stats"] == {"removed": 1}
    assert kinds(bound).count("StartTransaction") == 3
    assert "RollbackTransaction" not in kinds(bound)


@both
@pytest.mark.parametrize(("times", "attempts"), [((), 4), ((1,), 2), ((0,), 1)])
def test_conflicts_end_somewhere(bound, run, times, attempts):
    bound.answer(*[STARTED, CONFLICT] * attempts, OVER)
    with pytest.raises(cloud.CloudError) as caught:
        run(touch, *times)
    assert caught.value.code == "DATABASE_TRANSACTION_CONFLICT"
    assert kinds(bound).count("StartTransaction") == attempts
    assert kinds(bound)[-1] == "RollbackTransaction"


@both
def test_any_other_error_rolls_back_and_goes_on(bound, run):
    bound.answer(STARTED, None)

    def callback(transaction):
        raise LookupError("Insufficient balance")

    with pytest.raises(LookupError, match="Insufficient balance"):
        run(callback)
    assert kinds(bound) == ["StartTransaction", "RollbackTransaction"]


@both
def test_an_error_of_the_cloud_is_told_even_if_nothing_is_left_to_roll_back(bound, run):
    bound.answer(STARTED, OVER, OVER)
    with pytest.raises(cloud.CloudError) as caught:
        run(touch)
    assert caught.value.code == "DATABASE_TRANSACTION_FAIL"
    assert kinds(bound) == ["StartTransaction", "Remove", "RollbackTransaction"]


@both
def test_a_transaction_that_cannot_start_is_told(bound, run):
    bound.answer(OVER)
    with pytest.raises(cloud.CloudError, match="startTransaction:fail"):
        run(touch)
    assert kinds(bound) == ["StartTransaction"]


@both
def test_a_rollback_with_a_reason_raises_the_reason(bound, run):
    bound.answer(STARTED, None, STARTED, None)
    with pytest.raises(RolledBack) as caught:
        run(lambda transaction: transaction.rollback({"left": 5}))
    assert caught.value.reason == {"left": 5}
    assert isinstance(caught.value, cloud.CloudError)
    with pytest.raises(KeyError, match="left"):
        run(lambda transaction: transaction.rollback(KeyError("left")))
    assert kinds(bound) == ["StartTransaction", "RollbackTransaction"] * 2


def test_an_async_callback_in_blocking_code_is_refused_and_rolled_back(bound):
    bound.answer(STARTED, None)

    async def callback(transaction):
        return None

    with pytest.raises(cloud.CloudError, match="async handler"):
        db.run_transaction(callback)
    assert kinds(bound) == ["StartTransaction", "RollbackTransaction"]
