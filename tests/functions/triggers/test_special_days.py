"""Last days, nearest working days and nth weekdays, against a calendar that is counted through."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from emulator.core.errors import ConfigurationError
from emulator.functions.base import TriggerConfig
from emulator.functions.triggers.special_days import (
    is_special,
    special_day,
    special_weekday,
)
from emulator.functions.triggers.timer import compile_timer

ZONE = ZoneInfo("Asia/Shanghai")
BEGIN, END = date(2024, 1, 1), date(2029, 1, 1)
CALENDAR = [BEGIN + timedelta(days=number) for number in range((END - BEGIN).days)]
MONTHS = sorted({(day.year, day.month) for day in CALENDAR})


def month(key: tuple[int, int]) -> list[date]:
    return [day for day in CALENDAR if (day.year, day.month) == key]


def each_month(pick) -> list[date]:
    return [found for key in MONTHS if (found := pick(month(key))) is not None]


def working(days: list[date]) -> list[date]:
    return [day for day in days if day.weekday() < 5]


def nearest(days: list[date], number: int) -> date | None:
    if len(days) < number:
        return None
    return min(working(days), key=lambda day: abs((day - days[number - 1]).days))


def on(days: list[date], weekday: int) -> list[date]:
    return [day for day in days if day.isoweekday() % 7 == weekday]


def nth(days: list[date], weekday: int, number: int) -> date | None:
    found = on(days, weekday)
    return found[number - 1] if len(found) >= number else None


@pytest.mark.parametrize("number", [1, 2, 10, 15, 28, 29, 30, 31])
def test_nearest_working_day_never_leaves_its_month(number):
    test = special_day(f"{number}W")
    expected = each_month(lambda days: nearest(days, number))
    assert [day for day in CALENDAR if test(day)] == expected


def test_last_days_of_months():
    assert [day for day in CALENDAR if special_day("L")(day)] == each_month(lambda days: days[-1])
    expected = each_month(lambda days: working(days)[-1])
    assert [day for day in CALENDAR if special_day("LW")(day)] == expected


@pytest.mark.parametrize("weekday", range(8))
def test_last_and_nth_weekdays(weekday):
    last = each_month(lambda days: on(days, weekday % 7)[-1])
    assert [day for day in CALENDAR if special_weekday(f"{weekday}L")(day)] == last
    for number in range(1, 6):
        expected = each_month(lambda days, number=number: nth(days, weekday % 7, number))
        test = special_weekday(f"{weekday}#{number}")
        assert [day for day in CALENDAR if test(day)] == expected


@pytest.mark.parametrize("piece", ["0W", "32W", "W", "WL", "L-3", "LL", "5L", "1-3W", "*W", "L/2"])
def test_pieces_that_name_no_day(piece):
    assert special_day(piece) is None


@pytest.mark.parametrize("piece", ["L", "8L", "5#0", "5#6", "#2", "5#", "1-5L", "5#2L", "LW"])
def test_pieces_that_name_no_weekday(piece):
    assert special_weekday(piece) is None


def test_plain_pieces_are_not_special():
    assert not any(map(is_special, ("*", "1-5", "MON", "*/2", "?")))


def timer(expression: str, weekdays="sunday", **options):
    config = TriggerConfig(name="tick", kind="timer", config=expression)
    return compile_timer(config, weekdays=weekdays, **options)


def fires(compiled, count: int, begin: str = "2026-11-21 10:00:00") -> list[str]:
    at_ms = round(datetime.fromisoformat(begin).replace(tzinfo=ZONE).timestamp() * 1000)
    found = []
    for _ in range(count):
        at_ms = compiled.next_fire_ms(at_ms)
        if at_ms is None:
            break
        found.append(f"{datetime.fromtimestamp(at_ms / 1000, ZONE):%Y-%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("expression", "moments"),
    [
        ("0 30 9 L * * *", ["2026-11-30 09:30", "2026-12-31 09:30", "2027-01-31 09:30"]),
        ("0 0 9 LW * ? *", ["2026-11-30 09:00", "2026-12-31 09:00", "2027-01-29 09:00"]),
        ("0 0 9 15W * ? *", ["2026-12-15 09:00", "2027-01-15 09:00", "2027-02-15 09:00"]),
        ("0 0 9 1W 8 ? *", ["2027-08-02 09:00", "2028-08-01 09:00"]),
        ("0 0 9 ? * 5L *", ["2026-11-27 09:00", "2026-12-25 09:00", "2027-01-29 09:00"]),
        ("0 0 9 ? * FRIL *", ["2026-11-27 09:00", "2026-12-25 09:00"]),
        ("0 0 9 ? * 1#1 *", ["2026-12-07 09:00", "2027-01-04 09:00"]),
        ("0 0 9 ? * MON#5 *", ["2026-11-30 09:00", "2027-03-29 09:00"]),
        # Either suffices, and plain pieces stand beside special ones
        ("0 0 9 1,L * * *", ["2026-11-30 09:00", "2026-12-01 09:00", "2026-12-31 09:00"]),
        ("0 0 9 L * 6#4 *", ["2026-11-28 09:00", "2026-11-30 09:00", "2026-12-26 09:00"]),
        ("0 0 9 ? * TUE,5L *", ["2026-11-24 09:00", "2026-11-27 09:00", "2026-12-01 09:00"]),
        ("0 0 9 L * MON-TUE *", ["2026-11-23 09:00", "2026-11-24 09:00", "2026-11-30 09:00"]),
        # Many moments of one such day, and none at all
        ("0 0 9,21 L * * *", ["2026-11-30 09:00", "2026-11-30 21:00", "2026-12-31 09:00"]),
        ("0 0 9 L 2 * 2028", ["2028-02-29 09:00"]),
        ("0 0 9 L * * 2020", []),
        ("0 0 9 31W 4 ? *", []),
    ],
)
def test_expression_fires_when_it_says(expression, moments):
    assert fires(timer(expression), max(len(moments), 1)) == moments


@pytest.mark.parametrize(
    ("weekdays", "field"),
    [("sunday", "5L"), ("monday", "4L"), ("quartz", "6L"), ("monday", "FRIL")],
)
def test_weekday_numbers_are_those_of_the_platform(weekdays, field):
    assert fires(timer(f"0 0 9 ? * {field} *", weekdays), 1) == ["2026-11-27 09:00"]


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("0 0 9 32W * ? *", "day '32W' names no day"),
        ("0 0 9 L-3 * ? *", "day 'L-3'"),
        ("0 0 9 L,40 * ? *", "'40'"),
        ("0 0 9 ? * L *", "weekday 'L'"),
        ("0 0 9 ? * 5#6 *", "weekday '5#6'"),
        ("0 0 9 ? * FRI#2L *", "weekday"),
        ("0 L 9 * * ? *", "minute 'L'"),
        ("0 0 9 ? JANL ? *", "month"),
    ],
)
def test_expression_that_names_no_day_is_refused(expression, word):
    with pytest.raises(ConfigurationError, match=word):
        timer(expression)


def test_where_the_platforms_pages_differ_it_is_said_and_strict_refuses():
    assert "not on WeChat's" in timer("0 0 9 L * * *").notes[0]
    assert timer("0 0 9 L * * *", strict=True, tells_special_days=True).notes == ()
    with pytest.raises(ConfigurationError, match="WeChat"):
        timer("0 0 9 L * * *", strict=True)
