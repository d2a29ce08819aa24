"""Owns building what answers WeChat's own server API, out of a suite's parts.

Not here: what its paths do (`wire.wechat`).
"""

from aiohttp import web

from emulator.services.migrations import Migrations
from emulator.services.scope import Scope
from emulator.suite.assembly import Parts
from emulator.wire.guard import Guard
from emulator.wire.wechat import WechatApi
from emulator.wire.wechat_files import WechatFiles
from emulator.wire.wechat_open import OpenPaths


def wechat_routes(parts: Parts, guard: Guard, scope: Scope, *, strict: bool) -> list[web.RouteDef]:
    """Return the routes of `/cgi-bin/token`, `/tcb/...` and the open APIs."""
    files = WechatFiles(
        parts.executor,
        parts.storage,
        Migrations(parts.executor, parts.storage),
        clock=parts.clock,
        ids=parts.ids,
    )
    api = WechatApi(
        parts.executor,
        parts.functions,
        files,
        parts.delayed,
        clock=parts.clock,
        ids=parts.ids,
        guard=guard,
        scope=scope,
        strict=strict,
    )
    # An open API under /tcb/ comes before what answers for all of /tcb/.
    return [*api.open_routes(OpenPaths(parts.openapi)), *api.routes()]
