"""A run's log in lines, its variables, and what it holds."""

from hypothesis import given
from hypothesis import strategies as st

from emulator.functions.python_run import (
    LOG_CHARACTERS_MAX,
    LOG_LINE_CHARACTERS_MAX,
    Held,
    RunEnviron,
    RunLog,
    current_run,
    running_run,
)


def written(*pieces: str, level: str = "info") -> list[str]:
    lines = []
    log = RunLog(lambda _, line: lines.append(line))
    for piece in pieces:
        log.write(level, piece)
    log.flush()
    return lines


@given(st.text(alphabet="ab\n", max_size=60), st.lists(st.integers(1, 7), max_size=60))
def test_lines_do_not_depend_on_how_text_was_cut_into_pieces(text, cuts):
    pieces, rest = [], text
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    lines = text.split("\n")
    assert written(*pieces, rest) == (lines if lines[-1] else lines[:-1])


def test_carriage_returns_at_line_ends_are_dropped():
    assert written("a\r\nb\r\n") == ["a", "b"]


def test_halves_of_surrogate_pairs_are_mended():
    assert written("a\ud800\n", "b\ud83d", "\ude00") == ["a\ufffd", "b\U0001f600"]


def test_long_line_goes_on_as_further_lines():
    line = "x" * (LOG_LINE_CHARACTERS_MAX * 2 + 1)
    assert [len(each) for each in written(line)] == [
        LOG_LINE_CHARACTERS_MAX,
        LOG_LINE_CHARACTERS_MAX,
        1,
    ]


def test_levels_are_collected_apart():
    lines = []
    log = RunLog(lambda *line: lines.append(line))
    log.write("info", "out ")
    log.write("error", "err\n")
    log.write("info", "put\n")
    assert lines == [("error", "err"), ("info", "out put")]


def test_text_up_to_the_bound_is_kept_whole():
    lines = written("x" * (LOG_CHARACTERS_MAX - 1) + "\n")
    assert sum(map(len, lines)) == LOG_CHARACTERS_MAX - 1


def test_text_beyond_the_bound_is_dropped_with_a_word_about_it():
    lines = []
    log = RunLog(lambda *line: lines.append(line))
    for _ in range(3):
        log.write("info", "x" * LOG_CHARACTERS_MAX)
    log.flush()
    assert [level for level, _ in lines].count("warn") == 1
    assert lines[-1][1].startswith("log cut")
    assert sum(len(line) for level, line in lines if level == "info") == LOG_CHARACTERS_MAX


def test_object_that_prints_while_it_is_destroyed_does_not_hang_the_log():
    lines = []

    class Dying:
        def __del__(self):
            log.write("info", "destroyed\n")

    def emit(level, line):
        nonlocal dying
        dying = None
        lines.append(line)

    dying = Dying()
    log = RunLog(emit)
    log.write("info", "first\n")
    assert sorted(lines) == ["destroyed", "first"]


def test_no_run_is_running_outside_of_one():
    assert current_run.get() is None
    assert running_run() is None


def test_environ_shows_process_variables_defaults_and_writes():
    process = {"A": "process", "B": "process", "TZ": "Asia/Shanghai"}
    seen = RunEnviron(process, {"B": "call"}, {"A": None, "C": "written"})
    assert dict(seen) == {"B": "call", "TZ": "UTC", "C": "written"}
    assert len(seen) == 3
    assert "A" not in seen


def test_environ_writes_never_reach_the_process():
    process, writes = {"A": "process"}, {}
    seen = RunEnviron(process, {}, writes)
    seen["A"] = "own"
    seen.setdefault("D", "default")
    del seen["A"]
    assert process == {"A": "process"}
    assert writes == {"A": None, "D": "default"}
    assert seen.pop("D") == "default"


def test_held_calls_when_the_last_thing_goes():
    held, calls = Held(), []
    held.add("one", "one thing")
    held.add("two", "another")
    held.when_empty(lambda: calls.append("empty"))
    assert held.sentences() == ["one thing", "another"]
    held.remove("one")
    held.remove("one")
    assert calls == []
    held.remove("two")
    assert calls == ["empty"]
    assert held.items() == []


def test_held_that_is_empty_calls_at_once():
    calls = []
    Held().when_empty(lambda: calls.append("empty"))
    assert calls == ["empty"]
