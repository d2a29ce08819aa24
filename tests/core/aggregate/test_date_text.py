"""Dates as text by a format."""

import pytest

from emulator.core.aggregate.date_text import reader, writer
from emulator.core.aggregate.zones import UTC_ZONE, zone
from emulator.core.errors import DatabaseRequestFailed

AT = 1_718_454_645_078
"""2024-06-15T12:30:45.078Z."""

WRITTEN = [
    ("%Y-%m-%d", "2024-06-15"),
    ("%H:%M:%S.%L", "12:30:45.078"),
    ("%j %U %w", "167 23 7"),
    ("%G-W%V-%u", "2024-W24-6"),
    ("%b %B", "Jun June"),
    ("%z %Z", "+0000 0"),
    ("100%%", "100%"),
    ("", ""),
]


@pytest.mark.parametrize(("form", "text"), WRITTEN)
def test_a_format_is_written(form, text):
    assert writer(form)(AT, UTC_ZONE) == text


def test_a_place_behind_utc_has_a_sign():
    assert writer("%H%z %Z")(AT, zone("-03:30")) == "09-0330 -210"


READ = [
    ("%Y-%m-%d", "2024-06-15", 1_718_409_600_000),
    ("%d/%m/%Y %H:%M:%S.%L", "15/06/2024 12:30:45.078", AT),
    ("%Y-%m-%dT%H%z", "2024-06-15T12+02:00", 1_718_445_600_000),
    ("%Y-%m-%d %Z", "2024-06-15 -60", 1_718_413_200_000),
    ("%G-W%V-%u", "2024-W24-6", 1_718_409_600_000),
    ("%G", "2017", 1_483_315_200_000),
    ("%G, Day %u", "2017, Day 5", 1_483_660_800_000),
    ("%V.%u.%G", "1.1.1", -62_135_596_800_000),
    ("%Y-%m-%d%z", "2024-06-15 EST", 1_718_427_600_000),
    ("%Y-%m-%d%z", "2024-06-15 GMT+02", 1_718_402_400_000),
    ("%Y-%m-%d%z", "2024-06-15A", 1_718_406_000_000),
    ("%Y/%j", "2024/167", 1_718_409_600_000),
    ("%d %b %Y", "15 Jun 2024", 1_718_409_600_000),
    ("%d %B %Y", "15 June 2024", 1_718_409_600_000),
    ("%Y-%m-%d 100%%", "2024-06-15 100%", 1_718_409_600_000),
]


@pytest.mark.parametrize(("form", "text", "ms"), READ)
def test_a_format_is_read(form, text, ms):
    assert reader(form)(text, None) == ms


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%Y-%m %G", "2024-06 2024"),
        ("%u", "6"),
        ("%V", "53"),
        ("%Y-%m-%d%z", "2024-06-15 QQQ"),
        ("%Y-%m-%d", "2024/06/15"),
        ("%Y-%m", "2024-06"),
        ("%Y-%m-%d", "2024-13-01"),
        ("%d", "5"),
    ],
)
def test_text_of_another_format_is_refused(form, text):
    with pytest.raises(DatabaseRequestFailed) as refusal:
        reader(form)(text, None)
    assert refusal.value.mongo_code == 241


@pytest.mark.parametrize("compile_format", [reader, writer])
@pytest.mark.parametrize(("form", "code"), [("%q", 18536), ("100%", 18535)])
def test_an_unknown_specifier_is_refused(compile_format, form, code):
    with pytest.raises(DatabaseRequestFailed) as refusal:
        compile_format(form)
    assert refusal.value.mongo_code == code


def test_a_year_of_five_digits_is_not_written():
    with pytest.raises(DatabaseRequestFailed) as refusal:
        writer("%Y")(2**60, UTC_ZONE)
    assert refusal.value.mongo_code == 18537
