"""Owns the figures of a suite: calls, durations, errors, commands, as Prometheus scrapes them.

Not here: what is charged for (`services.usage`). The one idea: figures are taken from spans as they
end, a few additions each; text is made when somebody asks.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Final

from emulator.core.records import dataclass
from emulator.services.trace import Span

if TYPE_CHECKING:
    from prometheus_client.core import Metric

BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0, 60.0)
SERIES_MAX: Final = 2_000
"""Of more names than this the rest counts as `other`."""
_COMMANDS: Final = frozenset({"read", "write", "database", "storage", "openapi"})
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class _Histogram:
    """How many took up to each bound, one more place for the rest, and the sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_s: float = 0.0

    def observe(self, duration_s: float) -> None:
        self.counts[bisect_left(BUCKETS_S, duration_s)] += 1
        self.sum_s += duration_s

    def buckets(self) -> list[tuple[str, float]]:
        """Return cumulative counts by upper bound, as the format wants them."""
        found, total = [], 0
        for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), self.counts, strict=True):
            total += count
            found.append((bound, float(total)))
        return found


@dataclass(slots=True)
class _Calls:
    """What calls of one function came to."""

    ok: int = 0
    errors: int = 0
    gb_s: float = 0.0
    durations: _Histogram = field(default_factory=_Histogram)

    def count(self, span: Span) -> None:
        if span.error:
            self.errors += 1
        else:
            self.ok += 1
        self.gb_s += span.duration_s * span.attributes.get("memory_mb", 0) / 1024
        self.durations.observe(span.duration_s)


class Metrics:
    """The figures of one suite; `gauges` are asked when somebody wants to know."""

    def __init__(self, gauges: Mapping[str, tuple[str, Callable[[], float]]] | None = None) -> None:
        self._gauges = dict(gauges or {})
        self._functions: dict[str, _Calls] = defaultdict(_Calls)
        self._commands: dict[tuple[str, str], int] = defaultdict(int)
        self._command_durations: dict[str, _Histogram] = defaultdict(_Histogram)
        self._triggers: dict[tuple[str, str], int] = defaultdict(int)
        self._trigger_names: dict[str, None] = {}

    def heard(self, spans: Sequence[Span]) -> None:
        """Count spans that ended."""
        for span in spans:
            kind = span.kind
            if kind == "invocation":
                self._functions[_named(span.name, self._functions)].count(span)
                continue
            outcome = "error" if span.error else "ok"
            if kind in _COMMANDS:
                self._commands[span.name, outcome] += 1
                self._command_durations[kind].observe(span.duration_s)
            elif kind == "trigger":
                name = _named(span.name, self._trigger_names)
                self._trigger_names[name] = None
                self._triggers[name, outcome] += 1

    def text(self) -> bytes:
        """Return every figure in Prometheus' text format."""
        # Imported here: a suite that nobody scrapes does not pay the time.
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator["Metric"]:
        """Yield the families of figures."""
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        counters = (
            ("invocations", "Calls of functions.", ("function", "outcome"), self._outcomes()),
            ("commands", "Commands to services.", ("command", "outcome"), self._commands),
            ("triggered_calls", "Calls by triggers.", ("trigger", "outcome"), self._triggers),
        )
        for name, told, labels, counts in counters:
            counter = CounterMetricFamily(f"cloud_emu_{name}", told, labels=labels)
            for values, count in sorted(counts.items()):
                counter.add_metric(values, count)
            yield counter
        gb_s = CounterMetricFamily(
            "cloud_emu_gb_seconds", "Memory times duration of calls.", labels=("function",)
        )
        for name, calls in sorted(self._functions.items()):
            gb_s.add_metric((name,), calls.gb_s)
        yield gb_s
        durations = {name: calls.durations for name, calls in self._functions.items()}
        for name, label, known in (
            ("invocation_seconds", "function", durations),
            ("command_seconds", "kind", self._command_durations),
        ):
            histogram = HistogramMetricFamily(
                f"cloud_emu_{name}", "How long it took.", labels=(label,)
            )
            for value, each in sorted(known.items()):
                histogram.add_metric((value,), each.buckets(), each.sum_s)
            yield histogram
        for name, (told, value_of) in self._gauges.items():
            yield GaugeMetricFamily(f"cloud_emu_{name}", told, value=value_of())

    def _outcomes(self) -> dict[tuple[str, str], int]:
        """Return how many calls of each function ended well, and how many did not."""
        found = {}
        for name, calls in self._functions.items():
            for outcome, count in (("ok", calls.ok), ("error", calls.errors)):
                if count:
                    found[name, outcome] = count
        return found


def _named(name: str, known: Mapping[str, object]) -> str:
    return name if name in known or len(known) < SERIES_MAX else "other"
