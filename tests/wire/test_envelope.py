import json
import logging

import pytest

from emulator.core import errors
from emulator.wire import envelope

SUBCLASSES = [each for each in vars(errors).values() if isinstance(each, type)]


def test_a_success_has_no_code():
    answer = json.loads(envelope.success(b'{"total":1}', "r"))
    assert answer == {"data": {"total": 1}, "requestId": "r"}


@pytest.mark.parametrize("kind", SUBCLASSES, ids=lambda kind: kind.__name__)
def test_every_error_of_the_suite_is_told_by_its_code_and_message(kind, caplog):
    answer = json.loads(envelope.refused(kind("what is wrong", hint="for the log"), "r"))
    assert answer == {"code": kind.code, "message": "what is wrong", "requestId": "r"}
    assert not caplog.records


def test_an_unexpected_fault_is_one_sentence_and_a_log_entry(caplog):
    with caplog.at_level(logging.ERROR):
        answer = json.loads(envelope.refused(ValueError("secret detail"), "r-1"))
    assert answer["code"] == "SYS_ERR"
    assert answer["requestId"] == "r-1"
    assert "secret detail" not in answer["message"]
    assert "r-1" in caplog.text
    assert "secret detail" in caplog.text


def test_running_out_of_stack_is_the_requests_fault(caplog):
    answer = json.loads(envelope.refused(RecursionError(), "r"))
    assert answer["code"] == "INVALID_PARAM"
    assert not caplog.records


def test_a_message_may_quote_what_json_cannot_hold():
    answer = json.loads(envelope.failure(errors.InvalidName("bad name \ud800"), "r"))
    assert answer["message"] == "bad name ?"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(errors.InvalidName("x"), 400, id="wrong input"),
        pytest.param(errors.CollectionNotExist("x"), 400, id="the database's refusals"),
        pytest.param(envelope.ForeignRequest("x"), 403, id="a foreign page"),
        pytest.param(errors.FunctionNotFound("x"), 404, id="no such function"),
        pytest.param(envelope.NoSuchPath("x"), 404, id="no such path"),
        pytest.param(errors.RequestTooLarge("x"), 413, id="too large"),
        pytest.param(errors.StoreError("x"), 500, id="the disk"),
        pytest.param(KeyError("x"), 500, id="our own fault"),
    ],
)
def test_where_the_status_speaks_it_says_who_is_at_fault(error, status):
    assert envelope.status_of(error) == status
