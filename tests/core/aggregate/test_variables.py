"""Paths and variables."""

import pytest

from emulator.core.aggregate.variables import nested
from emulator.core.values import MISSING, Date

DOCUMENT = {
    "a": {"b": {"c": 1}},
    "l": [{"x": 1}, {"x": [2, 3]}, {}, 5, [{"x": 9}]],
    "0": "zero",
    "世": 5,
}

PATHS = [
    ("$a", {"b": {"c": 1}}),
    ("$a.b.c", 1),
    ("$a.no.c", MISSING),
    ("$l.x", [1, [2, 3]]),
    ("$l.0", []),
    ("$0", "zero"),
    ("$世", 5),
    ("$no", MISSING),
    ("$$ROOT.a.b.c", 1),
    ("$$CURRENT.a.b.c", 1),
    ("$$REMOVE", MISSING),
    ("$$NOW", Date(1_718_454_645_678)),
    ("$$NOW.x", MISSING),
    ("$$ROOT", DOCUMENT),
]

REFUSALS = [
    ("$", 16872),
    ("$$", 16869),
    ("$$x", 17276),
    ("$$1x", 16870),
    ("$$a-b", 16871),
    ("$a.", 40353),
    ("$a..b", 15998),
    ("$.a", 15998),
    ("$a.$b", 16410),
    ("$a\0b", 16411),
    ("$$ROOT.", 40352),
]


@pytest.mark.parametrize(("path", "expected"), PATHS)
def test_a_path_finds(require, path, expected):
    require(path, expected, DOCUMENT)


@pytest.mark.parametrize(("path", "code"), REFUSALS)
def test_a_wrong_path_is_refused(refused, path, code):
    refused(path, code)


def test_a_path_is_not_too_long(refused):
    refused("$" + ".".join("a" * 201), 15998)


def test_objects_only():
    assert nested({"a": {"b": 1}}, ("a", "b")) == 1
    assert nested({"a": [{"b": 1}]}, ("a", "b")) is MISSING
