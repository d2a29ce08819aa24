"""Dates taken apart, put together, written and read, in zones."""

import pytest

from emulator.core.values import INT64_MAX, Date, Int64, ObjectId, Timestamp

AT = Date(1_718_454_645_678)
"""2024-06-15T12:30:45.678Z, a Saturday."""
NEW_YEAR = Date(1_704_067_200_000)
"""2024-01-01T00:00:00Z, a Monday."""

PARTS = [
    ("$year", 2024, 2024),
    ("$month", 6, 1),
    ("$dayOfMonth", 15, 1),
    ("$dayOfWeek", 7, 2),
    ("$dayOfYear", 167, 1),
    ("$hour", 12, 0),
    ("$minute", 30, 0),
    ("$second", 45, 0),
    ("$millisecond", 678, 0),
    ("$week", 23, 0),
    ("$isoDayOfWeek", 6, 1),
    ("$isoWeek", 24, 1),
    ("$isoWeekYear", Int64(2024), Int64(2024)),
]

VALUES = [
    ({"$hour": {"date": AT, "timezone": "Asia/Shanghai"}}, 20),
    ({"$hour": {"date": AT, "timezone": "+05:30"}}, 18),
    ({"$minute": {"date": AT, "timezone": "-0045"}}, 45),
    ({"$hour": {"date": AT, "timezone": None}}, None),
    ({"$hour": {"date": None, "timezone": "UTC"}}, None),
    ({"$hour": {"date": AT}}, 12),
    ({"$hour": [AT]}, 12),
    ({"$year": None}, None),
    ({"$year": "$no"}, None),
    ({"$year": ObjectId("5f5f5f5f" + "00" * 8)}, 2020),
    ({"$year": {"$literal": Timestamp(0, 1)}}, 1970),
    ({"$year": {"$literal": Date(-62_198_755_200_001)}}, -2),
    ({"$dateFromParts": {"year": 2024, "month": 6, "day": 15}}, Date(1_718_409_600_000)),
    ({"$dateFromParts": {"year": 2024, "month": 14, "day": 0}}, Date(1_738_281_600_000)),
    (
        {"$dateFromParts": {"year": 2024, "hour": 1, "timezone": "Asia/Shanghai"}},
        Date(1_704_042_000_000),
    ),
    ({"$dateFromParts": {"isoWeekYear": 2024, "isoWeek": 1, "isoDayOfWeek": 1}}, NEW_YEAR),
    ({"$dateFromParts": {"year": 2024, "month": None}}, None),
    ({"$dateFromParts": {"year": 2024, "timezone": None}}, None),
    (
        {"$dateToParts": {"date": AT}},
        {
            "year": 2024,
            "month": 6,
            "day": 15,
            "hour": 12,
            "minute": 30,
            "second": 45,
            "millisecond": 678,
        },
    ),
    (
        {"$dateToParts": {"date": NEW_YEAR, "iso8601": True, "timezone": "+01"}},
        {
            "isoWeekYear": 2024,
            "isoWeek": 1,
            "isoDayOfWeek": 1,
            "hour": 1,
            "minute": 0,
            "second": 0,
            "millisecond": 0,
        },
    ),
    ({"$dateToParts": {"date": None}}, None),
    ({"$dateToParts": {"date": AT, "timezone": "$no"}}, None),
    ({"$dateToString": {"date": AT}}, "2024-06-15T12:30:45.678Z"),
    ({"$dateToString": {"date": AT, "format": "%d/%m/%Y"}}, "15/06/2024"),
    (
        {"$dateToString": {"date": AT, "format": "%H %z %Z", "timezone": "America/New_York"}},
        "08 -0400 -240",
    ),
    ({"$dateToString": {"date": None}}, None),
    ({"$dateToString": {"date": None, "onNull": "none"}}, "none"),
    ({"$dateToString": {"date": AT, "timezone": None}}, None),
    ({"$dateToString": {"date": AT, "format": "$no"}}, None),
    ({"$dateFromString": {"dateString": "2024-06-15T12:30:45.678Z"}}, AT),
    (
        {"$dateFromString": {"dateString": "15.06.2024", "format": "%d.%m.%Y"}},
        Date(1_718_409_600_000),
    ),
    (
        {"$dateFromString": {"dateString": "2024-06-15", "timezone": "Asia/Shanghai"}},
        Date(1_718_380_800_000),
    ),
    ({"$dateFromString": {"dateString": None}}, None),
    ({"$dateFromString": {"dateString": None, "onNull": 5}}, 5),
    ({"$dateFromString": {"dateString": "what", "onError": "bad"}}, "bad"),
    ({"$dateFromString": {"dateString": 5, "onError": "bad"}}, "bad"),
    ({"$dateFromString": {"dateString": "2024-01-01", "format": None}}, None),
    ({"$dateFromString": {"dateString": "2024-01-01", "timezone": None}}, None),
]

REFUSALS = [
    ({"$year": "x"}, 16006),
    ({"$year": {"date": AT, "no": 1}}, 40535),
    ({"$year": {"timezone": "UTC"}}, 40539),
    ({"$year": [AT, AT]}, 40536),
    ({"$year": {"date": AT, "timezone": 5}}, 40517),
    ({"$year": {"date": AT, "timezone": "Nowhere/City"}}, 40485),
    ({"$dateFromParts": 5}, 40519),
    ({"$dateFromParts": {"year": 2024, "no": 1}}, 40518),
    ({"$dateFromParts": {"month": 1}}, 40516),
    ({"$dateFromParts": {"year": "x"}}, 40515),
    ({"$dateFromParts": {"year": 10_000}}, 40523),
    ({"$dateFromParts": {"year": 2024, "month": 40_000}}, 31034),
    ({"$dateFromParts": {"year": 2024, "isoWeekYear": 2024}}, 40489),
    ({"$dateFromParts": {"isoWeekYear": 2024, "month": 1}}, 40525),
    ({"$dateFromParts": {"year": 2024, "timezone": 5}}, 40517),
    ({"$dateToParts": 5}, 40524),
    ({"$dateToParts": {}}, 40522),
    ({"$dateToParts": {"date": AT, "no": 1}}, 40520),
    ({"$dateToParts": {"date": AT, "iso8601": 5}}, 40521),
    ({"$dateToString": 5}, 18629),
    ({"$dateToString": {}}, 18628),
    ({"$dateToString": {"date": AT, "no": 1}}, 18534),
    ({"$dateToString": {"date": AT, "format": 5}}, 18533),
    ({"$dateToString": {"date": AT, "format": "%"}}, 18535),
    ({"$dateToString": {"date": AT, "format": "%q"}}, 18536),
    ({"$dateToString": {"date": {"$literal": Date(INT64_MAX)}}}, 18537),
    ({"$dateFromString": 5}, 40540),
    ({"$dateFromString": {"no": 1, "dateString": "x"}}, 40541),
    ({"$dateFromString": {}}, 40542),
    ({"$dateFromString": {"dateString": 5}}, 241),
    ({"$dateFromString": {"dateString": "x", "format": 5}}, 40684),
    ({"$dateFromString": {"dateString": "2024-01-01Z", "timezone": "UTC"}}, 241),
]


@pytest.mark.parametrize(("name", "of_a_day", "of_new_year"), PARTS)
def test_a_part_of_a_date(require, name, of_a_day, of_new_year):
    require({name: "$at"}, of_a_day, {"at": AT})
    require({name: {"date": "$at", "timezone": "UTC"}}, of_new_year, {"at": NEW_YEAR})


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=repr)
def test_a_date_operator(require, expression, expected):
    require(expression, expected)


@pytest.mark.parametrize(("expression", "code"), REFUSALS, ids=repr)
def test_a_wrong_operand_is_refused(refused, expression, code):
    refused(expression, code)


@pytest.mark.parametrize("year", [-5000, 0, 1, 1969, 2024, 9999, 20_000])
def test_parts_put_together_again_are_the_date(evaluate, year):
    days = (year - 1970) * 365 + 500
    at = Date(days * 86_400_000 + 12_345_678)
    parts = evaluate({"$dateToParts": {"date": "$at", "timezone": "Asia/Tokyo"}}, {"at": at})
    if 1 <= parts["year"] <= 9999:
        again = evaluate({"$dateFromParts": {**parts, "timezone": "Asia/Tokyo"}})
        assert again == at


def test_clocks_that_go_forward_skip_an_hour(evaluate):
    parts = {"year": 2024, "month": 3, "day": 31, "hour": 2, "minute": 30}
    at = evaluate({"$dateFromParts": {**parts, "timezone": "Europe/Berlin"}})
    assert evaluate({"$hour": {"date": "$at", "timezone": "Europe/Berlin"}}, {"at": at}) == 3
