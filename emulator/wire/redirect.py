"""Owns the script that sends a page's requests for the cloud to this suite.

Not here: what answers them. The one idea: a page that cannot be changed, or whose SDK has no
setting for it, loads one script before the SDK; it finds the suite by the address it came from.
"""

from importlib.resources import files
from typing import Final

from aiohttp import hdrs, web

from emulator.wire.cors import allowed

PATH: Final = "/_emu/sdk/redirect.js"
_TYPE: Final = "text/javascript; charset=utf-8"


def routes() -> list[web.RouteDef]:
    """Return the route of the script, which pages of any origin may load."""
    script = files(__package__).joinpath("redirect.js").read_bytes()

    async def answer(request: web.Request) -> web.StreamResponse:
        headers = {
            **allowed(request),
            hdrs.CONTENT_TYPE: _TYPE,
            hdrs.CACHE_CONTROL: "no-cache",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        return web.Response(body=script, headers=headers)

    return [web.get(PATH, answer)]
