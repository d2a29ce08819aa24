"""Owns where a verdict may look: the documents asked about, and what `get` in a rule reads.

Not here: the language (`core.rules.evaluate`). `get` reads with all rights, each document once a
request. The one idea: a rule can never fail; what is one too many, or cannot be asked, is not
there, and `spent` says so to whoever explains.
"""

from typing import Final

from emulator.core.aggregate.filters import compile_request_filter
from emulator.core.errors import EmulatorError
from emulator.core.records import dataclass
from emulator.core.rules.ruleset import Operation
from emulator.core.values import Document, Filter, Value
from emulator.services.caller import Caller
from emulator.services.planning import Reader
from emulator.services.reading import Question
from emulator.stores.base import DocumentStore

DOCUMENTS_MAX: Final = 10
"""Different documents that the rules of one request may read, as on the platform."""


@dataclass(slots=True)
class Ask:
    """Who wants to do what to which collection, and where a verdict may look.

    Not frozen, as one is made for each request of a user and freezing would double what it costs.
    """

    caller: Caller
    operation: Operation
    collection: str
    store: DocumentStore
    reader: Reader
    now_ms: int

    def document(self, document_id: Value) -> Document | None:
        """Return a document of the collection as it is now."""
        collection = self.store.collection(self.collection)
        return None if collection is None else collection.by_id(document_id)


class LookUps:
    """The look-ups of one request."""

    def __init__(self, store: DocumentStore, reader: Reader, now_ms: int) -> None:
        self._store = store
        self._reader = reader
        self._now_ms = now_ms
        self._documents: dict[tuple[str, str], Document | None] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self.spent = ""

    @property
    def reads(self) -> int:
        """Return how many different things were read."""
        return len(self._documents) + len(self._counts)

    def document(self, collection: str, document_id: str) -> Document | None:
        """Return the document, None when it or its collection is not there."""
        key = (collection, document_id)
        if key not in self._documents:
            if not self._may_read():
                return None
            found = self._store.collection(collection)
            self._documents[key] = None if found is None else found.by_id(document_id)
        return self._documents[key]

    def count(self, collection: str, filter_: Filter) -> int:
        """Return how many documents of a collection match, none of a filter that is none."""
        key = (collection, repr(filter_))
        if key not in self._counts:
            found = self._store.collection(collection)
            if found is None or not self._may_read():
                return 0
            try:
                matcher = compile_request_filter(filter_, now_ms=self._now_ms)
                question = Question(name=collection, collection=found, matcher=matcher)
                self._counts[key] = len(self._reader.read_now(question).documents)
            except EmulatorError as fault:
                self.spent = f"get('database.{collection}').where(…): {fault.message}"
                return 0
        return self._counts[key]

    def _may_read(self) -> bool:
        if self.reads < DOCUMENTS_MAX:
            return True
        self.spent = f"the rules of one request may read {DOCUMENTS_MAX} documents, not more"
        return False
