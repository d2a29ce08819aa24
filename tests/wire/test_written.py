import orjson

from emulator.wire import written
from emulator.wire.written import Written


class Writing:
    """Writes documents and remembers which."""

    def __init__(self):
        self.wrote = []
        self.text_of = Written(self.write)

    def write(self, document):
        self.wrote.append(document)
        return orjson.dumps(document)


def test_a_document_is_written_once():
    writing, document = Writing(), {"_id": 1}
    assert [writing.text_of(document) for _ in range(3)] == [b'{"_id":1}'] * 3
    assert writing.wrote == [{"_id": 1}]


def test_another_document_is_written_though_it_is_equal_or_lies_where_one_lay():
    writing = Writing()
    for number in range(100):
        # Each is gone before the next one comes, whose place in memory may be the same.
        assert writing.text_of({"_id": number}) == b'{"_id":%d}' % number
    writing.text_of({"_id": 0})
    assert len(writing.wrote) == 101


def test_the_oldest_are_forgotten_when_there_are_many(monkeypatch):
    monkeypatch.setattr(written, "TEXTS_MAX", 2)
    writing = Writing()
    first, second, third = ({"_id": number} for number in range(3))
    for document in (first, second, third, third, second, first):
        writing.text_of(document)
    assert writing.wrote == [first, second, third, first]


def test_the_oldest_are_forgotten_when_they_are_long(monkeypatch):
    monkeypatch.setattr(written, "BYTES_MAX", 150)
    writing = Writing()
    documents = [{"text": letter * 50} for letter in "abc"]
    for document in (*documents, *reversed(documents)):
        assert writing.text_of(document) == orjson.dumps(document)
    assert [each["text"][0] for each in writing.wrote] == ["a", "b", "c", "a"]


def test_a_very_long_text_is_not_kept(monkeypatch):
    monkeypatch.setattr(written, "TEXT_MAX_BYTES", 20)
    writing, document = Writing(), {"text": "x" * 30}
    assert writing.text_of(document) == writing.text_of(document)
    assert len(writing.wrote) == 2
