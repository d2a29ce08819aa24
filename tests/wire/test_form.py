import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.errors import EmulatorError, InvalidParam
from emulator.wire.form import read_form
from emulator.wire.multipart import MalformedForm

KIND = "multipart/form-data; boundary=edge"


def form(*parts: tuple[str, bytes]) -> bytes:
    written = b"".join(
        b'--edge\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
        % (name.encode(), value)
        for name, value in parts
    )
    return written + b"--edge--\r\n"


def test_parts_are_text_but_for_those_that_are_bytes():
    raw = form(("action", b"wx.openApi"), ("requestData", b"\x00\xff"), ("empty", b""))
    assert read_form(raw, KIND) == {
        "action": "wx.openApi",
        "requestData": b"\x00\xff",
        "empty": "",
    }


def test_the_last_of_a_name_counts():
    assert read_form(form(("a", b"1"), ("a", b"2")), KIND) == {"a": "2"}


def test_text_that_is_none_is_refused():
    with pytest.raises(InvalidParam, match="action is not UTF-8"):
        read_form(form(("action", b"\xff")), KIND)


def test_a_form_without_an_end_is_refused():
    with pytest.raises(MalformedForm):
        read_form(form(("a", b"1"))[:-8], KIND)


PIECES = st.sampled_from(
    [
        *(b"--edge", b"--edge--", b"\r\n", b"\r\n\r\n", b"a", b"\xff", b'name="', b":"),
        *(b'Content-Disposition: form-data; name="action"', b"Content-Type: text/plain"),
    ]
)


@given(st.one_of(st.binary(), st.lists(PIECES).map(b"".join)))
def test_any_bytes_are_a_form_or_refused(raw: bytes):
    with contextlib.suppress(EmulatorError):
        read_form(raw, KIND)
