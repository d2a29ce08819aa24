"""What commands refuse; what they send is in test_conditions."""

import pytest

from emulator.cloud.command import Command
from emulator.cloud.conditions import encode_filter, encode_update
from emulator.cloud.errors import CloudError
from emulator.cloud.geo import Geo

_ = Command()


@pytest.mark.parametrize(
    ("chained", "spelt_out"),
    [
        (_.eq(1).neq(2), _.and_(_.eq(1), _.neq(2))),
        (_.neq(1).eq(2), _.and_(_.neq(1), _.eq(2))),
        (_.gte(1).gt(2), _.and_(_.gte(1), _.gt(2))),
        (_.gt(1).gte(2), _.and_(_.gt(1), _.gte(2))),
        (_.lt(1).lte(2), _.and_(_.lt(1), _.lte(2))),
        (_.exists(True).in_([1]), _.and_(_.exists(True), _.in_([1]))),
        (_.exists(True).nin([1]), _.and_(_.exists(True), _.nin([1]))),
        (_.eq(1).nor(_.eq(2)), _.nor(_.eq(1), _.eq(2))),
        (_.eq(1).or_([_.eq(2), _.eq(3)]), _.or_(_.eq(1), _.eq(2), _.eq(3))),
        (getattr(_.eq(1), "and")(_.lt(5)), getattr(_, "and")([_.eq(1), _.lt(5)])),
        (getattr(_.exists(True), "in")([1]), _.exists(True).in_((1,))),
    ],
)
def test_a_chain_means_the_same_as_the_call(chained, spelt_out):
    assert encode_filter({"a": chained}) == encode_filter({"a": spelt_out})


@pytest.mark.parametrize("values", [[1, 2], (1, 2), {1, 2}, frozenset({1, 2})])
def test_a_list_of_values_may_be_any_collection_of_them(values):
    assert encode_filter({"a": _.in_(values)}) == {"a": {"$in": [1, 2]}}


def test_camel_case_commands_are_the_same_commands():
    assert _.elemMatch({"a": 1}) == _.elem_match({"a": 1})
    assert _.addToSet(5) == _.add_to_set(5)
    assert _.pullAll([1]) == _.pull_all([1])
    assert _.geoNear({"geometry": Geo.Point(1, 2), "maxDistance": 5}) == _.geo_near(
        geometry=Geo.Point(1, 2), max_distance=5
    )
    assert _.jsonSchema({"type": "object"}) == {"$jsonSchema": {"type": "object"}}


def test_push_of_nothing_pushes_nothing():
    assert encode_update({"a": _.push()}) == {"$push": {"a": {"$each": []}}}


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: _.in_(5), "command.in takes a list of values, not int"),
        (lambda: _.all("abc"), "command.all takes a list of values, not str"),
        (lambda: _.pull_all(1), "command.pullAll takes a list"),
        (lambda: _.geo_near(geometry=5), 'geoNear: "geometry" must be of type Point'),
        (lambda: _.geo_near(near=Geo.Point(1, 2)), "command.geoNear has no option near"),
        (
            lambda: _.geo_within(geometry=Geo.Point(1, 2)),
            "must be of type Polygon or MultiPolygon",
        ),
        (lambda: _.geo_within(center_sphere=[1]), "center_sphere takes"),
        (lambda: _.geo_intersects(), 'geoIntersects: "geometry" must be'),
    ],
)
def test_wrong_operands_are_refused_by_name(make, text):
    with pytest.raises(CloudError, match=text):
        make()
