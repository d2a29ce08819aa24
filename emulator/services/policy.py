"""Owns what a project says of its database, as services are told it."""

from collections.abc import Mapping
from dataclasses import field

from emulator.core.indexes import IndexDefinition, described, with_definitions
from emulator.core.limits import WECHAT, Limits
from emulator.core.records import dataclass
from emulator.stores.base import Describe, DocumentStore, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The bounds of the profile, and how collections come to be.

    `indexes` are the ones that a collection has from its beginning. `creates_collections` lets the
    first write make a collection, which the cloud never does.
    """

    limits: Limits = WECHAT
    indexes: Mapping[str, tuple[IndexDefinition, ...]] = field(default_factory=dict)
    creates_collections: bool = False

    def description(self, name: str) -> list[Write]:
        """Return what gives a new collection its indexes, nothing if it has none."""
        wanted = self.indexes.get(name)
        return [Describe(name, with_definitions({}, wanted))] if wanted else []

    def missing(self, store: DocumentStore) -> list[Write]:
        """Return what gives the collections that are there the indexes they lack.

        A definition takes the place of one with its name.
        """
        writes: list[Write] = []
        for name, wanted in self.indexes.items():
            if store.collection(name) is None:
                continue
            description = store.description(name)
            names = {definition.name for definition in wanted}
            others = [each for each in described(description) if each.name not in names]
            known = set(described(description))
            if not known.issuperset(wanted):
                writes.append(Describe(name, with_definitions(description, [*others, *wanted])))
        return writes
