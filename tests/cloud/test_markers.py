import json
import re

import pytest

from emulator.cloud.errors import CloudError
from emulator.cloud.markers import ObjectId, RegExp, ServerDate
from emulator.core import values


@pytest.mark.parametrize(
    ("marker", "offset_ms"),
    [
        (ServerDate(), 0),
        (ServerDate(offset=60_000), 60_000),
        (ServerDate({"offset": -5}), -5),
        (ServerDate(7), 7),
        (ServerDate({}), 0),
    ],
)
def test_a_server_date_takes_its_offset_either_way(marker, offset_ms):
    assert marker.core() == values.ServerDate(offset_ms)


def test_markers_leak_into_json_as_those_of_the_javascript_sdk():
    markers = [ServerDate(offset=5), RegExp(regexp="^a", options="i"), ObjectId("A" * 24)]
    assert json.loads(json.dumps(markers)) == [
        {"offset": 5},
        {"$regularExpression": {"pattern": "^a", "options": "i"}},
        {"id": "a" * 24},
    ]


@pytest.mark.parametrize(
    ("marker", "regex"),
    [
        (RegExp("x"), values.Regex("x")),
        (RegExp({"regexp": "x", "options": "gi"}), values.Regex("x", "i")),
        (RegExp(re.compile("x", re.DOTALL | re.VERBOSE)), values.Regex("x", "sx")),
        (RegExp(re.compile("x", re.DOTALL), "i"), values.Regex("x", "i")),
    ],
)
def test_a_regular_expression_keeps_the_options_the_database_has(marker, regex):
    assert marker.core() == regex


def test_an_object_id_is_the_database_s():
    assert ObjectId({"id": "a" * 24}).core() == values.ObjectId("a" * 24)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ServerDate("soon"),
        lambda: ServerDate(offset=True),
        lambda: RegExp(),
        lambda: RegExp({"options": "i"}),
        lambda: ObjectId("short"),
        lambda: ObjectId({}),
    ],
)
def test_what_is_no_marker_is_refused(make):
    with pytest.raises(CloudError):
        make()
