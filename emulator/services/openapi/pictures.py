"""Owns the codes that lead into a mini program: `wxacode.*`, as QR pictures, and links.

Not here: how a QR code is drawn (the library `segno`). The one idea: the picture is a real QR code
that holds the page's path and query, so that a test can read it back; WeChat's own round code is
drawn by WeChat alone. Facts: WeChat's pages on wxacode.get, getUnlimited and createQRCode.
"""

import hashlib
import io
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

    width = call.data.get("width")
    wanted = width if type(width) is int else WIDTH_DEFAULT_PX
    wanted = min(max(wanted, WIDTH_MIN_PX), WIDTH_MAX_PX)
    try:
        code = segno.make_qr(text, error="m")
    except segno.DataOverflowError:
        return refused(40159, "invalid length for path, or the data is not json string")
    modules = code.symbol_size(border=BORDER_MODULES)[0]
    light = None if call.data.get("is_hyaline") is True else "white"
    target = io.BytesIO()
    code.save(
        target,
        kind="png",
        scale=max(1, round(wanted / modules)),
        border=BORDER_MODULES,
        dark=_colour(call.data.get("line_color")),
        light=light,
    )
    return picture(target.getvalue(), "image/png")


def _colour(given: Any) -> tuple[int, int, int]:
    """Return the colour of `line_color`, whose parts are numbers or their text; black without."""
    if not isinstance(given, Mapping):
        return (0, 0, 0)
    red, green, blue = (_part(given.get(name)) for name in "rgb")
    return red, green, blue


def _part(value: Any) -> int:
    text = str(value)
    return min(int(text), 255) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _digest(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(repr(sorted(data.items())).encode()).hexdigest()
