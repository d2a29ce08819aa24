import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.wire.ranges import Facts, Selection, select

UPDATED_MS = 1_700_000_000_500
SAME = "Tue, 14 Nov 2023 22:13:20 GMT"
EARLIER = "Tue, 14 Nov 2023 22:13:19 GMT"
FACTS = Facts(tag="abc", updated_ms=UPDATED_MS, size_bytes=10)
WHOLE = Selection(status=200, size_bytes=10)


def test_a_plain_request_gets_the_whole_file():
    assert select({}, "GET", FACTS) == WHOLE


def test_the_facts_are_told():
    assert FACTS.headers() == {
        "ETag": '"abc"',
        "Last-Modified": SAME,
        "Accept-Ranges": "bytes",
    }


@pytest.mark.parametrize(
    ("wanted", "start", "size", "content_range"),
    [
        ("bytes=0-3", 0, 4, "bytes 0-3/10"),
        ("bytes=9-9", 9, 1, "bytes 9-9/10"),
        ("bytes=4-", 4, 6, "bytes 4-9/10"),
        ("bytes=4-100", 4, 6, "bytes 4-9/10"),
        ("bytes=0-", 0, 10, "bytes 0-9/10"),
        ("bytes=-3", 7, 3, "bytes 7-9/10"),
        ("bytes=-100", 0, 10, "bytes 0-9/10"),
        ("BYTES=1-2 ", 1, 2, "bytes 1-2/10"),
    ],
)
def test_a_range_gets_its_part(wanted: str, start: int, size: int, content_range: str):
    selection = select({"Range": wanted}, "GET", FACTS)
    assert selection == Selection(status=206, start=start, size_bytes=size)
    assert selection.headers(FACTS) == {"Content-Range": content_range}


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=10-20", "bytes=999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(wanted: str):
    selection = select({"Range": wanted}, "GET", FACTS)
    assert selection == Selection(status=416)
    assert selection.headers(FACTS) == {"Content-Range": "bytes */10"}


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=5-4",
        "bytes=-",
        "bytes=",
        "bytes=a-b",
        "bytes=0-1,3-4",
        "items=0-1",
        "bytes=0-1x",
        "bytes=٣-",
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_a_range_that_is_none_counts_as_not_asked_for(wanted: str):
    assert select({"Range": wanted}, "GET", FACTS) == WHOLE


def test_a_range_of_an_empty_file_is_refused():
    facts = Facts(tag="abc", updated_ms=0, size_bytes=0)
    assert select({"Range": "bytes=0-"}, "GET", facts).status == 416
    assert select({}, "GET", facts) == Selection(status=200)


def test_head_has_no_ranges():
    assert select({"Range": "bytes=0-3"}, "HEAD", FACTS) == WHOLE


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": '"abc"'}, 304),
        ({"If-None-Match": 'W/"abc"'}, 304),
        ({"If-None-Match": '"x", "abc"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"x"'}, 200),
        ({"If-None-Match": '"x"', "If-Modified-Since": SAME}, 200),
        ({"If-Modified-Since": SAME}, 304),
        ({"If-Modified-Since": EARLIER}, 200),
        ({"If-Modified-Since": "nonsense"}, 200),
        ({"If-Modified-Since": "Tue, 14 Nov 2023 22:13:20 -0000"}, 304),
        ({"If-Modified-Since": "Tue, 14 Nov 99999 22:13:20 GMT"}, 200),
        ({"If-Match": '"abc"'}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"x"'}, 412),
        ({"If-Match": 'W/"abc"'}, 412),
        ({"If-Unmodified-Since": SAME}, 200),
        ({"If-Unmodified-Since": EARLIER}, 412),
        ({"If-Match": '"abc"', "If-Unmodified-Since": EARLIER}, 200),
        ({"If-Match": '"x"', "If-None-Match": '"abc"'}, 412),
        ({"Range": "bytes=0-3", "If-None-Match": '"abc"'}, 304),
        ({"Range": "bytes=0-3", "If-Range": '"abc"'}, 206),
        ({"Range": "bytes=0-3", "If-Range": '"x"'}, 200),
        ({"Range": "bytes=0-3", "If-Range": 'W/"abc"'}, 200),
        ({"Range": "bytes=0-3", "If-Range": SAME}, 206),
        ({"Range": "bytes=0-3", "If-Range": EARLIER}, 200),
    ],
)
def test_conditions_decide_before_ranges(headers: dict[str, str], status: int):
    assert select(headers, "GET", FACTS).status == status


@given(
    size=st.integers(0, 20),
    start=st.none() | st.integers(0, 25),
    end=st.none() | st.integers(0, 25),
)
def test_every_range_lies_within_the_file(size: int, start: int | None, end: int | None):
    wanted = f"bytes={'' if start is None else start}-{'' if end is None else end}"
    facts = Facts(tag="abc", updated_ms=0, size_bytes=size)
    selection = select({"Range": wanted}, "GET", facts)
    assert 0 <= selection.start <= selection.start + selection.size_bytes <= size
    if selection.status == 206:
        assert selection.size_bytes > 0
