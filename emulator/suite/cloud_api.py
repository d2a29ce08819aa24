"""Owns building what answers Tencent Cloud's API and COS's, out of a suite's parts.

Not here: what their calls do (`wire.cloud_api`, `wire.cos`).
"""

from collections.abc import Mapping
from typing import NamedTuple

from aiohttp import web

from emulator.services.call_signatures import CallSignatures
from emulator.services.file_ids import bucket_of
from emulator.services.migrations import Migrations
from emulator.services.scope import Scope
from emulator.suite.assembly import REGION, Parts
from emulator.wire.cloud_api import CloudApi
from emulator.wire.cloud_env import CloudEnv
from emulator.wire.cloud_functions import CloudFunctions
from emulator.wire.cloud_tables import CloudTables
from emulator.wire.cos import CosApi
from emulator.wire.guard import Guard


class CloudApis(NamedTuple):
    """Both of one suite."""

    api: CloudApi
    cos: CosApi

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of both."""
        return [*self.api.routes(), *self.cos.routes()]

    async def close(self) -> None:
        """Forget what was begun and not ended."""
        await self.cos.close()


def make_cloud_apis(
    parts: Parts, guard: Guard, scope: Scope, keys: Mapping[str, str] | None
) -> CloudApis:
    """Return both; `keys` are the secrets that a strict project takes."""
    signatures = None if keys is None else CallSignatures(keys)
    bucket = bucket_of(scope.env_id)
    tables = CloudTables(parts.executor, Migrations(parts.executor, parts.storage)).table()
    functions = CloudFunctions(
        parts.functions, parts.registry, parts.recorder, require_env=scope.require_env
    )
    env = CloudEnv(
        parts.access.permissions,
        env_id=scope.env_id,
        bucket=bucket,
        region=REGION,
        require_env=scope.require_env,
    )
    api = CloudApi(
        {
            "tcb": {**env.table(), **tables, **functions.later_table()},
            "flexdb": tables,
            "scf": functions.table(),
        },
        ids=parts.ids,
        guard=guard,
        signatures=signatures,
    )
    cos = CosApi(parts.storage, bucket=bucket, guard=guard, signatures=signatures)
    return CloudApis(api, cos)
