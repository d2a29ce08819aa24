"""What the client script makes of a suite's answers: results, errors and texts as the cloud's."""

import math
from typing import Any

import pytest

EXACT: dict[str, Any] = {
    "add": {"_id": "one", "errMsg": "collection.add:ok"},
    "doc_absent_null": {"data": None, "errMsg": "document.get:ok"},
    "update": {"stats": {"updated": 1}, "errMsg": "document.update:ok"},
    "updated": {
        "_id": "one",
        "n": 3,
        "tags": ["x", "y", "z"],
        "style": {"color": "red", "size": 3, "weight": 1},
    },
    "arrays": [["a", "w", "y", "z"], {"only": True}],
    "set_new": {"_id": "two", "stats": {"updated": 0, "created": 1}, "errMsg": "document.set:ok"},
    "set_again": {"_id": "two", "stats": {"updated": 1, "created": 0}, "errMsg": "document.set:ok"},
    "remove": {"stats": {"removed": 1}, "errMsg": "document.remove:ok"},
    "usual_limit": 20,
    "most_limit": 20,
    "page": [{"_id": "d22", "n": 22}, {"_id": "d20", "n": 20}],
    "count": {"total": 5, "errMsg": "collection.count:ok"},
    "geo": [1, 0],
    "query_update": {"stats": {"updated": 3}, "errMsg": "collection.update:ok"},
    "query_remove": {"stats": {"removed": 1}, "errMsg": "collection.remove:ok"},
    "aggregate": {
        "list": [
            {"_id": False, "total": 119, "count": 7},
            {"_id": True, "total": 112, "count": 7},
        ],
        "errMsg": "collection.aggregate:ok",
    },
    "lookup": [{"name": "name 3"}],
    "callbacks": {
        "heard": [["success", "document.get:ok"], ["complete", "document.get:ok"]],
        "returned": True,
    },
    "callback_fail": [-502005, True],
    "function_nothing": None,
    "own_documents": 0,
    "upload": {"fileID": True, "statusCode": 201, "errMsg": "cloud.uploadFile:ok"},
    "upload_path": {"last": 100, "same": True},
    "download": {"statusCode": 200, "errMsg": "cloud.downloadFile:ok", "same": 0},
    "urls": {
        "errMsg": "cloud.getTempFileURL:ok",
        "status": 200,
        "list": [
            [0, "ok", 86400],
            [0, "ok", 60],
            *(3 * [[-503003, "STORAGE_FILE_NONEXIST", None]]),
        ],
    },
    "delete": [0, "ok", True, "cloud.deleteFile:ok"],
    "container_absent": [404, "cloud.callContainer:ok"],
    "same_objects": [True, True, True],
}
QUERIES = {
    "and": [21, 22],
    "chained": [21, 22],
    "or": [0, 24],
    "or_list": [0, 24],
    "whole": [1, 2],
    "in": [3, 4],
    "not": [0, 1],
    "nor": [1, 2],
    "nested": [4],
    "dotted": [5],
    "regexp": [7],
    "native": [8],
    "mod": [0, 12, 24],
    "exists": [],
    "expr": [9],
    "two": [2],
}
FAILURES = {
    "before_init": (-1, "cloud.callFunction:fail Cloud API isn't enabled"),
    "database_before_init": (-1, "cloud.database:fail Cloud API isn't enabled"),
    "add_no_data": (-401003, "collection.add:fail -401003 parameter.data should be object instead"),
    "add_owner": (
        -501007,
        "collection.add:fail -501007 invalid parameters. Invalid Key Name: _openid",
    ),
    "update_id": (
        -501007,
        "document.update:fail -501007 invalid parameters. 不能更新_id的值",
    ),
    "set_id": (-501007, "document.set:fail -501007 invalid parameters. 不能更新_id的值"),
    "update_id_of_some": (
        -501007,
        "collection.update:fail -501007 invalid parameters. 不能更新_id的值",
    ),
    "duplicate": (-502001, "collection.add:fail -502001 database request fail. [FailedOperation]"),
    "doc_absent": (-1, "document.get:fail cannot find document with _id none, please make sure"),
    "bad_id": (-401003, "collection.doc:fail -401003 docId should be"),
    "missing_collection": (
        -502005,
        "collection.get:fail -502005 database collection not exists. [ResourceNotFound] Db or",
    ),
    "bad_operator": (-502002, "collection.get:fail -502002 database invalid command. unknown"),
    "function_absent": (
        -501000,
        "cloud.callFunction:fail Error: errCode: -501000  | errMsg: FunctionName parameter could "
        "not be found. There is no function absent. ",
    ),
    "function_raises": (
        -504002,
        "cloud.callFunction:fail Error: errCode: -504002 functions execute fail | errMsg: "
        "ValueError: out of paper",
    ),
    "function_late": (
        -504003,
        "cloud.callFunction:fail Error: errCode: -504003  | errMsg: Invoking task timed out after "
        "1 seconds 更多错误信息请访问：https://docs.cloudbase.net/error-code/basic/"
        "FUNCTIONS_TIME_LIMIT_EXCEEDED (callId: ",
    ),
    "function_unnamed": (-401003, "cloud.callFunction:fail -401003 parameter.name should be"),
    "download_absent": (-503003, "cloud.downloadFile:fail -503003 storage file not exists. cloud:"),
    "too_many": (-401002, "cloud.deleteFile:fail -401002 fileList may hold 50 files"),
}


@pytest.mark.parametrize("name", EXACT)
def test_a_call_answers_as_in_the_cloud(told, name):
    assert told[name] == EXACT[name]


@pytest.mark.parametrize("name", QUERIES)
def test_a_command_finds_what_it_says(told, name):
    assert told["queries"][name] == QUERIES[name]


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_has_the_cloud_s_number_and_text(told, name):
    number, text = FAILURES[name]
    assert told[name]["errCode"] == number
    assert told[name]["errMsg"].startswith(text)
    assert told[name]["message"] == told[name]["errMsg"]


def test_values_come_back_as_they_were(told):
    doc = told["doc"]
    assert doc["at"] == 1700000000000
    assert doc["now"] == 1
    assert math.isclose(doc["longitude"], 113.3)
    assert doc["owned"]
    assert "left" not in doc["keys"]


def test_the_test_user_needs_no_sign_in_and_another_one_is_another(told):
    who = told["who"]
    assert who["OPENID"]
    assert who["SOURCE"] == "wx_client"
    assert told["other_user"]["OPENID"] == "oBob" != who["OPENID"]


def test_ids_of_open_data_arrive_with_the_data_and_deeper_ones_as_text(told):
    heard = told["cloud_id"]
    assert heard["open"]["cloudID"] == "67_x"
    assert heard["open"]["data"]["phoneNumber"] == "13800138000"
    assert heard["open"]["data"]["watermark"]["appid"]
    assert heard["made"]["cloudID"] == "67_y"
    assert heard["deep"] == {"list": ["67_z"]}


def test_a_function_hears_its_data(told):
    function = told["function"]
    assert (function["result"]["a"], function["result"]["s"]) == (1, "中文")
    assert function["errMsg"] == "cloud.callFunction:ok"
    assert function["named"]


def test_alipay_hears_bare_values(told):
    alipay = dict(told["alipay"])
    assert alipay.pop("result")["a"] == 1
    assert alipay == {
        "added": {"id": "p1"},
        "list": ["Rex"],
        "one": "Rex",
        "count": 1,
        "updated": {"count": 1},
        "aggregated": [{"name": "Max"}],
        "removed": {"count": 1},
    }
    assert told["alipay_absent"]["code"] == "NOT_FOUND"


def test_taro_and_uni_app_have_it_under_their_names(told):
    assert told["taro"]["taro"] is True
    uni = dict(told["uni"])
    assert uni.pop("result")["uni"] == 1
    assert uni == {
        "added": {"errCode": 0, "errMsg": "", "id": "u1"},
        "got": [{"_id": "u1", "n": 2}],
        "one": 1,
        "none": 0,
        "total": 1,
        "removed": 1,
    }
