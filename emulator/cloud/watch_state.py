"""Owns what one `watch()` knows: events of the realtime protocol in, snapshots out; no I/O.

Not here: the connection (`watch_feed`). The one idea: events are numbered one by one, so a gap
shows; whoever missed some asks for the query anew from the number it knows, and is told the rest.

Shapes: the realtime package of js-sdk, as `emulator/client/wx-cloud.js` reads it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from emulator.cloud.encode import decode_documents
from emulator.core import ejson
from emulator.core.values import Document, Value

Body = dict[str, Any]
Snapshot = dict[str, Any]

_NO_DOCUMENT: Final = "{}"


class WatchState:
    """The documents of one watched query, as far as they were told; `asked` is its INIT_WATCH."""

    def __init__(self, asked: Body) -> None:
        self._asked = asked
        self._query_id = ""
        self._number = 0
        self._documents: list[Document] = []

    def opening(self, env_id: str) -> tuple[str, Body]:
        """Return the message that begins, or goes on where the last event was."""
        if not self._query_id:
            return "INIT_WATCH", {"envId": env_id, **self._asked}
        known = {"queryID": self._query_id, "eventID": self._number}
        return "REBUILD_WATCH", {"envId": env_id, "collName": self._asked["collName"], **known}

    def forget(self) -> None:
        """Begin anew the next time: nobody knows the query any more."""
        self._query_id = ""

    def take(self, told: Body) -> Snapshot | None:
        """Return the snapshot that events lead to, None where they tell nothing new.

        Raises:
            EventsMissed: some were missed; nothing was taken.
        """
        is_first = not self._query_id
        events: Sequence[Body] = told["events"]
        if not is_first:
            events = [each for each in events if each["ID"] > self._number]
            if not events:
                return None
            if events[0]["ID"] > self._number + 1:
                raise EventsMissed
        is_whole = is_first or events[0]["QueueType"] == "init"
        self._query_id = told["queryID"]
        if is_whole:
            self._documents = []
        changes = [self._apply(each) for each in events]
        self._number = told["currEvent"] if is_first else events[-1]["ID"]
        kind = {"type": "init"} if is_whole else {}
        docs = list(self._documents)
        return {"id": self._number, "docs": docs, "docChanges": changes, **kind}

    def _apply(self, event: Body) -> dict[str, Value]:
        document_id, queue = event["DocID"], event["QueueType"]
        before = next((each for each in self._documents if each["_id"] == document_id), None)
        text = event.get("Doc", _NO_DOCUMENT)
        document = before or {} if text == _NO_DOCUMENT else _document(text)
        if queue == "dequeue":
            self._documents = [each for each in self._documents if each["_id"] != document_id]
        elif before is not None:
            self._documents = [document if each is before else each for each in self._documents]
        else:
            self._documents = [*self._documents, document]
        return {
            "id": event["ID"],
            "dataType": event["DataType"],
            "queueType": queue,
            "docId": document_id,
            "doc": document,
            **_differences(event),
        }


class EventsMissed(Exception):
    """The number of an event is not the next one."""


def _differences(event: Mapping[str, Any]) -> dict[str, Value]:
    told: dict[str, Value] = {}
    if event.get("UpdatedFields"):
        told["updatedFields"] = _document(event["UpdatedFields"])
    if event.get("removedFields"):
        told["removedFields"] = json.loads(event["removedFields"])
    return told


def _document(text: str) -> Document:
    (document,) = decode_documents([ejson.decode(json.loads(text))])
    return document
