"""Owns building what answers WeChat's own server API, out of a suite's parts.

Not here: what its paths do (`wire.wechat`).
"""

from aiohttp import web

from emulator.services.migrations import Migrations
from emulator.suite.assembly import Parts
from emulator.wire.guard import Guard
from emulator.wire.wechat import WechatApi
from emulator.wire.wechat_files import WechatFiles


def wechat_routes(parts: Parts, guard: Guard) -> list[web.RouteDef]:
    """Return the routes of `/cgi-bin/token` and `/tcb/...`."""
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
        clock=parts.clock,
        ids=parts.ids,
        guard=guard,
    )
    return api.routes()
