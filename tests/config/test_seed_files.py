"""Data files as the cloud's console exports them and as people write them."""

import pytest

from emulator.config.seed_files import read_seed_files
from emulator.core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "text", "documents"),
    [
        pytest.param("a.jsonl", '{"x": 1}\n{"x": 2}\n', [{"x": 1}, {"x": 2}], id="lines"),
        pytest.param(
            "a.json", '{\n  "x": 1\n}\n{\n  "x": 2\n}', [{"x": 1}, {"x": 2}], id="one-after-another"
        ),
        pytest.param("a.json", '[{"x": 1}, {"x": 2}]', [{"x": 1}, {"x": 2}], id="array"),
        pytest.param("a.json", '{"x": 1},\n{"x": 2},\n', [{"x": 1}, {"x": 2}], id="commas-between"),
        pytest.param("a.json", '\ufeff{"x": "云"}', [{"x": "云"}], id="byte-order-mark"),
        pytest.param("a.init_data.json", '[{"x": 1}]', [{"x": 1}], id="name-up-to-the-first-dot"),
        pytest.param("a.json", "[]", [], id="empty-collection"),
        pytest.param("a.json", "", [], id="empty-file"),
        pytest.param(
            "a.json", '{"t": {"$date": "2026-01-01"}}', [{"t": {"$date": "2026-01-01"}}], id="tags"
        ),
    ],
)
def test_documents_are_read_in_every_form_they_come_in(tmp_path, name, text, documents):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_seed_files([tmp_path / name]) == {"a": documents}


def test_one_file_may_fill_several_collections(tmp_path):
    path = tmp_path / "all.json"
    path.write_text('{"collections": {"a": [{"x": 1}], "b": []}}')
    assert read_seed_files([path]) == {"a": [{"x": 1}], "b": []}


def test_files_of_one_collection_add_up(tmp_path):
    (tmp_path / "a.json").write_text('{"x": 1}')
    (tmp_path / "a.jsonl").write_text('{"x": 2}')
    found = read_seed_files([tmp_path / "a.json", tmp_path / "a.jsonl"])
    assert found == {"a": [{"x": 1}, {"x": 2}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('{"x": 1}\n{"x" 2}\n', "a.json:2: not JSON", id="broken"),
        pytest.param(
            '{"x": 1}\n\n[{}, 7]\n', "a.json:3: a document must be an object, is 7", id="number"
        ),
        pytest.param('{"collections": []}', 'a.json: "collections" must be an object', id="list"),
        pytest.param("[" * 100_000, "a.json:1: nested too deeply", id="deep"),
        pytest.param('{}\n{"x": NaN}', "a.json:2: not JSON: NaN is no number of JSON", id="nan"),
        pytest.param(
            f'{{}}\n{{"x": 1{"0" * 5000}}}', "a.json:2: not JSON: a number of 5001", id="digits"
        ),
    ],
)
def test_what_is_no_document_is_told_with_its_line(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        read_seed_files([tmp_path / "a.json"])
    assert raised.value.message.startswith(message)


def test_csv_is_sent_to_the_import(tmp_path):
    (tmp_path / "orders.csv").write_text("a,b")
    with pytest.raises(ConfigurationError, match="seeds are JSON") as refused:
        read_seed_files([tmp_path / "orders.csv"])
    assert refused.value.hint.startswith("cloud-emu import ")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_seed_files([tmp_path / "none.json"])
