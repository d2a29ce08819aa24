"""Figures for Prometheus."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from emulator.ambient import ManualClock
from emulator.services import metrics as module
from emulator.services.metrics import Metrics
from emulator.services.trace import Trace


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def metrics():
    return Metrics({"queued_calls": ("Calls that wait.", lambda: 3)})


@pytest.fixture
def trace(clock, metrics):
    made = Trace(clock)
    made.on_end(metrics.heard, at_once=True)
    return made


def happen(trace, clock, kind, name, *, seconds=0.0, error="", **attributes):
    span = trace.begin(name, kind, attributes=attributes)
    clock.advance(seconds)
    span.error = error
    trace.end(span)


def samples(metrics):
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def test_calls_are_counted_by_function_and_outcome(metrics, trace, clock):
    happen(trace, clock, "invocation", "f", seconds=2, memory_mb=512)
    happen(trace, clock, "invocation", "f", error="boom", memory_mb=512)
    found = samples(metrics)
    assert found["cloud_emu_invocations_total", "f", "ok"] == 1
    assert found["cloud_emu_invocations_total", "error", "f"] == 1
    assert found["cloud_emu_gb_seconds_total", "f"] == 1.0


def test_durations_are_cumulative_histograms(metrics, trace, clock):
    for seconds in (0.002, 0.04, 2, 100):
        happen(trace, clock, "invocation", "f", seconds=seconds)
    found = samples(metrics)
    assert found["cloud_emu_invocation_seconds_bucket", "0.0025", "f"] == 1
    assert found["cloud_emu_invocation_seconds_bucket", "0.05", "f"] == 2
    assert found["cloud_emu_invocation_seconds_bucket", "3.0", "f"] == 3
    assert found["cloud_emu_invocation_seconds_bucket", "+Inf", "f"] == 4
    assert found["cloud_emu_invocation_seconds_count", "f"] == 4
    assert found["cloud_emu_invocation_seconds_sum", "f"] == pytest.approx(102.042)


def test_commands_triggers_and_gauges_have_their_own_figures(metrics, trace, clock):
    happen(trace, clock, "read", "find")
    happen(trace, clock, "write", "insert", error="DUPLICATE")
    happen(trace, clock, "trigger", "timer hourly")
    found = samples(metrics)
    assert found["cloud_emu_commands_total", "find", "ok"] == 1
    assert found["cloud_emu_commands_total", "error", "insert"] == 1
    assert found["cloud_emu_triggered_calls_total", "ok", "timer hourly"] == 1
    assert found["cloud_emu_queued_calls",] == 3


def test_names_beyond_the_bound_count_together(metrics, trace, clock, monkeypatch):
    monkeypatch.setattr(module, "SERIES_MAX", 2)
    for name in "abcda":
        happen(trace, clock, "invocation", name)
    found = samples(metrics)
    assert found["cloud_emu_invocations_total", "ok", "other"] == 2
    assert found["cloud_emu_invocations_total", "a", "ok"] == 2
