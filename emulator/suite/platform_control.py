"""Owns how a running suite's clock and triggers are asked and told.

Not here: routes (`wire.control_platform`). The one idea: as in `suite.control`, answers are
gathered and shaped as JSON data, nothing is decided.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from emulator.config import Config
from emulator.core.errors import FunctionNotFound, InvalidParam
from emulator.core.values import Value
from emulator.services.clock import duration_ms
from emulator.services.timers import Timer
from emulator.services.trace_export import open_telemetry, trees
from emulator.services.usage import PLANS
from emulator.suite.assembly import Parts

NEXT_FIRINGS_TOLD: Final = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS: Final = re.compile(r"[0-9]{11,16}")
"""Fewer digits may be a date, 20260131."""


class PlatformControl:
    """The clock and triggers of one running suite, as others see them."""

    def __init__(self, config: Config, parts: Parts) -> None:
        self._parts = parts
        self._plan = config.usage.plan
        self._env_id = config.emulator.env
        self._zone = ZoneInfo(config.triggers.time_zone)

    def clock(self) -> dict[str, Value]:
        """Return what the clock shows."""
        clockwork = self._parts.clockwork
        now_ms = clockwork.now_ms()
        return {
            "now": self._local(now_ms, UTC),
            "local": self._local(now_ms),
            "now_ms": now_ms,
            "frozen": clockwork.frozen,
            "offset_ms": clockwork.offset_ms,
        }

    async def set_clock(self, moment: Value) -> None:
        """Show this moment; raises InvalidParam for what is none."""
        await self._parts.clockwork.set(self._moment_ms(moment))

    async def advance_clock(self, duration: Value, is_wanted: Callable[[], bool]) -> int:
        """Go on by so much, calling what is due, while it is wanted; returns how many timers.

        Raises InvalidParam.
        """
        milliseconds = duration_ms(duration)
        return await self._parts.clockwork.advance(milliseconds, is_wanted=is_wanted)

    async def freeze_clock(self) -> None:
        """Have the clock stand still."""
        await self._parts.clockwork.freeze()

    async def resume_clock(self) -> None:
        """Have the clock run on."""
        await self._parts.clockwork.resume()

    def triggers(self) -> list[dict[str, Value]]:
        """Return every trigger of the project, timers with their next firings."""
        timers = {(each.function, each.trigger): each for each in self._parts.timers.states()}
        told: list[dict[str, Value]] = []
        for bundle in self._parts.registry.bundles():
            for trigger in bundle.triggers:
                timer = timers.get((bundle.name, trigger.name))
                told.append(
                    {
                        "function": bundle.name,
                        "trigger": trigger.name,
                        "type": trigger.kind,
                        "config": trigger.config,
                        "paused": self._parts.dispatcher.is_paused(bundle.name, trigger.name)
                        if timer is None
                        else timer.paused,
                        **({} if timer is None else self._moments(timer)),
                    }
                )
        return told

    def pause(self, function: str, trigger: str, *, paused: bool) -> None:
        """Stop or resume a trigger.

        Raises:
            FunctionNotFound: no such trigger, or one of a kind that is not paused.
        """
        parts = self._parts
        if parts.timers.pause(function, trigger, paused=paused):
            return
        if parts.dispatcher.pause_trigger(function, trigger, paused=paused):
            return
        raise FunctionNotFound(
            f"no timer, database or storage trigger {function}/{trigger}",
            hint="cloud-emu trigger list",
        )

    def hear(self, *, enabled: bool) -> None:
        """Have database and storage triggers hear of changes, or not."""
        self._parts.dispatcher.pause(paused=not enabled)

    @property
    def hearing(self) -> bool:
        """Tell whether database and storage triggers hear of changes."""
        return not self._parts.dispatcher.paused

    def dead_letters(self) -> list[dict[str, Value]]:
        """Return the triggered calls that were given up, oldest first."""
        return [letter.told() for letter in self._parts.dispatcher.dead_letters()]

    def replay(self, number: int | None) -> int:
        """Call again what was given up: one by its number, or all; returns how many.

        Raises:
            InvalidParam: there is no such letter.
        """
        return self._parts.dispatcher.replay(number)

    def trace(self, *, request_id: str, trace_id: str, limit: int, form: str) -> Value:
        """Return the newest spans, as OTLP/JSON or as trees; raises InvalidParam for other forms.

        `trace_id` and `request_id`, when not empty, choose one tree.
        """
        try:
            root = int(trace_id or "0", 16)
        except ValueError:
            raise InvalidParam(f"{trace_id!r:.60} is no trace id") from None
        spans = self._parts.recorder.trace.spans(request_id=request_id, root=root, limit=limit)
        if form == "tree":
            return trees(spans)
        if form != "otlp":
            raise InvalidParam(f"there is no form {form!r:.40}", hint="otlp or tree")
        return open_telemetry(spans, service=self._env_id)

    def metrics(self) -> bytes:
        """Return the figures of the suite in Prometheus' text format."""
        self._parts.recorder.trace.tell()
        return self._parts.figures.metrics.text()

    def usage(self, plan: str) -> dict[str, Value]:
        """Return what would be charged for, against a plan's free amounts; raises InvalidParam."""
        if plan and plan not in PLANS:
            raise InvalidParam(f"there is no plan {plan!r:.40}", hint=f"plans: {', '.join(PLANS)}")
        self._parts.recorder.trace.tell()
        return self._parts.figures.usage.report(plan or self._plan)

    def _moments(self, timer: Timer) -> dict[str, Value]:
        found: list[Value] = []
        at_ms = timer.due_ms
        while at_ms is not None and len(found) < NEXT_FIRINGS_TOLD:
            found.append(self._local(at_ms))
            at_ms = timer.compiled.next_fire_ms(at_ms)
        return {
            "expression": timer.expression,
            "next_fires": found,
            "notes": list(timer.compiled.notes),
        }

    def _local(self, moment_ms: int, zone: ZoneInfo | object = None) -> str:
        moment = _EPOCH + timedelta(milliseconds=moment_ms)
        if zone is UTC:
            return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment_ms % 1000:03d}Z"
        return moment.astimezone(self._zone).isoformat(timespec="seconds")

    def _moment_ms(self, moment: Value) -> int:
        """Return a moment given in ms or as ISO text, which is local when it names no offset."""
        if isinstance(moment, int) and not isinstance(moment, bool):
            return moment
        if isinstance(moment, str) and _MILLISECONDS.fullmatch(moment):
            return int(moment)
        try:
            read = datetime.fromisoformat(str(moment))
        except ValueError:
            raise InvalidParam(
                f"{moment!r:.60} is no moment", hint="such as 2026-01-31T09:00:00Z, or milliseconds"
            ) from None
        aware = read if read.tzinfo is not None else read.replace(tzinfo=self._zone)
        return (aware - _EPOCH) // timedelta(milliseconds=1)
