"""Expressions and pipelines in one call; what comes out is compared with its types."""

import pytest

from emulator.core.aggregate.environment import PipelineEnvironment
from emulator.core.aggregate.expressions import compile_expression
from emulator.core.aggregate.pipeline import compile_pipeline
from emulator.core.aggregate.stage_nodes import slices
from emulator.core.errors import DatabaseRequestFailed
from emulator.core.ordering import identical

NOW_MS = 1_718_454_645_678
"""2024-06-15T12:30:45.678Z, a Saturday."""


@pytest.fixture
def evaluate():
    def evaluate(expression, document=None):
        return compile_expression(expression, now_ms=NOW_MS)(document or {})

    return evaluate


@pytest.fixture
def require(evaluate):
    """Check the value of an expression, its type included."""

    def require(expression, expected, document=None):
        found = evaluate(expression, document)
        assert identical(found, expected), f"{found!r} is not {expected!r}"

    return require


@pytest.fixture
def refused(evaluate):
    """Check that an expression is refused with MongoDB's number."""

    def refused(expression, code, document=None):
        with pytest.raises(DatabaseRequestFailed) as refusal:
            evaluate(expression, document)
        assert refusal.value.mongo_code == code, refusal.value.message
        assert refusal.value.message

    return refused


@pytest.fixture
def run():
    """Run stages over documents; `others` are the other collections."""

    def run(stages, documents=(), **options):
        others = options.pop("others", {})
        environment = PipelineEnvironment(now_ms=NOW_MS, collection=others.get, **options)
        pipeline = compile_pipeline(stages, environment)
        return [found for chunk in pipeline.run(slices(documents)) for found in chunk]

    return run


@pytest.fixture
def stage_refused(run):
    """Check that a pipeline is refused with MongoDB's number."""

    def stage_refused(stages, code, documents=(), **options):
        with pytest.raises(DatabaseRequestFailed) as refusal:
            run(stages, documents, **options)
        assert refusal.value.mongo_code == code, refusal.value.message

    return stage_refused
