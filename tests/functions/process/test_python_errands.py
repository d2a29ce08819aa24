"""Calls of a worker's `cloud` object: each answer reaches the call with its number."""

import pickle

from emulator.core.commands import Find
from emulator.core.errors import EmulatorError
from emulator.functions.process_errands import write_answer
from emulator.functions.python_errands import Errands, ErrandTransport

COMMAND = Find(collection="a", filter={})


def test_answers_find_their_calls_in_any_order():
    sent: list[bytes] = []
    errands = Errands(lambda send, frame: send(frame), sent.append)
    first, second = (ErrandTransport(errands, name).submit(COMMAND) for name in ("r1", "r2"))
    numbers = [pickle.loads(frame)[:2] for frame in sent]
    assert [name for _, name in numbers] == ["r1", "r2"]
    errands.answered(write_answer(numbers[1][0], "two", None))
    errands.answered(write_answer(numbers[0][0], None, EmulatorError("no")))
    errands.answered(write_answer(99, "nobody's", None))
    assert second.result(0) == "two"
    assert str(first.exception(0)) == "no"


def test_answer_to_a_call_that_was_given_up_is_dropped():
    sent: list[bytes] = []
    errands = Errands(lambda send, frame: send(frame), sent.append)
    future = errands.begin("r", COMMAND)
    assert future.cancel()
    errands.answered(write_answer(pickle.loads(sent[0])[0], 1, None))
    assert future.cancelled()


def test_call_after_the_end_fails_at_once():
    def closed(*_: object) -> None:
        raise RuntimeError("Event loop is closed")

    future = Errands(closed, lambda _: None).begin("r", COMMAND)
    assert isinstance(future.exception(0), RuntimeError)
