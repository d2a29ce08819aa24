"""Text that no encoder takes becomes text that all take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.wellformed import wellformed, wellformed_data


@pytest.mark.parametrize(
    ("text", "result"),
    [
        pytest.param("plain", "plain", id="ascii"),
        pytest.param("\u503c\U0001f600", "\u503c\U0001f600", id="beyond"),
        pytest.param("a\ud800b", "a\ufffdb", id="first-half"),
        pytest.param("a\ude00", "a\ufffd", id="second-half"),
        pytest.param("\ud83d\ude00!", "\U0001f600!", id="split-pair"),
        pytest.param("\udc80", "\ufffd", id="byte-of-a-file-name"),
    ],
)
def test_halves_are_joined_or_replaced(text, result):
    assert wellformed(text) == result


@given(st.text(st.characters(), max_size=20))
def test_every_text_can_be_encoded_after(text):
    assert wellformed(wellformed(text).encode().decode()) == wellformed(text)


def test_data_are_mended_everywhere_and_otherwise_the_same():
    data = {"k\ud800": ["\udc80", ("\ud800",), {"n": 1}], "f": 2.5, "z": None}
    assert wellformed_data(data) == {
        "k\ufffd": ["\ufffd", ["\ufffd"], {"n": 1}],
        "f": 2.5,
        "z": None,
    }
