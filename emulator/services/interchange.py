"""Owns the formats in which collections travel: JSON Lines and CSV, read and written line by line.

Not here: what is done with the documents (`services.importing`, `services.exporting`). The one
idea: a format is fed lines and gives back documents or what is wrong with them, each with the
number of its line, so neither a file nor a bad line is ever too large.

As the console of the cloud has them (docs.cloudbase.net/database/manage): JSON holds one object
after the other, Extended JSON with `{"$date": "…Z"}`; no key begins or ends with a dot, holds two
in a row, comes twice or means the same as a path beside it. CSV names the fields in its first line.
How the cloud reads the cells of CSV is not documented; here as MongoDB's own tool does: a number if
it looks like one, else text, paths with dots nest, and an empty cell is no field.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import orjson

from emulator.core import ejson
from emulator.core.errors import EmulatorError, InvalidParam
from emulator.core.values import INT64_MAX, INT64_MIN, Date, Document, ObjectId, Value
from emulator.core.wellformed import wellformed_data

DOCUMENT_TEXT_MAX_BYTES: Final = 64 * 1024 * 1024
"""A document of 16 MiB grows about fourfold as Extended JSON."""
_LINE_END: Final = b"\n"
_BOM: Final = b"\xef\xbb\xbf"
_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_KEYS: Final = re.compile(rb'"\s*:')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?\Z")
_NUMBER_MAX_DIGITS: Final = 40
_OPTIONS: Final = (
    orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)


class Item(NamedTuple):
    """A document and the line it begins on, or what is wrong there."""

    line: int
    document: Document | None
    problem: str = ""


class Reader(Protocol):
    """Reads one format; `feed` and `finish` may give nothing, or several items."""

    def feed(self, line: int, text: bytes) -> Iterable[Item]:
        """Take a line, its end included, and return what is complete."""
        ...

    def finish(self) -> Iterable[Item]:
        """Return what the end of the file leaves."""
        ...


class Lines:
    """Cuts chunks of bytes into numbered lines."""

    def __init__(self) -> None:
        self._number = 0
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the lines that are complete.

        Raises:
            InvalidParam: a line is longer than any document may be.
        """
        self._rest += chunk
        if _LINE_END not in chunk:
            if len(self._rest) > DOCUMENT_TEXT_MAX_BYTES:
                raise InvalidParam(
                    f"line {self._number + 1} is longer than {DOCUMENT_TEXT_MAX_BYTES} bytes",
                    hint="a file holds one document a line",
                )
            return
        whole, _, rest = bytes(self._rest).rpartition(_LINE_END)
        self._rest = bytearray(rest)
        for line in whole.split(_LINE_END):
            yield self._next(line)

    def finish(self) -> Iterator[tuple[int, bytes]]:
        """Yield the last line, if nothing ends it."""
        if self._rest:
            yield self._next(bytes(self._rest))
            self._rest.clear()

    def _next(self, line: bytes) -> tuple[int, bytes]:
        self._number += 1
        return self._number, line.removeprefix(_BOM) if self._number == 1 else line


class JsonLines:
    """Extended JSON, an object a line; one may also go on over several lines."""

    def __init__(self) -> None:
        self._first = 0
        self._open = bytearray()
        self._depth = 0

    def feed(self, line: int, text: bytes) -> Iterator[Item]:
        """Yield the document that this line completes, or what is wrong with it."""
        stripped = text.strip()
        if self._open:
            if stripped != text.rstrip() or not stripped.startswith(b"{"):
                yield from self._go_on(text)
                return
            # An object that begins at the margin: the one before it was never closed.
            yield from self.finish()
        if not stripped:
            return
        if stripped.startswith(b"[") and line == 1:
            raise InvalidParam(
                "the file is a JSON array; it must hold one object a line",
                hint="arrays can be loaded with: cloud-emu seed",
            )
        try:
            value = _loaded(stripped)
        except orjson.JSONDecodeError as fault:
            depth = _depth(stripped)
            if stripped.startswith(b"{") and depth > 0:
                self._first, self._open, self._depth = line, bytearray(text), depth
            else:
                yield Item(line, None, f"not JSON: {fault}")
            return
        yield _item(line, value, stripped)

    def finish(self) -> Iterator[Item]:
        """Yield what is wrong with an object that was never closed."""
        if self._open:
            self._open.clear()
            yield Item(self._first, None, "not JSON: the object that begins here does not end")

    def _go_on(self, text: bytes) -> Iterator[Item]:
        self._open += _LINE_END + text
        self._depth += _depth(text)
        if len(self._open) > DOCUMENT_TEXT_MAX_BYTES:
            yield from self.finish()
        elif self._depth <= 0:
            whole = bytes(self._open)
            self._open.clear()
            try:
                yield _item(self._first, _loaded(whole), whole)
            except orjson.JSONDecodeError as fault:
                yield Item(self._first, None, f"not JSON: {fault}")


class CsvRows:
    """Comma-separated values whose first row names the fields; a quoted cell may hold line ends."""

    def __init__(self) -> None:
        self._paths: list[list[str]] | None = None
        self._first = 0
        self._open = bytearray()
        self._in_quotes = False

    def feed(self, line: int, text: bytes) -> Iterator[Item]:
        """Yield the document of a row; raises InvalidParam for a first row that names no fields."""
        if not self._open:
            self._first = line
            if not text.strip():
                return
        self._open += text + _LINE_END
        self._in_quotes ^= bool(text.count(b'"') % 2)
        if not self._in_quotes:
            yield from self._row(bytes(self._open))
            self._open.clear()
        elif len(self._open) > DOCUMENT_TEXT_MAX_BYTES:
            yield from self.finish()

    def finish(self) -> Iterator[Item]:
        """Yield what is wrong with a quoted cell that was never closed."""
        if self._open:
            self._open.clear()
            self._in_quotes = False
            yield Item(self._first, None, "the quoted text that begins here does not end")

    def _row(self, data: bytes) -> Iterator[Item]:
        try:
            cells = next(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
        except (UnicodeDecodeError, csv.Error) as fault:
            yield Item(self._first, None, f"not CSV in UTF-8: {fault}")
            return
        if self._paths is None:
            self._paths = _paths(cells)
        elif len(cells) > len(self._paths):
            problem = f"{len(cells)} cells, but the first line names {len(self._paths)} fields"
            yield Item(self._first, None, problem)
        else:
            yield Item(self._first, _nested(zip(self._paths, cells, strict=False)))


READERS: Final[Mapping[str, Callable[[], Reader]]] = {"jsonl": JsonLines, "csv": CsvRows}


def json_line(document: Document) -> bytes:
    """Return a document as one line of Extended JSON, dates as text; every type comes back."""
    return _json(document) + _LINE_END


def csv_fields(documents: Iterable[Document]) -> dict[str, None]:
    """Return the paths of all values, in order of first appearance, `_id` in front."""
    return dict.fromkeys(path for document in documents for path, _ in _flat(document, ""))


def csv_rows(documents: Iterable[Document], fields: Sequence[str]) -> bytes:
    """Return rows of these fields; what CSV has no form for is JSON text."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for document in documents:
        cells = dict(_flat(document, ""))
        writer.writerow([_cell(cells[path]) if path in cells else "" for path in fields])
    return text.getvalue().encode("utf-8", "replace")


def csv_head(fields: Sequence[str]) -> bytes:
    """Return the first row."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(fields)
    return text.getvalue().encode("utf-8", "replace")


def _loaded(text: bytes) -> Value:
    """Return the data; halves of surrogate pairs, as JavaScript leaves them, become U+FFFD.

    Raises:
        orjson.JSONDecodeError: it is no JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        if b"\\ud" not in text.lower():
            raise
        try:
            # Numbers are read, and what is no number refused, as by the other reader.
            return wellformed_data(
                json.loads(text, parse_int=orjson.loads, parse_constant=orjson.loads)
            )
        except (ValueError, RecursionError):
            raise fault from None


def _json(value: Value) -> bytes:
    finite = _finite(value) if ejson.holds_non_finite(value) else value
    try:
        return orjson.dumps(finite, default=_tagged, option=_OPTIONS)
    except TypeError:
        # Half of a surrogate pair, which UTF-8 has no form for but JSON's escapes have.
        return json.dumps(ejson.encode(value), separators=(",", ":")).encode()


def _finite(value: Value) -> Value:
    """Return the value with every number that JSON cannot write replaced by its tag."""
    kind = type(value)
    if kind is dict:
        return {key: _finite(item) for key, item in value.items()}
    if kind is list:
        return [_finite(item) for item in value]
    return ejson.encode(value) if kind is float else value


def _tagged(value: Value) -> Value:
    if type(value) is Date and (text := ejson.date_text(value)) is not None:
        return {"$date": text}
    return ejson.tag(value)


def _item(line: int, value: Value, text: bytes) -> Item:
    if type(value) is not dict:
        return Item(line, None, "not an object")
    try:
        # Text with no more keys than the value cannot have lost one of two equal ones.
        if len(_KEYS.findall(text)) != _count_keys(value):
            json.loads(text, object_pairs_hook=_refuse_twins)
        _refuse_dots(value)
        return Item(line, ejson.decode(value) if ejson.TAG_MARK in text else value)
    except EmulatorError as fault:
        return Item(line, None, fault.message)
    except RecursionError:
        return Item(line, None, "nested too deeply")


def _count_keys(value: Value) -> int:
    if type(value) is dict:
        return len(value) + sum(map(_count_keys, value.values()))
    return sum(map(_count_keys, value)) if type(value) is list else 0


def _refuse_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise InvalidParam(f"the key {twin!r:.100} comes twice")
    return found


def _refuse_dots(value: Value) -> None:
    if type(value) is dict:
        for key, item in value.items():
            if "." in key:
                _refuse_dotted(key, value)
            if type(item) in (dict, list):
                _refuse_dots(item)
    elif type(value) is list:
        for item in value:
            if type(item) in (dict, list):
                _refuse_dots(item)


def _refuse_dotted(key: str, holder: Document) -> None:
    if key[0] == "." or key[-1] == "." or ".." in key:
        raise InvalidParam(f"the key {key!r:.100} begins or ends with a dot, or has two in a row")
    if key.partition(".")[0] in holder:
        raise InvalidParam(f"the key {key!r:.100} may mean a part of the field beside it")


def _depth(text: bytes) -> int:
    """Return how many brackets a text leaves open, those in strings aside."""
    bare = _STRINGS.sub(b"", text)
    return bare.count(b"{") + bare.count(b"[") - bare.count(b"}") - bare.count(b"]")


def _paths(names: list[str]) -> list[list[str]]:
    for number, name in enumerate(names):
        if not name or name in names[:number]:
            raise InvalidParam(
                f"the first line names the fields: {name!r:.100} is empty or comes twice",
                hint="such as: _id,name,age",
            )
        if name[0] in ".$" or name[-1] == "." or ".." in name:
            raise InvalidParam(f"{name!r:.100} in the first line cannot be a field's name")
    return [name.split(".") for name in names]


def _nested(cells: Iterable[tuple[list[str], str]]) -> Document:
    document: Document = {}
    for path, text in cells:
        if text == "":
            continue
        holder = document
        for name in path[:-1]:
            inner = holder.setdefault(name, {})
            if type(inner) is not dict:
                inner = holder[name] = {}
            holder = inner
        holder[path[-1]] = _value(text)
    return document


def _value(text: str) -> Value:
    if len(text) <= _NUMBER_MAX_DIGITS and _NUMBER.match(text):
        number = float(text) if set(text) & set(".eE") else int(text)
        return number if INT64_MIN <= number <= INT64_MAX else text
    if text[0] in "{[":
        try:
            return ejson.decode(json.loads(text))
        except (ValueError, RecursionError, EmulatorError):
            return text
    return text


def _flat(document: Document, prefix: str) -> Iterator[tuple[str, Value]]:
    for name, value in document.items():
        if type(value) is dict and value and not any("." in key for key in value):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _cell(value: Value) -> str:
    kind = type(value)
    if value is None:
        return ""
    if kind is str:
        return str(value)
    if kind is ObjectId:
        return str(value.hex)
    if kind is Date:
        return ejson.date_text(value) or str(value.ms)
    return _json(value).decode()
