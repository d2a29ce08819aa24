"""Commands that leave a process arrive as they were; anything else is refused."""

import os
import pickle
from concurrent.futures import Future
from typing import Any

import pytest

from emulator.core.commands import Find, Found, Insert, UploadFile
from emulator.core.errors import DatabaseRequestFailed, EmulatorError
from emulator.core.values import Binary, Date, ObjectId
from emulator.functions.process_errands import (
    Errands,
    read_answer,
    read_command,
    write_answer,
    write_command,
)

DOCUMENT = {
    "at": Date(1_700_000_000_000),
    "id": ObjectId("0123456789abcdef01234567"),
    "data": Binary(b"\0\1"),
    "deep": [{"n": 1.5, "text": "文", "none": None}],
}


class Loop:
    """Calls at once."""

    def call_soon_threadsafe(self, function, *arguments):
        function(*arguments)


class Session:
    """Answers with the command itself."""

    def __init__(self) -> None:
        self.transport = self

    def submit(self, command: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_result(command)
        return future


def asked(payload: bytes, session: Any = None) -> tuple:
    sent: list[bytes] = []
    Errands(Loop(), sent.append, lambda _: session).take(payload)  # type: ignore[arg-type]
    return read_answer(sent[0])


@pytest.mark.parametrize(
    "command",
    [
        Insert(collection="a", documents=(DOCUMENT,)),
        Find(collection="a", filter={"at": {"$gt": Date(0)}}, limit=3),
        UploadFile(cloud_path="a/b", content=b"\0" * 100),
    ],
)
def test_command_arrives_as_it_left(command):
    _, _, body = pickle.loads(write_command(1, "r", command))
    assert read_command(body) == command
    assert asked(write_command(4, "r", command), Session()) == (4, command, None)


def test_results_and_refusals_come_back_as_they_were():
    found = Found(documents=(DOCUMENT,))
    assert read_answer(write_answer(2, found, None)) == (2, found, None)
    fault = DatabaseRequestFailed("no", mongo_code=9, hint="do")
    _, _, told = read_answer(write_answer(3, None, fault))
    assert (type(told), told.message, told.hint, told.mongo_code) == (
        DatabaseRequestFailed, "no", "do", 9,
    )  # fmt: skip


def test_result_that_cannot_leave_the_suite_is_a_refusal():
    _, result, told = read_answer(write_answer(3, open, None))
    assert (result, told) == (open, None)
    _, _, told = read_answer(write_answer(3, (each for each in ()), None))
    assert "generator" in told.message


class Evil:
    def __reduce__(self):
        return os.getcwd, ()


@pytest.mark.parametrize("thing", [Evil(), os.getcwd, Loop, "\0no pickle", EmulatorError.__init__])
def test_nothing_but_records_of_the_core_is_made(thing):
    body = b"rubbish" if isinstance(thing, str) else pickle.dumps(thing)
    with pytest.raises(EmulatorError):
        read_command(body)
    _, _, told = asked(pickle.dumps((1, "r", body)), Session())
    assert isinstance(told, EmulatorError)


def test_what_cannot_leave_a_process_is_told_there():
    with pytest.raises(EmulatorError, match="cannot leave"):
        write_command(1, "r", Insert(collection="a", documents=({"open": (n for n in ())},)))


def test_call_that_ended_long_ago_acts_for_nobody():
    command = Find(collection="a", filter={})
    _, _, told = asked(write_command(1, "r", command), None)
    assert "too long ago" in told.message
