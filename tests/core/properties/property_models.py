"""Slow, plainly right models of order, filters, sorts and projections, written from the reference.

The one idea: nothing of the engine is used but its kinds of value, and no step is clever: every
question is answered by a walk over the document and a look at the filter.
"""

import re
from fractions import Fraction
from functools import cmp_to_key

from emulator.core.values import MISSING, Binary, Date, Edge, Int64, ObjectId, Regex, Timestamp

INT32_MAX = 2**31 - 1


# --- order ---------------------------------------------------------------------------------------


def kind(value):
    """Return the place of the value's kind in MongoDB's order of kinds."""
    if isinstance(value, Edge):
        return 0 if value.sign < 0 else 99
    if value is MISSING:
        return 1
    if value is None:
        return 2
    if isinstance(value, bool):
        return 10
    if isinstance(value, str):
        return 5
    if isinstance(value, dict):
        return 6
    if isinstance(value, list):
        return 7
    for place, cls in ((8, Binary), (9, ObjectId), (11, Date), (12, Timestamp), (13, Regex)):
        if isinstance(value, cls):
            return place
    return 4


def is_number(value):
    return kind(value) == 4


def is_nan(value):
    return is_number(value) and value != value


def sign(number):
    return (number > 0) - (number < 0)


def compare_numbers(a, b):
    if is_nan(a) or is_nan(b):
        return is_nan(b) - is_nan(a)
    infinite = [float(number) if abs(number) == float("inf") else 0.0 for number in (a, b)]
    if infinite != [0.0, 0.0]:
        return sign(infinite[0] - infinite[1]) if infinite[0] != infinite[1] else 0
    return sign(Fraction(a) - Fraction(b))


def compare_lists(a, b):
    for one, two in zip(a, b, strict=False):
        if compare(one, two):
            return compare(one, two)
    return sign(len(a) - len(b))


def compare_objects(a, b):
    for (name, one), (other_name, two) in zip(a.items(), b.items(), strict=False):
        if kind(one) != kind(two):
            return sign(kind(one) - kind(two))
        if name != other_name:
            return 1 if name.encode() > other_name.encode() else -1
        if compare(one, two):
            return compare(one, two)
    return sign(len(a) - len(b))


def compare(a, b):
    """Return -1, 0 or 1 as MongoDB orders two values."""
    if kind(a) != kind(b):
        return sign(kind(a) - kind(b))
    if is_number(a):
        return compare_numbers(a, b)
    if isinstance(a, dict):
        return compare_objects(a, b)
    if isinstance(a, list):
        return compare_lists(a, b)
    if isinstance(a, str):
        return sign((a.encode() > b.encode()) - (a.encode() < b.encode()))
    one, two = payload(a), payload(b)
    return (one > two) - (one < two)


def payload(value):
    if isinstance(value, Binary):
        return (len(value.data), value.subtype, value.data)
    if isinstance(value, Regex):
        return (value.pattern, value.options)
    if isinstance(value, Timestamp):
        return (value.seconds, value.counter)
    if isinstance(value, Date):
        return value.ms
    if isinstance(value, ObjectId):
        return value.hex
    return value if isinstance(value, bool) else 0


# --- paths ---------------------------------------------------------------------------------------


def reached(value, parts):
    """Return (value, expands) for all that a path reaches in an object; MISSING where it ends."""
    found = value.get(parts[0], MISSING)
    rest = parts[1:]
    if not rest:
        return [(found, True)]
    if isinstance(found, dict):
        return reached(found, rest)
    if isinstance(found, list):
        return reached_in_array(found, rest)
    return [(MISSING, True)]


def reached_in_array(array, parts):
    result = []
    for place, item in enumerate(array):
        if isinstance(item, dict):
            result += reached(item, parts)
        if parts[0] == str(place):
            if len(parts) == 1:
                result.append((item, False))
            elif isinstance(item, dict):
                result += reached(item, parts[1:])
            elif isinstance(item, list):
                result += reached_in_array(item, parts[1:])
    return result


def candidates(document, path):
    """Return every single value that a condition on the path is asked of."""
    values = []
    for value, expands in reached(document, path.split(".")):
        values.append(value)
        if expands and isinstance(value, list):
            values += value
    return values


def wholes(document, path):
    return [value for value, _ in reached(document, path.split("."))]


# --- filters -------------------------------------------------------------------------------------


def matches(wanted, document):
    """Tell whether a document matches a filter."""
    return all(clause(name, operand, document) for name, operand in wanted.items())


def clause(name, operand, document):
    if name == "$and":
        return all(matches(branch, document) for branch in operand)
    if name == "$or":
        return any(matches(branch, document) for branch in operand)
    if name == "$nor":
        return not any(matches(branch, document) for branch in operand)
    if is_operators(operand):
        return all(
            asked(operator, value, candidates(document, name), wholes(document, name))
            for operator, value in operand.items()
        )
    return any(equals_or_finds(value, operand) for value in candidates(document, name))


def is_operators(operand):
    return isinstance(operand, dict) and bool(operand) and next(iter(operand)).startswith("$")


def asked(operator, operand, values, whole):
    """Tell whether one operator holds of the values a path gave."""
    if operator == "$not":
        return not all(asked(name, value, values, whole) for name, value in operand.items())
    if operator in NEGATIONS:
        return not asked(NEGATIONS[operator], operand, values, whole)
    if operator == "$exists":
        return operand == any(value is not MISSING for value in values)
    if operator == "$all":
        return bool(operand) and all(
            any(equals_or_finds(value, item) for value in values) for item in operand
        )
    if operator in ("$size", "$elemMatch"):
        return any(OF_ARRAYS[operator](value, operand) for value in whole if type(value) is list)
    return any(holds(operator, operand, value) for value in values)


def holds(operator, operand, value):
    """Tell whether one value passes one operator."""
    if operator == "$eq":
        return equals(value, operand)
    if operator == "$in":
        return any(equals_or_finds(value, item) for item in operand)
    if operator == "$type":
        return operand in type_names(value)
    if operator == "$mod":
        return is_remainder(value, *operand)
    if operand is None:
        return operator in ("$gte", "$lte") and equals(value, None)
    if is_nan(operand) or is_nan(value):
        return operator in ("$gte", "$lte") and is_nan(operand) and is_nan(value)
    if not isinstance(operand, Edge) and kind(value) != kind(operand):
        return False
    return RANGES[operator](compare(value, operand))


def equals(value, operand):
    if operand is None:
        return value is None or value is MISSING
    return compare(value, operand) == 0


def equals_or_finds(value, operand):
    if isinstance(operand, Regex) and isinstance(value, str):
        flags = re.IGNORECASE if "i" in operand.options else 0
        return re.search(operand.pattern, value, flags) is not None
    return equals(value, operand)


def of_element(array, operand):
    if is_operators(operand):
        return any(
            all(element_asked(operator, value, item) for operator, value in operand.items())
            for item in array
        )
    return any(
        matches(operand, item if isinstance(item, dict) else dict(zip("012", item, strict=False)))
        for item in array
        if isinstance(item, dict | list)
    )


def element_asked(operator, operand, item):
    """Tell whether an element passes: arrays in arrays are not opened."""
    return asked(operator, operand, [item], [item])


def is_remainder(value, divisor, remainder):
    if not is_number(value) or is_nan(value) or abs(value) >= 2**63:
        return False
    whole = int(value)
    return sign(whole) * (abs(whole) % abs(divisor)) == remainder


def type_names(value):
    if isinstance(value, bool | dict | list | str) or value is None:
        names = {bool: "bool", dict: "object", list: "array", str: "string"}
        return {names.get(type(value), "null")}
    if not is_number(value):
        return set()
    if isinstance(value, int):
        is_int = type(value) is not Int64 and -(2**31) <= value <= INT32_MAX
        return {"int" if is_int else "long", "number"}
    return {"double" if isinstance(value, float) else "decimal", "number"}


NEGATIONS = {"$ne": "$eq", "$nin": "$in"}
RANGES = {
    "$gt": lambda order: order > 0,
    "$gte": lambda order: order >= 0,
    "$lt": lambda order: order < 0,
    "$lte": lambda order: order <= 0,
}
OF_ARRAYS = {"$size": lambda array, size: len(array) == size, "$elemMatch": of_element}


# --- sorts ---------------------------------------------------------------------------------------


def sort_key(document, path, direction):
    """Return the value one path sorts by: the first in the direction of all it reaches."""
    values = []
    for value in keyed(document, path.split(".")):
        values.append(None if value is MISSING else value)
    return sorted(values, key=cmp_to_key(compare), reverse=direction < 0)[0]


def keyed(value, parts):
    """Return what an index on the path would hold of a document; an empty array is below null."""
    if not parts:
        return list(value) or [EMPTY] if isinstance(value, list) else [value]
    if isinstance(value, dict):
        return keyed(value.get(parts[0], MISSING), parts[1:])
    if not isinstance(value, list):
        return [MISSING]
    is_name = any(isinstance(item, dict) and parts[0] in item for item in value)
    if parts[0].isdigit() and int(parts[0]) < len(value) and not is_name:
        return keyed(value[int(parts[0])], parts[1:])
    return [found for item in value for found in keyed_item(item, parts)] or [MISSING]


def keyed_item(item, parts):
    return keyed(item, parts) if isinstance(item, dict) else [MISSING]


EMPTY = Edge(-1)
"""Stands below null for an empty array; the strategies of sorts hold no MinKey."""


def ordered(documents, sort):
    """Return the documents in order, ties as they were."""
    for path, direction in reversed(sort):
        key = cmp_to_key(compare)
        documents = sorted(
            documents,
            key=lambda document: key(sort_key(document, path, direction)),
            reverse=direction < 0,
        )
    return documents


# --- projections ---------------------------------------------------------------------------------


def kept(value, paths):
    """Return an object with only the paths, which are lists of names."""
    result = {}
    for name, item in value.items():
        rests = [path[1:] for path in paths if path[0] == name]
        if [] in rests:
            result[name] = item
        elif rests:
            for inner in kept_inside(item, rests):
                result[name] = inner
    return result


def kept_inside(item, paths):
    """Return the one value that stays of a field or element, or nothing."""
    if isinstance(item, dict):
        return [kept(item, paths)]
    if isinstance(item, list):
        return [[inner for each in item for inner in kept_inside(each, paths)]]
    return []


def without(value, paths):
    """Return a value with the paths left out."""
    if isinstance(value, list):
        return [without(item, paths) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: without(item, [path[1:] for path in paths if path[0] == name])
        for name, item in value.items()
        if [name] not in paths
    }
