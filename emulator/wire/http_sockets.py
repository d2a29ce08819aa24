"""Owns WebSockets of HTTP functions: a visitor's connection and the program's, joined.

Not here: which function it is and what it hears of the request (`wire.http_access`). The one idea:
the function's process answers an upgrade with where its server can be reached on this machine and
by which path; messages then pass both ways until one side closes, with its code.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from aiohttp import (
    ClientError,
    ClientSession,
    ClientWebSocketResponse,
    WSMsgType,
    WSServerHandshakeError,
    hdrs,
    web,
)
from yarl import URL

from emulator.core.errors import FunctionFailed
from emulator.wire.pairing import without_proof

PLACE_HEADER: Final = "x-cloud-emu-socket"
"""How a function's process says `PORT PATH`; no visitor sees it."""
MESSAGE_MAX_BYTES: Final = 16 * 1024 * 1024
ABNORMAL: Final = 1006
"""What nobody may send as a code: a connection that broke."""
_PROTOCOL: Final = "Sec-WebSocket-Protocol"
_OWN: Final = frozenset({"connection", "host", "upgrade", "content-length", "transfer-encoding"})

Socket = web.WebSocketResponse | ClientWebSocketResponse


def is_asked_for(request: web.Request) -> bool:
    """Tell whether a request wants to become a WebSocket."""
    return request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"


def place_of(headers: Iterable[tuple[str, str]]) -> str:
    """Return where an answer says that the program's server is, empty when it does not."""
    return next((value for name, value in headers if name.lower() == PLACE_HEADER), "")


async def join(request: web.Request, place: str) -> web.StreamResponse:
    """Join a visitor with the program's server until one of them closes.

    Raises:
        FunctionFailed: the server cannot be reached.
    """
    port, _, path = place.partition(" ")
    url = URL.build(scheme="http", host="127.0.0.1", port=int(port)).join(URL(path, encoded=True))
    protocols = [each.strip() for each in request.headers.get(_PROTOCOL, "").split(",") if each]
    headers = [
        (name, value)
        for name, value in without_proof(request.headers)
        if name.lower() not in _OWN and not name.lower().startswith("sec-websocket-")
    ]
    try:
        async with (
            ClientSession() as session,
            session.ws_connect(
                url, headers=headers, protocols=protocols, max_msg_size=MESSAGE_MAX_BYTES
            ) as far,
        ):
            near = web.WebSocketResponse(
                protocols=[far.protocol] if far.protocol else (), max_msg_size=MESSAGE_MAX_BYTES
            )
            await near.prepare(request)
            await _both_ways(near, far)
            return near
    except WSServerHandshakeError as fault:
        return web.Response(status=fault.status, text=fault.message)
    except (ClientError, OSError) as fault:
        raise FunctionFailed(f"the server took no WebSocket: {fault}") from fault


async def _both_ways(near: web.WebSocketResponse, far: ClientWebSocketResponse) -> None:
    ways = [asyncio.ensure_future(_pass(near, far)), asyncio.ensure_future(_pass(far, near))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _pass(source: Socket, target: Socket) -> None:
    """Pass messages on to the end of the source, then close the target alike."""
    try:
        while True:
            message = await source.receive()
            if message.type is WSMsgType.TEXT:
                await target.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await target.send_bytes(message.data)
            else:
                break
    except ConnectionError:
        # The target is gone: so is what was under way to it.
        return
    code = source.close_code or 1000
    reason = message.extra if message.type is WSMsgType.CLOSE and message.extra else ""
    await target.close(code=1001 if code == ABNORMAL else code, message=reason.encode())
