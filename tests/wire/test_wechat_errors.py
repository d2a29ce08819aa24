import json

import pytest

from emulator.core.errors import CollectionNotExist, FunctionNotFound, InvalidParam, StoreError
from emulator.core.wxquery.lexer import MalformedStatement
from emulator.wire.wechat_errors import Refused, failure, number_of, success


def test_what_goes_well_says_so_in_front():
    assert json.loads(success({"count": 1})) == {"errcode": 0, "errmsg": "ok", "count": 1}


@pytest.mark.parametrize(
    ("error", "number", "message"),
    [
        (Refused(41001, "access_token missing"), 41001, "access_token missing"),
        (MalformedStatement("query, line 1"), 40097, "invalid args. query, line 1"),
        (CollectionNotExist("no c"), -502005, "no c"),
        (InvalidParam("half \ud800 of it"), -501007, "half ? of it"),
        (FunctionNotFound("no f"), -501000, "no f"),
        (StoreError("full"), -502001, "full"),
        (RecursionError(), 40097, "invalid args. the request is nested too deeply"),
    ],
)
def test_an_error_has_its_number_and_the_request_s_id(error: Exception, number: int, message: str):
    told = json.loads(failure(error, "r1"))
    assert told == {"errcode": number, "errmsg": f"{message} rid: r1"}


def test_what_is_not_ours_is_logged_and_hides_its_stack(caplog):
    told = json.loads(failure(ZeroDivisionError("secret"), "r1"))
    assert told["errcode"] == -1
    assert "secret" not in told["errmsg"]
    assert "r1" in caplog.text


def test_codes_have_the_numbers_of_the_sdks():
    assert number_of("STORAGE_FILE_NONEXIST") == -503003
    assert number_of("SOMETHING_NEW") == -501000
    assert number_of("FUNCTIONS_TIME_LIMIT_EXCEEDED") == -504003
