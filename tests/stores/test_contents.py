"""Documents in memory: what writes come down to, and what steps do when they are replayed."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.errors import DuplicateKey
from emulator.stores.base import Create, Delete, Describe, Drop, Put
from emulator.stores.contents import Contents, Documents, owned

ids = st.sampled_from(["a", "b", "c", 1, True, None])
names = st.sampled_from(["x", "y"])
writes = st.one_of(
    st.builds(lambda name, key, n: Put(name, {"_id": key, "n": n}), names, ids, st.integers(0, 9)),
    st.builds(Delete, names, ids),
    st.builds(Create, names),
    st.builds(Drop, names),
    st.builds(lambda name, n: Describe(name, {"n": n}), names, st.integers(0, 9)),
)
commits = st.lists(st.lists(writes, min_size=1, max_size=4), max_size=12)


def state(contents: Contents):
    return [
        (name, list(held.by_number.items()), held.description)
        for name, held in contents.collections.items()
    ]


def run(contents: Contents, batches) -> list[list]:
    """Apply commits and return their steps."""
    journal = []
    for batch in batches:
        steps = contents.plan(batch)
        journal.append(steps)
        contents.apply(steps)
    return journal


@given(commits, commits)
def test_replaying_a_history_over_its_end_changes_nothing(before, after):
    contents = Contents()
    run(contents, before)
    journal = run(contents, after)
    end = copy.deepcopy(state(contents))
    order = list(contents.collections)
    for steps in journal:
        contents.apply(steps)
    contents.settle()
    contents.arrange(order)
    assert state(contents) == end


@given(commits)
def test_one_commit_of_many_writes_ends_as_many_commits_of_one(batches):
    together, apart = Contents(), Contents()
    everything = [write for batch in batches for write in batch]
    run(together, [everything])
    run(apart, [[write] for write in everything])
    assert [(name, [d for _, d in held], kept) for name, held, kept in state(together)] == [
        (name, [d for _, d in held], kept) for name, held, kept in state(apart)
    ]


@given(commits)
def test_every_document_is_found_by_its_id(batches):
    contents = Contents()
    run(contents, batches)
    for held in contents.collections.values():
        assert len(held.numbers) == len(held)
        for document in held.by_number.values():
            assert held.by_id(document["_id"]) is document


@given(commits)
def test_planning_changes_nothing(batches):
    contents = Contents()
    run(contents, batches[:-1])
    before = copy.deepcopy(state(contents))
    for batch in batches:
        contents.plan(batch)
    assert state(contents) == before


def test_a_number_is_not_given_twice_after_the_last_document_went():
    contents = Contents()
    run(contents, [[Put("x", {"_id": "a"})], [Delete("x", "a")], [Put("x", {"_id": "b"})]])
    assert list(contents.collections["x"].by_number) == [2]


def test_numbers_go_on_after_a_replay_over_a_later_state():
    contents = Contents()
    journal = run(contents, [[Put("x", {"_id": "a"})], [Delete("x", "a")]])
    later = Contents()
    later.apply([["create", "x"]])
    later.apply(journal[1])
    assert later.plan([Put("x", {"_id": "b"})]) == [["put", "x", 2, {"_id": "b"}]]


def test_steps_without_effect_are_left_out():
    contents = Contents()
    run(contents, [[Create("x")]])
    assert contents.plan([Create("x"), Drop("y"), Delete("x", 1), Delete("z", 1)]) == []


def test_documents_without_an_id_are_kept_apart():
    contents = Contents()
    run(contents, [[Put("x", {"n": 1}), Put("x", {"n": 1})]])
    assert len(contents.collections["x"]) == 2


def test_documents_that_were_kept_in_any_order_come_back_in_the_order_of_their_numbers():
    held = Documents()
    held.load([(10, {"_id": "b"}), (9, {"_id": "a"})])
    assert list(held.by_number) == [9, 10]
    assert held.next_number == 11


def test_a_changed_id_is_found_and_the_former_is_not():
    held = Documents()
    held.put(1, {"_id": "a"})
    held.put(1, {"_id": "b"})
    assert held.by_id("a") is None
    assert held.by_id("b") == {"_id": "b"}


def test_two_documents_may_swap_ids_in_one_step():
    held = Documents()
    held.load([(1, {"_id": "a"}), (2, {"_id": "b"})])
    drafts = {1: {"_id": "b"}, 2: {"_id": "a"}}
    held.check_ids("x", drafts)
    for number, document in drafts.items():
        held.put(number, document)
    assert (held.by_id("a"), held.by_id("b")) == ({"_id": "a"}, {"_id": "b"})
    assert held.numbers == {"a": 2, "b": 1}


@pytest.mark.parametrize(
    "drafts",
    [
        pytest.param({9: {"_id": "a"}}, id="taken by a stored document"),
        pytest.param({9: {"_id": 1.0}}, id="taken by an equal number"),
        pytest.param({8: {"_id": "z"}, 9: {"_id": "z"}}, id="twice among the new"),
        pytest.param({1: {"_id": "a"}, 9: {"_id": "a"}}, id="by one that keeps it"),
    ],
)
def test_an_id_stays_unique(drafts):
    held = Documents()
    held.load([(1, {"_id": "a"}), (2, {"_id": 1})])
    with pytest.raises(DuplicateKey, match=r"E11000 .* x "):
        held.check_ids("x", drafts)


def test_what_is_owned_shares_nothing_that_can_change():
    source = {"a": [1, {"b": (1, 2)}], "c": "text"}
    copied = owned(source)
    assert copied == {"a": [1, {"b": [1, 2]}], "c": "text"}
    copied["a"][1]["b"].append(3)
    assert source["a"][1]["b"] == (1, 2)
