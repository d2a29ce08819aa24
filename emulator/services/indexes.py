"""Owns indexes as a service: create, drop, list, and what definitions the cloud takes.

Not here: how indexes are kept (`stores.indexes`), chosen (`core.planner`) and when documents expire
(`services.expiry`). The one idea: the definitions are part of what the store remembers of a
collection, so that one commit makes an index, and a refused one leaves nothing behind.
"""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Final

from emulator.core.commands import CreateIndex, DropIndex, ListIndexes
from emulator.core.errors import CollectionNotExist, DatabaseRequestFailed
from emulator.core.indexes import (
    GEO_DIRECTIONS,
    Direction,
    IndexDefinition,
    default_name,
    described,
    to_document,
    with_definitions,
)
from emulator.core.limits import Limits
from emulator.core.values import Document, Value
from emulator.services.access import Access
from emulator.services.caller import Caller
from emulator.services.policy import Policy
from emulator.stores.base import Describe, DocumentStore
from emulator.stores.collector import look_at_new, pass_over, paused, set_aside

ID_INDEX_NAME: Final = "_id_"
EXPIRE_AFTER_MAX_S: Final = 2**31 - 1

_LISTING_PIECES: Final = 2
"""So many pieces of a building list the documents; the rest makes rows."""
_CANNOT_CREATE: Final = 67
_OPTIONS_CONFLICT: Final = 85
_KEYS_CONFLICT: Final = 86
_NOT_FOUND: Final = 27
_INVALID_OPTIONS: Final = 72
_BAD_VALUE: Final = 2


class Indexes:
    """The indexes of one environment."""

    def __init__(self, store: DocumentStore, *, access: Access, limits: Limits) -> None:
        self._store = store
        self._access = access
        self._limits = limits
        self.notices: list[str] = []

    def configure(self, policy: Policy) -> None:
        """Give the collections that are there the indexes the project wants, or tell why not."""
        for write in policy.missing(self._store):
            try:
                self._store.commit([write])
            except DatabaseRequestFailed as refusal:
                self.notices.append(
                    f"the indexes that the project wants for {write.collection} cannot be built: "
                    f"{refusal.message}"
                )

    async def create(self, command: CreateIndex, caller: Caller) -> str:
        """Make an index over all documents and return its name; nothing if there is the same.

        It is built while others go on.

        Raises:
            CollectionNotExist: there is no such collection.
            DuplicateKey: it is to be unique and documents share a key.
            DatabaseRequestFailed: the definition is refused (67, 72, 85, 86), or a document cannot
                be held by it (171, 16755, 17280).
        """
        self._access.require_database(caller, "createIndex", command.collection)
        known = self._known(command.collection)
        definition = definition_of(command, self._limits)
        if definition.keys == (("_id", 1),):
            return ID_INDEX_NAME
        if definition in known:
            return definition.name
        self._refuse_conflict(definition, known)
        # Rows hold no cycles, and a look for some keeps the loop for long.
        with self._building(command.collection, definition) as pieces, paused():
            look_at_new()
            for place, is_ready in enumerate(pieces):
                if is_ready:
                    break
                if place < _LISTING_PIECES:
                    pass_over(self._count(command.collection))
                await asyncio.sleep(0)
                look_at_new()
            # While the loop had its turn, somebody may have made the same one, or dropped them all.
            known = self._known(command.collection)
            if definition not in known:
                self._refuse_conflict(definition, known)
                self._describe(command.collection, [*known, definition])
        await asyncio.sleep(0)
        set_aside(self._count(command.collection))
        if self._store.waits:
            await self._store.durable()
        return definition.name

    def _count(self, name: str) -> int:
        collection = self._store.collection(name)
        return 0 if collection is None else len(collection)

    def _building(
        self, name: str, definition: IndexDefinition
    ) -> closing[Generator[bool, None, None]]:
        collection = self._store.collection(name)
        assert collection is not None, "it was there a moment ago"
        return closing(collection.build_ahead(definition))

    def drop(self, command: DropIndex, caller: Caller) -> None:
        """Remove an index.

        Raises:
            CollectionNotExist: there is no such collection.
            DatabaseRequestFailed: no such index (27), or the one of `_id` (72).
        """
        self._access.require_database(caller, "dropIndex", command.collection)
        known = self._known(command.collection)
        if command.name == ID_INDEX_NAME:
            raise DatabaseRequestFailed("cannot drop _id index", mongo_code=_INVALID_OPTIONS)
        left = [each for each in known if each.name != command.name]
        if len(left) == len(known):
            names = ", ".join([ID_INDEX_NAME, *(each.name for each in known)])
            raise DatabaseRequestFailed(
                f"index not found with name [{command.name}]",
                mongo_code=_NOT_FOUND,
                hint=f"{command.collection} has {names}",
            )
        self._describe(command.collection, left)

    def list(self, command: ListIndexes, caller: Caller) -> list[Document]:
        """Return the definitions, the one of `_id` first; raises CollectionNotExist."""
        self._access.require_database(caller, "listIndexes", command.collection)
        by_id = IndexDefinition(name=ID_INDEX_NAME, keys=(("_id", 1),), unique=True)
        return [to_document(each) for each in (by_id, *self._known(command.collection))]

    def _known(self, name: str) -> tuple[IndexDefinition, ...]:
        if self._store.collection(name) is None:
            raise CollectionNotExist.named(name)
        return described(self._store.description(name))

    def _describe(self, name: str, definitions: Sequence[IndexDefinition]) -> None:
        description = with_definitions(self._store.description(name), definitions)
        self._store.commit([Describe(name, description)])

    def _refuse_conflict(
        self, definition: IndexDefinition, known: Sequence[IndexDefinition]
    ) -> None:
        for other in known:
            if other.name == definition.name:
                raise DatabaseRequestFailed(
                    f"Index with name: {definition.name} already exists with different options",
                    mongo_code=_OPTIONS_CONFLICT
                    if other.keys == definition.keys
                    else _KEYS_CONFLICT,
                    hint="drop it first, or choose another name",
                )
            if other.keys == definition.keys:
                raise DatabaseRequestFailed(
                    f"Index with pattern: {dict(definition.keys)!r} already exists as {other.name}",
                    mongo_code=_OPTIONS_CONFLICT,
                )
        # The one of `_id` counts too.
        if len(known) + 2 > self._limits.indexes_max:
            raise DatabaseRequestFailed(
                f"add index fails, too many indexes: {self._limits.indexes_max} at most",
                mongo_code=_CANNOT_CREATE,
            )


def definition_of(command: CreateIndex, limits: Limits) -> IndexDefinition:
    """Return what a command defines.

    Raises:
        DatabaseRequestFailed: no index can be like that (67), or not with such options (72).
    """
    keys = tuple((path, _direction(path, value)) for path, value in command.keys)
    _check_keys(keys, limits)
    name = command.name or default_name(keys)
    if not 0 < len(name) <= limits.index_name_max_characters or name[:1] in ("$", " "):
        raise _cannot(f"an index name has 1 to {limits.index_name_max_characters} characters")
    _check_expiry(command.expire_after_s, keys)
    return IndexDefinition(
        name=name,
        keys=keys,
        unique=command.unique,
        sparse=command.sparse,
        expire_after_s=command.expire_after_s,
    )


def _check_keys(keys: Sequence[tuple[str, Direction]], limits: Limits) -> None:
    if not keys:
        raise _cannot("Index keys cannot be empty.")
    if len(keys) > limits.index_fields_max:
        raise _cannot(f"an index may have {limits.index_fields_max} fields, not {len(keys)}")
    if len({path for path, _ in keys}) < len(keys):
        raise _cannot("an index may name a field once only")
    for path, _ in keys:
        if not path or any(not part or part[:1] == "$" for part in path.split(".")):
            raise _cannot(f"Index keys cannot contain an empty field or one with $: {path!r:.100}")
    if sum(direction in GEO_DIRECTIONS for _, direction in keys) > 1:
        raise _cannot("an index may have one geo field")


def _direction(path: str, value: Value) -> Direction:
    if isinstance(value, str) and value in ("1", "-1"):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value in (1, -1) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and value in GEO_DIRECTIONS:
        return value
    raise _cannot(
        f"Values in the index key pattern must be 1, -1, 2dsphere or 2d, {path} has {value!r:.40}"
    )


def _check_expiry(expire_after_s: Value, keys: Sequence[tuple[str, Direction]]) -> None:
    if expire_after_s is None:
        return
    if len(keys) > 1 or keys[0][0] == "_id" or keys[0][1] in GEO_DIRECTIONS:
        raise _cannot("TTL indexes are single-field indexes of a date, not of _id")
    if isinstance(expire_after_s, bool) or not isinstance(expire_after_s, int | float):
        raise _cannot("TTL index 'expireAfterSeconds' option must be numeric")
    if not 0 <= expire_after_s <= EXPIRE_AFTER_MAX_S:
        raise _cannot(f"TTL index 'expireAfterSeconds' must be 0 to {EXPIRE_AFTER_MAX_S}")


def _cannot(message: str) -> DatabaseRequestFailed:
    return DatabaseRequestFailed(message, mongo_code=_CANNOT_CREATE)
