"""What the store asks of the garbage collector."""

import gc

import pytest

from emulator.stores.collector import (
    FREEZE_EVERY_DOCUMENTS,
    HELD_DOCUMENTS,
    Retention,
    hold_many,
    look_at_new,
    pass_over,
    paused,
    set_aside,
)


@pytest.fixture(autouse=True)
def _thawed():
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_collections_pause_for_a_block_and_go_on_after_it():
    with paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_collections_go_on_after_a_failed_block():
    with pytest.raises(ValueError), paused():
        raise ValueError
    assert gc.isenabled()


def test_few_documents_freeze_nothing():
    retention = Retention()
    retention.loaded(FREEZE_EVERY_DOCUMENTS - 1)
    retention.keep(FREEZE_EVERY_DOCUMENTS - 1)
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize("note", ["loaded", "keep"])
def test_many_documents_freeze_until_the_store_closes(note):
    retention = Retention()
    getattr(retention, note)(FREEZE_EVERY_DOCUMENTS)
    assert gc.get_freeze_count() > 0
    retention.release()
    assert gc.get_freeze_count() == 0


def cycle():
    """Make a cycle that nobody holds, and return a list that tells when it is gone."""

    class Node:
        pass

    gone = []
    node = Node()
    node.itself = node
    node.last_word = type("Word", (), {"__del__": lambda self: gone.append(True)})()
    return gone


def test_cycles_are_taken_before_a_freeze():
    gone = cycle()
    retention = Retention()
    retention.keep(FREEZE_EVERY_DOCUMENTS)
    assert gone == [True]


def test_a_store_that_froze_nothing_unfreezes_nothing():
    gc.freeze()
    Retention().release()
    assert gc.get_freeze_count() > 0


def test_tuples_of_plain_values_leave_the_collectors_sight_at_the_first_look():
    with paused():
        rows = [(number, str(number)) for number in range(100)]
        look_at_new()
        assert not any(map(gc.is_tracked, rows))


@pytest.mark.parametrize("made", [0, FREEZE_EVERY_DOCUMENTS - 1, FREEZE_EVERY_DOCUMENTS])
def test_much_that_stays_is_set_aside(made):
    set_aside(made)
    assert (gc.get_freeze_count() > 0) is (made == FREEZE_EVERY_DOCUMENTS)


@pytest.mark.parametrize("held", [0, FREEZE_EVERY_DOCUMENTS - 1, FREEZE_EVERY_DOCUMENTS])
def test_what_holds_much_is_passed_over(held):
    pass_over(held)
    assert (gc.get_freeze_count() > 0) is (held == FREEZE_EVERY_DOCUMENTS)


@pytest.mark.parametrize("held", [HELD_DOCUMENTS - 1, HELD_DOCUMENTS])
def test_a_long_list_is_looked_at_once(held):
    gc.collect()
    gone = cycle()
    hold_many(held)
    assert (gc.get_freeze_count() > 0) is (held == HELD_DOCUMENTS)
    assert (gone == [True]) is (held == HELD_DOCUMENTS)
