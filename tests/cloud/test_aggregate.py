from datetime import UTC, datetime

import pytest

from emulator import cloud
from emulator.core.commands import Aggregate, Found
from emulator.core.errors import InvalidOperator
from emulator.core.values import Date

users = cloud.database().collection("users")


def test_a_pipeline_answers_a_list(bound):
    bound.answer(Found(documents=({"_id": "p1", "at": Date(0)},)))
    pipeline = users.aggregate().match({"a": {"b": 1}})
    pipeline.limit(3)
    assert pipeline.end() == {
        "list": [{"_id": "p1", "at": datetime(1970, 1, 1, tzinfo=UTC)}],
        "errMsg": "collection.aggregate:ok",
    }
    assert bound.transport.last == Aggregate(
        collection="users", pipeline=({"$match": {"a.b": 1}}, {"$limit": 3})
    )


def test_a_stage_that_cannot_be_sent_is_named(bound):
    with pytest.raises(cloud.CloudError, match=r"aggregate:fail stage\.\$project\.a cannot hold"):
        users.aggregate().project({"a": object()}).end()


def test_the_suite_s_refusal_names_the_call(bound):
    bound.answer(InvalidOperator("aggregation is not available"))
    with pytest.raises(cloud.CloudError, match=r"collection.aggregate:fail -502002 database inv"):
        users.aggregate().limit(1).end()
