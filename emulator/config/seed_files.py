"""Owns reading data files into lists of JSON documents by collection.

Not here: loading them (`services.datasets` by way of `/_emu/seed`). The one idea: exports of the
cloud's console, hand-written arrays and documents written one after another all are JSON values in
a row, so one loop reads them; the file's name is the collection's.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from emulator.config.text_files import decode_text, shown_path
from emulator.core.errors import ConfigurationError

SEED_SIZE_MAX_BYTES: Final = 512 * 1024 * 1024
DIGITS_MAX: Final = 400
"""The largest number there is, 1.8e308, has fewer."""

Documents = list[dict[str, Any]]


def read_seed_files(paths: Iterable[Path]) -> dict[str, Documents]:
    """Return the documents of all files by collection, still in Extended JSON.

    `orders.jsonl` fills `orders`; a file that is one object `{"collections": {...}}` fills several.

    Raises:
        ConfigurationError: a file cannot be read; the message names file and line.
    """
    collections: dict[str, Documents] = {}
    for path in paths:
        for name, documents in _read(path).items():
            collections.setdefault(name, []).extend(documents)
    return collections


def _read(path: Path) -> Mapping[str, Documents]:
    name = shown_path(path)
    if path.suffix.lower() == ".csv":
        raise ConfigurationError(
            f"{name}: seeds are JSON, where each value says of which kind it is",
            hint=f"cloud-emu import {name}",
        )
    try:
        if path.stat().st_size > SEED_SIZE_MAX_BYTES:
            raise ConfigurationError(f"{name}: larger than {SEED_SIZE_MAX_BYTES} bytes")
        text = decode_text(path.read_bytes(), name=name)
    except OSError as fault:
        raise ConfigurationError(f"{name}: cannot be read: {fault.strerror}") from fault
    values = list(_values(text, name))
    if len(values) == 1 and isinstance(values[0][1], dict) and set(values[0][1]) == {"collections"}:
        return _many(values[0][1]["collections"], name)
    return {path.name.partition(".")[0]: list(_documents(values, name))}


def _many(collections: object, name: str) -> Mapping[str, Documents]:
    if not isinstance(collections, dict):
        raise ConfigurationError(f'{name}: "collections" must be an object of lists')
    return {
        collection: list(_documents([(1, documents)], f"{name}: {collection}"))
        for collection, documents in collections.items()
    }


def _documents(values: Iterable[tuple[int, Any]], name: str) -> Iterator[dict[str, Any]]:
    for line, value in values:
        for document in value if isinstance(value, list) else [value]:
            if not isinstance(document, dict):
                raise ConfigurationError(
                    f"{name}:{line}: a document must be an object, is {json.dumps(document):.60}"
                )
            yield document


def _values(text: str, name: str) -> Iterator[tuple[int, Any]]:
    """Yield each JSON value with the line it begins on; commas between them are forgiven."""
    decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_whole)
    at, line = 0, 1
    while True:
        start = at
        while at < len(text) and text[at] in " \t\r\n,\ufeff":
            at += 1
        line += text.count("\n", start, at)
        if at >= len(text):
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as fault:
            raise ConfigurationError(f"{name}:{fault.lineno}: not JSON: {fault.msg}") from fault
        except RecursionError as fault:
            raise ConfigurationError(f"{name}:{line}: nested too deeply") from fault
        except ValueError as fault:
            raise ConfigurationError(f"{name}:{line}: not JSON: {fault}") from fault
        yield line, value
        line += text.count("\n", at, end)
        at = end


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f'{text} is no number of JSON; write {{"$numberDouble": "{text}"}}')


def _whole(text: str) -> int:
    if len(text) > DIGITS_MAX:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)
