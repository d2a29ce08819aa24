"""Printing that never holds anybody up."""

import threading

from emulator.cli import printer as printer_module
from emulator.cli.printer import Printer

WAIT_MAX_S = 10.0


def never() -> None:
    raise AssertionError("nobody went")


def test_lines_are_printed_in_order_and_all_of_them_before_close_returns():
    printed: list[str] = []
    printer = Printer(printed.append, broken=never)
    for number in range(1000):
        printer.put(str(number))
    printer.close()
    assert printed == [str(number) for number in range(1000)]


def test_a_reader_that_stands_still_costs_lines_but_no_time(monkeypatch):
    monkeypatch.setattr(printer_module, "LINES_MAX", 10)
    goes_on, printed = threading.Event(), []

    def write(line: str) -> None:
        goes_on.wait(WAIT_MAX_S)
        printed.append(line)

    printer = Printer(write, broken=never)
    for number in range(100):
        printer.put(str(number))
    goes_on.set()
    printer.close()
    dropped = 100 - sum(line.isdecimal() for line in printed)
    assert dropped >= 89
    assert f"({dropped} lines were dropped: they came faster than read)" in printed


def test_a_reader_that_is_gone_is_told_once():
    gone = threading.Semaphore(0)

    def write(line: str) -> None:
        raise BrokenPipeError

    printer = Printer(write, broken=gone.release)
    printer.put("a")
    printer.put("b")
    assert gone.acquire(timeout=WAIT_MAX_S)
    printer.close()
    assert not gone.acquire(blocking=False)
