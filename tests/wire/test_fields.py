import pytest

from emulator.core.errors import InvalidParam
from emulator.wire import fields


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        pytest.param(fields.text, "a", "a", id="text"),
        pytest.param(fields.optional_text, None, "", id="text that is null"),
        pytest.param(fields.optional_text, "a", "a", id="optional text"),
        pytest.param(fields.count, None, None, id="count that is null"),
        pytest.param(fields.count, 3, 3, id="count"),
        pytest.param(fields.count, 3.0, 3, id="count that is a whole double"),
        pytest.param(fields.items, [1], [1], id="array"),
    ],
)
def test_fields_are_read(read, value, expected):
    assert read({"f": value}, "f") == expected


@pytest.mark.parametrize(
    ("read", "value", "told"),
    [
        pytest.param(fields.text, None, "missing", id="text that is null"),
        pytest.param(fields.text, "", "not an empty one", id="empty text"),
        pytest.param(fields.text, 5, "not a number", id="text that is a number"),
        pytest.param(fields.text, ["a"], "not an array", id="text that is an array"),
        pytest.param(fields.optional_text, {}, "not an object", id="text that is an object"),
        pytest.param(fields.count, True, "not a boolean", id="count that is a boolean"),
        pytest.param(fields.count, "3", "not a string", id="count that is text"),
        pytest.param(fields.count, 1.5, "not a number", id="count that is a fraction"),
        pytest.param(fields.count, -1, "negative", id="negative count"),
        pytest.param(fields.items, {"a": 1}, "not an object", id="array that is an object"),
    ],
)
def test_fields_of_a_wrong_type_are_refused_by_name(read, value, told):
    with pytest.raises(InvalidParam) as caught:
        read({"thefield": value}, "thefield")
    assert "thefield" in caught.value.message
    assert told in caught.value.message


def test_a_flag_is_a_boolean_and_nothing_like_it():
    assert fields.flag({}, "f", default=True) is True
    assert fields.flag({"f": False}, "f", default=True) is False
    with pytest.raises(InvalidParam, match="boolean"):
        fields.flag({"f": 1}, "f", default=True)


def test_a_document_is_read_from_text_and_from_an_object():
    assert fields.document('{"n":{"$numberInt":"1"}}', "data") == {"n": 1}
    assert fields.document({"n": {"$numberInt": "1"}}, "data") == {"n": 1}


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_document_is_none_or_refused(nothing):
    assert fields.optional_document(nothing, "query") is None
    with pytest.raises(InvalidParam, match="data is missing"):
        fields.document(nothing, "data")


@pytest.mark.parametrize("other", ["[]", "5", '"text"', "true", '{"$date":1}', 5, [], True])
def test_what_is_no_document_is_refused(other):
    with pytest.raises(InvalidParam, match="query must be an object"):
        fields.optional_document(other, "query")
