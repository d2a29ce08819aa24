"""Owns the messages of realtime connections: how they are read, and how events are written.

Not here: when which is sent (`wire.watch_protocol`). The one idea: what is the same for every
listener is written once; only the numbers and ids around it differ.

Shapes: the realtime package of js-sdk 1.x to 3.x; documents travel as JSON texts.
"""

import asyncio
import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import orjson

from emulator.core.errors import EmulatorError, InvalidParam, PermissionDenied
from emulator.core.records import dataclass
from emulator.core.values import Document, Value
from emulator.core.watch import Event, LiveResult, differing
from emulator.services.live_queries import Live, Step, WatchQuery
from emulator.wire import fields, json_text
from emulator.wire.ejson import client_document_json, read_text, value_json
from emulator.wire.fields import Body

_log: Final = logging.getLogger(__name__)

SOCKET_PATH: Final = "/ws"
SECRET_VERSION: Final = 1
ORDER_MAX_FIELDS: Final = 31
TEXTS_AT_ONCE: Final = 250
"""So many documents of a first result are written at a stretch."""
EVENTS_KEPT_MAX: Final = 1_000
"""Written events that are kept for listeners of other queries."""
EVENT_KEPT_MAX_BYTES: Final = 4096
_DIRECTIONS: Final = {"asc": 1, "desc": -1}
_NOBODY: Final = "a document that was never there"


class WatchDenied(EmulatorError):
    """The caller may not read what the query may find."""

    code = "COLLECTION_PERMISSION_DENIED"


class BadQueryId(EmulatorError):
    """The query id is none that this emulator gave."""

    code = "QUERYID_INVALID_ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A listener's query as the client sent it, which also is its id."""

    collection: str
    filter_text: str
    order: Mapping[str, str]
    limit: int | None

    def query(self) -> WatchQuery:
        """Return it as services understand it; raises InvalidParam."""
        filter_ = read_text(self.filter_text, "query")
        if isinstance(filter_, str):
            # node-sdk 2 and 3 write the text of a text, an empty one for everything.
            filter_ = read_text(filter_ or "{}", "query")
        if not isinstance(filter_, dict):
            raise InvalidParam("query must be the JSON text of an object")
        sort = tuple((path, _DIRECTIONS[direction]) for path, direction in self.order.items())
        return WatchQuery(collection=self.collection, filter=filter_, sort=sort, limit=self.limit)

    def id(self, live_id: str) -> str:
        """Return the id that a client shows to go on where it was."""
        parts = [live_id, self.collection, self.filter_text, dict(self.order), self.limit]
        return urlsafe_b64encode(orjson.dumps(parts)).decode()


def socket_ticket(signature: str, *, url: str, env_id: str) -> dict[str, Value]:
    """Return what `auth.wsWebSign` tells; `url` is that of the API port."""
    return {
        "signStr": signature,
        "wsUrl": f"{url.replace('http', 'ws', 1)}{SOCKET_PATH}",
        "secretVersion": SECRET_VERSION,
        "envId": env_id,
    }


def read_message(text: str | bytes) -> Body:
    """Return a message; raises InvalidParam."""
    try:
        message = json_text.read(text)
    except orjson.JSONDecodeError as fault:
        raise InvalidParam(f"the message is not JSON: {fault}") from fault
    if not isinstance(message, dict):
        raise InvalidParam("the message is not a JSON object")
    return message


def read_data(message: Body) -> Body:
    """Return what a message is about; raises InvalidParam."""
    data = message.get("msgData")
    if not isinstance(data, dict):
        raise fields.wrong("msgData", data, "an object")
    return data


def read_asked(data: Body) -> Asked:
    """Return the query of an INIT_WATCH; raises InvalidParam."""
    limit = fields.count(data, "limit")
    if limit == 0:
        raise InvalidParam("limit must be a whole number above 0")
    return Asked(
        collection=fields.text(data, "collName"),
        filter_text=fields.optional_text(data, "query") or "{}",
        order=_order(data.get("orderBy")),
        limit=limit,
    )


def read_query_id(text: str) -> tuple[Asked, str]:
    """Return the query that an id stands for and the id of its live query; raises BadQueryId."""
    try:
        live_id, collection, filter_text, order, limit = orjson.loads(urlsafe_b64decode(text))
        data = {"collName": collection, "query": filter_text, "orderBy": order, "limit": limit}
        return read_asked(data), str(live_id)
    except (NotBase64, ValueError, TypeError, InvalidParam) as fault:
        raise BadQueryId("the queryID is none that this emulator gave") from fault


def failure(fault: Exception) -> EmulatorError:
    """Return what a client is told of a failure; the log has what is not its business."""
    if isinstance(fault, EmulatorError):
        return fault
    _log.error("a realtime message failed inside the suite", exc_info=fault)
    name = type(fault).__name__
    return EmulatorError(f"the suite failed on this message ({name}); its log says where")


def asked_by(message: Body) -> Asked:
    """Return the query of an INIT_WATCH or REBUILD_WATCH; raises InvalidParam and BadQueryId."""
    data = read_data(message)
    if message["msgType"] == "INIT_WATCH":
        return read_asked(data)
    return read_query_id(fields.text(data, "queryID"))[0]


def head_of(message: Body) -> bytes:
    """Return the ids that an answer repeats."""
    ids = {name: message[name] for name in ("requestId", "watchId") if name in message}
    return orjson.dumps({"requestId": "", **ids})[1:-1]


def head(number: int, watch_id: bytes) -> bytes:
    """Return the ids of a message that nobody asked for; `watch_id` is a JSON text."""
    return b'"requestId":"srv_%d","watchId":%b' % (number, watch_id)


def events_data(
    query_id: bytes, number: int, steps: Iterable[tuple[int, Iterable[bytes]]]
) -> bytes:
    """Return the data of an INIT_EVENT or NEXT_EVENT: numbered steps, each of written events."""
    return news_data(query_id, _numbered(number, steps))


def news_data(query_id: bytes, text: bytes) -> bytes:
    """Return the data of a NEXT_EVENT out of the listener's part and what many are told."""
    return b'{"queryID":%b%b' % (query_id, text)


def _numbered(number: int, steps: Iterable[tuple[int, Iterable[bytes]]]) -> bytes:
    events = b",".join([b'{"ID":%d,%b}' % (each, event) for each, told in steps for event in told])
    return b',"currEvent":%d,"events":[%b]}' % (number, events)


class FirstTexts:
    """Writes the events of a whole result; of a large one the texts are prepared in slices."""

    def __init__(self) -> None:
        self._ready: dict[int, tuple[Document, bytes]] = {}

    async def prepare(self, result: LiveResult) -> None:
        """Write the texts of many documents, with a turn of the loop between slices."""
        if len(result) <= TEXTS_AT_ONCE:
            return
        documents = result.documents()
        for start in range(0, len(documents), TEXTS_AT_ONCE):
            await asyncio.sleep(0)
            for document in documents[start : start + TEXTS_AT_ONCE]:
                self._ready[id(document)] = document, _first_event(document)

    def clear(self) -> None:
        """Forget what was prepared."""
        self._ready.clear()

    def first_events(self, documents: Iterable[Document]) -> list[bytes]:
        """Return the events of a whole result."""
        ready = self._ready
        return [
            ready[id(each)][1] if id(each) in ready else _first_event(each) for each in documents
        ]


def _first_event(document: Document) -> bytes:
    return _event(b"init", b"init", document["_id"], _text(document))


def replacing_events(documents: Iterable[Document], texts: FirstTexts) -> list[bytes]:
    """Return events that put a result in place of whatever a client holds."""
    events = texts.first_events(documents)
    if events:
        return events
    # Only a first document replaces the list, so for an empty one a document comes and goes.
    gone = _event(b"limit", b"dequeue", _NOBODY, b'"{}"')
    return [_first_event({"_id": _NOBODY}), gone]


class StepTexts:
    """Writes steps, and keeps the last texts: others mostly hear the same.

    Listeners of one query hear the same steps; listeners of other queries the same events.
    """

    def __init__(self) -> None:
        self._key: tuple[str, int, int, int] | None = None
        self._text = b""
        self._events: dict[Hashable, tuple[Event, bytes]] = {}

    def of(self, live: Live, told: int, offset: int) -> bytes | None:
        """Return all of `news_data` but its first part for whoever was told so far.

        None when the steps are not kept any more. `offset` is added to all numbers.
        """
        key = (live.id, live.number, told, offset)
        if key != self._key:
            steps = live.since(told)
            if steps is None:
                return None
            events = [(step.number + offset, self._step(step)) for step in steps]
            self._key, self._text = key, _numbered(live.number + offset, events)
        return self._text

    def _step(self, step: Step) -> Sequence[bytes]:
        """Return the events of a step, written once for all who hear of it."""
        if step.told is None:
            step.told = [self._event(event) for event in step.events]
        return step.told

    def _event(self, event: Event) -> bytes:
        # Stored documents never change, and those of an event that is kept stay where they are.
        key = (event.data_type, event.queue_type, id(event.before), id(event.after))
        kept = self._events.get(key)
        if kept is not None:
            return kept[1]
        text = _difference(event)
        if len(text) <= EVENT_KEPT_MAX_BYTES:
            if len(self._events) >= EVENTS_KEPT_MAX:
                del self._events[next(iter(self._events))]
            self._events[key] = (event, text)
        return text


def _difference(event: Event) -> bytes:
    kind, queue = event.data_type.encode(), event.queue_type.encode()
    before, after = event.before, event.after
    if after is None:
        # Clients know the document, but for a replaced one they insist on being told.
        document = _text(before) if before is not None and kind == b"replace" else b'"{}"'
        return _event(kind, queue, event.document_id, document)
    told = _event(kind, queue, event.document_id, _text(after))
    if before is None or kind != b"update":
        return told
    updated, removed = differing(before, after)
    changes = orjson.dumps(client_document_json(updated).decode())
    # The capital letter is missing in the cloud too; with it SDKs fail.
    gone = orjson.dumps(orjson.dumps(removed).decode())
    return b'%b,"UpdatedFields":%b,"removedFields":%b' % (told, changes, gone)


def _event(kind: bytes, queue: bytes, document_id: Value, document: bytes) -> bytes:
    return b'"DataType":"%b","QueueType":"%b","DocID":%b,"Doc":%b' % (
        kind,
        queue,
        value_json(document_id),
        document,
    )


def _text(document: Document) -> bytes:
    return orjson.dumps(client_document_json(document).decode())


def _order(given: Value) -> Mapping[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict) or len(given) > ORDER_MAX_FIELDS:
        raise fields.wrong("orderBy", given, "an object of field names")
    if any(direction not in ("asc", "desc") for direction in given.values()):
        raise InvalidParam("orderBy is an object of field names to 'asc' or 'desc'")
    return given


@contextmanager
def denied() -> Iterator[None]:
    """Tell the refusal of a query as watching does."""
    try:
        yield
    except PermissionDenied as fault:
        raise WatchDenied(fault.message, hint=fault.hint) from fault
