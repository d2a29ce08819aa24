"""What a pipeline is done with: emptied in pieces, whether it ended, was cut short or refused."""

import pytest

from emulator.core.aggregate.environment import PipelineEnvironment
from emulator.core.aggregate.leavings import PIECE_ITEMS, Leavings
from emulator.core.aggregate.pipeline import compile_pipeline
from emulator.core.aggregate.stage_nodes import slices
from emulator.core.errors import DatabaseRequestFailed

COUNT = 3 * PIECE_ITEMS + 1


@pytest.mark.parametrize("container", [list(range(COUNT)), dict.fromkeys(range(COUNT))])
def test_a_container_is_emptied_in_pieces(container):
    leavings = Leavings()
    leavings.take(container)
    left = [len(container) for _ in leavings.emptied()]
    assert left == [2 * PIECE_ITEMS + 1, PIECE_ITEMS + 1, 1, 0]
    assert list(leavings.emptied()) == []


def test_what_is_small_is_dropped():
    leavings, small = Leavings(), [1, 2]
    leavings.take(small)
    assert list(leavings.emptied()) == []
    assert small == [1, 2]


GATHERING = {
    "group": [{"$group": {"_id": "$n", "sum": {"$sum": "$n"}}}],
    "group of counts": [{"$group": {"_id": "$n"}}],
    "sort by count": [{"$sortByCount": "$n"}],
    "sort": [{"$sort": {"m": 1}}, {"$match": {}}],
    "sample": [{"$sample": {"size": COUNT}}],
    "bucketAuto": [{"$bucketAuto": {"groupBy": "$n", "buckets": COUNT}}],
    "facet": [{"$facet": {"a": [{"$limit": 1}]}}],
}


def run(stages, *, limit):
    environment = PipelineEnvironment(now_ms=0)
    pipeline = compile_pipeline(stages, environment).capped(limit)
    documents = [{"_id": n, "n": n, "m": -n % 7} for n in range(COUNT)]
    return pipeline, pipeline.run(slices(documents))


@pytest.mark.parametrize("name", GATHERING)
def test_a_stage_that_is_cut_short_leaves_what_it_gathered(name):
    pipeline, pulled = run(GATHERING[name], limit=5)
    assert sum(map(len, pulled)) <= 5
    assert sum(1 for _ in pipeline.leavings.emptied()) >= COUNT // PIECE_ITEMS - 1


@pytest.mark.parametrize("name", GATHERING)
def test_a_stage_whose_documents_are_refused_leaves_them(name):
    refused = {"$project": {"x": {"$divide": [1, 0]}}}
    pipeline, pulled = run([*GATHERING[name], refused], limit=COUNT)
    with pytest.raises(DatabaseRequestFailed):
        list(pulled)
    del pulled
    assert sum(1 for _ in pipeline.leavings.emptied()) >= COUNT // PIECE_ITEMS - 1
