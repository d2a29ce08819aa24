"""Events in, snapshots out: by hand, and by what the session of a suite tells."""

import json

import pytest

from emulator.cloud.watch_state import EventsMissed, WatchState


def event(number, queue, document_id, document=None, **others):
    kinds = {"init": "init", "enqueue": "add", "dequeue": "remove", "update": "update"}
    return {
        "ID": number,
        "DataType": kinds[queue],
        "QueueType": queue,
        "DocID": document_id,
        "Doc": "{}" if document is None else json.dumps({"_id": document_id, **document}),
        **others,
    }


def told(number, *events):
    return {"queryID": "q", "currEvent": number, "events": list(events)}


def begun():
    state = WatchState({"collName": "notes", "query": "{}"})
    state.take(told(5, event(0, "init", "a", {"n": 1}), event(0, "init", "b", {"n": 2})))
    return state


def test_it_begins_with_the_query_and_goes_on_with_its_number():
    state = WatchState({"collName": "notes", "query": "{}"})
    asked = {"envId": "e", "collName": "notes", "query": "{}"}
    assert state.opening("e") == ("INIT_WATCH", asked)
    assert begun().opening("e")[1] == {
        "envId": "e", "collName": "notes", "queryID": "q", "eventID": 5
    }  # fmt: skip
    state = begun()
    state.forget()
    assert state.opening("e")[0] == "INIT_WATCH"


def test_events_change_the_documents():
    state = begun()
    snapshot = state.take(
        told(
            7,
            event(6, "update", "a", {"n": 9}, UpdatedFields='{"n": 9}', removedFields='["x"]'),
            event(6, "dequeue", "b"),
            event(7, "enqueue", "c", {"at": {"$date": 0}}),
        )
    )
    assert [each["_id"] for each in snapshot["docs"]] == ["a", "c"]
    first, second, _third = snapshot["docChanges"]
    assert (first["updatedFields"], first["removedFields"]) == ({"n": 9}, ["x"])
    assert second["doc"] == {"_id": "b", "n": 2}
    assert snapshot["docs"][1]["at"].year == 1970
    assert (snapshot["id"], "type" in snapshot) == (7, False)


def test_what_is_known_is_no_news_and_a_gap_is_noticed():
    state = begun()
    assert state.take(told(5)) is None
    assert state.take(told(5, event(5, "dequeue", "a"))) is None
    with pytest.raises(EventsMissed):
        state.take(told(8, event(7, "dequeue", "a")))
    assert len(state.take(told(6, event(6, "enqueue", "c", {})))["docs"]) == 3


def test_a_step_that_begins_with_init_replaces_everything():
    snapshot = begun().take(told(6, event(6, "init", "z", {})))
    assert ([each["_id"] for each in snapshot["docs"]], snapshot["type"]) == (["z"], "init")
