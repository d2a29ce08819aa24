"""Texts that documents hold alike are kept once, and nothing else about them changes."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from emulator.stores.contents import Contents, Documents
from emulator.stores.texts import (
    SHARE_EVERY_DOCUMENTS,
    TEXT_MAX_CHARACTERS,
    TEXTS_MAX,
    Texts,
)

TEXT = st.sampled_from(["", "new", "paid", "云", "x" * (TEXT_MAX_CHARACTERS + 1)])
VALUES = st.recursive(
    st.one_of(TEXT, st.integers(), st.none(), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)


def fresh(text):
    """Return an equal text that is another object."""
    return "".join([text[:1], text[1:]])


def order(number):
    return {
        "_id": str(number),
        "status": fresh("paid"),
        "tags": [fresh("gift"), [fresh("gift")]],
        "buyer": {"city": fresh("Shenzhen"), "many": [{"city": fresh("Shenzhen")}]},
    }


@given(st.lists(st.dictionaries(TEXT, VALUES, max_size=4), max_size=4))
def test_documents_stay_equal_field_by_field(documents):
    before = copy.deepcopy(documents)
    shared = dict(Texts().shared(enumerate(documents)))
    assert list(shared.values()) == before
    assert [list(each) for each in shared.values()] == [list(each) for each in before]


def test_equal_texts_are_one_wherever_they_stand():
    first, second = (each for _, each in Texts().shared([(1, order(1)), (2, order(2))]))
    assert first["status"] is second["status"]
    assert first["tags"][0] is first["tags"][1][0] is second["tags"][0]
    assert first["buyer"]["city"] is second["buyer"]["many"][0]["city"]


def test_long_texts_are_left_alone():
    text = "x" * (TEXT_MAX_CHARACTERS + 1)
    first, second = (
        each for _, each in Texts().shared([(1, {"a": text}), (2, {"a": fresh(text)})])
    )
    assert first["a"] is text
    assert first["a"] is not second["a"]


def test_few_texts_are_remembered_and_those_that_come_again_are_known_again():
    texts = Texts()
    many = [(number, {"_id": f"id {number}", "s": fresh("paid")}) for number in range(5_000)]
    documents = dict(texts.shared(many))
    assert len({id(each["s"]) for each in documents.values()}) <= 2 + 2 * 5_000 // TEXTS_MAX


def test_new_documents_are_looked_through_together():
    held = Documents()
    for number in range(1, SHARE_EVERY_DOCUMENTS):
        held.put(number, order(number))
    assert held.by_number[1]["status"] is not held.by_number[2]["status"]
    held.put(SHARE_EVERY_DOCUMENTS, order(SHARE_EVERY_DOCUMENTS))
    assert len({id(each["status"]) for each in held.by_number.values()}) == 1
    assert held.by_number[7] == order(7)


def test_what_is_read_back_is_shared_at_once_and_not_looked_through_again():
    held = Contents().demand("orders")
    held.load((number, order(number)) for number in range(1, 4))
    assert held.by_number[1]["status"] is held.by_number[3]["status"]
    held.put(4, order(4))
    assert held.by_number[4]["status"] is not held.by_number[3]["status"]


def test_numbers_far_ahead_are_no_long_way():
    held = Documents()
    held.put(10**12, order(1))
    held.put(10**12 + 1, order(2))
    assert len(held) == 2
