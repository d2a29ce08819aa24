"""Drives `emulator.core.aggregate` through the aggregation of a conformance vector.

The one idea: a pipeline is compiled and run as the service would, over lists of documents; the
other collections are the vector's own.
"""

from collections.abc import Mapping

from emulator.core import ejson
from emulator.core.aggregate.environment import PipelineEnvironment
from emulator.core.aggregate.pipeline import compile_pipeline
from emulator.core.aggregate.stage_nodes import slices
from emulator.core.values import Document

NOW_MS = 1_700_000_000_000


def aggregate(
    collections: Mapping[str, list[Document]],
    geo_indexes: Mapping[str, Mapping[str, str]],
    operation: dict,
) -> list[Document]:
    """Return the documents of an `aggregate` operation."""
    name = operation["coll"]
    environment = PipelineEnvironment(
        now_ms=NOW_MS, collection=collections.get, geo_indexes=geo_indexes.get(name, {})
    )
    pipeline = compile_pipeline(ejson.decode(operation["pipeline"]), environment)
    return [found for slice_ in pipeline.run(slices(collections.get(name, ()))) for found in slice_]
