"""Owns `callContainer`: requests for a container go on to the local address that the project names.

Not here: the other paths of the gateway, and how a request travels (`wire.forwarding`). Paths are
those of @cloudbase/node-sdk 3.x and js-sdk 2.x and 3.x: `/v1/cloudrun/NAME/PATH`. Which WeChat user
asks is told in `X-WX-OPENID` and its relatives.
"""

from collections.abc import Mapping

from aiohttp import web

from emulator.wire.cors import shared
from emulator.wire.forwarding import Forwarder, ServiceNotFound, Target, path_after


class Containers:
    """The containers of one project: addresses by name."""

    def __init__(self, addresses: Mapping[str, str], forwarder: Forwarder, *, env_id: str) -> None:
        self._addresses = addresses
        self._forwarder = forwarder
        self._env_id = env_id

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, and the same for a named environment."""
        rim = shared(self._forwarder.rim(self._target))
        return [
            web.route("*", f"{prefix}/v1/cloudrun/{{name}}{rest}", rim)
            for prefix in ("", "/e/{env}")
            for rest in ("", "/{path:.*}")
        ]

    def _target(self, request: web.Request) -> Target:
        name = request.match_info["name"]
        address = self._addresses.get(name)
        if address is None:
            raise ServiceNotFound(
                f"no address of container {name:.60} is known",
                hint=f'say it in .emulator.toml: [containers] {name:.60} = "http://127.0.0.1:3000"',
            )
        path = path_after(request, f"/v1/cloudrun/{name}")
        return Target(address, path, f"container {name:.60}", "containers", self._env_id)
