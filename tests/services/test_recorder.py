"""What can be looked at afterwards."""

import asyncio
import threading

from emulator.ambient import ManualClock
from emulator.services.recorder import LOG_CHARACTERS_MAX, LOG_LINES_MAX, Recorder


async def test_ring_keeps_the_newest_lines():
    recorder = Recorder(ManualClock())
    for number in range(LOG_LINES_MAX + 5):
        recorder.log("info", str(number))
    kept = recorder.logs(limit=LOG_LINES_MAX + 5)
    assert (len(kept), kept[0].line, kept[-1].line) == (LOG_LINES_MAX, "5", str(LOG_LINES_MAX + 4))


async def test_ring_keeps_no_more_characters_than_it_may():
    recorder = Recorder(ManualClock())
    long = "x" * (LOG_CHARACTERS_MAX // 4)
    for number in range(9):
        recorder.log("info", f"{number}{long}")
    assert [entry.line[0] for entry in recorder.logs()] == ["6", "7", "8"]
    recorder.log("info", long * 5)
    assert len(recorder.logs()) == 1
    recorder.clear()
    for number in range(3):
        recorder.log("info", f"{number}{long}")
    assert len(recorder.logs()) == 3


async def test_lines_are_found_by_function_and_request():
    recorder = Recorder(ManualClock())
    recorder.log("info", "a", function="f", request_id="1")
    recorder.log("info", "b", function="g", request_id="2")
    recorder.log("info", "c", function="f", request_id="3")
    assert [entry.line for entry in recorder.logs(function="f")] == ["a", "c"]
    assert [entry.line for entry in recorder.logs(request_id="2")] == ["b"]
    assert [entry.line for entry in recorder.logs(function="f", limit=1)] == ["c"]


async def test_notice_of_a_name_that_is_no_text_is_kept_as_text():
    recorder = Recorder(ManualClock())
    recorder.notice("odd", "no collection \ud800")
    assert [entry.line for entry in recorder.logs()] == ["no collection \ufffd"]


async def test_stream_hears_lines_from_other_threads():
    recorder = Recorder(ManualClock())
    recorder.attach(asyncio.get_running_loop())
    stream = recorder.stream("log")
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    thread = threading.Thread(target=recorder.log, args=("info", "from a thread"))
    thread.start()
    assert (await asyncio.wait_for(first, 5))["line"] == "from a thread"
    thread.join()
    await stream.aclose()


async def test_follower_that_stopped_hears_no_more():
    recorder = Recorder(ManualClock())
    recorder.attach(asyncio.get_running_loop())
    heard = []
    stop = recorder.follow(heard.append)
    recorder.log("info", "one")
    await asyncio.sleep(0)
    stop()
    recorder.log("info", "two")
    await asyncio.sleep(0)
    assert [entry["line"] for entry in heard] == ["one"]


def test_line_of_json_is_parsed_and_may_name_its_level():
    recorder = Recorder(ManualClock())
    recorder.log("info", '{"order": 1, "level": "ERROR"}')
    recorder.log("info", '{"severity": "warning", "a": [1]}')
    recorder.log("warn", '{"level": 30}')
    recorder.log("info", "{not json")
    first, second, third, plain = recorder.logs()
    assert (first.level, first.data) == ("error", {"order": 1, "level": "ERROR"})
    assert (second.level, third.level) == ("warn", "warn")
    assert (plain.level, plain.data) == ("info", None)
    assert "data" not in plain.told()
    assert first.told()["data"]["order"] == 1


def test_lines_are_asked_for_by_how_grave_they_are():
    recorder = Recorder(ManualClock())
    for level in ("debug", "log", "info", "warn", "error"):
        recorder.log(level, level)
    assert [entry.line for entry in recorder.logs(level="warn")] == ["warn", "error"]
    assert [entry.line for entry in recorder.logs(level="info")] == ["log", "info", "warn", "error"]
    assert len(recorder.logs(level="debug")) == 5
