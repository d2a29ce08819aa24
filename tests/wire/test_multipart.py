from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.wire import multipart
from emulator.wire.multipart import (
    PART_END,
    MalformedForm,
    MultipartParser,
    PartHead,
    boundary_of,
)

Part = tuple[PartHead, bytes]


def form(*parts: tuple[bytes, bytes], boundary: bytes = b"B") -> bytes:
    """Return a form of parts, each its head and its content."""
    body = b"".join(
        b"--" + boundary + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n"
        for head, content in parts
    )
    return body + b"--" + boundary + b"--\r\n"


def named(name: str) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"'.encode()


def parse(chunks: list[bytes], boundary: bytes = b"B") -> list[Part]:
    parser = MultipartParser(boundary)
    parts: list[Part] = []
    complete = True
    for chunk in chunks:
        for event in parser.feed(chunk):
            if isinstance(event, PartHead):
                assert complete
                complete = False
                parts.append((event, b""))
            elif event is PART_END:
                assert not complete
                complete = True
            else:
                assert not complete
                assert len(event)
                parts[-1] = (parts[-1][0], parts[-1][1] + bytes(event))
    parser.close()
    assert complete
    return parts


def contents(parts: list[Part]) -> dict[str, bytes]:
    return {head.name: content for head, content in parts}


TRICKY = [
    b"",
    b"plain",
    b"\r\n",
    b"\r",
    b"\r\n--",
    b"\r\n-",
    b"\r\n--A",
    b"--B",
    b"--B--",
    b"\r\r\n\r\n--\r\n--\r\n",
    b"\n--B",
    bytes(range(256)),
]


@pytest.mark.parametrize("content", TRICKY)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_contents_come_out_whatever_the_size_of_the_chunks(content: bytes, size: int):
    body = form((named("a"), content), (named("file"), content))
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    assert contents(parse(chunks)) == {"a": content, "file": content}


@pytest.mark.parametrize("content", TRICKY)
def test_a_boundary_may_be_split_at_every_byte(content: bytes):
    body = form((named("a"), content), (named("file"), content), boundary=b"----Bound")
    for at in range(len(body)):
        parts = parse([body[:at], body[at:]], b"----Bound")
        assert contents(parts) == {"a": content, "file": content}


PIECES = st.lists(
    st.sampled_from([b"\r", b"\n", b"-", b"--", b"B", b"\r\n--", b"\r\n--b", b"x", b"\0"]),
    max_size=12,
).map(b"".join)


@given(
    fields=st.lists(PIECES.filter(lambda content: b"\r\n--B" not in content), max_size=4),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_any_form_in_any_pieces_is_the_form_that_was_written(fields: list[bytes], cuts: list[int]):
    # A content may end with what begins a boundary together with what follows it.
    fields = [content for content in fields if b"\r\n--B" not in content + b"\r\n-"]
    body = form(*((named(str(number)), content) for number, content in enumerate(fields)))
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    chunks = [body[start:end] for start, end in pairwise(edges)]
    parts = parse(chunks)
    assert [content for _, content in parts] == fields


def test_bytes_go_on_as_they_come_and_only_a_possible_boundary_waits():
    parser = MultipartParser(b"B")
    parser.feed(b"--B\r\n" + named("file") + b"\r\n\r\n")
    chunk = b"x" * 1000
    assert parser.feed(chunk) == [chunk]
    assert parser.feed(chunk)[0] is chunk, "no copy is made"
    assert [bytes(event) for event in parser.feed(b"y\r\n--")] == [b"y"]  # type: ignore[arg-type]  # there are only bytes
    assert parser.feed(b"C")[0] == b"\r\n--C"
    assert parser.feed(b"y\r\n-x") == [b"y\r\n-x"]


def test_the_head_of_a_part_is_read():
    head = (
        b'content-disposition: form-data; name="file"; filename="\xe5\x9b\xbe; name=x.png"\r\n'
        b"Content-Type: image/png"
    )
    ((part, _),) = parse([form((head, b"x"))])
    assert part == PartHead(name="file", file_name="图; name=x.png", content_type="image/png")


@pytest.mark.parametrize(
    ("disposition", "name", "file_name"),
    [
        ('form-data; name="a"', "a", None),
        ("form-data; name=a", "a", None),
        ('form-data; name=""; filename=""', "", ""),
        ('form-data; filename="x"; name="file"', "file", "x"),
        ('FORM-DATA; NAME="a"', "a", None),
        ('form-data; name="a\\"b"', 'a"b', None),
        ('form-data;name="a";filename=C:\\x', "a", "C:\\x"),
        ("form-data; name=\"a\"; filename*=UTF-8''x", "a", None),
    ],
)
def test_names_are_read_as_clients_write_them(disposition: str, name: str, file_name: str | None):
    ((part, _),) = parse([form((f"Content-Disposition: {disposition}".encode(), b""))])
    assert (part.name, part.file_name) == (name, file_name)


def test_text_before_the_first_boundary_and_after_the_last_means_nothing():
    body = b"preamble\r\n" + form((named("a"), b"1")) + b"epilogue\r\n--B\r\n"
    assert contents(parse([body])) == {"a": b"1"}
    assert contents(parse([bytes([byte]) for byte in body])) == {"a": b"1"}


def test_blanks_may_follow_a_boundary():
    body = form((named("a"), b"1")).replace(b"--B\r\n", b"--B \t \r\n", 1)
    assert contents(parse([body])) == {"a": b"1"}
    assert contents(parse([bytes([byte]) for byte in body])) == {"a": b"1"}


def test_a_form_without_parts_is_a_form():
    assert parse([b"--B--\r\n"]) == []


WHOLE = form((named("a"), b"1"), (named("file"), b"content"))


@pytest.mark.parametrize("cut", range(len(WHOLE) - len(b"--\r\n") + 1))
def test_a_form_that_ends_early_is_malformed(cut: int):
    parser = MultipartParser(b"B")
    parser.feed(WHOLE[:cut])
    with pytest.raises(MalformedForm, match="ends before its last boundary"):
        parser.close()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"x" * 5000, "no boundary in the first", id="no boundary"),
        pytest.param(b"--Bx\r\n", "something else than a line's end", id="longer boundary"),
        pytest.param(b"--B-x", "something else than a line's end", id="half an end"),
        pytest.param(b"--B" + b" " * 100 + b"\r\n", "something else", id="much padding"),
        pytest.param(b"--B\r\n\r\n\r\nx", "has no name", id="no head"),
        pytest.param(b"--B\r\nContent-Type: text/plain\r\n\r\nx", "has no name", id="no name"),
        pytest.param(
            b"--B\r\nContent-Disposition: attachment; name=a\r\n\r\nx", "no name", id="attachment"
        ),
        pytest.param(b"--B\r\nX: " + b"y" * 20_000, "longer than 16384", id="endless head"),
        pytest.param(
            b"--B\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", "longer than 16384", id="long head"
        ),
        pytest.param(form(*[(named("a"), b"")] * 101), "more than 100 parts", id="many parts"),
    ],
)
def test_a_malformed_form_is_refused_with_its_reason(body: bytes, reason: str):
    with pytest.raises(MalformedForm, match=reason):
        MultipartParser(b"B").feed(body)
    parser = MultipartParser(b"B")
    with pytest.raises(MalformedForm, match=reason):
        [parser.feed(body[at : at + 100]) for at in range(0, len(body), 100)]


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('multipart/form-data; boundary="a b;c"', b"a b;c"),
        ("Multipart/Form-Data;charset=utf-8;Boundary=----x==", b"----x=="),
    ],
)
def test_the_boundary_is_found(content_type: str, boundary: bytes):
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=a",
        "application/json; boundary=a",
        "multipart/form-data; boundary=" + "x" * 201,
    ],
)
def test_a_body_of_another_type_is_no_form(content_type: str):
    with pytest.raises(MalformedForm):
        boundary_of(content_type)


@given(body=st.binary(max_size=300), size=st.integers(1, 50))
def test_no_bytes_bring_anything_but_a_form_or_a_refusal(body: bytes, size: int):
    parser = multipart.MultipartParser(b"B")
    try:
        for at in range(0, len(body), size):
            parser.feed(body[at : at + size])
        parser.close()
    except MalformedForm:
        pass
