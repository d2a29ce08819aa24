"""Owns building the gateway `/v1` of a suite.

Not here: what its paths do. The one idea: every family of paths is a list of endpoints, and the
gateway is all of them.
"""

from aiohttp import web

from emulator.config import Config
from emulator.services.functions import Functions
from emulator.services.recorder import Recorder
from emulator.suite.identity import Doors, Identity
from emulator.wire import redirect, sdk_files
from emulator.wire.callers import Callers
from emulator.wire.containers import Containers
from emulator.wire.forwarding import Forwarder
from emulator.wire.gateway import Gateway, refusals
from emulator.wire.gateway_database import GatewayDatabase
from emulator.wire.gateway_files import GatewayFiles
from emulator.wire.gateway_functions import GatewayFunctions
from emulator.wire.local_services import LocalServices
from emulator.wire.short_way import Door
from emulator.wire.web_functions import FUNCTIONS, WebFunctions


class GatewayPort:
    """The gateway as a port has it: its routes, and what answers requests that arrive whole."""

    def __init__(self, gateway: Gateway, web_functions: WebFunctions) -> None:
        self._gateway = gateway
        self._web_functions = web_functions

    def routes(self) -> list[web.RouteDef]:
        """Return the routes that js-sdk 3.x asks through, and the script that leads pages here."""
        own = self._web_functions.before(self._gateway.routes())
        return [*own, *redirect.routes(), *sdk_files.routes()]

    def door(self, method: str, path: str) -> Door | None:
        """Return what answers a request that arrives whole."""
        plain = self._gateway.door(method, path)
        if plain is None or not path.startswith(f"{FUNCTIONS}/"):
            return plain
        return self._web_functions.door_over(plain, path)


def make_gateway(
    identity: Identity, doors: Doors, recorder: Recorder, functions: Functions
) -> GatewayPort:
    """Return the gateway with all its endpoints."""
    callers, scope = Callers(identity.auth), doors.scope
    endpoints = [
        *GatewayDatabase(doors.executor).endpoints(),
        *GatewayFunctions(doors.functions, doors.platform.stand_ins(), recorder).endpoints(),
        *GatewayFiles(doors.storage).endpoints(),
        *refusals(),
    ]
    return GatewayPort(
        Gateway(endpoints, callers, scope=scope, ids=doors.ids),
        WebFunctions(functions, callers, scope=scope, ids=doors.ids),
    )


def forwarded_routes(config: Config, forwarder: Forwarder) -> list[web.RouteDef]:
    """Return the routes of what the project runs itself, which come before the gateway's."""
    return [
        *Containers(config.containers, forwarder, env_id=config.emulator.env).routes(),
        *LocalServices(config.services, forwarder).routes(),
    ]
