import pytest

from emulator.services.content_types import ContentTypes


@pytest.mark.parametrize(
    ("path", "declared", "expected"),
    [
        ("a.png", "", "image/png"),
        ("a.PNG", "application/octet-stream", "image/png"),
        ("a.png", "image/webp", "image/webp"),
        ("a.webp", "", "image/webp"),
        ("a.html", " text/html; charset=gbk ", "text/html; charset=gbk"),
        ("a.json", "binary/octet-stream", "application/json"),
        ("a.txt", "application/x-www-form-urlencoded", "text/plain"),
        ("a.woff2", "", "font/woff2"),
        ("a", "", "application/octet-stream"),
        ("a.unheard", "", "application/octet-stream"),
        ("a.png/b", "", "application/octet-stream"),
        ("a.png", "x\r\nSet-Cookie: a=b", "image/png"),
        ("a.png", "x/" + "y" * 300, "image/png"),
    ],
)
def test_a_type_is_what_was_declared_or_what_the_extension_says(path, declared, expected):
    assert ContentTypes().of(path, declared) == expected
