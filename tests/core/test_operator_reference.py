"""The page of operators says what the tables say, and every state on it is true."""

import importlib.util
from pathlib import Path

import pytest

from emulator.core.aggregate.environment import PipelineEnvironment
from emulator.core.aggregate.pipeline import compile_pipeline
from emulator.core.errors import DatabaseRequestFailed, InvalidOperator
from emulator.core.query import compile_filter
from emulator.core.update import compile_update

SPEC = importlib.util.spec_from_file_location(
    "operator_reference", Path(__file__).with_name("operator_reference.py")
)
reference = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(reference)

UNKNOWN = ("unknown operator", "unknown top level operator", "Unknown modifier")


def test_the_page_is_up_to_date():
    assert reference.PAGE.read_text("utf-8") == reference.page(), (
        "the code has changed: run python tests/core/operator_reference.py"
    )


@pytest.mark.parametrize("name", reference.TABLES)
def test_every_operator_has_a_row_and_every_row_an_operator(name):
    said, there = reference.TABLES[name]
    assert set(said) == set(there)


def compile_stage(name):
    environment = PipelineEnvironment(now_ms=0, collection=lambda _: [], geo_indexes={})
    compile_pipeline([{name: None}], environment)


COMPILERS = {
    "filters": lambda name: compile_filter({name: None}),
    "conditions": lambda name: compile_filter({"a": {name: None}}),
    "updates": lambda name: compile_update({name: {"a": None}}),
    "stages": compile_stage,
}
STATES = [
    (kind, name, state)
    for kind, table in {
        **{kind: said for kind, (said, _) in reference.TABLES.items()},
        "stages": reference.stages(),
    }.items()
    for name, (_, state, _) in table.items()
]


def refusal(kind, name):
    """Return how an operator with no proper operand is refused, None where it is not."""
    try:
        COMPILERS[kind](name)
    except DatabaseRequestFailed as fault:
        return fault
    return None


@pytest.mark.parametrize(("kind", "name", "state"), STATES)
def test_a_state_is_true(kind, name, state):
    fault = refusal(kind, name)
    assert fault is None or not fault.message.startswith(UNKNOWN)
    if state == reference.REFUSED:
        assert isinstance(fault, InvalidOperator)
        assert "not allow" in fault.message
