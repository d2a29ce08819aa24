"""Sets: values equal to MongoDB are one, results come sorted."""

import pytest

VALUES = [
    ({"$setUnion": [[3, 1], [2, 1.0]]}, [1, 2, 3]),
    ({"$setUnion": [["b"], [1], [None]]}, [None, 1, "b"]),
    ({"$setUnion": [[1], None]}, None),
    ({"$setUnion": []}, []),
    ({"$setIntersection": [[3, 1, 2], [2, 3, 4]]}, [2, 3]),
    ({"$setIntersection": [[1], "$no"]}, None),
    ({"$setIntersection": []}, []),
    ({"$setDifference": [[3, 1, 3, 2], [1]]}, [3, 2]),
    ({"$setDifference": [None, [1]]}, None),
    ({"$setEquals": [[1, 2, 1], [2, 1]]}, True),
    ({"$setEquals": [[1], [True]]}, False),
    ({"$setEquals": [[1], [1], [2]]}, False),
    ({"$setIsSubset": [[1, 1], [1, 2]]}, True),
    ({"$setIsSubset": [[3], [1, 2]]}, False),
    ({"$allElementsTrue": [[1, "", []]]}, True),
    ({"$allElementsTrue": [[1, 0]]}, False),
    ({"$allElementsTrue": [[]]}, True),
    ({"$anyElementTrue": [[0, None]]}, False),
    ({"$anyElementTrue": [[0, 1]]}, True),
    ({"$anyElementTrue": [[]]}, False),
]

REFUSALS = [
    ({"$setUnion": ["x"]}, 17043),
    ({"$setIntersection": [[1], "x"]}, 17047),
    ({"$setDifference": ["x", [1]]}, 17048),
    ({"$setDifference": [[1], "x"]}, 17049),
    ({"$setEquals": [[1]]}, 17045),
    ({"$setEquals": [[1], None]}, 17044),
    ({"$setIsSubset": [None, [1]]}, 17046),
    ({"$setIsSubset": [[1], None]}, 17042),
    ({"$allElementsTrue": ["x"]}, 17040),
    ({"$anyElementTrue": None}, 17041),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=repr)
def test_a_set_operator(require, expression, expected):
    require(expression, expected)


@pytest.mark.parametrize(("expression", "code"), REFUSALS, ids=repr)
def test_a_wrong_operand_is_refused(refused, expression, code):
    refused(expression, code)
