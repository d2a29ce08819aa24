"""What changes mean to a watched query: a client that replays the events has the query's result."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core import watch
from emulator.core.changes import Change
from emulator.core.ordering import sort_documents
from emulator.core.query import compile_filter
from emulator.core.watch import (
    RESULT_MAX_DOCUMENTS,
    Event,
    LiveResult,
    WatchTooLarge,
    differing,
)
from emulator.core.watch_interests import Interests

Kept = dict[str, dict[str, Any]]


@pytest.fixture(autouse=True)
def spare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back what a law sets."""
    monkeypatch.setattr(watch, "SPARE_DOCUMENTS", watch.SPARE_DOCUMENTS)


def change(operation: Any, before: Any, after: Any) -> Change:
    document = after or before
    return Change(
        sequence=1,
        collection="orders",
        operation=operation,
        document_id=document["_id"],
        before=before,
        after=after,
    )


def told(events: list[Event]) -> list[tuple[str, str, Any]]:
    return [(each.data_type, each.queue_type, each.document_id) for each in events]


def live(
    filter_: dict[str, Any], *documents: Any, sort: Any = (), limit: int | None = None
) -> LiveResult:
    matcher = compile_filter(filter_)
    result = LiveResult(matcher, sort, limit)
    result.load([each for each in documents if matcher.matches(each)])
    return result


A, B, C = ({"_id": name, "n": n, "g": "x"} for n, name in enumerate("abc", 1))
ONE_CHANGE = [
    ("insert", None, C, [("add", "enqueue", "c")]),
    ("insert", None, {**C, "g": "y"}, []),
    ("update", A, {**A, "n": 9}, [("update", "update", "a")]),
    ("update", A, dict(A), []),
    ("update", A, {**A, "g": "y"}, [("update", "dequeue", "a")]),
    ("update", {**C, "g": "y"}, C, [("update", "enqueue", "c")]),
    ("replace", A, {"_id": "a", "g": "x"}, [("replace", "update", "a")]),
    ("replace", A, {"_id": "a"}, [("replace", "dequeue", "a")]),
    ("replace", {"_id": "c"}, C, [("replace", "enqueue", "c")]),
    ("remove", A, None, [("remove", "dequeue", "a")]),
    ("remove", {**C, "g": "y"}, None, []),
]


@pytest.mark.parametrize(("operation", "before", "after", "events"), ONE_CHANGE)
def test_one_change(operation: str, before: Any, after: Any, events: Any) -> None:
    result = live({"g": "x"}, A, B)
    assert told(result.apply([change(operation, before, after)])) == events
    assert result.apply([change(operation, before, after)]) == []


def test_a_window_lets_go_and_fills_up() -> None:
    result = live({"g": "x"}, A, B, sort=(("n", -1),), limit=2)
    assert told(result.apply([change("insert", None, C)])) == [
        ("limit", "dequeue", "a"),
        ("add", "enqueue", "c"),
    ]
    assert told(result.apply([change("remove", C, None)])) == [
        ("remove", "dequeue", "c"),
        ("limit", "enqueue", "a"),
    ]
    sunk = {**B, "n": 0}
    assert told(result.apply([change("update", B, sunk)])) == [("update", "update", "b")]
    assert [each["_id"] for each in result.documents()] == ["a", "b"]


def test_what_one_commit_did_twice_is_told_once() -> None:
    result = live({"g": "x"}, A)
    other = {**A, "n": 5}
    changes = [change("remove", A, None), change("insert", None, other)]
    assert told(result.apply(changes)) == [("replace", "update", "a")]
    changes = [change("insert", None, C), change("update", C, {**C, "n": 4})]
    assert told(result.apply(changes)) == [("add", "enqueue", "c")]
    changes = [change("insert", None, B), change("remove", B, None)]
    assert result.apply(changes) == []


def test_a_listener_holds_so_many_documents_and_not_more() -> None:
    documents = [{"_id": str(number)} for number in range(RESULT_MAX_DOCUMENTS)]
    result = live({}, *documents)
    with pytest.raises(WatchTooLarge, match="more than 5000 documents"):
        result.apply([change("insert", None, {"_id": "more"})])
    limited = live({}, *documents, {"_id": "more"}, limit=10)
    assert len(limited) == 10


def test_of_many_documents_the_first_are_held() -> None:
    watch.SPARE_DOCUMENTS = 2
    documents = [{"_id": str(n), "n": n} for n in range(10)]
    result = live({}, *documents, sort=(("n", 1),), limit=2)
    moved = {**documents[8], "n": 20}
    assert result.apply([change("update", documents[8], moved)]) == []
    assert result.apply([change("insert", None, {"_id": "late", "n": 7})]) == []
    assert not result.is_doubtful
    risen = {**documents[9], "n": -1}
    assert told(result.apply([change("update", documents[9], risen)])) == [
        ("limit", "dequeue", "1"),
        ("update", "enqueue", "9"),
    ]
    gone = [change("remove", each, None) for each in (risen, *documents[:4])]
    assert result.apply(gone)
    assert result.is_doubtful
    left = [*documents[4:8], moved, {"_id": "late", "n": 7}]
    assert [each.document_id for each in result.load(left)] == ["4", "5"]
    assert not result.is_doubtful


def test_a_returning_document_beside_an_equal_is_in_doubt() -> None:
    result = live({"g": "x"}, B, C, limit=1)
    result.apply([change("update", {**A, "g": "y"}, A)])
    assert result.is_doubtful
    assert told(result.load([A, B, C])) == [("limit", "dequeue", "b"), ("limit", "enqueue", "a")]
    assert not result.is_doubtful


@pytest.mark.parametrize(
    ("before", "after", "updated", "removed"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 3}, []),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a.c": 3}, []),
        ({"a": {"b": 1}}, {"a": {}}, {"a": {}}, []),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 2}}, {}, ["a.b"]),
        ({"a": [1, {"b": 1}]}, {"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}, []),
        ({"a": 1}, {"b": 1}, {"b": 1}, ["a"]),
        ({"a": 1}, {"a": 1.0}, {"a": 1.0}, []),
    ],
)
def test_paths_that_differ(before: Any, after: Any, updated: Any, removed: Any) -> None:
    assert differing(before, after) == (updated, removed)


# --- laws ----------------------------------------------------------------------------------------

ids = st.sampled_from("abcdefgh")
bodies = st.fixed_dictionaries(
    {"g": st.sampled_from("xy"), "n": st.integers(0, 3)}, optional={"t": st.just([1, 2])}
)
steps = st.lists(
    st.tuples(st.sampled_from(["insert", "update", "replace", "remove"]), ids, bodies), max_size=4
)


def committed(kept: Kept, commit: list[Any]) -> list[Change]:
    """Write as a collection does: what changes stays in its place, what is new goes to the end."""
    changes = []
    for operation, document_id, body in commit:
        before = kept.get(document_id)
        if (before is None) != (operation == "insert"):
            continue
        after = None if operation == "remove" else {"_id": document_id, **body}
        if after is None:
            del kept[document_id]
        else:
            kept[document_id] = after
        changes.append(change(operation, before, after))
    return changes


def replay(held: dict[Any, Any], events: list[Event]) -> None:
    """Do to a client's list what the SDK does, and insist on what it insists on."""
    for each in events:
        if each.queue_type == "dequeue":
            assert held.pop(each.document_id) == each.before
        elif each.queue_type == "enqueue":
            assert each.document_id not in held
            held[each.document_id] = each.after
        else:
            assert held[each.document_id] == each.before
            held[each.document_id] = each.after


@given(
    commits=st.lists(steps, max_size=12),
    filter_=st.sampled_from([{}, {"g": "x"}, {"n": {"$gt": 1}}, {"t": 1}, {"_id": "a"}]),
    sort=st.sampled_from([(), (("n", 1),), (("n", -1), ("g", 1))]),
    limit=st.sampled_from([None, 1, 2, 3]),
    begun=st.integers(0, 3),
    spare=st.sampled_from([1, 2, 200]),
)
def test_replayed_events_are_the_result(
    commits: list[Any], filter_: Any, sort: Any, limit: int | None, begun: int, spare: int
) -> None:
    watch.SPARE_DOCUMENTS = spare
    kept: Kept = {}
    matcher = compile_filter(filter_)
    for commit in commits[:begun]:
        committed(kept, commit)
    result = LiveResult(matcher, sort, limit)
    result.load(matcher.select(list(kept.values())))
    held = {each["_id"]: each for each in result.documents()}
    for commit in commits[begun:]:
        replay(held, result.apply(committed(kept, commit)))
        if result.is_doubtful:
            replay(held, result.load(matcher.select(list(kept.values()))))
        expected = sort_documents(matcher.select(list(kept.values())), sort, limit)
        assert held == {each["_id"]: each for each in expected}
        shown = sort_documents(list(expected), sort)
        assert sorted(map(repr, result.documents())) == sorted(map(repr, shown))


@given(
    filters=st.lists(
        st.sampled_from(
            [{}, {"n": 1}, {"n": 1.0}, {"g": "x"}, {"t": 1}, {"t": 2, "g": "y"}, {"d.e": 1}]
        ),
        max_size=6,
    ),
    before=st.none() | bodies,
    after=st.none() | bodies,
    nested=st.sampled_from([1, {"e": 1}, {"e": [1]}, [{"e": 1}], [{"e": 2}]]),
)
def test_whoever_matches_is_concerned(filters: Any, before: Any, after: Any, nested: Any) -> None:
    interests: Interests[int] = Interests()
    matchers = dict(enumerate(map(compile_filter, filters)))
    for number, matcher in matchers.items():
        interests.add(number, matcher)
    documents = [{"_id": "a", **each, "d": nested} for each in (before, after) if each is not None]
    concerned = interests.concerned(*[*documents, None, None][:2])
    for number, matcher in matchers.items():
        assert number in concerned or not any(map(matcher.matches, documents))
    for number in matchers:
        interests.remove(number)
    assert len(interests) == 0
    assert interests.concerned(*[*documents, None, None][:2]) == []


def test_those_who_want_other_values_are_not_asked() -> None:
    interests: Interests[str] = Interests()
    for room in "abc":
        interests.add(room, compile_filter({"room": room, "open": True}))
    moved = interests.concerned({"_id": "1", "room": "a"}, {"_id": "1", "room": "c"})
    assert moved == ["a", "c"]
    assert interests.all() == ["a", "b", "c"]
