"""Array filters: the one name each speaks of, and the elements they choose."""

import pytest

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.update import compile_update


def test_an_array_filter_may_combine_conditions_on_its_name():
    either = {"$or": [{"e.n": 1}, {"$and": [{"e.n": {"$gt": 5}}, {"e.m": 2}]}]}
    document = {"a": [{"n": 1}, {"n": 9}, {"n": 9, "m": 2}]}
    update = compile_update({"$set": {"a.$[e].x": 1}}, array_filters=[either])
    result = update.apply(document, now_ms=0)
    assert result == {"a": [{"n": 1, "x": 1}, {"n": 9}, {"n": 9, "m": 2, "x": 1}]}


@pytest.mark.parametrize(
    ("filters", "text"),
    [
        pytest.param([{"x": 1, "y": 1}], "found 'x' and 'y'", id="two names"),
        pytest.param([{}], "without a top-level field name", id="no name"),
        pytest.param([{"$or": [{"x": 1}, {"y": 1}]}], "found 'x' and 'y'", id="two in or"),
        pytest.param([{"X": 1}], "beginning with a lowercase letter", id="capital"),
        pytest.param([{"x": 1}, {"x.y": 2}], "same top-level field name x", id="name twice"),
        pytest.param([{"x": 1}, {"y": 2}], "identifier 'y' was not used", id="unused"),
        pytest.param([{"x.p": {"$near": [0, 0]}}], "near is not allowed", id="near"),
    ],
)
def test_array_filters_are_refused(filters, text):
    with pytest.raises(DatabaseRequestFailed, match=text):
        compile_update({"$set": {"a.$[x]": 1}}, array_filters=filters)
