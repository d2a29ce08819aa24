import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.errors import InvalidParam
from emulator.wire.openapi_messages import (
    ApiData,
    Pair,
    read_api_data,
    read_cloud_ids,
    write_answer,
    write_credentials,
    write_open_data,
    write_refusal,
    write_signature,
)


def field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, len(content)]) + content


def test_arguments_come_as_pairs():
    pair = field(1, b"touser") + field(2, b'"oX"')
    media = field(1, b"media") + field(2, b"\x00png") + field(4, b"media.png")
    message = b"\x08\x00" + field(2, field(1, pair) + field(1, media))
    assert read_api_data(message) == ApiData(
        api_type="open",
        pairs=(
            Pair(key="touser", value=b'"oX"'),
            Pair(key="media", value=b"\x00png", file_name="media.png"),
        ),
    )


def test_a_call_of_the_platform_itself_names_what_it_calls():
    inner = field(2, b"one") + field(2, b"two")
    message = b"\x08\x02" + field(4, field(1, b"ApiGetOpenDataByCloudId") + field(2, inner))
    asked = read_api_data(message)
    assert (asked.api_type, asked.svrkit_name) == ("svrkit", "ApiGetOpenDataByCloudId")
    assert read_cloud_ids(asked.svrkit_data) == ["one", "two"]


def test_fields_of_other_kinds_are_passed_over():
    message = b"\x08\x03" + b"\x79" + bytes(8) + b"\x7d" + bytes(4) + field(6, b"wx1")
    assert read_api_data(message).api_type == "token"


@pytest.mark.parametrize(
    "message",
    [
        b"\x12\x05abc",
        b"\x08",
        b"\x08" + b"\xff" * 11,
        b"\x0b",
        b"\x10\x01",
        field(2, field(1, field(1, b"\xff"))),
        b"\x08\x00" * 10_001,
    ],
)
def test_what_is_no_such_message_is_refused(message: bytes):
    with pytest.raises(InvalidParam):
        read_api_data(message)


@given(st.binary())
def test_any_bytes_are_a_message_or_refused(message: bytes):
    with contextlib.suppress(InvalidParam):
        read_api_data(message)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (write_answer(b"{}", "a/b"), b"\x0a\x02{}\x12\x03a/b\x18\x00\x20\xc8\x01"),
        (write_refusal(-604100), b"\x18\xbc\x90\xdb\xff\xff\xff\xff\xff\xff\x01\x20\xc8\x01"),
        (write_signature("s"), b"\x0a\x01s"),
        (write_open_data([("c", b"{}")]), b"\x0a\x07\x0a\x01c\x12\x02{}"),
        (
            write_credentials(secret_id="i", secret_key="k", token="t"),
            b"\x0a\x09\x0a\x01i\x12\x01k\x1a\x01t\x12\x05local",
        ),
    ],
)
def test_answers_are_written_as_protobuf(written: bytes, expected: bytes):
    assert written == expected


def test_long_contents_have_long_lengths():
    assert write_signature("x" * 300)[:3] == b"\x0a\xac\x02"
