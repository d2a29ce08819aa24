"""Sums, products, powers, logarithms and rounding, with the type that comes out."""

import math
from decimal import Decimal

import pytest

from emulator.core.values import INT32_MAX, INT64_MAX, INT64_MIN, Date, Int64

NAN = math.nan
INF = math.inf
BIG = 2**40

VALUES = [
    ({"$add": [1, 2]}, 3),
    ({"$add": [INT32_MAX, 1]}, 2**31),
    ({"$add": [Int64(1), 2]}, Int64(3)),
    ({"$add": [INT64_MAX, 1]}, float(2**63)),
    ({"$add": [1, 1.5]}, 2.5),
    ({"$add": [1, Decimal("1.5")]}, Decimal("2.5")),
    ({"$add": [Date(1000), 5]}, Date(1005)),
    ({"$add": [5, Date(1000), 2.5]}, Date(1008)),
    ({"$add": [Date(1000), Decimal("2.5")]}, Date(1003)),
    ({"$add": [1, None]}, None),
    ({"$add": [1, "$no"]}, None),
    ({"$add": []}, 0),
    ({"$add": 7}, 7),
    ({"$add": [1, 2, 3]}, 6),
    ({"$add": [2**30, 2**30]}, 2**31),
    ({"$subtract": [5, 7]}, -2),
    ({"$subtract": [5, Int64(5)]}, Int64(0)),
    ({"$subtract": [1.5, 1]}, 0.5),
    ({"$subtract": [Date(1000), Date(400)]}, Int64(600)),
    ({"$subtract": [Date(1000), 400]}, Date(600)),
    ({"$subtract": [None, 1]}, None),
    ({"$subtract": [-(2**31), 1]}, -(2**31) - 1),
    ({"$multiply": [3, 4]}, 12),
    ({"$multiply": [BIG, BIG]}, float(BIG * BIG)),
    ({"$multiply": [2**16, 2**16]}, 2**32),
    ({"$multiply": [2, 0.5]}, 1.0),
    ({"$multiply": [2, Decimal("0.5")]}, Decimal("1.0")),
    ({"$multiply": [2, 3, 4]}, 24),
    ({"$multiply": [2, "$no", "x"]}, None),
    ({"$multiply": []}, 1),
    ({"$divide": [7, 2]}, 3.5),
    ({"$divide": [6, 2]}, 3.0),
    ({"$divide": [Decimal(1), 4]}, Decimal("0.25")),
    ({"$divide": [None, 0]}, None),
    ({"$mod": [7, 3]}, 1),
    ({"$mod": [-7, 3]}, -1),
    ({"$mod": [7, -3]}, 1),
    ({"$mod": [7.5, 2]}, 1.5),
    ({"$mod": [Int64(7), 3]}, Int64(1)),
    ({"$mod": [8, 3.0]}, 2),
    ({"$mod": [Int64(-8), 3.0]}, Int64(-2)),
    ({"$mod": [8, 3.25]}, 1.5),
    ({"$mod": [INF, 2]}, NAN),
    ({"$mod": [Decimal(7), 4]}, Decimal(3)),
    ({"$mod": [None, 2]}, None),
    ({"$pow": [2, 10]}, 1024),
    ({"$pow": [2, 31]}, 2**31),
    ({"$pow": [2, 64]}, 2.0**64),
    ({"$pow": [10, 300]}, 1e300),
    ({"$pow": [10, 400]}, INF),
    ({"$pow": [-10, 401]}, -INF),
    ({"$pow": [2, -1]}, 0.5),
    ({"$pow": [-1, 7]}, -1),
    ({"$pow": [1, -5]}, 1),
    ({"$pow": [0, 0]}, 1),
    ({"$pow": [0, 100]}, 0),
    ({"$pow": [-8.0, 0.5]}, NAN),
    ({"$pow": [NAN, 0]}, 1.0),
    ({"$pow": [Decimal(2), 3]}, Decimal(8)),
    ({"$pow": [Decimal("NaN"), 2]}, Decimal("NaN")),
    ({"$pow": [None, 2]}, None),
    ({"$exp": 0}, 1.0),
    ({"$exp": 1000}, INF),
    ({"$exp": Decimal(0)}, Decimal(1)),
    ({"$exp": None}, None),
    ({"$ln": 1}, 0.0),
    ({"$ln": Decimal(1)}, Decimal(0)),
    ({"$ln": Decimal("NaN")}, Decimal("NaN")),
    ({"$log": [100, 10]}, 2.0),
    ({"$log": [Decimal(100), 10]}, Decimal(2)),
    ({"$log": [Decimal("NaN"), 10]}, Decimal("NaN")),
    ({"$log": [None, 10]}, None),
    ({"$log10": 1000}, 3.0),
    ({"$log10": Decimal(1000)}, Decimal(3)),
    ({"$sqrt": 16}, 4.0),
    ({"$sqrt": Decimal(16)}, Decimal(4)),
    ({"$sqrt": None}, None),
    ({"$abs": -5}, 5),
    ({"$abs": Int64(-5)}, Int64(5)),
    ({"$abs": -1.5}, 1.5),
    ({"$abs": Decimal("-1.5")}, Decimal("1.5")),
    ({"$abs": None}, None),
    ({"$ceil": 1.2}, 2.0),
    ({"$ceil": -0.5}, -0.0),
    ({"$ceil": 3}, 3),
    ({"$ceil": Decimal("1.2")}, Decimal(2)),
    ({"$floor": -1.2}, -2.0),
    ({"$floor": NAN}, NAN),
    ({"$floor": None}, None),
    ({"$trunc": -2.7}, -2.0),
    ({"$trunc": [123.456, 2]}, 123.45),
    ({"$trunc": [-127, -1]}, -120),
    ({"$round": 2.5}, 2.0),
    ({"$round": 3.5}, 4.0),
    ({"$round": [1.005, 2]}, 1.0),
    ({"$round": [15, -1]}, 20),
    ({"$round": [15, 1]}, 15),
    ({"$round": [Int64(15), -1]}, Int64(20)),
    ({"$round": [Decimal("1.25"), 1]}, Decimal("1.2")),
    ({"$round": [Decimal("Infinity"), 1]}, Decimal("Infinity")),
    ({"$round": [INF, 1]}, INF),
    ({"$round": [None, 1]}, None),
    ({"$round": [1.5, "$no"]}, None),
]

REFUSALS = [
    ({"$add": [Date(1), Date(2)]}, 16612),
    ({"$add": [1, "x"]}, 16554),
    ({"$add": [Date(1), INF]}, 15),
    ({"$add": [Date(1), Decimal("NaN")]}, 15),
    ({"$add": [Date(INT64_MAX), 1]}, 15),
    ({"$subtract": ["x", 1]}, 16556),
    ({"$subtract": [1, Date(1)]}, 16556),
    ({"$subtract": [Date(1), "x"]}, 16556),
    ({"$multiply": [1, True]}, 16555),
    ({"$divide": [1, 0]}, 16608),
    ({"$divide": ["x", 2]}, 16609),
    ({"$mod": [1, 0]}, 16610),
    ({"$mod": [1, "x"]}, 16611),
    ({"$pow": ["x", 1]}, 28762),
    ({"$pow": [1, "x"]}, 28763),
    ({"$pow": [0, -1]}, 28764),
    ({"$exp": "x"}, 28765),
    ({"$ln": 0}, 28766),
    ({"$ln": Decimal(-1)}, 28766),
    ({"$log": ["x", 10]}, 28756),
    ({"$log": [10, "x"]}, 28757),
    ({"$log": [-1, 10]}, 28758),
    ({"$log": [10, 1]}, 28759),
    ({"$log10": -1}, 28761),
    ({"$sqrt": -1}, 28714),
    ({"$sqrt": Decimal(-1)}, 28714),
    ({"$abs": "x"}, 28765),
    ({"$abs": INT64_MIN}, 28680),
    ({"$ceil": "x"}, 28765),
    ({"$round": ["x", 1]}, 51081),
    ({"$round": [1.5, 0.5]}, 51082),
    ({"$round": [1.5, 101]}, 51083),
    ({"$round": [INT64_MAX, -1]}, 51080),
    ({"$trunc": "x"}, 51081),
    ({"$divide": [1]}, 16020),
    ({"$round": [1, 2, 3]}, 28667),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=repr)
def test_a_number_comes_out_with_its_type(require, expression, expected):
    require(expression, expected)


@pytest.mark.parametrize(("expression", "code"), REFUSALS, ids=repr)
def test_what_is_no_number_is_refused(refused, expression, code):
    refused(expression, code)


@pytest.mark.parametrize(("a", "b"), [(1, 2), (2**31 - 1, 1), (Int64(1), 1), (1.5, 2), (0, -0.0)])
def test_two_operands_make_the_same_as_a_list_of_them(evaluate, a, b):
    document = {"a": a, "b": b}
    for name, neutral in (("$add", 0), ("$multiply", 1)):
        short = evaluate({name: ["$a", "$b"]}, document)
        long = evaluate({name: ["$a", "$b", neutral]}, document)
        assert (short, type(short)) == (long, type(long))
