"""Owns how a running suite's indexes are asked and told, as the control API and the CLI see them.

Not here: routes (`wire.control_indexes`). The one idea: as in `suite.control`, answers are gathered
and shaped as JSON data, nothing is decided.
"""

from emulator.core.commands import CreateIndex, DropIndex, Find, ListIndexes
from emulator.core.indexes import IndexDefinition, described
from emulator.core.values import Document, Value
from emulator.services.caller import ADMINISTRATOR
from emulator.suite.assembly import Parts


class IndexControl:
    """The indexes of one running suite, and what reads cost."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def indexes(self, collection: str) -> list[dict[str, Value]]:
        """Return the definitions of a collection; raises CollectionNotExist."""
        listed = await self._parts.executor.execute(
            ListIndexes(collection=collection), ADMINISTRATOR
        )
        return [_shown(definition) for definition in listed]

    async def create_index(self, command: CreateIndex) -> str:
        """Make an index and return its name; raises as the service does."""
        name: str = await self._parts.executor.execute(command, ADMINISTRATOR)
        return name

    async def drop_index(self, collection: str, name: str) -> None:
        """Remove an index; raises as the service does."""
        command = DropIndex(collection=collection, name=name)
        await self._parts.executor.execute(command, ADMINISTRATOR)

    async def explain(self, command: Find) -> dict[str, Value]:
        """Read as a query would and return what that took."""
        clock = self._parts.clock
        began_s = clock.elapsed_s()
        reading = await self._parts.database.explain(command, ADMINISTRATOR)
        took_ms = (clock.elapsed_s() - began_s) * 1000
        return {
            "stage": reading.stage,
            "indexes": list(reading.indexes),
            "keys_examined": reading.keys_examined,
            "documents_examined": reading.documents_examined,
            "returned": len(reading.documents[command.skip :]),
            "sorted_by_index": reading.sorted_by_index,
            "duration_ms": round(took_ms, 3),
        }

    def reads(self, *, request_id: str, limit: int) -> list[dict[str, Value]]:
        """Return the newest looks into collections, oldest first; empty text fits every request."""
        found = self._parts.recorder.reads(request_id=request_id, limit=limit)
        return [record._asdict() for record in found]

    def advice(self) -> list[dict[str, Value]]:
        """Return the shapes of query that looked at everything and lack an index still."""
        store = self._parts.store
        told = []
        for advice in self._parts.reader.advisor.advice():
            known = described(store.description(advice.collection))
            if not any(_serves(each, advice.proposal) for each in known):
                told.append(advice.told())
        return told


def _serves(definition: IndexDefinition, wanted: IndexDefinition | None) -> bool:
    return wanted is not None and definition.keys[: len(wanted.keys)] == wanted.keys


def _shown(definition: Document) -> dict[str, Value]:
    return {**definition, "keys": dict(definition["keys"])}
