"""Owns reading text and JSON files that other tools and other machines wrote.

Not here: what they mean. The one idea: Windows editors leave byte order marks and UTF-16, people
leave comments and trailing commas; all of that is read, and only what is no JSON at all is an
error, with its line.
"""

import codecs
import json
import re
from pathlib import Path
from typing import Any, Final

from emulator.core.errors import ConfigurationError

FILE_SIZE_MAX_BYTES: Final = 4 * 1024 * 1024
"""A configuration file beyond this is something else under its name."""

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMMENT: Final = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING_COMMA: Final = re.compile(r'"(?:\\.|[^"\\])*"|,(?=\s*[}\]])', re.DOTALL)


def read_text(path: Path) -> str:
    """Return a file's text, whatever editor saved it.

    Raises:
        ConfigurationError: it cannot be read, is too large or is in no encoding we know.
    """
    try:
        if path.stat().st_size > FILE_SIZE_MAX_BYTES:
            raise ConfigurationError(f"{shown_path(path)}: larger than {FILE_SIZE_MAX_BYTES} bytes")
        data = path.read_bytes()
    except OSError as fault:
        raise ConfigurationError(f"{shown_path(path)}: cannot be read: {fault.strerror}") from fault
    return decode_text(data, name=shown_path(path))


def decode_text(data: bytes, *, name: str) -> str:
    """Return bytes as text: by their byte order mark, as UTF-8, as UTF-16, as Chinese Windows."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data, (encoding,), name)
    if b"\0" in data[:64]:
        encoding = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
        return _decoded(data, (encoding,), name)
    return _decoded(data, ("utf-8", "gb18030"), name)


def parse_json(text: str, *, name: str) -> Any:
    """Return JSON with comments and trailing commas as data.

    Raises:
        ConfigurationError: it is not JSON; the message starts with name and line.
    """
    plain = _TRAILING_COMMA.sub(_blank_comma, _COMMENT.sub(_blank_comment, text))
    try:
        return json.loads(plain)
    except json.JSONDecodeError as fault:
        raise ConfigurationError(f"{name}:{fault.lineno}: not JSON: {fault.msg}") from fault
    except RecursionError as fault:
        raise ConfigurationError(f"{name}: nested too deeply") from fault


def shown_path(path: Path) -> str:
    """Return a path as short as it can be clicked: relative if inside the current folder."""
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return str(path)


def _decoded(data: bytes, encodings: tuple[str, ...], name: str) -> str:
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ConfigurationError(f"{name}: not text in UTF-8", hint="save the file as UTF-8")


def _blank_comment(match: re.Match[str]) -> str:
    found = match.group()
    return found if found.startswith('"') else re.sub(r"[^\n]", " ", found)


def _blank_comma(match: re.Match[str]) -> str:
    found = match.group()
    return found if found.startswith('"') else " "
