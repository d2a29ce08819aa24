"""Owns groups that grow as documents come in: a key, an id and accumulators each.

Not here: what documents are grouped by (`stages_group`, `stages_bucket`) and the accumulators
(`accumulators`). The one idea: of a slice each expression is first evaluated for all documents at
once, then the values are laid together by key, and every accumulator takes a whole pile of them.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from emulator.core.aggregate.accumulators import (
    SORTED_SET_MAX_VALUES,
    Accumulator,
    AddToSet,
    Push,
    kinds_of,
)
from emulator.core.aggregate.group_keys import Keys, PlainKeys, piles_of
from emulator.core.aggregate.leavings import Leavings
from emulator.core.aggregate.nodes import Expression, Variables, refusal
from emulator.core.aggregate.sizes import MEMORY_MAX_BYTES, about_bytes, bson_bytes
from emulator.core.aggregate.stage_nodes import Slice
from emulator.core.aggregate.totals import Count, Kinds
from emulator.core.records import dataclass
from emulator.core.values import MISSING, Document, Value

GROUP_BYTES: Final = 64
"""About what a group, and each of its accumulators, takes besides the values it holds."""


@dataclass(frozen=True, slots=True)
class Output:
    """One field of a group: its name, its accumulator, and what that is fed.

    Without an expression it is a `Count`. Outputs of one `path` share their values.
    """

    name: str
    start: Callable[[], Accumulator]
    expression: Expression | None = None
    path: str = ""


COUNT_OUTPUT: Final = Output("count", Count)

_NO_KINDS: Final[Kinds] = frozenset()

_Pick = Callable[[list[Value]], list[Value]]
_Column = tuple[Expression, list[int]]
"""An expression, and the places of the outputs that its values feed."""


def key_itself(key: Value) -> Value:
    """Return a key as the id of its group."""
    return key


class Groups:
    """Groups in the order they began.

    `id_of` tells a group's id by its first document, `id_of_key` by a key out of `PlainKeys`.
    """

    def __init__(
        self,
        outputs: Sequence[Output],
        variables: Variables,
        id_of: Callable[[Document], Value],
        id_of_key: Callable[[Value], Value] = key_itself,
    ) -> None:
        self._outputs = outputs
        self._variables = variables
        self._id_of = id_of
        self._id_of_key = id_of_key
        self._columns = _columns(outputs)
        self._counting = [place for place, each in enumerate(outputs) if each.expression is None]
        self._ids: list[Value] = []
        self._counts: Counter[Hashable] = Counter()
        self._states: dict[Hashable, list[Accumulator]] = {}
        self._keys: list[Hashable] = []
        self._sets: list[dict[object, Value]] = []
        self._bytes = 0

    def add(self, keys: Keys, documents: Slice) -> None:
        """Take documents and the key of each.

        Raises:
            DatabaseRequestFailed: an expression refuses, or the groups hold too much (16945).
        """
        if not documents:
            return
        if self._columns:
            self._feed(keys, documents)
        else:
            self._count(keys, documents)
        if self._bytes > MEMORY_MAX_BYTES:
            raise refusal(
                "Exceeded memory limit for $group, but didn't allow external sort. Pass"
                " allowDiskUse:true to opt in.",
                16945,
                hint="gather less in a group, or match and project before; the cloud has no disk",
            )

    def documents(self) -> Iterator[Document]:
        """Yield a document for each group and let go of the group, so that nothing is left."""
        self._ids.reverse()
        ids, states, keys = self._ids, self._states, self._keys
        if not self._columns:
            # Groups of one size have the same counts.
            counted: dict[int, Document] = {}
            for count in self._counts.values():
                if count not in counted:
                    counted[count] = self._document(None, self._counted(count))
                yield {**counted[count], "_id": ids.pop()}
            return
        keys += reversed(states)
        while keys:
            yield self._document(ids.pop(), states.pop(keys.pop()))

    def leave(self, leavings: Leavings) -> None:
        """Hand over everything that is left of groups nobody wants any more."""
        leavings.take(self._ids, self._keys, self._states, self._counts, *self._sets)

    # --- taking documents in ---

    def _count(self, keys: Keys, documents: Slice) -> None:
        """Take documents that are only counted."""
        counts = self._counts
        known = len(counts)
        counts.update(keys)
        if len(counts) == known:
            return
        id_of = self._ids_by_key(keys, documents)
        began = list(islice(reversed(counts), len(counts) - known))
        for key in reversed(began):
            self._begin(id_of(key))

    def _feed(self, keys: Keys, documents: Slice) -> None:
        variables = self._variables
        columns = [each.column(documents, variables) for each, _ in self._columns]
        kinds = [
            each.kinds(documents, column)
            for (each, _), column in zip(self._columns, columns, strict=True)
        ]
        if len(columns) == 1:
            # Most groups have one sum: its values are piled, without a detour by their places.
            piles = piles_of(keys, columns[0], self._states)
            values_of: list[_Pick] = [_same]
        else:
            piles = piles_of(keys, range(len(documents)), self._states)
            values_of = [_picker(column) for column in columns]
        id_of: Callable[[Hashable], Value] | None = None
        for key, pile in piles.items():
            states = self._states.get(key)
            if states is None:
                id_of = id_of or self._ids_by_key(keys, documents)
                self._begin(id_of(key))
                states = self._states[key] = [output.start() for output in self._outputs]
            for place in self._counting:
                states[place].add(pile, _NO_KINDS)
            for (_, places), values, known in zip(self._columns, values_of, kinds, strict=True):
                self._add(states, places, values(pile), known)

    def _add(
        self,
        states: Sequence[Accumulator],
        places: Sequence[int],
        values: list[Value],
        known: Kinds,
    ) -> None:
        """Feed the values of one column to the outputs of one group."""
        kinds = known if len(known) == 1 else kinds_of(values)
        for place in places:
            state = states[place]
            if isinstance(state, Push | AddToSet):
                held = len(state)
                state.add(values, kinds)
                self._bytes += about_bytes(values) * (len(state) - held) // len(values)
            else:
                state.add(values, kinds)

    def _ids_by_key(self, keys: Keys, documents: Slice) -> Callable[[Hashable], Value]:
        """Return what tells a group's id by a key that is new among these."""
        if isinstance(keys, PlainKeys):
            return self._id_of_key
        firsts = _firsts(keys, documents)
        return lambda key: self._id_of(firsts[key])

    def _begin(self, id_: Value) -> None:
        self._ids.append(id_)
        self._bytes += bson_bytes(id_) + GROUP_BYTES * (1 + len(self._outputs))

    # --- giving groups back ---

    def _counted(self, count: int) -> list[Accumulator]:
        states = [output.start() for output in self._outputs]
        pile = range(count)
        for state in states:
            state.add(pile, _NO_KINDS)  # type: ignore[arg-type]  # only its length is asked
        return states

    def _document(self, id_: Value, states: Sequence[Accumulator]) -> Document:
        document: Document = {"_id": id_}
        for state, output in zip(states, self._outputs, strict=True):
            value = state.result()
            if isinstance(state, AddToSet) and len(state) > SORTED_SET_MAX_VALUES:
                self._sets.append(state.values)
            document[output.name] = None if value is MISSING else value
        return document


def _columns(outputs: Sequence[Output]) -> list[_Column]:
    """Return each expression once, with the places of the outputs that it feeds."""
    columns: dict[Hashable, _Column] = {}
    for place, output in enumerate(outputs):
        if output.expression is not None:
            columns.setdefault(output.path or place, (output.expression, []))[1].append(place)
    return list(columns.values())


def _firsts(keys: Keys, documents: Slice) -> Mapping[Hashable, Document]:
    """Return the first document of each key."""
    return dict(zip(reversed(keys), reversed(documents), strict=True))


def _same(values: list[Value]) -> list[Value]:
    return values


def _picker(column: Sequence[Value]) -> _Pick:
    pick = column.__getitem__
    return lambda places: list(map(pick, places))
