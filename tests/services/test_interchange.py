"""JSON Lines and CSV: lines to documents, bad lines by number, documents to lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.errors import InvalidParam
from emulator.core.values import Binary, Date, Int64, ObjectId, Regex, Timestamp
from emulator.services import interchange
from emulator.services.interchange import (
    READERS,
    CsvRows,
    JsonLines,
    Lines,
    csv_fields,
    csv_head,
    csv_rows,
    json_line,
)


def read(reader, text, *, piece=10**9):
    """Read a text in pieces of so many bytes: [(line, document or problem)]."""
    data = text if isinstance(text, bytes) else text.encode()
    lines, found = Lines(), []
    for start in range(0, len(data), piece):
        for number, line in lines.feed(data[start : start + piece]):
            found += reader.feed(number, line)
    for number, line in lines.finish():
        found += reader.feed(number, line)
    found += reader.finish()
    return [(line, problem if document is None else document) for line, document, problem in found]


JSON_TEXT = """\ufeff{"_id": "a", "at": {"$date": "2018-08-31T17:30:00.882Z"}}

{"_id": {"$oid": "0f0f0f0f0f0f0f0f0f0f0f0f"}, "text": "中文 \\" } {"}\r
{
    "_id": "c",
    "deep": {
        "list": [1,
          2.5]
    }
}
   {"_id": "d"}
{"_id": "e"}"""
JSON_DOCUMENTS = [
    (1, {"_id": "a", "at": Date(1535736600882)}),
    (3, {"_id": ObjectId("0f" * 12), "text": '中文 " } {'}),
    (4, {"_id": "c", "deep": {"list": [1, 2.5]}}),
    (11, {"_id": "d"}),
    (12, {"_id": "e"}),
]


@pytest.mark.parametrize("piece", [1, 2, 7, 64, 10**9])
def test_json_is_one_object_after_the_other_in_whatever_pieces_it_comes(piece):
    assert read(JsonLines(), JSON_TEXT, piece=piece) == JSON_DOCUMENTS


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param('{"a": }', "not JSON", id="no value"),
        pytest.param("{'a': 1}", "not JSON", id="single quotes"),
        pytest.param('{"a": 1},', "not JSON", id="a comma between"),
        pytest.param("[1]", "not an object", id="an array"),
        pytest.param("7", "not an object", id="a number"),
        pytest.param('{"a": 1, "a": 2}', "'a' comes twice", id="a key twice"),
        pytest.param('{"x": [{"a": 1, "b": 1, "a" : 2}]}', "'a' comes twice", id="twice inside"),
        pytest.param('{".a": 1}', "begins or ends with a dot", id="a dot in front"),
        pytest.param('{"a.": 1}', "begins or ends with a dot", id="a dot behind"),
        pytest.param('{"b": [{"a..b": 1}]}', "two in a row", id="two dots"),
        pytest.param('{"a": {"b": 1}, "a.b": 2}', "a part of the field beside it", id="doubtful"),
        pytest.param('{"a": {"$date": "yesterday"}}', "$date", id="no date"),
        pytest.param('{"a": {"$oid": "xyz"}}', "$oid", id="no id"),
        pytest.param(b'{"a": "\xff"}', "not JSON", id="not UTF-8"),
        pytest.param('{"a":' * 3000 + "1" + "}" * 3000, "", id="nested without end"),
    ],
)
def test_a_bad_line_is_told_and_costs_nothing_else(line, words):
    data = line if isinstance(line, bytes) else line.encode()
    found = read(JsonLines(), b'{"_id":"a"}\n' + data + b'\n{"_id":"b"}\n')
    assert [found[0], found[-1]] == [(1, {"_id": "a"}), (3, {"_id": "b"})]
    assert len(found) == 3
    assert found[1][0] == 2
    assert words in found[1][1]


def test_a_colon_in_a_text_is_no_key():
    assert read(JsonLines(), '{"a": "x\\":y", "b" : 1}') == [(1, {"a": 'x":y', "b": 1})]


@pytest.mark.parametrize(
    "text", ['{"_id": "a",\n{"_id": "b"}', '{"_id": "a", "n": {\n  "x": 1\n{"_id": "b"}']
)
def test_an_object_that_never_ends_takes_no_other_along(text):
    found = read(JsonLines(), text)
    assert found[-1] == (text.count("\n") + 1, {"_id": "b"})
    assert found[0] == (1, "not JSON: the object that begins here does not end")


def test_an_object_that_the_file_ends_in_is_told():
    assert read(JsonLines(), '{"_id": "a"}\n{"b": [') == [
        (1, {"_id": "a"}),
        (2, "not JSON: the object that begins here does not end"),
    ]


def test_a_broken_object_of_several_lines_is_told_with_its_first():
    assert read(JsonLines(), '{\n  "a": oops\n}\n{"_id": "b"}')[0][0] == 1


def test_halves_of_surrogate_pairs_are_read_as_the_platform_reads_them():
    text = '{"_id": "a", "s": "\\ud83d", "n": 1}\n{"_id": "b", "s": "\\uD83d\\uDe00"}\n'
    assert read(JsonLines(), text) == [
        (1, {"_id": "a", "s": "\ufffd", "n": 1}),
        (2, {"_id": "b", "s": "\U0001f600"}),
    ]
    assert "not JSON" in read(JsonLines(), '{"s": "\\ud83d", "n": NaN}')[0][1]


def test_an_array_is_refused_with_what_to_do():
    with pytest.raises(InvalidParam, match="JSON array") as caught:
        read(JsonLines(), '[{"_id": "a"}]')
    assert "seed" in caught.value.hint


def test_a_line_has_an_end(monkeypatch):
    monkeypatch.setattr(interchange, "DOCUMENT_TEXT_MAX_BYTES", 20)
    with pytest.raises(InvalidParam, match="line 2 is longer than 20 bytes"):
        read(JsonLines(), '{"_id": 1}\n' + "x" * 50, piece=7)
    assert "does not end" in read(JsonLines(), '{"a": [\n 1,\n 2,\n 3,\n 4,\n 5,\n 6]}')[0][1]
    assert "does not end" in read(CsvRows(), 'a\n"' + "x\n" * 30)[0][1]


# CSV --------------------------------------------------------------------------------------------


def test_the_first_row_of_csv_names_the_fields():
    text = '_id,age,name,at.city,tags,note\nx,45,"O\'Neil, ""Jo""",Rome,"[1,{""a"":2}]",\r\n'
    text += 'y,-1.5e3,007,,"{""$date"":""1970-01-01T00:00:00.005Z""}","two\nlines"\n\nz\n'
    assert read(CsvRows(), text) == [
        (
            2,
            {
                "_id": "x",
                "age": 45,
                "name": 'O\'Neil, "Jo"',
                "at": {"city": "Rome"},
                "tags": [1, {"a": 2}],
            },
        ),
        (3, {"_id": "y", "age": -1500.0, "name": "007", "tags": Date(5), "note": "two\nlines"}),
        (6, {"_id": "z"}),
    ]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0", 0),
        ("12", 12),
        ("1.0", 1.0),
        ("1e400", "1e400"),
        ("9" * 30, "9" * 30),
        ("9" * 5000, "9" * 5000),
        ("1,5", "1,5"),
        ("true", "true"),
        ("null", "null"),
        ("{no json", "{no json"),
        ("[" * 3000, "[" * 3000),
        (" 1", " 1"),
        ("+1", "+1"),
        ("0x10", "0x10"),
    ],
)
def test_a_cell_is_a_number_if_it_looks_like_one_else_text(cell, value):
    found = read(CsvRows(), f'_id,v\na,"{cell}"\n')
    assert found == [(2, {"_id": "a", "v": value})]
    assert type(found[0][1]["v"]) is type(value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        pytest.param("x,1,2", "3 cells, but the first line names 2 fields", id="too many"),
        pytest.param('"x"y,1', "not CSV", id="text after quotes"),
    ],
)
def test_a_bad_row_is_told_and_costs_nothing_else(row, words):
    found = read(CsvRows(), f"_id,n\na,1\n{row}\nb,2\n")
    assert [found[0], found[2]] == [(2, {"_id": "a", "n": 1}), (4, {"_id": "b", "n": 2})]
    assert found[1][0] == 3
    assert words in found[1][1]


def test_text_in_another_encoding_is_told():
    found = read(CsvRows(), b"_id,n\na," + "中文".encode("gbk") + b"\nb,2\n")
    assert found[0][0] == 2
    assert "UTF-8" in found[0][1]
    assert found[1] == (3, {"_id": "b", "n": 2})


def test_quotes_that_never_close_are_told():
    assert read(CsvRows(), '_id,n\na,"1\nb,2\n') == [
        (2, "the quoted text that begins here does not end")
    ]


@pytest.mark.parametrize("head", ["_id,,n", "_id,n,n", "_id,.n", "_id,n.", "_id,a..b", "_id,$n"])
def test_a_first_row_that_names_no_fields_is_refused(head):
    with pytest.raises(InvalidParam, match="first line"):
        read(CsvRows(), f"{head}\n1,2,3\n")


def test_a_path_beside_a_value_of_its_first_name_takes_its_place():
    assert read(CsvRows(), "a,a.b\n1,2\n") == [(2, {"a": {"b": 2}})]


# There and back ---------------------------------------------------------------------------------

DOCUMENT = {
    "_id": ObjectId("0f" * 12),
    "at": Date(1535736600882),
    "early": Date(-1),
    "long": Int64(5),
    "big": 2**53 + 1,
    "float": 1.0,
    "nan": [float("inf")],
    "bytes": Binary(b"\x00"),
    "regex": Regex("^a", "i"),
    "stamp": Timestamp(1, 2),
    "none": None,
    "text": '中文\n\u2028"',
    "nested": {"a.b": [{}, [[]]]},
}


def test_a_line_of_json_keeps_every_type():
    line = json_line(DOCUMENT)
    assert line.count(b"\n") == 1
    assert b'"at":{"$date":"2018-08-31T17:30:00.882Z"}' in line
    [(_, found)] = read(JsonLines(), line)
    assert found == DOCUMENT
    assert [type(value) for value in found.values()] == [type(v) for v in DOCUMENT.values()]


def test_csv_keeps_what_a_table_can_hold():
    documents = [
        {"_id": "a", "n": 1, "at": Date(5), "in": {"x": 1.5, "y": {"z": "t"}}, "tags": [1, "b"]},
        {"_id": 2, "late": True, "oid": ObjectId("0f" * 12), "none": None, "empty": {}},
        {"_id": "c", "dotted": {"a.b": 1}, "far": Date(-1), "text": 'a,"b"\nc'},
    ]
    fields = list(csv_fields(documents))
    text = (csv_head(fields) + csv_rows(documents, fields)).decode()
    assert text.splitlines()[0] == ("_id,n,at,in.x,in.y.z,tags,late,oid,none,empty,dotted,far,text")
    assert text.splitlines()[1].startswith('a,1,1970-01-01T00:00:00.005Z,1.5,t,"[1,""b""]",')
    assert [document for _, document in read(CsvRows(), text)] == [
        {
            "_id": "a",
            "n": 1,
            "at": "1970-01-01T00:00:00.005Z",
            "in": {"x": 1.5, "y": {"z": "t"}},
            "tags": [1, "b"],
        },
        {"_id": 2, "late": "true", "oid": "0f" * 12, "empty": {}},
        {"_id": "c", "dotted": {"a.b": 1}, "far": -1, "text": 'a,"b"\nc'},
    ]


def test_half_of_a_surrogate_pair_does_not_stop_an_export():
    assert json_line({"_id": "a", "text": "\ud800"}) == b'{"_id":"a","text":"\\ud800"}\n'
    assert csv_rows([{"_id": "a\ud800"}], ["_id"]) == b"a?\n"


KEYS = st.text(st.characters(exclude_characters=".$", exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), KEYS,
        st.builds(Date, st.integers(-(2**50), 2**50)),
    ),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(
    documents=st.lists(
        st.dictionaries(KEYS, VALUES, max_size=4),
        max_size=4,
    ),
    piece=st.integers(1, 50),
)
def test_what_is_written_as_json_lines_is_read_again(documents, piece):
    text = b"".join(map(json_line, documents))
    found = [document for _, document in read(JsonLines(), text, piece=piece)]
    assert repr(found) == repr(documents)


@given(text=st.binary(max_size=200), name=st.sampled_from(sorted(READERS)))
def test_no_bytes_are_too_strange(text, name):
    try:
        found = read(READERS[name](), text)
    except InvalidParam:
        return
    assert all(isinstance(each, dict | str) for _, each in found)
