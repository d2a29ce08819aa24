"""Owns what would be charged for: reads, writes, calls, GB-seconds, files, against free amounts.

Not here: figures for watching (`services.metrics`). Meters follow the platform's price lists; each
list is data with a date and a source, for prices change. The one idea: counts per day of the
suite's clock, so that a month which is advanced is a month of usage.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from emulator.ambient import Clock
from emulator.core.records import dataclass
from emulator.core.values import Value
from emulator.functions.base import StoredFile
from emulator.services.recorder import Recorder
from emulator.services.trace import Span

Meter = Literal["reads", "writes", "calls", "errors", "gb_s", "uploads", "downloads"]
ALERT_EVENT: Final = "usage_alert"

DAY_MS: Final = 86_400_000
BEIJING_MS: Final = 8 * 3_600_000
"""Days are those of the price lists."""
DAYS_KEPT: Final = 400
MONTH_DAYS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeTier:
    """What a plan gives for nothing, for each meter by day or by month."""

    dated: str
    source: str
    per_day: Mapping[Meter, float]
    per_month: Mapping[Meter, float]


PLANS: Final[Mapping[str, FreeTier]] = {
    "wechat-basic-2020": FreeTier(
        dated="2020",
        source="WeChat cloud development, basic quota page",
        per_day={"reads": 50_000, "writes": 30_000},
        per_month={"calls": 200_000, "gb_s": 40_000},
    ),
    "pay-as-you-go-2022": FreeTier(
        dated="2022",
        source="Tencent Cloud, CloudBase purchase guide, free amounts",
        per_day={"reads": 500, "writes": 300},
        per_month={"gb_s": 1_000, "downloads": 2_000, "uploads": 1_000},
    ),
    "emas-developer": FreeTier(
        dated="2022",
        source="help.aliyun.com/document_detail/457056.html",
        per_day={"reads": 50_000, "writes": 30_000},
        per_month={"calls": 150_000},
    ),
}
PLAN_DEFAULT: Final = "pay-as-you-go-2022"
_METERS: Final[tuple[Meter, ...]] = ("reads", "writes", "calls", "gb_s", "uploads", "downloads")
_WHERE: Final[Mapping[str, str]] = {"errors": "cloud-emu fn log --level error tells why"}
_WHERE_USUAL: Final = "cloud-emu usage tells what for"
_METER_OF_KIND: Final[Mapping[str, Meter]] = {"read": "reads", "write": "writes"}


class Usage:
    """The usage of one suite; `alerts` are amounts a day that are told when they are passed."""

    def __init__(
        self, *, clock: Clock, recorder: Recorder, alerts: Mapping[str, float] | None = None
    ) -> None:
        self._clock = clock
        self._recorder = recorder
        self._alerts = dict(alerts or {})
        self._days: dict[int, dict[str, float]] = {}
        self._told: set[tuple[int, str]] = set()
        self._began_day = self._day_of(clock.now_ms())

    def heard(self, spans: Sequence[Span]) -> None:
        """Count spans that ended."""
        day: int | None = None
        counts: dict[str, float] = {}
        for span in spans:
            at_ms, kind = span.start_ms, span.kind
            if (at_ms + BEIJING_MS) // DAY_MS != day:
                day = self._day_of(at_ms)
                counts = self._counts_of(day)
            if kind == "invocation":
                counts["calls"] += 1
                counts["gb_s"] += span.duration_s * span.attributes.get("memory_mb", 0) / 1024
                if span.error:
                    counts["errors"] += 1
            elif (meter := _METER_OF_KIND.get(kind)) is not None:
                counts[meter] += 1
            elif kind == "storage" and span.name == "download":
                counts["downloads"] += 1
            if self._alerts:
                self._alert(counts, at_ms)

    def stored(self, file: StoredFile) -> None:
        """Count a file that was put."""
        if file.operation == "put":
            at_ms = self._clock.now_ms()
            counts = self._counts_of(self._day_of(at_ms))
            counts["uploads"] += 1
            self._alert(counts, at_ms)

    def report(self, plan: str = PLAN_DEFAULT) -> dict[str, Value]:
        """Return each meter's total, today, per day on average, and share of what is free.

        Raises:
            KeyError: there is no such plan.
        """
        tier = PLANS[plan]
        today = self._day_of(self._clock.now_ms())
        days = max(today - self._began_day + 1, len(self._days), 1)
        return {
            "plan": plan,
            "dated": tier.dated,
            "source": tier.source,
            "days": days,
            "meters": {meter: self._meter(meter, tier, today, days) for meter in _METERS},
        }

    def clear(self) -> None:
        """Begin to count from nothing."""
        self._days.clear()
        self._told.clear()
        self._began_day = self._day_of(self._clock.now_ms())

    def _meter(self, meter: Meter, tier: FreeTier, today: int, days: int) -> dict[str, Value]:
        total = sum(counts.get(meter, 0) for counts in self._days.values())
        rate = total / days
        told: dict[str, Value] = {
            "total": round(total, 3),
            "today": round(self._days.get(today, {}).get(meter, 0), 3),
            "per_day": round(rate, 3),
        }
        if meter in tier.per_day:
            free, used, period = tier.per_day[meter], rate, "day"
        elif meter in tier.per_month:
            free, used, period = tier.per_month[meter], rate * MONTH_DAYS, "month"
        else:
            return told
        told |= {"free": free, "period": period, "share": round(used / free, 4)}
        if period == "month" and used > free:
            told["free_for_days"] = round(free / rate, 1)
        return told

    def _counts_of(self, day: int) -> dict[str, float]:
        counts = self._days.get(day)
        if counts is None:
            counts = self._days[day] = defaultdict(float)
            while len(self._days) > DAYS_KEPT:
                del self._days[next(iter(self._days))]
        return counts

    def _alert(self, counts: Mapping[str, float], at_ms: int) -> None:
        """Tell of each amount that was passed, once a day."""
        day = self._day_of(at_ms)
        for meter, limit in self._alerts.items():
            if counts.get(meter, 0) <= limit or (day, meter) in self._told:
                continue
            self._told.add((day, meter))
            self._recorder.notice(
                ALERT_EVENT,
                f"more than {limit:g} {meter} today; {_WHERE.get(meter, _WHERE_USUAL)}",
                level="warn",
                meter=meter,
                limit=limit,
                amount=round(counts[meter], 3),
                at_ms=at_ms,
            )

    @staticmethod
    def _day_of(at_ms: int) -> int:
        return (at_ms + BEIJING_MS) // DAY_MS
