"""Owns the actions about indexes: their fields and replies.

Not here: the table of actions (`wire.actions`). The platform's SDKs have no such calls (indexes are
made in its console); these are what this suite's own clients send. Keys are a list of `name` and
`direction`, as the platform's API for its console writes them, a list of pairs, or an object; they
and `options`, MongoDB's own names for what else there is, may also be Extended JSON text, as such
fields of other actions are.
"""

from collections.abc import Sequence

import orjson

from emulator.core.commands import CreateIndex, DropIndex, ListIndexes
from emulator.core.errors import InvalidParam
from emulator.core.values import Document, Value
from emulator.wire import fields
from emulator.wire.fields import Body


def create_index(body: Body) -> CreateIndex:
    """Read `database.createIndex`."""
    options = fields.optional_document(body.get("options"), "options") or {}
    body = {"indexName": options.get("name"), **options, **body}
    return CreateIndex(
        collection=fields.text(body, "collectionName"),
        keys=index_keys(body.get("keys")),
        name=fields.optional_text(body, "indexName"),
        unique=fields.flag(body, "unique", default=False),
        sparse=fields.flag(body, "sparse", default=False),
        expire_after_s=fields.count(body, "expireAfterSeconds"),
    )


def drop_index(body: Body) -> DropIndex:
    """Read `database.dropIndex`."""
    return DropIndex(
        collection=fields.text(body, "collectionName"), name=fields.text(body, "indexName")
    )


def list_indexes(body: Body) -> ListIndexes:
    """Read `database.listIndexes`."""
    return ListIndexes(collection=fields.text(body, "collectionName"))


def index_keys(data: Value) -> tuple[tuple[str, Value], ...]:
    """Return paths with their directions, in order; raises InvalidParam."""
    data = fields.value(data, "keys")
    if type(data) is dict:
        return tuple(data.items())
    if type(data) is not list:
        raise fields.wrong("keys", data, "an object of directions by field")
    pairs = [_pair(item) for item in data]
    return tuple(pairs)


def _pair(item: Value) -> tuple[str, Value]:
    if type(item) is list and len(item) == 2:
        item = {"name": item[0], "direction": item[1]}
    if type(item) is not dict or type(item.get("name")) is not str:
        raise InvalidParam("each of keys must be an object with name and direction")
    return item["name"], item.get("direction", 1)


def created(name: str) -> bytes:
    """Write `indexName`."""
    return orjson.dumps({"indexName": name})


def listed(definitions: Sequence[Document]) -> bytes:
    """Write `indexes`; `keys` are a list of name and direction."""
    return orjson.dumps({"indexes": [wire_definition(each) for each in definitions]})


def wire_definition(definition: Document) -> Document:
    """Return a definition with its keys as the platform writes them."""
    keys = [{"name": path, "direction": direction} for path, direction in definition["keys"]]
    return {**definition, "keys": keys}
