"""Owns data models, SQL and AI on the gateway, where the project names an address that is asked.

Not here: how a request travels (`wire.forwarding`), and what is answered where nothing is named
(`wire.gateway`). The one idea: a service is a path below `/v1`, and what follows it is appended to
the address; the longest path that is named decides.
"""

from collections.abc import Mapping
from functools import partial

from aiohttp import web

from emulator.wire.cors import Handler, shared
from emulator.wire.forwarding import Forwarder, Target, path_after


class LocalServices:
    """The services of one project: addresses by path."""

    def __init__(self, addresses: Mapping[str, str], forwarder: Forwarder) -> None:
        self._addresses = addresses
        self._forwarder = forwarder

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, which come before those of the gateway; the same with a named env."""
        return [
            web.route("*", f"{prefix}/v1/{name}{rest}", self._rim(name))
            for name in sorted(self._addresses, key=len, reverse=True)
            for prefix in ("", "/e/{env}")
            for rest in ("", "/{path:.*}")
        ]

    def _rim(self, name: str) -> Handler:
        return shared(self._forwarder.rim(partial(self._target, name)))

    def _target(self, name: str, request: web.Request) -> Target:
        path = path_after(request, f"/v1/{name}")
        return Target(self._addresses[name], path, f"service {name}", "services")
