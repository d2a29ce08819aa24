"""Owns the calls of Tencent Cloud's API about the environment itself: what there is, and who may.

Not here: the door (`wire.cloud_api`). The one idea: what manager-node asks first is where things
are; it is told one environment with a database, a bucket and functions, all of them this suite's.
Permissions that are set hold until the suite stops, as those that the control API sets.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from emulator.core.errors import InvalidParam
from emulator.core.rules.files import DEFAULT
from emulator.core.values import Value
from emulator.core.wellformed import wellformed
from emulator.services.permissions import Permissions
from emulator.wire import fields
from emulator.wire.cloud_api import Call
from emulator.wire.fields import Body

CUSTOM: Final = "CUSTOM"
_CREATED: Final = "2020-01-01 00:00:00"
_OWN: Final = DEFAULT["write"]
_FILE_RULES: Final[Mapping[str, Mapping[str, Value]]] = {
    "READONLY": {"read": True, "write": _OWN},
    "PRIVATE": {"read": _OWN, "write": _OWN},
    "ADMINWRITE": {"read": True, "write": False},
    "ADMINONLY": {"read": False, "write": False},
}
"""The names that the console has for the rules of files."""


class CloudEnv:
    """The calls of one suite."""

    def __init__(
        self,
        permissions: Permissions,
        *,
        env_id: str,
        bucket: str,
        site_bucket: str,
        region: str,
        require_env: Callable[[str], None],
    ) -> None:
        self._permissions = permissions
        self._env_id = env_id
        self._bucket = bucket
        self._site_bucket = site_bucket
        self._region = region
        self._require_env = require_env

    def table(self) -> dict[str, Call]:
        """Return the actions by name."""
        return {
            "CheckTcbService": self._check,
            "DescribeEnvs": self._list,
            "DescribeEnvInfo": self._describe,
            "DescribeStaticStore": self._site,
            "DescribeStorageSafeRule": self._file_rules,
            "ModifyStorageSafeRule": self._put_file_rules,
            "DescribeStorageACL": self._file_rules,
            "ModifyStorageACL": self._put_file_rules,
            "DescribeSafeRule": self._rules,
            "ModifySafeRule": self._put_rules,
            "DescribeSecurityRule": self._function_rules,
            "ModifySecurityRule": self._put_function_rules,
            "DescribeDatabaseACL": self._rules,
            "ModifyDatabaseACL": self._put_rules,
        }

    async def _check(self, body: Body) -> dict[str, Any]:
        del body
        return {"Initialized": True}

    async def _list(self, body: Body) -> dict[str, Any]:
        return {"EnvList": [self._env(body)], "Total": 1}

    async def _describe(self, body: Body) -> dict[str, Any]:
        return {"EnvInfo": {"EnvBaseInfo": self._env(body)}}

    def _env(self, body: Body) -> dict[str, Any]:
        """Return the environment, under the name that it was asked for by."""
        named = wellformed(fields.optional_text(body, "EnvId"))
        self._require_env(named)
        name, region = named or self._env_id, self._region
        site = f"{self._env_id}.tcloudbaseapp.com"
        return {
            "EnvId": name,
            "Alias": name,
            "Source": "miniapp",
            "Status": "NORMAL",
            "CreateTime": _CREATED,
            "UpdateTime": _CREATED,
            "Databases": [{"InstanceId": f"tnt-{name}", "Status": "RUNNING", "Region": region}],
            "Storages": [
                {
                    "Region": region,
                    "Bucket": self._bucket,
                    "CdnDomain": f"{self._bucket}.tcb.qcloud.la",
                    "AppId": self._bucket.rpartition("-")[2],
                }
            ],
            "Functions": [{"Namespace": name, "Region": region}],
            "LogServices": [],
            "StaticStorages": [
                {"Region": region, "Bucket": self._site_bucket, "StaticDomain": site}
            ],
            "PackageId": "",
            "PackageName": "",
            "EnvType": "baas",
            "Region": region,
            "IsDefault": True,
        }

    async def _site(self, body: Body) -> dict[str, Any]:
        """Tell of the hosted site; the API's own spelling of its region is `Regoin`."""
        self._require_env(fields.optional_text(body, "EnvId"))
        told = {
            "EnvId": self._env_id,
            "CdnDomain": f"{self._env_id}.tcloudbaseapp.com",
            "Bucket": self._site_bucket,
            "Regoin": self._region,
            "Region": self._region,
            "Status": "online",
        }
        return {"Data": [told]}

    async def _file_rules(self, body: Body) -> dict[str, Any]:
        self._require_env(fields.optional_text(body, "EnvId"))
        return _told(self._permissions.file_source, _FILE_RULES)

    async def _put_file_rules(self, body: Body) -> dict[str, Any]:
        self._require_env(fields.optional_text(body, "EnvId"))
        tag = _tag(body)
        self._permissions.put_files(_rule(body) if tag == CUSTOM else dict(_FILE_RULES[tag]))
        return {}

    async def _function_rules(self, body: Body) -> dict[str, Any]:
        self._require_env(fields.optional_text(body, "EnvId"))
        _require_functions(body)
        rule = orjson.dumps(dict(self._permissions.function_source)).decode()
        return {"AclTag": CUSTOM, "Rule": rule}

    async def _put_function_rules(self, body: Body) -> dict[str, Any]:
        self._require_env(fields.optional_text(body, "EnvId"))
        _require_functions(body)
        self._permissions.put_functions(_rule(body))
        return {}

    async def _rules(self, body: Body) -> dict[str, Any]:
        self._require_env(fields.optional_text(body, "EnvId"))
        permission = self._permissions.of(fields.text(body, "CollectionName"))
        return _told(permission.preset or permission.source, {})

    async def _put_rules(self, body: Body) -> dict[str, Any]:
        self._require_env(fields.optional_text(body, "EnvId"))
        tag = _tag(body)
        source = _rule(body) if tag == CUSTOM else tag
        self._permissions.put(fields.text(body, "CollectionName"), source)
        return {}


def _told(source: Value, named: Mapping[str, Value]) -> dict[str, Any]:
    """Return the name of a permission, and its rules where it has none."""
    if isinstance(source, str):
        return {"AclTag": source, "Rule": ""}
    tag = next((name for name, rules in named.items() if rules == source), CUSTOM)
    return {"AclTag": tag, "Rule": orjson.dumps(source).decode() if tag == CUSTOM else ""}


def _require_functions(body: Body) -> None:
    if fields.text(body, "ResourceType") != "FUNCTION":
        raise InvalidParam(
            "rules of functions (ResourceType FUNCTION) are kept so; DescribeSafeRule and "
            "DescribeStorageSafeRule have those of collections and files"
        )


def _tag(body: Body) -> str:
    tag = fields.text(body, "AclTag")
    if tag != CUSTOM and tag not in _FILE_RULES:
        known = ", ".join((*_FILE_RULES, CUSTOM))
        raise InvalidParam(f"AclTag must be one of {known}, not {tag:.40}")
    return tag


def _rule(body: Body) -> Value:
    said = fields.text(body, "Rule")
    try:
        rule: Value = orjson.loads(said)
    except orjson.JSONDecodeError as fault:
        raise InvalidParam(f"Rule is not JSON: {fault}") from fault
    return rule
