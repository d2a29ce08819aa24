"""The calendar, against Python's own where it has one."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from emulator.core.aggregate.dates import (
    DAY_MS,
    days_in_month,
    days_of_date,
    days_of_iso_week,
    moment,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))


@given(MOMENTS)
def test_a_moment_has_the_parts_that_python_gives_it(at):
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    found = moment((at - EPOCH) // timedelta(milliseconds=1))
    assert found.date == (at.year, at.month, at.day)
    assert (found.hour, found.minute, found.second) == (at.hour, at.minute, at.second)
    assert found.millisecond * 1000 == at.microsecond
    assert found.day_of_year == at.timetuple().tm_yday
    assert found.day_of_week == at.isoweekday() % 7 + 1
    assert (found.iso_week_year, found.iso_week, found.iso_day_of_week) == tuple(at.isocalendar())
    assert found.week == int(at.strftime("%U"))


@given(st.dates())
def test_days_and_dates_are_two_names_of_one_thing(day):
    number = (day - date(1970, 1, 1)).days
    assert days_of_date(day.year, day.month, day.day) == number
    year, week, weekday = day.isocalendar()
    assert days_of_iso_week(year, week, weekday) == number


@given(st.integers(-400_000, 400_000), st.integers(-50, 50), st.integers(-1000, 1000))
def test_months_and_days_beyond_their_limits_carry_over(year, month, day):
    assert days_of_date(year, month + 12, day) == days_of_date(year + 1, month, day)
    assert days_of_date(year, month, day + 1) == days_of_date(year, month, day) + 1


@given(st.integers(-(2**62), 2**62))
def test_any_moment_has_a_date(ms):
    found = moment(ms)
    days = days_of_date(*found.date)
    assert days == ms // DAY_MS


def test_an_offset_moves_the_clock():
    found = moment(0, 8 * 3600)
    assert (found.date, found.hour) == ((1970, 1, 1), 8)
    assert moment(0, -3600).date == (1969, 12, 31)


def test_february_is_longer_in_leap_years():
    assert [days_in_month(year, 2) for year in (1900, 2000, 2023, 2024)] == [28, 29, 28, 29]
    assert days_in_month(2023, 4) == 30
