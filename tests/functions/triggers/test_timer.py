"""Timers: expressions of seven fields and the moments they name."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.errors import ConfigurationError
from emulator.functions.base import TriggerConfig
from emulator.functions.triggers.timer import compile_timer

SATURDAY = "2026-11-21 10:00:00"
"""Where the tables start, Beijing time, unless they say otherwise."""


def timer(expression, zone="Asia/Shanghai"):
    config = TriggerConfig(name="tick", kind="timer", config=expression)
    return compile_timer(config, time_zone=zone)


def moment_ms(text, zone="Asia/Shanghai"):
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def fires(expression, start, count, zone="Asia/Shanghai"):
    """Return the next moments as local time, with the offset only where the zone has several."""
    compiled, at_ms, found = timer(expression, zone), moment_ms(start, zone), []
    for _ in range(count):
        next_ms = compiled.next_fire_ms(at_ms)
        if next_ms is None:
            return found
        at_ms = next_ms
        local = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone))
        found.append(
            f"{local:%Y-%m-%d %H:%M:%S}" + ("" if zone == "Asia/Shanghai" else f"{local:%z}")
        )
    return found


@pytest.mark.parametrize(
    ("expression", "moments"),
    [
        # What real projects write, most frequent first
        ("0 0 0 * * * *", ["2026-11-22 00:00:00", "2026-11-23 00:00:00"]),
        ("0 */5 * * * * *", ["2026-11-21 10:05:00", "2026-11-21 10:10:00"]),
        ("0 0 10,14,16,23 * * * *", ["2026-11-21 14:00:00", "2026-11-21 16:00:00"]),
        ("*/5 * * * * * *", ["2026-11-21 10:00:05", "2026-11-21 10:00:10"]),
        ("1/5 * * * * * *", ["2026-11-21 10:00:01", "2026-11-21 10:00:06"]),
        ("* * * * * * *", ["2026-11-21 10:00:01", "2026-11-21 10:00:02"]),
        ("0 15,30 9 * * MON-FRI *", ["2026-11-23 09:15:00", "2026-11-23 09:30:00"]),
        ("0 0 9-15 * * MON-FRI *", ["2026-11-23 09:00:00", "2026-11-23 10:00:00"]),
        # The further examples of the official page
        ("0 0 2 1 * * *", ["2026-12-01 02:00:00", "2027-01-01 02:00:00"]),
        ("0 15 10 * * MON-FRI *", ["2026-11-23 10:15:00", "2026-11-24 10:15:00"]),
        ("0 0 10,14,16 * * * *", ["2026-11-21 14:00:00", "2026-11-21 16:00:00"]),
        ("0 */30 9-17 * * * *", ["2026-11-21 10:30:00", "2026-11-21 11:00:00"]),
        ("0 0 12 * * WED *", ["2026-11-25 12:00:00", "2026-12-02 12:00:00"]),
        # Seconds, minutes, hours
        ("30 * * * * * *", ["2026-11-21 10:00:30", "2026-11-21 10:01:30"]),
        ("59 59 23 * * * *", ["2026-11-21 23:59:59", "2026-11-22 23:59:59"]),
        ("10-12 0 0 * * * *", ["2026-11-22 00:00:10", "2026-11-22 00:00:11"]),
        ("0 0 */6 * * * *", ["2026-11-21 12:00:00", "2026-11-21 18:00:00"]),
        ("0 0 1/6 * * * *", ["2026-11-21 13:00:00", "2026-11-21 19:00:00"]),
        ("0 0-10/5 12 * * * *", ["2026-11-21 12:00:00", "2026-11-21 12:05:00"]),
        ("0 5,10-12,*/30 11 * * * *", ["2026-11-21 11:00:00", "2026-11-21 11:05:00"]),
        ("0 0 22-2 * * * *", ["2026-11-21 22:00:00", "2026-11-21 23:00:00"]),
        # Days
        ("0 0 0 31 * * *", ["2026-12-31 00:00:00", "2027-01-31 00:00:00"]),
        ("0 0 0 29 2 * *", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("0 0 0 28-31 2 * *", ["2027-02-28 00:00:00", "2028-02-28 00:00:00"]),
        ("0 0 0 */10 * * *", ["2026-12-01 00:00:00", "2026-12-11 00:00:00"]),
        ("0 0 0 1,15 * * *", ["2026-12-01 00:00:00", "2026-12-15 00:00:00"]),
        # Months
        ("0 0 0 1 JAN * *", ["2027-01-01 00:00:00", "2028-01-01 00:00:00"]),
        ("0 0 0 1 jan-mar * *", ["2027-01-01 00:00:00", "2027-02-01 00:00:00"]),
        ("0 0 0 1 */6 * *", ["2027-01-01 00:00:00", "2027-07-01 00:00:00"]),
        ("0 0 0 1 12 * *", ["2026-12-01 00:00:00", "2027-12-01 00:00:00"]),
        # Weekdays
        ("0 0 0 * * SUN *", ["2026-11-22 00:00:00", "2026-11-29 00:00:00"]),
        ("0 0 0 * * 0 *", ["2026-11-22 00:00:00", "2026-11-29 00:00:00"]),
        ("0 0 0 * * 7 *", ["2026-11-22 00:00:00", "2026-11-29 00:00:00"]),
        ("0 0 0 * * 1-5 *", ["2026-11-23 00:00:00", "2026-11-24 00:00:00"]),
        ("0 0 0 * * 5-7 *", ["2026-11-22 00:00:00", "2026-11-27 00:00:00"]),
        ("0 0 0 * * FRI-MON *", ["2026-11-22 00:00:00", "2026-11-23 00:00:00"]),
        ("0 0 0 * * sat,WED *", ["2026-11-25 00:00:00", "2026-11-28 00:00:00"]),
        # Day and weekday together: either
        ("0 0 0 13 * FRI *", ["2026-11-27 00:00:00", "2026-12-04 00:00:00"]),
        ("0 0 0 23 * MON *", ["2026-11-23 00:00:00", "2026-11-30 00:00:00"]),
        ("0 0 0 22,24 * MON *", ["2026-11-22 00:00:00", "2026-11-23 00:00:00"]),
        ("0 0 0 */10 * MON *", ["2026-11-23 00:00:00", "2026-11-30 00:00:00"]),
        ("0 0 0 ? * MON *", ["2026-11-23 00:00:00", "2026-11-30 00:00:00"]),
        ("0 0 0 1 * ? *", ["2026-12-01 00:00:00", "2027-01-01 00:00:00"]),
        # Years
        ("0 0 0 1 1 * 2028", ["2028-01-01 00:00:00"]),
        ("0 0 0 1 1 * 2027-2028", ["2027-01-01 00:00:00", "2028-01-01 00:00:00"]),
        ("0 0 0 1 1 * 2027,2030", ["2027-01-01 00:00:00", "2030-01-01 00:00:00"]),
        ("0 0 0 1 1 * 2027/2", ["2027-01-01 00:00:00", "2029-01-01 00:00:00"]),
        ("0 0 0 1 1 * 2020", []),
        ("0 0 0 30 2 * *", []),
        ("0 0 0 31 4,6,9,11 * *", []),
        ("0 0 0 29 2 * 2027", []),
        # Fewer fields
        ("0 0 2 * * *", ["2026-11-22 02:00:00", "2026-11-23 02:00:00"]),
        ("30 0 0 * * MON", ["2026-11-23 00:00:30", "2026-11-30 00:00:30"]),
        ("0 2 * * *", ["2026-11-22 02:00:00", "2026-11-23 02:00:00"]),
        ("*/20 * * * *", ["2026-11-21 10:20:00", "2026-11-21 10:40:00"]),
        ("  0   0 0 *  * * * ", ["2026-11-22 00:00:00", "2026-11-23 00:00:00"]),
    ],
)
def test_expression_fires_when_it_says(expression, moments):
    assert fires(expression, SATURDAY, 2) == moments


@pytest.mark.parametrize(
    ("zone", "expression", "start", "moments"),
    [
        pytest.param(
            "UTC", "0 0 0 * * * *", "2026-11-21 10:00:00", ["2026-11-22 00:00:00+0000"], id="utc"
        ),
        pytest.param(
            "America/New_York", "0 30 2 * * * *", "2026-03-07 12:00:00",
            ["2026-03-08 03:00:00-0400", "2026-03-09 02:30:00-0400"], id="into the gap: at its end",
        ),
        pytest.param(
            "America/New_York", "0 30 1 * * * *", "2026-10-31 12:00:00",
            ["2026-11-01 01:30:00-0400", "2026-11-02 01:30:00-0500"], id="doubled hour: once",
        ),
        pytest.param(
            "America/New_York", "0 */30 * * * * *", "2026-11-01 00:45:00",
            ["2026-11-01 01:00:00-0400", "2026-11-01 01:30:00-0400", "2026-11-01 01:00:00-0500",
             "2026-11-01 01:30:00-0500", "2026-11-01 02:00:00-0500"], id="every hour: in both",
        ),
        pytest.param(
            "America/New_York", "0 0 * * * * *", "2026-03-08 00:30:00",
            ["2026-03-08 01:00:00-0500", "2026-03-08 03:00:00-0400"], id="every hour over the gap",
        ),
    ],
)  # fmt: skip
def test_clocks_that_change_are_followed(zone, expression, start, moments):
    assert fires(expression, start, len(moments), zone) == moments


@pytest.mark.parametrize(
    ("start", "moment"),
    [
        ("2026-11-21 09:59:59.999", "2026-11-21 10:00:00"),
        ("2026-11-21 10:00:00.000", "2026-11-21 10:00:05"),
        ("2026-11-21 10:00:00.001", "2026-11-21 10:00:05"),
        ("2026-11-21 10:00:04.999", "2026-11-21 10:00:05"),
    ],
)
def test_next_moment_is_strictly_later_and_none_is_missed(start, moment):
    assert timer("*/5 * * * * * *").next_fire_ms(moment_ms(start)) == moment_ms(moment)


@given(
    st.sampled_from(["*/7 * * * * * *", "0 13 */5 * * * *", "5 0 0 */3 * MON *", "0 0 0 29 2 * *"]),
    st.integers(0, 4_000_000_000_000),
)
def test_moments_are_whole_seconds_later_than_asked_and_the_same_from_nearby(expression, after_ms):
    compiled = timer(expression)
    next_ms = compiled.next_fire_ms(after_ms)
    assert next_ms is not None
    assert next_ms > after_ms
    assert next_ms % 1000 == 0
    assert compiled.next_fire_ms(next_ms - 1) == next_ms


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * * * *",
        "60 * * * * * *",
        "* 60 * * * * *",
        "* * 24 * * * *",
        "* * * 0 * * *",
        "* * * 32 * * *",
        "* * * * 13 * *",
        "* * * * 0 * *",
        "* * * * * 8 *",
        "* * * * * * 1969",
        "* * * * * * 2100",
        "a * * * * * *",
        "* * * * FOO * *",
        "* * * * * JAN *",
        "*/0 * * * * * *",
        "1- * * * * * *",
        "1,,2 * * * * * *",
        "-1 * * * * * *",
        "1.5 * * * * * *",
        "@daily",
        "R * * * * * *",
        5,
        None,
    ],
)
def test_expression_that_is_none_is_refused_with_an_example(expression):
    with pytest.raises(ConfigurationError) as refused:
        timer(expression)
    assert "tick" in refused.value.message
    assert "MON-FRI" in refused.value.hint


def test_refusal_names_the_field_and_its_bounds():
    with pytest.raises(ConfigurationError, match=r"hour '25' is not understood.*0 to 23"):
        timer("0 0 25 * * * *")


def test_time_zone_that_is_none_is_refused():
    with pytest.raises(ConfigurationError, match="Middle/Earth"):
        timer("0 0 0 * * * *", zone="Middle/Earth")


@pytest.mark.parametrize(
    ("expression", "note"),
    [
        ("0 0 0 * * * *", None),
        ("0 0 0 * * MON *", None),
        ("0 0 0 * * *", "six fields, read as second minute hour day month weekday"),
        (
            "0 2 * * *",
            "five fields, read as minute hour day month weekday, at second 0: 0 0 2 * * * *",
        ),
        ("0 0 0 * * 1 *", "weekday 1 is read with 0 as Sunday"),
    ],
)
def test_notes_say_how_a_doubtful_expression_was_read(expression, note):
    notes = timer(expression).notes
    assert (note is None) == (notes == ())
    assert all(note in each for each in notes)


def test_event_is_the_platforms():
    moment = moment_ms("2026-11-21 08:00:00")
    assert timer("0 0 0 * * * *").event(moment) == {
        "Type": "Timer",
        "TriggerName": "tick",
        "Time": "2026-11-21T00:00:00Z",
        "Message": "",
    }


@pytest.mark.parametrize(
    ("weekdays", "field", "names"),
    [
        ("sunday", "0", "SUN"),
        ("sunday", "1-5", "MON-FRI"),
        ("monday", "0", "MON"),
        ("monday", "6", "SUN"),
        ("monday", "0-4", "MON-FRI"),
        ("monday", "5-6", "SAT,SUN"),
        ("monday", "5-1", "SAT,SUN,MON,TUE"),
        ("monday", "*/3", "MON,THU,SUN"),
        ("monday", "2,SUN", "WED,SUN"),
        ("monday", "FRI-6", "FRI,SAT,SUN"),
        ("quartz", "1", "SUN"),
        ("quartz", "7", "SAT"),
        ("quartz", "2-6", "MON-FRI"),
        ("quartz", "6-2", "FRI,SAT,SUN,MON"),
    ],
)
def test_weekday_numbers_are_those_of_the_platform(weekdays, field, names):
    def moments(compiled):
        at_ms, found = moment_ms(SATURDAY), []
        for _ in range(14):
            at_ms = compiled.next_fire_ms(at_ms)
            found.append(at_ms)
        return found

    config = TriggerConfig(name="tick", kind="timer", config=f"0 0 0 * * {field} *")
    compiled = compile_timer(config, weekdays=weekdays)
    assert moments(compiled) == moments(timer(f"0 0 0 * * {names} *"))
    assert any("mean the same everywhere" in note for note in compiled.notes)


@pytest.mark.parametrize(("weekdays", "field"), [("monday", "7"), ("quartz", "0"), ("quartz", "8")])
def test_weekday_number_that_the_platform_lacks_is_refused(weekdays, field):
    config = TriggerConfig(name="tick", kind="timer", config=f"0 0 0 * * {field} *")
    with pytest.raises(ConfigurationError, match="weekday"):
        compile_timer(config, weekdays=weekdays)


@pytest.mark.parametrize("expression", ["0 2 * * *", "0 0 2 * * *"])
def test_strict_asks_for_seven_fields(expression):
    config = TriggerConfig(name="tick", kind="timer", config=expression)
    with pytest.raises(ConfigurationError, match="asks for seven"):
        compile_timer(config, strict=True)


PIECES = st.one_of(
    st.just("*"),
    st.integers(0, 23).map(str),
    st.tuples(st.integers(0, 23), st.integers(0, 23)).map("{0[0]}-{0[1]}".format),
    st.tuples(st.integers(0, 23), st.integers(1, 30)).map("{0[0]}/{0[1]}".format),
    st.integers(1, 30).map("*/{}".format),
)
FIELD = st.lists(PIECES, min_size=1, max_size=3).map(",".join)


@given(
    FIELD,
    FIELD,
    FIELD,
    st.sampled_from(["* * *", "*/2 * *", "13 * FRI", "* 2 MON"]),
    st.sampled_from(["Asia/Shanghai", "America/New_York"]),
    st.integers(1_690_000_000, 1_720_000_000),
)
def test_looking_into_the_tables_finds_what_searching_finds(
    second, minute, hour, days, zone, start_s
):
    expression = f"{second} {minute} {hour} {days} *"
    warm, at_ms = timer(expression, zone), start_s * 1000
    for _ in range(5):
        searched = timer(expression, zone).next_fire_ms(at_ms)
        assert warm.next_fire_ms(at_ms) == searched
        if searched is None:
            return
        at_ms = searched


def test_digits_of_other_scripts_are_refused_in_words_of_ours():
    with pytest.raises(ConfigurationError, match="second '０' is not understood: '０' is no value"):
        compile_timer(TriggerConfig(name="t", kind="timer", config="０ 0 9 * * * *"))
