import copy
import pickle

import pytest

from emulator.cloud.errors import (
    ERROR_NUMBERS,
    ERROR_PHRASES,
    CloudError,
    cloud_error,
    error_number,
    error_of,
    sdk_error,
)
from emulator.core.errors import CollectionNotExist


def test_a_refusal_of_the_cloud_reads_as_the_sdk_writes_it():
    fault = CollectionNotExist(
        "[ResourceNotFound] Db or Table not exist: nope.", hint="create it first"
    )
    error = error_of("collection.get", fault)
    text = (
        "collection.get:fail -502005 database collection not exists. "
        "[ResourceNotFound] Db or Table not exist: nope."
    )
    assert str(error) == error.message == error.err_msg == error.errMsg == text
    assert error.err_code == error.errCode == -502005
    assert error.code == "DATABASE_COLLECTION_NOT_EXIST"
    assert error.__notes__ == ["hint: create it first"]


def test_a_refusal_of_the_sdk_itself_has_no_number():
    error = sdk_error("document.get", "document with _id X does not exist")
    assert error.message == "document.get:fail document with _id X does not exist"
    assert (error.err_code, error.code) == (-1, "")


def test_a_code_the_sdk_does_not_know_is_a_system_error_that_keeps_its_code():
    error = cloud_error("callFunction", "FUNCTION_NOT_FOUND", "no such")
    assert error.message == "callFunction:fail -501001 resource system error. no such"
    assert error.code == "FUNCTION_NOT_FOUND"


@pytest.mark.parametrize("code", ERROR_NUMBERS)
def test_every_code_has_a_phrase(code):
    assert ERROR_PHRASES[error_number(code)]


def test_an_error_can_be_copied_and_pickled():
    error = cloud_error("callFunction", "SYS_ERR", "x")
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert isinstance(twin, CloudError)
        assert (twin.message, twin.code, twin.errCode) == (error.message, "SYS_ERR", -501001)
