"""Printing that never holds anybody up."""

import threading

import pytest

from emulator.cli import printer as printer_module
from emulator.cli.printer import Printer

WAIT_MAX_S = 10.0


def never() -> None:
    raise AssertionError("nobody went")


def missing(count: int) -> str:
    return f"{count} missing"


class Reader:
    """Takes what is written; `goes_on` may be cleared for a while."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.begun = threading.Semaphore(0)

    @property
    def lines(self) -> list[str]:
        return [line for piece in self.pieces for line in piece.split("\n")]

    def write(self, text: str) -> None:
        self.begun.release()
        assert self.goes_on.wait(WAIT_MAX_S)
        self.pieces.append(text)


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def printer(reader):
    return Printer(reader.write, broken=never, left_out=missing)


def test_lines_are_printed_in_order_and_all_of_them_before_close_returns(reader, printer):
    for number in range(1000):
        printer.put(str(number))
    printer.close()
    assert reader.lines == [str(number) for number in range(1000)]


def test_a_line_is_printed_without_waiting_for_more(reader, printer):
    for _ in range(3):
        printer.put("one")
        assert reader.begun.acquire(timeout=WAIT_MAX_S)
    printer.close()
    assert reader.pieces == ["one"] * 3


def test_what_comes_while_a_piece_is_written_is_one_piece(reader, printer):
    reader.goes_on.clear()
    printer.put("first")
    assert reader.begun.acquire(timeout=WAIT_MAX_S)
    for number in range(100):
        printer.put(str(number))
    reader.goes_on.set()
    printer.close()
    assert reader.pieces == ["first", "\n".join(map(str, range(100)))]


def test_a_reader_that_stands_still_costs_lines_but_no_time(monkeypatch, reader, printer):
    monkeypatch.setattr(printer_module, "LINES_MAX", 10)
    reader.goes_on.clear()
    printer.put("first")
    assert reader.begun.acquire(timeout=WAIT_MAX_S)
    for number in range(100):
        printer.put(str(number))
    reader.goes_on.set()
    assert reader.begun.acquire(timeout=WAIT_MAX_S)
    printer.put("last")
    printer.close()
    assert reader.lines == ["first", *map(str, range(10)), "90 missing", "last"]


def test_a_reader_that_never_goes_on_does_not_keep_the_end(monkeypatch, reader, printer):
    monkeypatch.setattr(printer_module, "FLUSH_MAX_S", 0.01)
    reader.goes_on.clear()
    printer.put("first")
    assert reader.begun.acquire(timeout=WAIT_MAX_S)
    printer.put("second")
    printer.close()
    assert reader.pieces == []
    reader.goes_on.set()


def test_lines_of_many_threads_are_all_printed_each_thread_s_in_order(reader, printer):
    def say(name: int) -> None:
        for number in range(500):
            printer.put(f"{name} {number}")

    threads = [threading.Thread(target=say, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    printer.close()
    for name in range(4):
        said = [line for line in reader.lines if line.startswith(f"{name} ")]
        assert said == [f"{name} {number}" for number in range(500)]


def test_a_reader_that_is_gone_is_told_once():
    gone = threading.Semaphore(0)

    def write(text: str) -> None:
        raise BrokenPipeError

    printer = Printer(write, broken=gone.release, left_out=missing)
    printer.put("a")
    printer.put("b")
    assert gone.acquire(timeout=WAIT_MAX_S)
    printer.close()
    assert not gone.acquire(blocking=False)
