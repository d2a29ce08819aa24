"""Owns building the gateway `/v1` of a suite.

Not here: what its paths do. The one idea: every family of paths is a list of endpoints, and the
gateway is all of them.
"""

from aiohttp import web

from emulator.services.recorder import Recorder
from emulator.suite.identity import Doors, Identity
from emulator.wire import redirect, sdk_files
from emulator.wire.callers import Callers
from emulator.wire.gateway import Gateway, refusals
from emulator.wire.gateway_database import GatewayDatabase
from emulator.wire.gateway_files import GatewayFiles
from emulator.wire.gateway_functions import GatewayFunctions


def gateway_routes(identity: Identity, doors: Doors, recorder: Recorder) -> list[web.RouteDef]:
    """Return the routes that js-sdk 3.x asks through, and the script that leads pages here."""
    endpoints = [
        *GatewayDatabase(doors.executor).endpoints(),
        *GatewayFunctions(doors.functions, doors.platform.stand_ins(), recorder).endpoints(),
        *GatewayFiles(doors.storage).endpoints(),
        *refusals(),
    ]
    gateway = Gateway(endpoints, Callers(identity.auth), ids=doors.ids)
    return [*gateway.routes(), *redirect.routes(), *sdk_files.routes()]
