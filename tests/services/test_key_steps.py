"""Keys of unique indexes that documents pass on to one another in one command."""

import pytest

from emulator.core.errors import DuplicateKey
from emulator.core.indexes import IndexDefinition
from emulator.services.key_steps import refuse_taken

UNIQUE = IndexDefinition(name="k_1", keys=(("k", 1),), unique=True)
PAIR = IndexDefinition(name="a_1_b.c_1", keys=(("a", 1), ("b.c", 1)), unique=True)


def steps(*pairs, field="k"):
    return [
        ({"_id": number, field: before}, {"_id": number, field: after})
        for number, (before, after) in enumerate(pairs)
    ]


TAKEN = [
    pytest.param(UNIQUE, steps((1, 2), (2, 3)), id="the next one's"),
    pytest.param(UNIQUE, steps((1, 2), (2, 1)), id="exchanged"),
    pytest.param(UNIQUE, steps((5, 6), (1, 2), (3, 4), (6, 7)), id="a later one's"),
    pytest.param(UNIQUE, steps((1, [2, 9]), ([7, 2], 8)), id="in arrays"),
    pytest.param(UNIQUE, steps((1, None), (None, 1)), id="null"),
    pytest.param(
        PAIR,
        [({"a": 1, "b": {"c": 1}}, {"a": 1, "b": {"c": 2}}), ({"a": 1, "b": {"c": 2}}, {"a": 2})],
        id="compound",
    ),
]


@pytest.mark.parametrize(("definition", "changed"), TAKEN)
def test_a_key_is_taken_before_it_is_given_up(definition, changed):
    with pytest.raises(DuplicateKey, match="E11000"):
        refuse_taken("c", changed, [definition])


FREE = [
    pytest.param(UNIQUE, steps((2, 1), (3, 2), (4, 3)), id="given up before"),
    pytest.param(UNIQUE, steps((1, 10), (2, 20)), id="others"),
    pytest.param(UNIQUE, steps((1, [1, 5]), (2, [2, 6])), id="its own"),
    pytest.param(UNIQUE, steps((1, 2), (2, 3), field="other"), id="another field"),
    pytest.param(
        IndexDefinition(name="k_1", keys=(("k", 1),), unique=True, sparse=True),
        [({"k": 1}, {}), ({}, {"k": 1})],
        id="left out",
    ),
]


@pytest.mark.parametrize(("definition", "changed"), FREE)
def test_keys_are_free_in_time(definition, changed):
    refuse_taken("c", changed, [definition])
