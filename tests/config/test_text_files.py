"""Text and JSON as other editors save them."""

import pytest

from emulator.config.text_files import decode_text, parse_json, read_text, shown_path
from emulator.core.errors import ConfigurationError


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"],
)
def test_text_is_read_in_every_encoding_that_editors_write(encoding):
    assert decode_text('{"名": "云开发"}'.encode(encoding), name="x") == '{"名": "云开发"}'


def test_bytes_that_are_no_text_are_refused_by_name():
    with pytest.raises(ConfigurationError, match=r"^x\.json: not text in UTF-8$"):
        decode_text(b"\xff\x80\xff", name="x.json")


@pytest.mark.parametrize(
    ("text", "data"),
    [
        pytest.param('{"a": 1}', {"a": 1}, id="strict"),
        pytest.param('{"a": 1, // why\n "b": 2}', {"a": 1, "b": 2}, id="line-comment"),
        pytest.param('/* head\n*/ {"a": /* in */ 1}', {"a": 1}, id="block-comment"),
        pytest.param('{"a": [1, 2, ], }', {"a": [1, 2]}, id="trailing-commas"),
        pytest.param('{"a": 1, // last\n}', {"a": 1}, id="comma-before-a-comment"),
        pytest.param('{"u": "http://x/*y*/"}', {"u": "http://x/*y*/"}, id="comment-marks-in-text"),
        pytest.param('{"a": ",]"}', {"a": ",]"}, id="commas-in-text"),
        pytest.param('{"a": "\\"// b"}', {"a": '"// b'}, id="escaped-quotes"),
    ],
)
def test_json_with_comments_and_trailing_commas_is_read(text, data):
    assert parse_json(text, name="x") == data


def test_broken_json_is_told_with_its_line_behind_comments():
    with pytest.raises(ConfigurationError, match=r"^x\.json:4: not JSON: "):
        parse_json('{\n/* two\nlines */\n  "a" 1\n}', name="x.json")


def test_json_nested_beyond_reason_is_refused():
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        parse_json("[" * 100_000, name="x")


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_text(tmp_path)


def test_paths_inside_the_current_folder_are_shown_short(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shown_path(tmp_path / "a" / "b") == "a/b"
    assert shown_path(tmp_path.parent / "c") == str(tmp_path.parent / "c")
