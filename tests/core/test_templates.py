import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.templates import KINDS, fault_in, kind_of


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("thing1", "一件二十个字以内的事"),
        ("thing1", "x" * 20),
        ("thing1", "two\nlines"),
        ("number2", "12.5"),
        ("number2", 5),
        ("letter3", "abcXYZ"),
        ("symbol4", "!@#"),
        ("character_string5", "A-01#x"),
        ("time6", "15:01"),
        ("time6", "2019年10月1日 15:01"),
        ("time6", "2019-10-01 15:01:02"),
        ("time6", "15:01~16:00"),
        ("time6", "2019年10月1日"),
        ("time6", "2019年10月1日~2019年10月3日"),
        ("date7", "2019年10月1日"),
        ("date7", "2019-10-01"),
        ("date7", "2019年10月1日 15:01"),
        ("date7", "2019年10月1日~2019年10月3日"),
        ("amount8", "¥10.50元"),
        ("amount8", "10"),
        ("amount8", 10.5),
        ("phone_number9", "+86-0766-66888866"),
        ("phone_number9", "138****8000"),
        ("car_number10", "粤A8Z888挂"),
        ("car_number10", "粤AD12345"),
        ("name11", "张三"),
        ("name11", "Ann Lee"),
        ("name11", "张Tom"),
        ("phrase12", "配送中"),
        ("const13", "anything"),
        ("unheard_of14", "anything"),
    ],
)
def test_what_wechat_takes_is_taken(field: str, value: object):
    assert fault_in({field: {"value": value}}) == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("thing1", "x" * 21),
        ("thing1", {"a": 1}),
        ("thing1", ["a"]),
        ("number2", "12a"),
        ("number2", "１２"),
        ("date7", "２０１９-10-01"),
        ("number2", "1" * 33),
        ("letter3", "a1"),
        ("letter3", "a" * 33),
        ("symbol4", "!!!!!!"),
        ("symbol4", "a"),
        ("character_string5", "中文"),
        ("character_string5", "a b"),
        ("time6", "25:01"),
        ("time6", "3pm"),
        ("time6", "2019年10月1日～2019年10月3日"),
        ("date7", "10月1日"),
        ("date7", "tomorrow"),
        ("amount8", "12345678901"),
        ("amount8", "ten"),
        ("phone_number9", "0" * 18),
        ("phone_number9", "call me"),
        ("phone_number9", "电话"),
        ("car_number10", "car"),
        ("car_number10", "粤A123456挂"),
        ("name11", "十一个字的名字实在太长了"),
        ("name11", "A" * 21),
        ("name11", "张 three"),
        ("name11", "张Tomasinaaaa"),
        ("phrase12", "六个汉字太长"),
        ("phrase12", "ok"),
    ],
)
def test_what_wechat_refuses_is_named(field: str, value: object):
    assert fault_in({field: {"value": value}}).startswith(f"data.{field}.value invalid: ")


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (None, "data must be an object of fields"),
        ({"thing1": None}, "data.thing1.value is empty"),
        ({"thing1": {"value": ""}}, "data.thing1.value is empty"),
        ({"thing1": "text"}, "data.thing1.value is empty"),
    ],
)
def test_what_is_missing_is_named(data: object, fault: str):
    assert fault_in(data) == fault


def test_fields_of_a_known_template_must_be_there():
    assert fault_in({"thing1": {"value": "x"}}, ("thing1", "date2")) == "data.date2.value is empty"


def test_a_kind_is_the_name_without_its_number():
    assert [kind_of(name) for name in ("thing1", "character_string22", "name", "1", "A1")] == [
        "thing",
        "character_string",
        "name",
        "",
        "",
    ]


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=200))
def test_any_text_is_taken_or_named(kind: str, text: str):
    assert isinstance(fault_in({f"{kind}1": {"value": text}}), str)
