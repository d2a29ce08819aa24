"""Zones by name and by offset, in any year."""

import pytest

from emulator.core.aggregate.zones import zone
from emulator.core.errors import DatabaseRequestFailed

JUNE_MS = 1_718_454_645_678
JANUARY_MS = 1_704_067_200_000


@pytest.mark.parametrize(
    ("name", "in_june", "in_january"),
    [
        ("UTC", 0, 0),
        ("GMT", 0, 0),
        ("Z", 0, 0),
        ("+08", 8, 8),
        ("+08:00", 8, 8),
        ("-0330", -3.5, -3.5),
        ("Asia/Shanghai", 8, 8),
        ("Europe/Berlin", 2, 1),
        ("America/New_York", -4, -5),
        ("Etc/GMT+3", -3, -3),
    ],
)
def test_a_zone_is_ahead_of_utc(name, in_june, in_january):
    assert zone(name).offset_s(JUNE_MS) == in_june * 3600
    assert zone(name).offset_s(JANUARY_MS) == in_january * 3600
    local_ms = JUNE_MS + int(in_june * 3_600_000)
    assert zone(name).to_utc(local_ms) == JUNE_MS


@pytest.mark.parametrize(
    "name", ["", "Nowhere/City", "../etc/passwd", "/UTC", "America", "+8", "+08:0", "a b", "é"]
)
def test_an_unknown_zone_is_refused(name):
    with pytest.raises(DatabaseRequestFailed, match="unrecognized time zone") as refusal:
        zone(name)
    assert refusal.value.mongo_code == 40485


@pytest.mark.parametrize("ms", [-(2**62), -62_135_596_800_000, 253_402_300_799_000, 2**62])
def test_years_beyond_pythons_have_zones_too(ms):
    berlin = zone("Europe/Berlin")
    assert abs(berlin.offset_s(ms)) <= 7200
    assert abs(berlin.to_utc(ms) - ms) <= 7_200_000
