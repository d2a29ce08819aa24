"""Owns pictures made smaller on the way out: `imageMogr2` after a file's URL, as COS has it.

Not here: sending them (`wire.storage`). The one idea: the parameters are read into a record before
any pixel is; Pillow, an optional extra, does the work on a thread, within bounds on what goes in
and comes out. Operations: thumbnail, quality, format, rotate, auto-orient; strip and interlace
change nothing one sees. COS: 图片处理, 缩放 and 格式转换.
"""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from emulator.core.errors import InvalidParam
from emulator.core.records import dataclass

if TYPE_CHECKING:
    from PIL.Image import Image

PREFIX: Final = "imageMogr2/"
SOURCE_BYTES_MAX: Final = 32 * 1024 * 1024
PIXELS_MAX: Final = 50_000_000
SIDE_PIXELS_MAX: Final = 9_999
OPERATIONS_MAX: Final = 20
QUALITY_DEFAULT: Final = 85

FORMATS: Final = {
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "png": "PNG",
    "gif": "GIF",
    "webp": "WEBP",
    "bmp": "BMP",
}
"""Names of the platform to Pillow's."""
_TYPES: Final = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
}
_OPAQUE: Final = frozenset({"JPEG", "BMP"})

_SCALE: Final = re.compile(r"!(?P<x>\d{1,3})p|!(?P<w>\d{1,3})px|!x(?P<h>\d{1,3})p", re.ASCII)
_SIDES: Final = re.compile(
    r"(?P<cover>!)?(?P<w>\d{1,5})?x(?P<h>\d{1,5})?(?P<how>[r!<>]?)", re.ASCII | re.IGNORECASE
)
_AREA: Final = re.compile(r"(\d{1,9})@", re.ASCII)

Size = tuple[int, int]
Resize = Callable[[Size], Size]
"""From a picture's size to that of its thumbnail, not yet within bounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """What is to be done to a picture; no `format` keeps its own."""

    resizes: tuple[Resize, ...] = ()
    quality: int = QUALITY_DEFAULT
    format: str | None = None
    degrees: int = 0
    upright: bool = False


def processing_of(query: str) -> Processing | None:
    """Return what a URL's query asks to be done to a picture, None when it asks for nothing.

    Raises:
        InvalidParam: it asks for something that is not known here.
    """
    found = Processing()
    asked = False
    for part in re.split(r"[&|]", unquote(query)):
        if part.startswith(PREFIX):
            asked = True
            found = _read(found, part.removeprefix(PREFIX).strip("/").split("/"))
    return found if asked else None


def is_available() -> bool:
    """Tell whether Pillow is installed."""
    return find_spec("PIL") is not None


def process(content: bytes, wanted: Processing) -> tuple[bytes, str]:
    """Return the processed picture and its content type; takes its time, so call it on a thread.

    Raises:
        InvalidParam: that is no picture, or it is beyond the bounds.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        with Image.open(io.BytesIO(content), formats=tuple(_TYPES)) as opened:
            own = opened.format or "PNG"
            if opened.width * opened.height > PIXELS_MAX:
                raise InvalidParam(f"a picture may have {PIXELS_MAX} pixels, this has more")
            picture: Image.Image = ImageOps.exif_transpose(opened) if wanted.upright else opened
            picture = picture.convert("RGBA" if opened.has_transparency_data else "RGB")
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, *bombs) as fault:
        raise InvalidParam("the file is no picture that can be processed") from fault
    for resize in wanted.resizes:
        picture = picture.resize(_bounded(resize(picture.size)))
    if wanted.degrees:
        picture = picture.rotate(-wanted.degrees, expand=True)
    return _written(picture, wanted.format or own, wanted.quality)


def _written(picture: "Image", kind: str, quality: int) -> tuple[bytes, str]:
    if kind in _OPAQUE and picture.mode != "RGB":
        picture = picture.convert("RGB")
    target = io.BytesIO()
    picture.save(target, kind, quality=quality)
    return target.getvalue(), _TYPES[kind]


def _read(found: Processing, words: list[str]) -> Processing:
    if len(words) > OPERATIONS_MAX:
        raise InvalidParam(f"more than {OPERATIONS_MAX} words after {PREFIX}")
    rest = iter(words)
    for word in rest:
        if word in ("strip", ""):
            continue
        if word == "auto-orient":
            found = replace(found, upright=True)
            continue
        change = _CHANGES.get(word)
        value = next(rest, None)
        if change is None or value is None:
            known = ", ".join((*_CHANGES, "auto-orient", "strip"))
            raise InvalidParam(f"{PREFIX}{word[:40]} is not known here; known are {known}")
        found = change(found, value)
    return found


def _thumbnail(found: Processing, value: str) -> Processing:
    return replace(found, resizes=(*found.resizes, _resize(value)))


def _quality(found: Processing, value: str) -> Processing:
    number = value.rstrip("!")
    if not number.isascii() or not number.isdigit() or not 0 <= int(number) <= 100:
        raise InvalidParam(f"quality/{value[:20]}: a number from 0 to 100")
    return replace(found, quality=max(1, int(number)))


def _format(found: Processing, value: str) -> Processing:
    kind = FORMATS.get(value.lower())
    if kind is None:
        raise InvalidParam(f"format/{value[:20]}: one of {', '.join(FORMATS)}")
    return replace(found, format=kind)


def _rotate(found: Processing, value: str) -> Processing:
    if not value.isascii() or not value.isdigit() or len(value) > 3 or int(value) > 360:
        raise InvalidParam(f"rotate/{value[:20]}: degrees from 0 to 360")
    return replace(found, degrees=int(value) % 360)


def _same(found: Processing, value: str) -> Processing:
    del value
    return found


_CHANGES: Final[dict[str, Callable[[Processing, str], Processing]]] = {
    "thumbnail": _thumbnail,
    "quality": _quality,
    "format": _format,
    "rotate": _rotate,
    "interlace": _same,
}


def _resize(value: str) -> Resize:
    if (scale := _SCALE.fullmatch(value)) is not None:
        across = int(scale["x"] or scale["w"] or 100) / 100
        down = int(scale["x"] or scale["h"] or 100) / 100
        return lambda size: (round(size[0] * across), round(size[1] * down))
    if (area := _AREA.fullmatch(value)) is not None:
        pixels = int(area[1])
        return lambda size: _times(size, min(1.0, (pixels / (size[0] * size[1])) ** 0.5))
    sides = _SIDES.fullmatch(value)
    if sides is None or not (sides["w"] or sides["h"]):
        raise InvalidParam(f"thumbnail/{value[:40]} is no size, such as 200x, x200 or !50p")
    wide, high = int(sides["w"] or 0), int(sides["h"] or 0)
    how, covers = sides["how"].lower(), sides["cover"] is not None
    if how == "!" and wide and high:
        return lambda size: (wide, high)
    return lambda size: _fitted(size, wide, high, covers=covers or how == "r", how=how)


def _fitted(size: Size, wide: int, high: int, *, covers: bool, how: str) -> Size:
    factors = [side / own for side, own in zip((wide, high), size, strict=True) if side]
    factor = max(factors) if covers else min(factors)
    if (how == ">" and factor > 1) or (how == "<" and factor < 1):
        return size
    return _times(size, factor)


def _times(size: Size, factor: float) -> Size:
    return round(size[0] * factor), round(size[1] * factor)


def _bounded(size: Size) -> Size:
    if max(size) > SIDE_PIXELS_MAX or size[0] * size[1] > PIXELS_MAX:
        raise InvalidParam(
            f"{size[0]} x {size[1]} pixels; a side has at most {SIDE_PIXELS_MAX}, all {PIXELS_MAX}"
        )
    return max(1, size[0]), max(1, size[1])
