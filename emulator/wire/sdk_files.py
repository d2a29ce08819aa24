"""Owns the client script that a suite serves: `wx-cloud.js` as ES module, CommonJS and types.

Not here: what the script does (`emulator/client/wx-cloud.js`). The one idea: there is one source,
an ES module with one `export` at its end; the served copy knows the address it came from, and the
other forms are the same lines in another frame, without comments and needless blanks.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from importlib.resources import files
from typing import Final

from aiohttp import hdrs, web

from emulator.wire.cors import Handler, allowed, preflight

SOURCE: Final = "wx-cloud.js"
COMMONJS: Final = "wx-cloud.cjs"
TYPES: Final = "wx-cloud.d.ts"
PREFIX: Final = "/_emu/sdk"
_ADDRESS: Final = "const SERVED_FROM = ''"
_EXPORT: Final = re.compile(r"^export \{([^}]*)\}\s*\Z", re.MULTILINE)
_PORT: Final = re.compile(r":\d+\Z")
_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]-]+\Z")
_COMMENT_STARTS: Final = ("//", "/*", "*")
_LITERAL: Final = re.compile(
    r"('(?:\\.|[^'\\\n])*'"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|`(?:\\.|[^`\\])*`"
    r"|(?<=[(,=:\[!&|?{};\s])/(?![/*\s])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*)"
)
"""Text, templates and regular expressions of the source: blanks in them mean something."""
_BLANKS: Final = re.compile(r" *([=,:{}()?&|<>+*]+) *|(?<=[{,(\[?:&|=>])\n|\n(?=[}\]).?:&|])")
"""Blanks that no JavaScript needs: around signs, and line ends where no statement can end."""

_CONST: Final = re.compile(r"\bconst (?!SERVED_FROM)")
"""Shorter by two letters, four hundred times; nothing is assigned anew either way."""


def routes(api_url: Callable[[], str] | None = None) -> list[web.RouteDef]:
    """Return the routes of the script; pages of any origin may load it.

    Where another port than the API's serves it, `api_url` tells the API's port.
    """
    source, types = text_of(SOURCE), text_of(TYPES)
    serving = partial(_serving, api_url)
    return [
        route
        for name, handler in (
            (SOURCE, serving(lambda address: module_text(source, address), "text/javascript")),
            (COMMONJS, serving(lambda address: commonjs_text(source, address), "text/javascript")),
            (TYPES, serving(lambda address: types, "text/plain")),
        )
        for route in (
            web.get(f"{PREFIX}/{name}", handler),
            web.options(f"{PREFIX}/{name}", preflight),
        )
    ]


def text_of(name: str) -> str:
    """Return a file of the package as text."""
    return files("emulator").joinpath("client", name).read_text(encoding="utf-8")


def module_text(source: str, address: str = "") -> str:
    """Return the ES module; with an address it asks that suite and installs itself."""
    return _lean(_told(source, address))


def commonjs_text(source: str, address: str = "") -> str:
    """Return the same for `require` and for a plain script tag, which defines `cloudEmu`."""
    found = _EXPORT.search(source)
    assert found is not None, f"{SOURCE} ends with its one export"
    exported = ", ".join(_member(each) for each in found[1].split(","))
    return (
        f";(function () {{\n'use strict'\n{_lean(_told(source[: found.start()], address))}"
        f"const exported = {{ {exported} }}\n"
        "if (typeof module === 'object' && module.exports) module.exports = exported\n"
        "else globalThis.cloudEmu = exported\n})()\n"
    )


def _serving(api_url: Callable[[], str] | None, write: Callable[[str], str], kind: str) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        address = _address(request, api_url)
        headers: Mapping[str, str] = {
            **allowed(request),
            hdrs.CACHE_CONTROL: "no-cache",
            hdrs.CONTENT_TYPE: f"{kind}; charset=utf-8",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        response = web.Response(body=write(address).encode(), headers=headers)
        response.enable_compression()
        return response

    return serve


def _address(request: web.Request, api_url: Callable[[], str] | None) -> str:
    """Return the API's address by the name that the page used, so that other machines reach it."""
    host = request.headers.get(hdrs.HOST, "")
    if not _HOST.match(host):
        return ""
    if api_url is not None:
        port = _PORT.search(api_url())
        host = _PORT.sub("", host) + (port[0] if port else "")
    return f"http://{host}"


def _told(source: str, address: str) -> str:
    return source.replace(_ADDRESS, f"const SERVED_FROM = '{address}'", 1)


def _lean(source: str) -> str:
    lines = (line.strip() for line in source.splitlines())
    kept = "\n".join(line for line in lines if line and not line.startswith(_COMMENT_STARTS))
    parts = _LITERAL.split(kept)
    parts[::2] = [
        _CONST.sub("let ", _BLANKS.sub(lambda found: found[1] or "", part)) for part in parts[::2]
    ]
    return "".join(parts) + "\n"


def _member(name: str) -> str:
    ours, _, told = name.strip().partition(" as ")
    return f"{told}: {ours}" if told else ours
