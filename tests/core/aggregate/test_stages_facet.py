"""`$facet`."""

import pytest

NUMBERS = [{"_id": n} for n in range(5)]


def test_each_pipeline_sees_all_documents(run):
    stage = {
        "$facet": {
            "few": [{"$limit": 2}],
            "count": [{"$count": "n"}],
            "none": [{"$match": {"_id": 9}}],
            "all": [],
        }
    }
    assert run([{"$match": {"_id": {"$lt": 4}}}, stage], NUMBERS) == [
        {"few": NUMBERS[:2], "count": [{"n": 4}], "none": [], "all": NUMBERS[:4]}
    ]


def test_what_other_stages_made_is_seen_by_each(run):
    stages = [{"$addFields": {"x": 1}}, {"$facet": {"a": [{"$count": "n"}], "b": [{"$skip": 4}]}}]
    assert run(stages, NUMBERS) == [{"a": [{"n": 5}], "b": [{"_id": 4, "x": 1}]}]


def test_nothing_comes_in_and_one_document_goes_out(run):
    assert run([{"$facet": {"a": [{"$count": "n"}]}}]) == [{"a": []}]


@pytest.mark.parametrize(
    ("operand", "code"),
    [
        (5, 40169),
        ({}, 40169),
        ({"a": 5}, 40170),
        ({"a": [5]}, 40171),
        ({"a": [{"$facet": {}}]}, 40600),
        ({"a": [{"$geoNear": {}}]}, 40600),
        ({"a": [{"$out": "x"}]}, 40600),
        ({"a.b": []}, 16412),
        ({"$a": []}, 16410),
        ({"a": [{"$limit": 0}]}, 15958),
    ],
    ids=repr,
)
def test_a_wrong_specification_is_refused(stage_refused, operand, code):
    stage_refused([{"$facet": operand}], code)
