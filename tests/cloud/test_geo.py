import json

import pytest

from emulator.cloud.errors import CloudError
from emulator.cloud.geo import Geo, Point, shape_of

SQUARE = [[0, 0], [0, 1], [1, 1], [0, 0]]


def test_a_point_has_its_longitude_and_latitude_and_is_json():
    point = Geo.Point(113.5, 23)
    assert (point.longitude, point.latitude) == (113.5, 23)
    assert json.loads(json.dumps(point)) == point.toJSON() == point.to_json()
    assert point == {"type": "Point", "coordinates": [113.5, 23]}


def test_shapes_are_made_of_shapes_or_of_geojson():
    line = Geo.LineString([Geo.Point(*each) for each in SQUARE])
    polygon = Geo.Polygon([line])
    assert polygon == Geo.Polygon({"type": "Polygon", "coordinates": [SQUARE]})
    assert Geo.MultiPolygon([polygon]).polygons == [polygon]
    assert Geo.MultiLineString([line]).lines == polygon.lines == [line]
    assert Geo.MultiPoint([Geo.Point(1, 2)]).points == [Geo.Point({"coordinates": [1, 2]})]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        pytest.param(lambda: Geo.Point(181, 0), "longitude should be a number", id="longitude"),
        pytest.param(lambda: Geo.Point(0, -91), "latitude should be a number", id="latitude"),
        pytest.param(lambda: Geo.Point("1", 2), "must be number type", id="text"),
        pytest.param(lambda: Geo.Point(True, 2), "must be number type", id="bool"),
        pytest.param(lambda: Geo.Point({"type": "Point"}), "a longitude and", id="no-coordinates"),
        pytest.param(lambda: Geo.LineString([Geo.Point(0, 0)]), "2 points", id="short-line"),
        pytest.param(lambda: Geo.LineString(5), "a list of points", id="no-list"),
        pytest.param(lambda: Geo.Polygon([]), "a list of closed lines", id="empty"),
        pytest.param(lambda: Geo.Polygon([[[0, 0], [0, 1]]]), "not a closed cycle", id="open"),
        pytest.param(
            lambda: Geo.MultiPolygon([[[[0, 0], [0, 1]]]]), "not a closed cycle", id="open-ring"
        ),
    ],
)
def test_what_is_no_shape_is_refused(make, text):
    with pytest.raises(CloudError, match=text):
        make()


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ({"type": "Point", "coordinates": [1, 2]}, Point),
        ({"type": "Point", "coordinates": "far"}, None),
        ({"type": "Polygon", "coordinates": [1, 2]}, None),
        ({"type": "Sphere", "coordinates": [1, 2]}, None),
        ({"type": ["Point"], "coordinates": [1, 2]}, None),
    ],
)
def test_only_geojson_is_recognised(value, shape):
    found = shape_of(value)
    assert found is None if shape is None else type(found) is shape
