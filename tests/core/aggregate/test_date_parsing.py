"""Dates out of text without a format."""

import pytest

from emulator.core.aggregate.date_parsing import parse_date
from emulator.core.aggregate.zones import zone
from emulator.core.errors import DatabaseRequestFailed

DAY = 1_718_409_600_000
"""2024-06-15."""
TIME = (12 * 3600 + 30 * 60 + 45) * 1000

READ = [
    ("2024-06-15", DAY),
    ("2024-6-15", DAY),
    ("2024/06/15", DAY),
    ("20240615", DAY),
    ("06/15/2024", DAY),
    ("15.06.2024", DAY),
    ("2024-06", DAY - 14 * 86_400_000),
    ("2024-W24-6", DAY),
    ("2024W246", DAY),
    ("2024-W24", DAY - 5 * 86_400_000),
    ("2024-167", DAY),
    ("15 June 2024", DAY),
    ("Sat, 15 Jun 2024", DAY),
    ("June 15th, 2024", DAY),
    ("Sept 1 2024", DAY + 78 * 86_400_000),
    ("2024 Jun 15", DAY),
    ("June 2024", DAY - 14 * 86_400_000),
    ("2024-06-15T12:30:45", DAY + TIME),
    ("2024-06-15 12:30:45Z", DAY + TIME),
    ("2024-06-15T12:30:45.678Z", DAY + TIME + 678),
    ("2024-06-15T12:30:45,6", DAY + TIME + 600),
    ("2024-06-15T123045", DAY + TIME),
    ("2024-06-15T12:30", DAY + TIME - 45_000),
    ("2024-06-15 12:30:45 pm", DAY + TIME),
    ("2024-06-15 12am", DAY),
    ("2024-06-15 3 PM", DAY + 15 * 3_600_000),
    ("2024-06-15T12:30:45+08:00", DAY + TIME - 8 * 3_600_000),
    ("2024-06-15T12:30:45 GMT+8", DAY + TIME - 8 * 3_600_000),
    ("2024-06-15T12:30:45-0330", DAY + TIME + 12_600_000),
    ("2024-06-15T12:30:45 EST", DAY + TIME + 5 * 3_600_000),
    ("2024-06-15T12:30:45 A", DAY + TIME - 3_600_000),
    ("2024-06-15T12:30:45 L", DAY + TIME - 11 * 3_600_000),
    ("2024-06-15T12:30:45 P", DAY + TIME + 3 * 3_600_000),
    ("2024-06-15T12:30.45.5", DAY + TIME + 500),
    ("6/15/24", DAY),
    ("24-06-15", DAY),
    ("6/15/1924", DAY - 36_525 * 86_400_000),
    ("2024-Jun-15 noon", DAY + 12 * 3_600_000),
    ("Sat Jun 15 2024 12:30:45 GMT+0000 (UTC)", DAY + TIME),
    ("2024-06-15T24:00:00Z", DAY + 86_400_000),
]

REFUSED = [
    "",
    "now",
    "tomorrow",
    "2024-13-01",
    "2024-02-30",
    "2024-06-15T25:00",
    "2024-06-15T12:60",
    "2024-06-15T12:30:61",
    "2024-06-15 13 PM",
    "2024-W54-1",
    "2024-367",
    "15 Foo 2024",
    "2024-06-15T12:30:45 Nowhere/City",
    "2024-06-15T12:30:45 Asia/Shanghai",
    "2024-06-15T12:30:45 America/New_York",
    "2024-06-15T12:30:45 J",
    "2024-06-15 and more",
]


@pytest.mark.parametrize(("text", "ms"), READ)
def test_a_date_is_read(text, ms):
    assert parse_date(text, None) == ms


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(DatabaseRequestFailed) as refusal:
        parse_date(text, None)
    assert refusal.value.mongo_code == 241


def test_a_place_is_where_the_date_was():
    assert parse_date("2024-06-15", zone("+01:00")) == DAY - 3_600_000
    with pytest.raises(DatabaseRequestFailed, match="time zone"):
        parse_date("2024-06-15T00:00Z", zone("+01:00"))
