"""What happened and why: spans in trees."""

import asyncio

import pytest

from emulator.ambient import ManualClock
from emulator.core.errors import InvalidParam
from emulator.services import trace as module
from emulator.services.trace import Trace, current_span
from emulator.services.trace_export import open_telemetry, trees

START_MS = 1_700_000_000_000


@pytest.fixture
def clock():
    return ManualClock(START_MS)


@pytest.fixture
def trace(clock):
    return Trace(clock)


def names(nodes):
    return [(each["name"], names(each["children"])) for each in nodes]


async def test_spans_of_a_task_lie_inside_each_other(trace):
    with trace.within(trace.begin("outer", "trigger")):
        with trace.within(trace.begin("inner", "read")):
            pass
        with trace.within(trace.begin("other", "write")):
            await asyncio.sleep(0)
    assert current_span.get() is None
    assert names(trees(trace.spans())) == [("outer", [("inner", []), ("other", [])])]


async def test_code_of_an_invocation_is_known_by_its_request(trace):
    span = trace.begin("f", "invocation", attributes={"request_id": "r1"})
    trace.invoked("r1", span)
    trace.end(span)
    trace.end(trace.begin("find", "read", request_id="r1"))
    trace.end(trace.begin("find", "read", request_id="r2"))
    assert names(trees(trace.spans())) == [("f", [("find", [])]), ("find", [])]
    assert names(trees(trace.spans(request_id="r1"))) == [("f", [("find", [])])]
    assert trace.spans(request_id="unknown") == []


async def test_cause_goes_before_what_the_task_does(trace):
    cause = trace.begin("write", "write")
    trace.end(cause)
    with trace.within(trace.begin("another", "write")):
        trace.end(trace.begin("trigger", "trigger", cause=cause))
    assert names(trees(trace.spans())) == [("write", [("trigger", [])]), ("another", [])]


async def test_what_a_span_failed_with_is_kept_and_raised_on(trace):
    with pytest.raises(InvalidParam), trace.within(trace.begin("find", "read")):
        raise InvalidParam("no such field")
    (span,) = trace.spans()
    assert span.error == "INVALID_PARAM: no such field"


async def test_ring_forgets_the_oldest_and_their_children_stand_alone(clock, monkeypatch):
    monkeypatch.setattr(module, "SPANS_MAX", 3)
    trace = Trace(clock)
    outer = trace.begin("outer", "trigger")
    for number in range(3):
        trace.end(trace.begin(str(number), "read", cause=outer))
    assert names(trees(trace.spans())) == [("0", []), ("1", []), ("2", [])]
    assert [span.name for span in trace.spans(limit=1)] == ["2"]


async def test_listener_hears_of_every_end(trace, clock):
    heard = []
    trace.on_end(heard.extend, at_once=True)
    span = trace.begin("find", "read")
    clock.advance(0.25)
    trace.end(span)
    assert [(each.name, each.duration_s) for each in heard] == [("find", 0.25)]


async def test_who_counts_hears_later_of_many_or_when_somebody_asks(trace, monkeypatch):
    monkeypatch.setattr(module, "ENDED_MAX", 3)
    heard = []
    trace.on_end(heard.extend)
    seen = []
    for number in range(5):
        trace.end(trace.begin(str(number), "read"))
        seen.append(len(heard))
    assert seen == [0, 0, 3, 3, 3]
    trace.tell()
    assert [span.name for span in heard] == list("01234")


async def test_export_has_the_fields_of_open_telemetry(trace, clock):
    with trace.within(trace.begin("f", "invocation", attributes={"source": "wx_client"})):
        clock.advance(0.5)
        inner = trace.begin("find", "read", attributes={"n": 2, "ok": True, "indexes": ["a"]})
        inner.note(START_MS, "warn", "slow")
        inner.fail(InvalidParam("no"))
        trace.end(inner)
    told = open_telemetry(trace.spans(), service="demo-env")
    (resource,) = told["resourceSpans"]
    assert resource["resource"]["attributes"][0] == {
        "key": "service.name",
        "value": {"stringValue": "demo-env"},
    }
    outer, inner = resource["scopeSpans"][0]["spans"]
    assert (outer["traceId"], outer["spanId"]) == (f"{1:032x}", f"{1:016x}")
    assert "parentSpanId" not in outer
    assert (inner["traceId"], inner["parentSpanId"]) == (outer["traceId"], outer["spanId"])
    assert outer["startTimeUnixNano"] == str(START_MS * 1_000_000)
    assert outer["endTimeUnixNano"] == str((START_MS + 500) * 1_000_000)
    assert (outer["kind"], outer["status"]) == (2, {"code": 1})
    assert inner["status"] == {"code": 2, "message": "INVALID_PARAM: no"}
    assert inner["attributes"] == [
        {"key": "cloud.kind", "value": {"stringValue": "read"}},
        {"key": "n", "value": {"intValue": "2"}},
        {"key": "ok", "value": {"boolValue": True}},
        {"key": "indexes", "value": {"arrayValue": {"values": [{"stringValue": "a"}]}}},
    ]
    assert inner["events"][0]["name"] == "slow"
