"""Owns reading what a live query holds: in slices, while documents are written.

Not here: who watches and what is told (`services.watch`). The one idea: what happens from the
beginning of the reading on is kept, and then takes effect on what was read; so nothing is lost, and
what was seen already does no harm. If that cannot be known, or too much happens, it begins again,
and in the end all is read in one piece.
"""

import asyncio
from collections.abc import Callable, Generator, Hashable, Sequence
from typing import Final

from emulator.core.changes import Change
from emulator.core.errors import EmulatorError
from emulator.core.ordering import hash_key
from emulator.services.live_queries import Live
from emulator.services.planning import Reader, at_once, unhurried
from emulator.services.reading import SORT_AT_ONCE_MAX_DOCUMENTS, Question
from emulator.stores.base import DocumentStore

READINGS_MAX: Final = 2
"""So many queries are read at a time: each holds a list of all documents, and takes its turns."""
ATTEMPTS_MAX: Final = 3
"""So often a reading in slices begins; if what happens meanwhile is not known, it is one piece."""

Slices = Generator[None, None, None]


class LiveReading:
    """The readings of one environment's live queries.

    `pass_on` has what was written passed on to channels; `renewed` is called when a reading in
    slices is over, and `failed` when it cannot be done.
    """

    def __init__(
        self,
        store: DocumentStore,
        reader: Reader,
        *,
        pass_on: Callable[[], None],
        renewed: Callable[[Live], None],
        failed: Callable[[Live, EmulatorError], None],
    ) -> None:
        self._store = store
        self._reader = reader
        self._pass_on = pass_on
        self._renewed = renewed
        self._failed = failed
        self._few = asyncio.Semaphore(READINGS_MAX)
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def now(self, live: Live) -> None:
        """Read all in one piece; raises what speaks against it."""
        self.stop(live)
        live.begin_to_follow()
        at_once(self._slices(live))
        _load(live)

    def begin(self, live: Live) -> None:
        """Read all: at once where that is a trifle, else `live.reading` is there until it is done.

        Raises:
            EmulatorError: the query finds too much, or cannot be answered; or `failed` hears of it.
        """
        live.begin_to_follow()
        slices = None
        if not self._few.locked():
            slices = self._slices(live)
            try:
                next(slices)
            except StopIteration:
                _load(live)
                return
        live.reading = asyncio.get_running_loop().create_task(self._run(live, slices))
        self._running.add(live.reading)
        live.reading.add_done_callback(self._running.discard)

    @staticmethod
    def stop(live: Live) -> None:
        """Read no further."""
        if live.reading is not None:
            live.reading.cancel()
            live.reading = None

    async def _run(self, live: Live, begun: Slices | None) -> None:
        mine = asyncio.current_task()
        try:
            await self._read(live, begun)
        except EmulatorError as fault:
            _ended(live, mine)
            self._failed(live, fault)
        except Exception as error:
            # A fault of the suite's own: the loop writes it to the log, and nobody waits for ever.
            _ended(live, mine)
            name = type(error).__name__
            why = f"the suite failed on a watched query ({name}); its log says where"
            self._failed(live, EmulatorError(why))
            raise
        else:
            _ended(live, mine)
            self._renewed(live)

    async def _read(self, live: Live, begun: Slices | None) -> None:
        async with self._few:
            for _ in range(ATTEMPTS_MAX):
                if begun is None:
                    live.begin_to_follow()
                    begun = self._slices(live)
                await unhurried(begun)
                begun = None
                self._pass_on()
                live.follow()
                if not live.is_lost and _load(live, live.meanwhile):
                    return
                if live.is_lost and _may_be_late(live) and _load(live):
                    live.is_lost = True
                    return
            live.begin_to_follow()
            at_once(self._slices(live))
            _load(live)

    def _slices(self, live: Live) -> Slices:
        """Have the query hold what matches now."""
        query = live.query
        collection = self._store.collection(query.collection)
        if collection is None:
            yield from live.result.hold(())
            return
        is_sorted = query.limit is not None and bool(query.sort)
        question = Question(
            name=query.collection,
            collection=collection,
            matcher=live.matcher,
            sort=query.sort if is_sorted else (),
            wanted=live.result.enough,
            cause="watch",
        )
        documents = (yield from self._reader.slices(question)).documents
        if is_sorted:
            # Whoever is not there any more leaves the result by what happened meanwhile.
            places: dict[Hashable, int] = {}
            for start in range(0, len(documents), SORT_AT_ONCE_MAX_DOCUMENTS):
                some = documents[start : start + SORT_AT_ONCE_MAX_DOCUMENTS]
                numbered = collection.numbered(each["_id"] for each in some)
                places |= {hash_key(each["_id"]): place for place, each in numbered.items()}
                if len(some) == SORT_AT_ONCE_MAX_DOCUMENTS:
                    yield
            documents.sort(key=lambda each: places.get(hash_key(each["_id"]), 0))
        yield from live.result.hold(documents)


def _may_be_late(live: Live) -> bool:
    """Tell whether its listeners may hear of the moment of reading now, and of the rest later."""
    return live.is_begun and not live.waiting and live.ask is None


def _ended(live: Live, reading: "asyncio.Task[None] | None") -> None:
    if live.reading is reading:
        live.reading = None


def _load(live: Live, meanwhile: Sequence[Change] = ()) -> bool:
    """Let the query show what it holds now, and tell whether that is sure."""
    if live.ask is not None and not live.allowed():
        live.is_hidden, meanwhile = True, ()
        at_once(live.result.hold(()))
    if live.is_begun:
        live.untold += live.result.held(meanwhile)
    else:
        live.result.begin(meanwhile)
    live.meanwhile.clear()
    if live.result.is_doubtful:
        return False
    live.is_begun = True
    live.tell()
    return True
