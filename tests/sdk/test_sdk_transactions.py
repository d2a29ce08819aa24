"""Transactions through the official SDKs, see scripts/transactions.cjs.

node-sdk passes the cloud's code on, so its `runTransaction` starts over after a conflict;
wx-server-sdk turns it into a number first, so its own does so only for a conflict at the commit.
"""

from typing import Any

import pytest

pytestmark = [pytest.mark.sdk, pytest.mark.timeout(600)]

NODE = ["node-sdk-2", "node-sdk-3"]
WX = ["wx-server-sdk-2", "wx-server-sdk-4"]
CONTACT = "Please check your request, but if the problem persists, contact us."
CONFLICT = (
    "[ResourceUnavailable.TransactionConflict] Transaction is conflict, maybe resource operated by "
    f"others. {CONTACT}"
)
NOT_EXIST = (
    "[ResourceUnavailable.TransactionNotExist] Transaction does not exist on the server, "
    f"transaction must be commit or abort in 30 seconds. {CONTACT}"
)
UNDEFINED = {"$undefined": True}
UNTOUCHED = [{"_id": "a", "n": 100}, {"_id": "b", "n": 5}]


def raw(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "errCode": UNDEFINED, "message": message}


def wrapped(api: str, message: str) -> dict[str, Any]:
    text = f"{api}:fail -501001 resource system error. {message}"
    return {"code": UNDEFINED, "errCode": -501001, "message": text}


CONFLICTS = {
    "node": raw("DATABASE_TRANSACTION_CONFLICT", CONFLICT),
    "wx": wrapped("document.update", CONFLICT),
}
OVER = raw("DATABASE_TRANSACTION_FAIL", NOT_EXIST)

BOTH: dict[str, Any] = {
    "rollback": UNTOUCHED,
    "an outside write waits": {"order": ["other", "write"], "n": 202},
    "run": {
        "result": {"success": True},
        "after": [{"_id": "a", "n": 90}, {"_id": "b", "n": 15}],
    },
    "run throws": {"error": "Insufficient balance", "after": UNTOUCHED},
    "run rolls back": {"reason": {"left": 5}, "after": UNTOUCHED},
    "the guide": {
        "outcomes": [True, "Insufficient balance"],
        "after": [{"_id": "a", "n": 60}, {"_id": "b", "n": 45}],
    },
    "a thousand documents": [0, 1001],
}
AFTER = [{"_id": 7, "n": 7}, {"_id": "a", "n": 101}, {"_id": "b", "n": 6}]
AFTER += [{"_id": "c", "n": 1}, {"_id": "f", "n": 9}]
SEEN = {
    "where": [
        {"_id": "b", "n": 6},
        {"_id": 7, "n": 7},
        {"_id": "f", "n": 9},
        {"_id": "a", "n": 101},
    ],
    "before": 2,
    "after": AFTER,
}
CALLS = {
    "node": {
        "add": {"inserted": 1, "ok": 1, "id": "c"},
        "addMany": {"ids": [7, "e"]},
        "get": {"data": {"_id": "c", "n": 1}},
        "numeric": {"data": {"_id": 7, "n": 7}},
        "update": {"updated": 1},
        "set": {"updated": 1, "upserted": [{"_id": None}]},
        "setNew": {"updated": 0, "upserted": [{"_id": "f"}]},
        "remove": {"deleted": 1},
        "missing": {"value": {"data": None}},
        **SEEN,
    },
    "wx": {
        "add": {"_id": "c", "errMsg": "collection.add:ok"},
        "addMany": {"_ids": [7, "e"], "errMsg": "collection.add:ok"},
        "get": {"data": {"_id": "c", "n": 1}, "errMsg": "document.get:ok"},
        "numeric": {"data": {"_id": 7, "n": 7}, "errMsg": "document.get:ok"},
        "update": {"stats": {"updated": 1}, "errMsg": "document.update:ok"},
        "set": {"_id": "b", "errMsg": "document.set:ok", "stats": {"updated": 1, "created": 0}},
        "setNew": {
            "_id": "f",
            "errMsg": "document.set:ok",
            "stats": {"updated": 0, "created": 0},
        },
        "remove": {"stats": {"removed": 1}, "errMsg": "document.remove:ok"},
        "missing": {
            "code": UNDEFINED,
            "errCode": -1,
            "message": "document.get:fail document with _id nope does not exist",
        },
        **SEEN,
    },
}


def told(sdk_runs, sdk, case):
    return sdk_runs.of(sdk)[f"transaction: {case}"]


def flavour(sdk):
    return sdk.partition("-")[0]


@pytest.mark.parametrize("sdk", NODE + WX)
@pytest.mark.parametrize("case", BOTH)
def test_a_transaction_does_what_every_sdk_expects(sdk_runs, sdk, case):
    assert told(sdk_runs, sdk, case) == {"value": BOTH[case]}


@pytest.mark.parametrize("sdk", NODE + WX)
def test_every_call_is_answered_inside_a_transaction(sdk_runs, sdk):
    assert told(sdk_runs, sdk, "every call") == {"value": CALLS[flavour(sdk)]}


@pytest.mark.parametrize("sdk", NODE + WX)
def test_a_conflict_is_told_at_once_and_ends_the_transaction(sdk_runs, sdk):
    expected = {"conflict": CONFLICTS[flavour(sdk)], "after": OVER}
    assert told(sdk_runs, sdk, "conflict") == {"value": expected}


@pytest.mark.parametrize("sdk", NODE + WX)
def test_a_snapshot_stays_and_what_changed_since_cannot_be_written(sdk_runs, sdk):
    expected = {"first": 100, "second": 100, "conflict": CONFLICTS[flavour(sdk)]}
    assert told(sdk_runs, sdk, "snapshot") == {"value": expected}


@pytest.mark.parametrize("sdk", NODE + WX)
def test_what_is_over_is_told_in_the_clouds_words(sdk_runs, sdk):
    get = OVER if sdk in NODE else wrapped("document.get", NOT_EXIST)
    assert told(sdk_runs, sdk, "over") == {"value": {"get": get, "commit": OVER}}


@pytest.mark.parametrize("sdk", NODE)
def test_node_sdk_starts_over_after_a_conflict(sdk_runs, sdk):
    expected = {"attempts": 2, "value": {"done": True}, "n": 101}
    assert told(sdk_runs, sdk, "run meets a conflict") == {"value": expected}


@pytest.mark.parametrize("sdk", WX)
def test_wx_server_sdk_does_not(sdk_runs, sdk):
    expected = {"attempts": 1, "value": UNDEFINED, "n": 100}
    assert told(sdk_runs, sdk, "run meets a conflict") == {"value": expected}


@pytest.mark.parametrize(
    ("sdk", "attempts"), [*((sdk, 4) for sdk in NODE), *((sdk, 1) for sdk in WX)]
)
def test_conflicts_end_somewhere(sdk_runs, sdk, attempts):
    expected = {"attempts": attempts, "error": CONFLICTS[flavour(sdk)]}
    assert told(sdk_runs, sdk, "run meets conflicts only") == {"value": expected}


NUMBER = {"n": 1.5, "at": {"$date": "2024-02-29T12:34:56.789Z"}}
OLD: dict[str, Any] = {
    "every call": {
        "add": {"inserted": 1, "ok": 1, "id": "c"},
        "addNumber": {"inserted": 1, "ok": 1, "id": 7},
        "addNoId": {"inserted": 1, "ok": 1, "id": None},
        "get": {"data": {"_id": "c", **NUMBER}},
        "missing": {"data": None},
        "update": {"updated": 1},
        "set": {"updated": 1, "upserted": None},
        "setNew": {"updated": 0, "upserted": [{"_id": "f"}]},
        "delete": {"deleted": 1},
        "after": [
            {"_id": "a", "n": 101, "in": {"x": 2}},
            {"_id": "b", "n": 6, "at": NUMBER["at"]},
            {"_id": "c", **NUMBER},
            {"_id": "f", "n": 9},
        ],
    },
    "conflict": {"attempts": 4, "code": "DATABASE_TRANSACTION_CONFLICT"},
    "run rolls back": "no",
}


@pytest.fixture(scope="module")
def old_sdk(sdk_runs):
    module = sdk_runs.modules / "tcb-admin-node"
    return sdk_runs.run("transactions_old.cjs", module, "old-")


@pytest.mark.parametrize("case", OLD)
def test_tcb_admin_node_has_transactions_of_its_own(old_sdk, case):
    assert old_sdk[case] == {"value": OLD[case]}
