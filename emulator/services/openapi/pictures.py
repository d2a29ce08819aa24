"""Owns the codes that lead into a mini program: `wxacode.*`, as QR pictures, and links.

Not here: how a QR code is drawn (the library `segno`). The one idea: the picture is a real QR code
that holds the page's path and query, so that a test can read it back; WeChat's own round code is
drawn by WeChat alone. Facts: WeChat's pages on wxacode.get, getUnlimited and createQRCode.
"""

import hashlib
import itertools
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from emulator.services.openapi.calls import Answer, Call, done, picture, refused, text_of

PATH_LENGTH_MAX: Final = 1_024
SCENE_LENGTH_MAX: Final = 32
WIDTH_DEFAULT_PX: Final = 430
WIDTH_MIN_PX: Final = 280
WIDTH_MAX_PX: Final = 1_280
BORDER_MODULES: Final = 4
_LIGHT: Final = b"\xff\xff\xff"
_VERSIONS: Final = ("release", "trial", "develop")
_SCENE_SIGNS: Final = frozenset("!#$&'()*+,/:;=?@-._~")


def handlers() -> dict[str, Callable[[Call], Answer]]:
    """Return the APIs of this module by name."""
    return {
        "wxacode.get": _of_path,
        "wxacode.createQRCode": _of_path,
        "wxacode.getUnlimited": _of_scene,
        "urlscheme.generate": lambda call: done(
            openlink=f"weixin://dl/business/?t={_digest(call.data)[:11]}"
        ),
        "shortlink.generate": lambda call: done(link=f"#小程序://local/{_digest(call.data)[:11]}"),
        "urllink.generate": lambda call: done(
            url_link=f"https://wxaurl.cn/{_digest(call.data)[:11]}"
        ),
    }


def _of_path(call: Call) -> Answer:
    path = text_of(call, "path")
    if not path or len(path) > PATH_LENGTH_MAX:
        return refused(40159, "invalid length for path, or the data is not json string")
    return _drawn(call, path)


def _of_scene(call: Call) -> Answer:
    scene = text_of(call, "scene")
    known = all(
        letter.isascii() and (letter.isalnum() or letter in _SCENE_SIGNS) for letter in scene
    )
    if not scene or len(scene) > SCENE_LENGTH_MAX or not known:
        return refused(40169, "invalid length for scene, or the data is not json string")
    page = text_of(call, "page")
    if page.startswith("/") or "?" in page:
        return refused(41030, "invalid page")
    return _drawn(call, f"{page or 'pages/index/index'}?scene={quote(scene, safe='')}")


def _drawn(call: Call, text: str) -> Answer:
    import segno

    version = call.data.get("env_version")
    if version is not None and version not in _VERSIONS:
        return refused(40097, f"invalid args: env_version must be one of {', '.join(_VERSIONS)}")
    width = call.data.get("width")
    wanted = width if type(width) is int else WIDTH_DEFAULT_PX
    wanted = min(max(wanted, WIDTH_MIN_PX), WIDTH_MAX_PX)
    try:
        code = segno.make_qr(text, error="m")
    except segno.DataOverflowError:
        return refused(40159, "invalid length for path, or the data is not json string")
    dark = _colour(call.data.get("line_color"))
    rows = [bytes(row) for row in code.matrix]
    content = _png(rows, wanted, dark, hyaline=call.data.get("is_hyaline") is True)
    return picture(content, "image/png")


def _png(rows: list[bytes], side: int, dark: bytes, *, hyaline: bool) -> bytes:
    """Return a square of exactly so many pixels with the modules in its middle."""
    scale = side // (len(rows) + 2 * BORDER_MODULES)
    before = (side - scale * len(rows)) // 2
    width = -(-side // 8)
    blank = bytes(1 + width)  # a line begins with the number of its filter: none
    lines = [blank] * before
    for row in rows:
        bits = "0" * before + "".join(str(module) * scale for module in row)
        line = b"\0" + int(bits.ljust(8 * width, "0"), 2).to_bytes(width)
        lines += [line] * scale
    lines += [blank] * (side - len(lines))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 3, 0, 0, 0)),
        (b"PLTE", _LIGHT + dark),
        *([(b"tRNS", b"\0")] if hyaline else []),
        (b"IDAT", zlib.compress(b"".join(lines))),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(itertools.starmap(_chunk, chunks))


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", check)))


def _colour(given: Any) -> bytes:
    """Return the colour of `line_color`, whose parts are numbers or their text; black without."""
    if not isinstance(given, Mapping):
        return bytes(3)
    return bytes(_part(given.get(name)) for name in "rgb")


def _part(value: Any) -> int:
    text = str(value)
    return min(int(text), 255) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _digest(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(repr(sorted(data.items())).encode()).hexdigest()
