import pytest

from emulator.cloud.expressions import Expressions, Pipeline

agg = Expressions()


@pytest.mark.parametrize(
    ("expression", "document"),
    [
        (agg.sum("$n"), {"$sum": "$n"}),
        (agg.add("$a", 1), {"$add": ["$a", 1]}),
        (agg.add(["$a", 1]), {"$add": ["$a", 1]}),
        (agg.in_(["$a", [1]]), {"$in": ["$a", [1]]}),
        (agg.neq(["$a", 1]), {"$ne": ["$a", 1]}),
        (agg.str_len_cp("$a"), {"$strLenCP": "$a"}),
        (agg.strLenCP("$a"), {"$strLenCP": "$a"}),
        (
            agg.dateToString(date="$d", format="%Y"),
            {"$dateToString": {"date": "$d", "format": "%Y"}},
        ),
        (
            agg.filter(input="$a", as_="x", cond=True),
            {"$filter": {"input": "$a", "as": "x", "cond": True}},
        ),
    ],
)
def test_an_expression_is_its_name_and_its_argument(expression, document):
    assert expression == document


def test_an_expression_has_no_private_name():
    with pytest.raises(AttributeError, match="there is no expression _x"):
        agg._x  # noqa: B018  # the look-up is the test


def test_a_pipeline_grows_in_place_and_is_handed_out_as_a_copy():
    pipeline = agg.pipeline()
    assert isinstance(pipeline, Pipeline)
    pipeline.sortByCount("$tag").addFields({"a": 1})
    stages = pipeline.done()
    pipeline.skip(1)
    assert stages == [{"$sortByCount": "$tag"}, {"$addFields": {"a": 1}}]


def test_an_unknown_stage_is_an_attribute_error():
    with pytest.raises(AttributeError):
        agg.pipeline().facet({})
