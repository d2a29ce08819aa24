"""What a listing of a bucket holds: after a marker, by beginnings, so many at a time."""

import pytest

from emulator.wire.cos_bucket import _listed
from emulator.wire.cos_objects import Listed

KEYS = ("a.txt", "b/1.txt", "b/2.txt", "b/c/3.txt", "d.txt")
KNOWN = [Listed(key, 1, 0, "x") for key in KEYS]


@pytest.mark.parametrize(
    ("prefix", "delimiter", "marker", "most", "keys", "common", "more"),
    [
        ("", "", "", 9, list(KEYS), [], False),
        ("", "/", "", 9, ["a.txt", "d.txt"], ["b/"], False),
        ("", "/", "", 2, ["a.txt"], ["b/"], True),
        ("", "/", "b/", 9, ["d.txt"], [], False),
        ("b/", "/", "", 9, ["b/1.txt", "b/2.txt"], ["b/c/"], False),
        ("", "", "b/2.txt", 1, ["b/c/3.txt"], [], True),
        ("", "", "z", 9, [], [], False),
        ("", "", "", 0, [], [], True),
    ],
)
def test_listing(prefix, delimiter, marker, most, keys, common, more):
    known = [each for each in KNOWN if each.key.startswith(prefix)]
    shown, groups, _, follows = _listed(known, prefix, delimiter, marker, most)
    assert ([each.key for each in shown], groups, follows) == (keys, common, more)
