"""Laws of filters: every form of a compiled filter gives the plain model's answer."""

from contextlib import suppress

import property_models as model
from hypothesis import example, given
from hypothesis import strategies as st
from property_values import DOCUMENTS, FILTERS, JSON

from emulator.core.errors import EmulatorError
from emulator.core.query import compile_filter
from emulator.core.query_nodes import locate, predicate


@given(FILTERS, st.lists(DOCUMENTS, max_size=5))
@example({"a": {"$in": [0]}}, [{"a": [False]}])
@example({"a.b": None}, [{"a": []}, {"a": [1]}, {"a": [{}]}, {"a": 1}, {}])
@example({"a.0": 1}, [{"a": [1]}, {"a": {"0": 1}}, {"a": [{"0": 1}]}, {"a": [[1]]}])
def test_every_form_gives_the_models_answer(wanted, documents):
    compiled = compile_filter(wanted)
    expected = [model.matches(wanted, document) for document in documents]
    plain = predicate(compiled.node)
    assert [compiled.matches(document) for document in documents] == expected
    assert [plain(document) for document in documents] == expected
    assert [locate(compiled.node, document)[0] for document in documents] == expected
    chosen = [one for one, fits in zip(documents, expected, strict=True) if fits]
    assert [id(one) for one in compiled.select(documents)] == [id(one) for one in chosen]


@given(FILTERS, DOCUMENTS)
def test_what_the_planner_is_told_is_necessary(wanted, document):
    compiled = compile_filter(wanted)
    if compiled.matches(document):
        for path, value in compiled.equalities.items():
            assert model.matches({path: value}, document)


@given(JSON, DOCUMENTS)
def test_anything_is_a_filter_or_refused(wanted, document):
    with suppress(EmulatorError):
        compiled = compile_filter(wanted)
        compiled.matches(document)
        compiled.matched_index(document)
        if compiled.near is not None:
            compiled.near.distance_m(document)
