"""Functions and files through the official SDKs, see scripts/platform.cjs."""

from typing import Any

import pytest

pytestmark = [pytest.mark.sdk, pytest.mark.timeout(600)]

SDKS = ["node-sdk-2", "node-sdk-3", "wx-server-sdk-2", "wx-server-sdk-4"]
PREFIXES = dict(zip(SDKS, ["n2-", "n3-", "w2-", "w4-"], strict=True))
PATHS = {
    "file with plain": "folder/plain.txt",
    "file with spaces": "folder/with spaces.txt",
    "file with Chinese": "目录/中文 名.txt",
    "file with marks": "folder/a#b?c%d&e=f+g.txt",
    "file with quotes": "folder/it's (1) [2] {3}.txt",
    "file from a stream": "stream.bin",
    "empty file": "empty.txt",
}
LENGTHS = {"file from a stream": 300_000, "empty file": 0}
CALLS = {
    "call": {"a": 1, "s": "中文", "list": [None, True]},
    "call without data": {},
    "call a coroutine": 21,
    "call for nothing": None,
    "call for a text": "a text",
    "call has a request id": "string",
    "call with a long text": 300_000,
    "file overwritten": "second",
    "file with an age": [60],
}
FAILURES: dict[str, tuple[str, int, str]] = {
    "call an unknown function": ("FUNCTION_NOT_FOUND", -501001, "sdk_no_such"),
    "call a function that raises": ("FUNCTIONS_EXECUTE_FAIL", -504002, "ValueError: because"),
    "download a missing file": ("STORAGE_FILE_NONEXIST", -503003, ""),
    "too many files": ("INVALID_PARAM", -501007, "50"),
    "upload to a bad path": ("INVALID_PARAM", -1, ""),
}
NOT_THERE: dict[str, Any] = {"node": "STORAGE_FILE_NONEXIST", "wx": -503003}
DONE: dict[str, Any] = {"node": "SUCCESS", "wx": 0}


def flavour(sdk: str) -> str:
    return sdk.partition("-")[0]


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("case", CALLS)
def test_a_call_is_answered(sdk_runs, sdk, case):
    assert sdk_runs.of(sdk)[case] == {"value": CALLS[case]}


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("case", PATHS)
def test_a_file_goes_up_and_comes_down_the_same_whatever_its_name(sdk_runs, sdk, case):
    assert sdk_runs.of(sdk)[case] == {
        "value": {
            "path": PREFIXES[sdk] + PATHS[case],
            "hasUrl": True,
            "bytes": LENGTHS.get(case, 8),
            "same": True,
            "deleted": [DONE[flavour(sdk)]],
            "after": NOT_THERE[flavour(sdk)],
        }
    }


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_has_the_clouds_code(sdk_runs, sdk, case):
    """wx-server-sdk 4 maps no code outside the database to a number: it says -1, with the code."""
    code, number, words = FAILURES[case]
    error = sdk_runs.of(sdk)[case]["error"]
    if sdk == "wx-server-sdk-2":
        assert error["errCode"] == number
    else:
        assert error["code"] == code
    if sdk == "wx-server-sdk-4":
        assert error["errCode"] == -1
    assert words in error["message"]


@pytest.mark.parametrize("sdk", SDKS)
def test_a_function_that_raised_is_told_with_the_line_in_the_users_file(sdk_runs, sdk):
    error = sdk_runs.of(sdk)["call a function that raises"]["error"]
    assert 'sdk_raises/index.py", line 2' in error["message"].replace("\\", "/")


@pytest.mark.parametrize("sdk", SDKS)
def test_deleting_a_missing_file_says_so_file_by_file(sdk_runs, sdk):
    told = sdk_runs.of(sdk)["delete a missing file"]
    assert told == {"value": [NOT_THERE[flavour(sdk)]]}


@pytest.mark.parametrize("sdk", ["wx-server-sdk-2", "wx-server-sdk-4"])
def test_outside_a_function_there_is_no_context(sdk_runs, sdk):
    assert "OPENID" not in sdk_runs.of(sdk)["the context outside a function"]["value"]
