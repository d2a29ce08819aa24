"""Pictures made smaller: what the parameters mean, and what comes out."""

import contextlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from emulator.core.errors import InvalidParam
from emulator.services import pictures
from emulator.services.pictures import process, processing_of


def picture(kind: str = "PNG", size: tuple[int, int] = (80, 40), mode: str = "RGB", **how) -> bytes:
    target = io.BytesIO()
    Image.new(mode, size).save(target, kind, **how)
    return target.getvalue()


def processed(content: bytes, query: str) -> Image.Image:
    wanted = processing_of(query)
    assert wanted is not None
    body, content_type = process(content, wanted)
    made = Image.open(io.BytesIO(body))
    assert content_type == Image.MIME[made.format or ""]
    return made


@pytest.mark.parametrize(
    ("thumbnail", "size"),
    [
        ("!50p", (40, 20)),
        ("!50px", (40, 40)),
        ("!x50p", (80, 20)),
        ("40x", (40, 20)),
        ("x10", (20, 10)),
        ("20x20", (20, 10)),
        ("!20x20r", (40, 20)),
        ("20x20!", (20, 20)),
        ("160x", (160, 80)),
        ("160x>", (80, 40)),
        ("40x>", (40, 20)),
        ("160x%3E", (80, 40)),
        ("160x<", (160, 80)),
        ("40x%3C", (80, 40)),
        ("800@", (40, 20)),
        ("9999999@", (80, 40)),
        ("!0p", (1, 1)),
        ("1x", (1, 1)),
    ],
)
def test_a_thumbnail_has_the_size_that_the_platform_s_page_tells(
    thumbnail: str, size: tuple[int, int]
):
    assert processed(picture(), f"imageMogr2/thumbnail/{thumbnail}").size == size


def test_operations_follow_each_other():
    query = (
        "imageMogr2/auto-orient/thumbnail/!50p/rotate/90/format/webp/quality/50|imageMogr2/strip"
    )
    made = processed(picture(), query)
    assert (made.size, made.format) == ((20, 40), "WEBP")


@pytest.mark.parametrize("name", list(pictures.FORMATS))
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_picture_becomes_every_format(name: str, mode: str):
    made = processed(picture(mode=mode), f"imageMogr2/format/{name}")
    assert made.format == pictures.FORMATS[name]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
def test_a_picture_keeps_its_own_format(kind: str):
    assert processed(picture(kind), "imageMogr2/thumbnail/10x").format == kind


def test_less_quality_is_less_to_send():
    noise = io.BytesIO()
    Image.effect_noise((200, 200), 80).save(noise, "JPEG", quality=95)
    sizes = [
        len(process(noise.getvalue(), wanted)[0])
        for quality in (90, 10)
        if (wanted := processing_of(f"imageMogr2/quality/{quality}")) is not None
    ]
    assert sizes[1] < sizes[0] / 2


def test_a_picture_that_lies_on_its_side_is_put_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    content = picture("JPEG", exif=exif)
    assert processed(content, "imageMogr2/auto-orient").size == (40, 80)
    assert processed(content, "imageMogr2/thumbnail/!100p").size == (80, 40)


@pytest.mark.parametrize("query", ["", "a=1", "imageInfo", "x=imageMogr2/thumbnail/1x"])
def test_other_queries_ask_for_nothing(query: str):
    assert processing_of(query) is None


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("imageMogr2/blur/8x5", "blur is not known here"),
        ("imageMogr2/thumbnail", "thumbnail is not known here"),
        ("imageMogr2/thumbnail/x", "no size"),
        ("imageMogr2/thumbnail/-5x", "no size"),
        ("imageMogr2/quality/101", "0 to 100"),
        ("imageMogr2/quality/²", "0 to 100"),
        ("imageMogr2/format/exe", "one of jpg"),
        ("imageMogr2/rotate/361", "0 to 360"),
        ("imageMogr2/" + "strip/" * 50, "more than 20"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(query: str, message: str):
    with pytest.raises(InvalidParam, match=message):
        processing_of(query)


@pytest.mark.parametrize("thumbnail", ["10000x", "9999x9999!", "!x999p|imageMogr2/thumbnail/!999p"])
def test_what_comes_out_is_bounded(thumbnail: str):
    wanted = processing_of(f"imageMogr2/thumbnail/{thumbnail}")
    assert wanted is not None
    with pytest.raises(InvalidParam, match="pixels"):
        process(picture(size=(800, 800)), wanted)


def test_what_goes_in_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pictures, "PIXELS_MAX", 100)
    wanted = processing_of("imageMogr2/thumbnail/1x")
    assert wanted is not None
    with pytest.raises(InvalidParam, match="100 pixels"):
        process(picture(), wanted)


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n", picture()[:-30]])
def test_what_is_no_picture_is_refused(content: bytes):
    wanted = processing_of("imageMogr2/thumbnail/1x")
    assert wanted is not None
    with pytest.raises(InvalidParam, match="no picture"):
        process(content, wanted)


@given(st.text(max_size=40))
@settings(deadline=None)
def test_no_query_brings_anything_but_a_refusal(text: str):
    with contextlib.suppress(InvalidParam):
        assert processing_of(f"imageMogr2/{text}") is not None
