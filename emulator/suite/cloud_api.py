"""Owns building what answers Tencent Cloud's API and COS's, out of a suite's parts.

Not here: what their calls do (`wire.cloud_api`, `wire.cos`).
"""

from typing import NamedTuple

from aiohttp import web

from emulator.config import Config
from emulator.services.call_signatures import CallSignatures
from emulator.services.deploying import Deployments
from emulator.services.file_ids import bucket_of
from emulator.services.hosting import DEPLOYED_FOLDER
from emulator.services.migrations import Migrations
from emulator.services.scope import Scope
from emulator.suite.assembly import REGION, Parts
from emulator.suite.variables import LOCAL_SECRETS
from emulator.wire.cloud_api import CloudApi
from emulator.wire.cloud_env import CloudEnv
from emulator.wire.cloud_functions import CloudFunctions
from emulator.wire.cloud_logs import CloudLogs
from emulator.wire.cloud_tables import CloudTables
from emulator.wire.cloud_users import CloudUsers
from emulator.wire.cos import CosApi
from emulator.wire.cos_objects import HostedObjects, Objects, StoredObjects
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


def make_cloud_apis(config: Config, parts: Parts, guard: Guard, scope: Scope) -> CloudApis:
    """Return both; a strict project takes its own secrets only."""
    signatures = CallSignatures(LOCAL_SECRETS) if config.emulator.strict else None
    bucket, site_bucket = bucket_of(scope.env_id), bucket_of(f"{scope.env_id}-static")
    tables = CloudTables(parts.executor, Migrations(parts.executor, parts.storage)).table()
    functions = CloudFunctions(parts.functions, parts.registry, require_env=scope.require_env)
    logs = CloudLogs(parts.recorder, require_env=scope.require_env)
    users = CloudUsers(parts.identity.auth, require_env=scope.require_env)
    env = CloudEnv(
        parts.access.permissions,
        env_id=scope.env_id,
        bucket=bucket,
        site_bucket=site_bucket,
        region=REGION,
        require_env=scope.require_env,
    )
    api = CloudApi(
        {
            "tcb": {
                **env.table(),
                **tables,
                **functions.later_table(),
                **logs.later_table(),
                **users.table(),
            },
            "flexdb": tables,
            "scf": {**functions.table(), **logs.table()},
        },
        ids=parts.ids,
        guard=guard,
        signatures=signatures,
    )
    buckets: dict[str, Objects] = {
        bucket: StoredObjects(parts.storage),
        site_bucket: HostedObjects(Deployments(config.data_dir / DEPLOYED_FOLDER)),
    }
    cos = CosApi(buckets, ids=parts.ids, guard=guard, signatures=signatures)
    return CloudApis(api, cos)
