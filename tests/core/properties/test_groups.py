"""Laws of `$group`: the columns it works on are the plain way, and slices make no difference."""

from hypothesis import example, given
from hypothesis import strategies as st
from property_values import DOCUMENTS

from emulator.core.aggregate.accumulators import ACCUMULATORS, kinds_of
from emulator.core.aggregate.environment import PipelineEnvironment
from emulator.core.aggregate.expressions import compile_expression
from emulator.core.aggregate.pipeline import compile_pipeline
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.ordering import hash_key, identical
from emulator.core.values import MISSING

PATHS = st.sampled_from(["$a", "$b", "$a.b", "$a.b.c", "$missing"])
OPERANDS = PATHS | st.builds(
    lambda name, left, right: {name: [left, right]},
    st.sampled_from(["$add", "$multiply", "$subtract"]),
    PATHS | st.just(2.5),
    PATHS | st.just(3),
)
ACCUMULATED = st.builds(
    lambda name, operand: {name: operand},
    st.sampled_from(["$sum", "$avg", "$min", "$max", "$push", "$addToSet", "$first", "$last"]),
    OPERANDS,
)
OUTPUTS = st.dictionaries(
    st.sampled_from(["x", "y", "z"]), ACCUMULATED | st.just({"$sum": 1}), max_size=3
)
IDS = PATHS | st.just(None) | st.fixed_dictionaries({"p": PATHS, "q": OPERANDS})
NUMBERED = [{"_id": n, "a": n * 0.5, "b": n} for n in range(4)]


@given(st.lists(DOCUMENTS, max_size=12), IDS, OUTPUTS, st.integers(1, 5))
@example(NUMBERED, None, {"x": {"$sum": {"$multiply": ["$a", "$b"]}}}, 3)
@example(NUMBERED, "$a", {"x": {"$sum": 1}}, 2)
def test_groups_are_what_the_plain_way_makes(documents, key, outputs, size):
    chunks = [documents[start : start + size] for start in range(0, len(documents), size)]
    pipeline = compile_pipeline(
        [{"$group": {"_id": key, **outputs}}], PipelineEnvironment(now_ms=0)
    )
    try:
        expected = _plainly(documents, key, outputs)
    except DatabaseRequestFailed:
        expected = None
    try:
        found = [each for chunk in pipeline.run(iter(chunks)) for each in chunk]
    except DatabaseRequestFailed:
        found = None
    assert identical(found, expected)


def _plainly(documents, key, outputs):
    """Return the groups, one document and one accumulator after the other."""
    groups = {}
    for document in documents:
        id_, place = _group_of(document, key)
        groups.setdefault(place, (id_, []))[1].append(document)
    made = []
    for id_, members in groups.values():
        fields = {name: _accumulated(members, each) for name, each in outputs.items()}
        made.append({"_id": id_, **fields})
    return made


def _group_of(document, key):
    if type(key) is dict:
        values = {name: _value(document, each) for name, each in key.items()}
        id_ = {name: value for name, value in values.items() if value is not MISSING}
        return id_, tuple((name, hash_key(value)) for name, value in id_.items())
    value = _value(document, key)
    id_ = None if value is MISSING else value
    return id_, hash_key(id_)


def _accumulated(members, output):
    ((name, operand),) = output.items()
    state = ACCUMULATORS[name]()
    for member in members:
        value = _value(member, operand)
        state.add([value], kinds_of([value]))
    result = state.result()
    return None if result is MISSING else result


def _value(document, expression):
    return compile_expression(expression, now_ms=0)(document)
