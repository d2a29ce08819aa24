"""Owns slices of documents whose fields were changed, made when somebody looks into them.

Not here: which fields those are (`fields`). The one idea: what is computed is computed at once, a
column for each field, and all other columns are those of the documents before; most pipelines then
count or sum columns, and need no documents.
"""

from collections.abc import Mapping, Sequence

from emulator.core.aggregate.columns import Columnar, Read
from emulator.core.aggregate.fields import Flat
from emulator.core.aggregate.nodes import Variables
from emulator.core.paths import Parts
from emulator.core.values import MISSING, Document, Value


class Derived(Columnar):
    """Documents with other fields."""

    __slots__ = ("_base", "_computed", "_flat", "_list")

    def __init__(
        self, base: Sequence[Document], flat: Flat, computed: Mapping[str, list[Value]]
    ) -> None:
        self._base = base
        self._flat = flat
        self._computed = computed
        self._list: list[Document] | None = None

    def __len__(self) -> int:
        return len(self._base)

    def documents(self) -> list[Document]:
        """Return the documents as a list."""
        if self._list is None:
            self._list = _left(self._base, self._flat)
            for name, values in self._computed.items():
                for document, value in zip(self._list, values, strict=True):
                    if value is not MISSING:
                        document[name] = value
                    else:
                        document.pop(name, None)
        return self._list

    def column(self, parts: Parts, read: Read) -> list[Value]:
        """Return the value of a path for each document."""
        name, base = parts[0], self._base
        if name in self._computed:
            return self._computed[name] if len(parts) == 1 else read(self.documents())
        if not self._flat.has(name):
            return [MISSING] * len(base)
        if isinstance(base, Columnar):
            return base.column(parts, read)
        return read(base if isinstance(base, list) else list(base))

    def kinds(self, parts: Parts) -> frozenset[type] | None:
        """Return types among which those of a path's values are, where the slice knows them."""
        if isinstance(self._base, Columnar) and self._flat.has(parts[0]):
            return self._base.kinds(parts)
        return None


def derived(base: Sequence[Document], flat: Flat, variables: Variables) -> Derived:
    """Return documents with fields changed.

    Raises:
        DatabaseRequestFailed: of a document, not always the first, no value can be computed.
    """
    computed = {name: each.column(base, variables) for name, each in flat.computed.items()}
    return Derived(base, flat, computed)


def _left(base: Sequence[Document], flat: Flat) -> list[Document]:
    """Return documents of their own with the fields that stay."""
    if flat.kept is not None:
        kept = flat.kept
        return [{name: value for name, value in each.items() if name in kept} for each in base]
    if flat.dropped:
        dropped = flat.dropped
        return [
            {name: value for name, value in each.items() if name not in dropped} for each in base
        ]
    return list(map(dict, base))
