"""Owns how spans are told to others: OpenTelemetry's JSON, and trees for people.

Not here: the spans (`services.trace`). Field names are those of OTLP/JSON (opentelemetry.io,
OpenTelemetry Protocol File Exporter, `resourceSpans`): ids are hexadecimal, moments nanoseconds as
text.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from emulator.core.values import Value
from emulator.services.trace import Span

_KINDS: Final[Mapping[str, int]] = {"invocation": 2, "trigger": 5}
"""SPAN_KIND_SERVER and SPAN_KIND_CONSUMER; everything else is SPAN_KIND_INTERNAL."""
_INTERNAL: Final = 1
_STATUS_OK, _STATUS_ERROR = 1, 2


def open_telemetry(spans: Iterable[Span], *, service: str) -> dict[str, Value]:
    """Return spans as an OTLP/JSON document."""
    return {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": _attributes(
                        {"service.name": service, "telemetry.sdk.name": "cloud-emu"}
                    )
                },
                "scopeSpans": [
                    {
                        "scope": {"name": "cloud-emu"},
                        "spans": [_told(span) for span in spans],
                    }
                ],
            }
        ]
    }


def trees(spans: Iterable[Span]) -> list[dict[str, Value]]:
    """Return spans inside each other; one whose parent is forgotten stands on its own."""
    made: dict[int, dict[str, Value]] = {}
    roots: list[dict[str, Value]] = []
    for span in spans:
        node: dict[str, Value] = {
            "name": span.name,
            "kind": span.kind,
            "trace_id": f"{span.root:032x}",
            "start_ms": span.start_ms,
            "duration_ms": _duration_ms(span),
            "error": span.error,
            "attributes": dict(span.attributes),
            "events": [list(event) for event in span.events],
            "children": [],
        }
        made[span.number] = node
        parent = made.get(span.parent)
        (roots if parent is None else parent["children"]).append(node)
    return roots


def _told(span: Span) -> dict[str, Value]:
    start_ns = span.start_ms * 1_000_000
    told: dict[str, Value] = {
        "traceId": f"{span.root:032x}",
        "spanId": f"{span.number:016x}",
        "name": span.name,
        "kind": _KINDS.get(span.kind, _INTERNAL),
        "startTimeUnixNano": str(start_ns),
        "endTimeUnixNano": str(start_ns + round(max(span.duration_s, 0.0) * 1e9)),
        "attributes": _attributes({"cloud.kind": span.kind, **span.attributes}),
        "status": {"code": _STATUS_ERROR, "message": span.error}
        if span.error
        else {"code": _STATUS_OK},
        "events": [
            {
                "timeUnixNano": str(at_ms * 1_000_000),
                "name": line,
                "attributes": _attributes({"level": level}),
            }
            for at_ms, level, line in span.events
        ],
    }
    if span.parent:
        told["parentSpanId"] = f"{span.parent:016x}"
    return told


def _attributes(attributes: Mapping[str, Value]) -> list[Value]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: Value) -> dict[str, Value]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list | tuple):
        return {"arrayValue": {"values": [_value(each) for each in value]}}
    return {"stringValue": str(value)}


def _duration_ms(span: Span) -> float | None:
    return None if span.duration_s < 0 else round(span.duration_s * 1000, 3)
