"""Owns putting the realtime door together: its routes, its part of the control API, its end."""

import asyncio

from aiohttp import web

from emulator.suite.assembly import Parts
from emulator.wire import control_watch
from emulator.wire.watch import WatchDoor


class Realtime:
    """The realtime connections of one running suite."""

    def __init__(self, parts: Parts) -> None:
        self._watches = parts.watches
        self._door = WatchDoor(
            parts.watches,
            login=parts.identity.auth.socket_caller,
            env_id=parts.identity.env_id,
            later=asyncio.get_running_loop().call_later,
            recorder=parts.recorder,
        )

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of both."""
        return [*self._door.routes(), *control_watch.routes(self._door)]

    async def close(self) -> None:
        """Tell every client that the suite stops."""
        self._watches.close()
        await self._door.close()
