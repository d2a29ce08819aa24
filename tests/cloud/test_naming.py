import pytest

from emulator.cloud.naming import BothSpellings, camel_case, snake_case


@pytest.mark.parametrize(
    ("camel", "snake"),
    [
        ("orderBy", "order_by"),
        ("getWXContext", "get_wx_context"),
        ("getTempFileURL", "get_temp_file_url"),
        ("fileID", "file_id"),
        ("throwOnNotFound", "throw_on_not_found"),
        ("in", "in_"),
        ("not", "not_"),
        ("where", "where"),
        ("already_snake", "already_snake"),
    ],
)
def test_camel_case_names_turn_into_python_ones(camel, snake):
    assert snake_case(camel) == snake


@pytest.mark.parametrize(
    ("snake", "camel"),
    [("date_to_string", "dateToString"), ("in_", "in"), ("sum", "sum"), ("addToSet", "addToSet")],
)
def test_python_names_turn_into_camel_case_ones(snake, camel):
    assert camel_case(snake) == camel


class Thing(BothSpellings):
    def order_by(self):
        return "ordered"

    def in_(self):
        return "inside"


def test_an_attribute_answers_to_both_spellings():
    assert Thing().orderBy() == Thing().order_by() == "ordered"
    assert getattr(Thing(), "in")() == "inside"


@pytest.mark.parametrize("name", ["orderby", "nothingLikeIt", "__wrapped__"])
def test_an_unknown_attribute_is_an_attribute_error(name):
    with pytest.raises(AttributeError):
        getattr(Thing(), name)
