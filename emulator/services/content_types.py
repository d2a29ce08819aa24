"""Owns which content type a file has when its sender did not say.

Not here: types of hosted pages (`wire.hosting`). The one idea: Python's own table, without what the
machine's files and registry add to it, so that a suite answers the same everywhere, and the types
of today's formats that the oldest supported Python does not know.
"""

import mimetypes
from posixpath import splitext
from typing import Final

UNKNOWN: Final = "application/octet-stream"
CONTENT_TYPE_LENGTH_MAX: Final = 200

_UNTOLD: Final = frozenset(
    {"", UNKNOWN, "binary/octet-stream", "application/x-www-form-urlencoded"}
)
"""What SDKs and HTTP clients say when they know nothing."""

_LATER: Final = {
    ".avif": "image/avif",
    ".flac": "audio/flac",
    ".heic": "image/heic",
    ".js": "text/javascript",
    ".jsonl": "application/jsonl",
    ".m4a": "audio/mp4",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".ogg": "audio/ogg",
    ".otf": "font/otf",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
    ".webm": "video/webm",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xhtml": "application/xhtml+xml",
    ".yaml": "application/yaml",
}


class ContentTypes:
    """Content types by the end of a path."""

    def __init__(self) -> None:
        self._known = mimetypes.MimeTypes()

    def of(self, cloud_path: str, declared: str = "") -> str:
        """Return the declared type, or what the path's extension stands for."""
        declared = declared.strip()
        told = declared.partition(";")[0].strip().lower() not in _UNTOLD
        if told and len(declared) <= CONTENT_TYPE_LENGTH_MAX and declared.isprintable():
            return declared
        extension = splitext(cloud_path)[1].lower()
        return _LATER.get(extension) or self._known.types_map[True].get(extension, UNKNOWN)
