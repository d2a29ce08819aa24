"""Update operators on single values: (operator, operand, old value) and the new one."""

from decimal import Decimal

import pytest

from emulator.core.errors import DatabaseRequestFailed
from emulator.core.update import compile_update
from emulator.core.values import INT64_MAX, MISSING, Date, Int64, Timestamp

NOW_MS = 1_700_000_000_123
NAN = float("nan")


def changed(operator, operand, old):
    document = {"_id": 1} if old is MISSING else {"_id": 1, "f": old}
    update = compile_update({operator: {"f": operand}})
    return update.apply(document, now_ms=NOW_MS).get("f", MISSING)


CASES = [
    pytest.param("$inc", 2, 5, 7, id="$inc"),
    pytest.param("$inc", 2, MISSING, 2, id="$inc of nothing"),
    pytest.param("$inc", 0.5, 1, 1.5, id="$inc by a double"),
    pytest.param("$inc", 1, 2**31 - 1, 2**31, id="$inc widens"),
    pytest.param("$inc", Int64(1), 1, Int64(2), id="$inc by a long"),
    pytest.param("$inc", -1, 2**31, Int64(2**31 - 1), id="$inc keeps a long"),
    pytest.param("$inc", 1.0, INT64_MAX, float(INT64_MAX), id="$inc of a long by a double"),
    pytest.param("$inc", Decimal("0.1"), 0.2, Decimal("0.3"), id="$inc by a decimal"),
    pytest.param("$inc", -0.05, 0.2, 0.2 - 0.05, id="$inc as JavaScript computes"),
    pytest.param("$mul", 3, 5, 15, id="$mul"),
    pytest.param("$mul", 3, MISSING, 0, id="$mul of nothing"),
    pytest.param("$mul", 2.5, MISSING, 0.0, id="$mul of nothing by a double"),
    pytest.param("$mul", Int64(3), MISSING, Int64(0), id="$mul of nothing by a long"),
    pytest.param("$mul", 2**40, MISSING, Int64(0), id="$mul of nothing by a large long"),
    pytest.param("$mul", Decimal(2), MISSING, Decimal(0), id="$mul of nothing by a decimal"),
    pytest.param("$mul", 2**20, 2**20, 2**40, id="$mul widens"),
    pytest.param("$mul", 0.5, 3, 1.5, id="$mul by a double"),
    pytest.param("$min", 3, 5, 3, id="$min"),
    pytest.param("$min", 7, 5, 5, id="$min of less"),
    pytest.param("$min", 5, None, None, id="$min below null"),
    pytest.param("$min", 5, MISSING, 5, id="$min of nothing"),
    pytest.param("$min", 5.0, 5, 5, id="$min of the same"),
    pytest.param("$max", "a", 5, "a", id="$max across kinds"),
    pytest.param("$max", 3, 5, 5, id="$max of more"),
    pytest.param("$max", Date(9), Date(5), Date(9), id="$max of dates"),
    pytest.param("$max", 1, MISSING, 1, id="$max of nothing"),
    pytest.param("$set", [1], MISSING, [1], id="$set"),
    pytest.param("$set", None, 5, None, id="$set null"),
    pytest.param("$unset", "", 5, MISSING, id="$unset"),
    pytest.param("$unset", 1, MISSING, MISSING, id="$unset of nothing"),
    pytest.param("$currentDate", True, 5, Date(NOW_MS), id="$currentDate"),
    pytest.param("$currentDate", False, MISSING, Date(NOW_MS), id="$currentDate false"),
    pytest.param("$currentDate", {"$type": "date"}, MISSING, Date(NOW_MS), id="$currentDate date"),
    pytest.param("$currentDate", {"$type": "timestamp"}, MISSING, Timestamp(NOW_MS // 1000, 1),
                 id="$currentDate timestamp"),
    pytest.param("$bit", {"and": 6}, 3, 2, id="$bit and"),
    pytest.param("$bit", {"or": 4}, 3, 7, id="$bit or"),
    pytest.param("$bit", {"xor": 1}, 3, 2, id="$bit xor"),
    pytest.param("$bit", {"or": 4, "and": 6}, 3, 6, id="$bit twice"),
    pytest.param("$bit", {"or": 4}, MISSING, 4, id="$bit of nothing"),
    pytest.param("$bit", {"and": Int64(-1)}, 3, Int64(3), id="$bit by a long"),
    pytest.param("$bit", {"or": 1}, -(2**40), -(2**40) + 1, id="$bit of a negative long"),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "operand", "old", "new"), CASES)
def test_operator_changes_the_value(operator, operand, old, new):
    result = changed(operator, operand, old)
    assert result == new
    assert type(result) is type(new)


def test_infinity_times_zero_is_nan():
    assert changed("$mul", Decimal(0), Decimal("Infinity")).is_nan()


REFUSED_OPERANDS = [
    pytest.param("$inc", "1", 14, "non-numeric argument", id="$inc"),
    pytest.param("$mul", None, 14, "non-numeric argument", id="$mul"),
    pytest.param("$inc", True, 14, "non-numeric argument", id="$inc true"),
    pytest.param("$currentDate", "date", 2, "\\$currentDate takes", id="$currentDate"),
    pytest.param(
        "$currentDate", {"$type": "day"}, 2, "\\$currentDate takes", id="$currentDate type"
    ),
    pytest.param("$bit", 5, 2, "needs an object", id="$bit"),
    pytest.param("$bit", {}, 2, "needs an object", id="$bit nothing"),
    pytest.param("$bit", {"not": 1}, 2, "'and', 'or', and 'xor'", id="$bit not"),
    pytest.param("$bit", {"and": 1.5}, 2, "'double' is not supported", id="$bit double"),
    pytest.param("$bit", {"and": True}, 2, "'bool' is not supported", id="$bit bool"),
]


@pytest.mark.parametrize(("operator", "operand", "code", "text"), REFUSED_OPERANDS)
def test_operand_is_refused(operator, operand, code, text):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        compile_update({operator: {"f": operand}})
    assert refusal.value.mongo_code == code


REFUSED_VALUES = [
    pytest.param(
        "$inc", 1, None, 14, "non-numeric type. .* of non-numeric type null", id="$inc null"
    ),
    pytest.param("$mul", 2, "5", 14, "non-numeric type string", id="$mul text"),
    pytest.param("$inc", 1, True, 14, "non-numeric type bool", id="$inc true"),
    pytest.param("$inc", 1, INT64_MAX, 2, "beyond 64 bits", id="$inc overflow"),
    pytest.param("$mul", 2, INT64_MAX, 2, "beyond 64 bits", id="$mul overflow"),
    pytest.param("$bit", {"or": 1}, 1.0, 2, "non-integer type double", id="$bit double"),
    pytest.param("$bit", {"or": 1}, None, 2, "non-integer type null", id="$bit null"),
]


@pytest.mark.parametrize(("operator", "operand", "old", "code", "text"), REFUSED_VALUES)
def test_old_value_is_refused(operator, operand, old, code, text):
    with pytest.raises(DatabaseRequestFailed, match=text) as refusal:
        changed(operator, operand, old)
    assert refusal.value.mongo_code == code
