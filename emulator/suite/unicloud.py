"""Owns putting together what functions of uniCloud ask of a suite beside documents: Redis and JQL.

Not here: what these do (`services.redis`, `services.jql`). The one idea: JQL is opened when a
function first asks, as few projects have any.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.core.commands import CreateCollection, Insert
from emulator.core.ejson import decode
from emulator.core.errors import EmulatorError, TooManyCollections
from emulator.services.caller import ADMINISTRATOR, Caller
from emulator.services.redis import Redis
from emulator.suite.assembly import Parts
from emulator.wire.fields import Body
from emulator.wire.jql_actions import JqlActions
from emulator.wire.redis_actions import RedisActions

if TYPE_CHECKING:
    from emulator.services.jql import Jql

Run = Callable[[Body, Caller, str], Awaitable[bytes]]


def unicloud_actions(parts: Parts, functions_root: Path | None) -> Mapping[str, Run]:
    """Return the actions by name; the keys of Redis go when all data does."""
    redis = Redis(parts.clock, parts.ids)
    parts.datasets.also_clear(redis.clear)
    jql = JqlActions(lambda: _open(parts, functions_root))
    return {**RedisActions(redis).table(), **jql.table()}


def make_collections(parts: Parts, functions_root: Path | None) -> None:
    """Make the collections that have a schema, with their first documents, as uploading it does.

    That is done now and after each reset; collections that are there already are left alone.
    """
    if functions_root is None or not functions_root.parent.name.startswith("uniCloud-"):
        return
    from emulator.config.uni_schemas import UniSchemas

    schemas = UniSchemas(functions_root)

    def make() -> None:
        there = set(parts.store.names())
        for name in schemas.names():
            if name in there:
                continue
            try:
                parts.database.create_collection(CreateCollection(collection=name), ADMINISTRATOR)
                documents = decode(schemas.first_documents(name))
                command = Insert(collection=name, documents=tuple(documents))
                parts.database.insert(command, ADMINISTRATOR)
            except TooManyCollections as fault:
                parts.recorder.notice("schema_unused", fault.message, level="warn")
                return
            except EmulatorError as fault:
                message = f"the collection of {name}.schema.json: {fault.message}"
                parts.recorder.notice("schema_unused", message, level="warn")

    make()
    parts.datasets.also_clear(make)


def _open(parts: Parts, functions_root: Path | None) -> "Jql":
    from emulator.config.uni_schemas import UniSchemas
    from emulator.services.access_look_ups import LookUps
    from emulator.services.jql import Jql

    return Jql(
        parts.executor,
        clock=parts.clock,
        schema_of=UniSchemas(functions_root).schema,
        look_ups=lambda now_ms: LookUps(parts.store, parts.reader, now_ms),
    )
