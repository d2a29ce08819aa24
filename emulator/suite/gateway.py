"""Owns building the gateway `/v1` of a suite.

Not here: what its paths do. The one idea: every family of paths is a list of endpoints, and the
gateway is all of them.
"""

from aiohttp import web

from emulator.config import Config
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


def make_gateway(identity: Identity, doors: Doors, recorder: Recorder) -> Gateway:
    """Return the gateway with all its endpoints."""
    endpoints = [
        *GatewayDatabase(doors.executor).endpoints(),
        *GatewayFunctions(doors.functions, doors.platform.stand_ins(), recorder).endpoints(),
        *GatewayFiles(doors.storage).endpoints(),
        *refusals(),
    ]
    return Gateway(endpoints, Callers(identity.auth), scope=doors.scope, ids=doors.ids)


def gateway_routes(gateway: Gateway) -> list[web.RouteDef]:
    """Return the routes that js-sdk 3.x asks through, and the script that leads pages here."""
    return [*gateway.routes(), *redirect.routes(), *sdk_files.routes()]


def forwarded_routes(config: Config, forwarder: Forwarder) -> list[web.RouteDef]:
    """Return the routes of what the project runs itself, which come before the gateway's."""
    return [
        *Containers(config.containers, forwarder).routes(),
        *LocalServices(config.services, forwarder).routes(),
    ]
