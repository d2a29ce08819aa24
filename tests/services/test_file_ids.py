import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.errors import InvalidName, InvalidParam
from emulator.services.file_ids import Addresses, bucket_of, check_cloud_path, path_of

ADDRESSES = Addresses(
    env_id="demo-env", bucket=bucket_of("demo-env"), site_url=lambda _: "http://127.0.0.1:8271"
)


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "images/a.png",
        "图/一 二.png",
        "a/b/",
        "a..b/..c/d..",
        "./a",
        "%2e%2e%2fa",
        "a\\b",
        "CON",
        "x" * 850,
        "文" * 283,
    ],
)
def test_paths_that_the_cloud_takes(path: str):
    assert check_cloud_path(path) == path


REFUSED = [
    pytest.param("", "empty", id="empty"),
    pytest.param("/a", "starts with a slash", id="absolute"),
    pytest.param("\\a", "starts with a slash", id="absolute by backslash"),
    pytest.param("\\\\host\\share", "starts with a slash", id="network share"),
    pytest.param("a//b", "empty part", id="double slash"),
    pytest.param("../a", "`..`", id="parent"),
    pytest.param("a/../../b", "`..`", id="parent inside"),
    pytest.param("a/..", "`..`", id="parent at the end"),
    pytest.param("..", "`..`", id="parent alone"),
    pytest.param("..\\..\\windows", "`..`", id="parent by backslash"),
    pytest.param("a/..\\b", "`..`", id="parent by both"),
    pytest.param("a\0b", "control character", id="null byte"),
    pytest.param("a\x18b", "control character", id="ASCII 24"),
    pytest.param("a\x1bb", "control character", id="ASCII 27"),
    pytest.param("a\r\nb", "control character", id="line end"),
    pytest.param("a\x7f", "control character", id="DEL"),
    pytest.param("x" * 851, "longer than 850 bytes", id="851 bytes"),
    pytest.param("文" * 284, "longer than 850 bytes", id="851 bytes of Chinese"),
    pytest.param("\ud800", "not Unicode", id="half a surrogate pair"),
    pytest.param("cloud://demo-env.b/a", "is a file id", id="file id"),
    pytest.param(None, "not a text", id="null"),
    pytest.param(["a"], "not a text", id="list"),
]


@pytest.mark.parametrize(("path", "reason"), REFUSED)
def test_paths_that_the_cloud_refuses(path: object, reason: str):
    with pytest.raises(InvalidName, match=reason) as caught:
        check_cloud_path(path)
    assert isinstance(caught.value, InvalidParam)
    assert caught.value.message.isascii()


def test_the_bucket_is_named_as_the_platform_does():
    assert bucket_of("local-env") == "6c6f-local-env-1250000000"


def test_a_file_id_names_environment_bucket_and_path():
    assert ADDRESSES.file_id("图/a.png") == "cloud://demo-env.6465-demo-env-1250000000/图/a.png"


@given(path=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200))
def test_a_file_id_leads_back_to_its_path(path: str):
    try:
        check_cloud_path(path)
    except InvalidName:
        return
    assert path_of(ADDRESSES.file_id(path)) == path


@pytest.mark.parametrize(
    ("file_id", "path"),
    [
        ("cloud://your-env.xxxx-your-env/images/a.png", "images/a.png"),
        ("cloud://your-env-id.xxxx-xxxx/images/example.jpg", "images/example.jpg"),
        ("cloud://env-without-bucket/a", "a"),
    ],
)
def test_file_ids_of_other_environments_lead_to_the_same_path(file_id: str, path: str):
    assert path_of(file_id) == path


@pytest.mark.parametrize(
    "file_id",
    [
        pytest.param("", id="empty"),
        pytest.param("images/a.png", id="path"),
        pytest.param("https://example.com/a", id="web"),
        pytest.param("CLOUD://env.b/a", id="case"),
        pytest.param("cloud:///a", id="no environment"),
        pytest.param("cloud://env.b", id="no path"),
        pytest.param("cloud://env.b/", id="empty path"),
        pytest.param("cloud://env.b//etc/passwd", id="absolute"),
        pytest.param("cloud://env.b/../a", id="parent"),
        pytest.param("cloud://env.b/cloud://env.b/a", id="twice"),
        pytest.param("cloud://../../etc/passwd/../x", id="parent as environment"),
        pytest.param(None, id="null"),
        pytest.param(7, id="number"),
    ],
)
def test_what_is_no_file_id_is_refused(file_id: object):
    with pytest.raises(InvalidName):
        path_of(file_id)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("images/a.png", "a.png"),
        ("图/一二.png", "__.png"),
        ("a b?c#d%41&.txt", "a_b_c_d_41_.txt"),
        ("folder/", "file"),
        ("..a/...", "file"),
        ("文", "_"),
        ("x" * 300 + ".tar.gz", "x" * 93 + ".tar.gz"),
    ],
)
def test_a_file_s_url_shows_a_harmless_name(path: str, name: str):
    url = ADDRESSES.file_url(path, "ticket")
    assert url == f"http://127.0.0.1:8271/_storage/file/ticket/{name}"


@given(path=st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_encoding_a_file_s_url_once_more_changes_nothing(path: str):
    url = ADDRESSES.file_url(path, "A-z_0.9")
    assert quote(url, safe=";,/?:@&=+$-_.!~*'()#") == url
    assert re.fullmatch(r"http://127\.0\.0\.1:8271/_storage/file/A-z_0\.9/[\w.-]+", url)
