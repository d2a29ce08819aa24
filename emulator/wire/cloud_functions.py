"""Owns the calls of Tencent Cloud's API about functions: list, describe, invoke.

Not here: the door (`wire.cloud_api`) and logs (`wire.cloud_logs`). The one idea: functions are
folders of the project, so they are told and called here, and never made or changed: who asks for
that hears where to do it. Fields are those of `scf` 2018-04-16 and of `tcb` 2018-06-08.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from emulator.core.errors import FunctionNotFound, InvalidParam
from emulator.core.values import Value
from emulator.functions.base import Bundle
from emulator.services.caller import Caller
from emulator.services.functions import Invoked
from emulator.wire import fields
from emulator.wire.actions import Invokes
from emulator.wire.cloud_api import Call, Unsupported
from emulator.wire.cloud_logs import FAILED, moment
from emulator.wire.fields import Body

LIST_DEFAULT: Final = 20
_OUTSIDE: Final = Caller(kind="administrator", source="scf_invoke")
_RUNTIMES: Final = {"node": "Nodejs18.15", "python": "Python3.10"}
_ON_DISK: Final = (
    "CreateFunction",
    "UpdateFunctionCode",
    "UpdateFunctionIncrementalCode",
    "UpdateFunctionConfiguration",
    "DeleteFunction",
    "CopyFunction",
    "CreateTrigger",
    "BatchCreateTrigger",
    "DeleteTrigger",
)


class Known(Protocol):
    """What knows the functions."""

    def bundles(self) -> list[Bundle]:
        """Return them."""
        ...


class CloudFunctions:
    """The calls of one suite."""

    def __init__(
        self,
        functions: Invokes,
        known: Known,
        *,
        require_env: Callable[[str], None],
    ) -> None:
        self._functions = functions
        self._known = known
        self._require_env = require_env

    def table(self) -> dict[str, Call]:
        """Return the actions of `scf` by name."""
        return {
            "ListFunctions": self._list,
            "GetFunction": self._describe,
            "Invoke": self._invoke,
            "InvokeFunction": self._invoke,
            **dict.fromkeys(_ON_DISK, _refuse),
        }

    def later_table(self) -> dict[str, Call]:
        """Return the actions of `tcb` by name."""
        return {"ListFunctions": self._list}

    def _bundle(self, body: Body) -> Bundle:
        self._require_env(fields.optional_text(body, "Namespace"))
        name = fields.text(body, "FunctionName")
        found = next((each for each in self._known.bundles() if each.name == name), None)
        if found is None:
            raise FunctionNotFound(f"FunctionName parameter could not be found: {name:.100}")
        return found

    async def _list(self, body: Body) -> dict[str, Any]:
        for name in ("Namespace", "EnvId"):
            self._require_env(fields.optional_text(body, name))
        limit, offset = fields.count(body, "Limit"), fields.count(body, "Offset") or 0
        limit = LIST_DEFAULT if limit is None else limit
        known = sorted(self._known.bundles(), key=lambda each: each.name)
        return {
            "Functions": [_summary(each) for each in known[offset : offset + limit]],
            "TotalCount": len(known),
        }

    async def _describe(self, body: Body) -> dict[str, Any]:
        bundle = self._bundle(body)
        return {
            **_summary(bundle),
            "Handler": f"{bundle.entry.stem}.{bundle.handlers[0] if bundle.handlers else 'main'}",
            "MemorySize": bundle.memory_mb,
            "Timeout": round(bundle.timeout_s),
            "CodeInfo": "",
            "CodeResult": "success",
            "CodeError": "",
            "CodeSize": 0,
            "FunctionVersion": "$LATEST",
            "UseGpu": "FALSE",
            "InstallDependency": "FALSE",
            "ErrNo": 0,
            "Environment": {
                "Variables": [
                    {"Key": name, "Value": value} for name, value in bundle.variables.items()
                ]
            },
            "VpcConfig": {"VpcId": "", "SubnetId": ""},
            "Triggers": [
                {
                    "TriggerName": each.name,
                    "Type": each.kind,
                    "TriggerDesc": _text(each.config),
                    "Enable": 1,
                }
                for each in bundle.triggers
            ],
            "StatusReasons": [],
        }

    async def _invoke(self, body: Body) -> dict[str, Any]:
        name = self._bundle(body).name
        said = fields.optional_text(body, "ClientContext") or fields.optional_text(body, "Event")
        try:
            event: Value = orjson.loads(said) if said else {}
        except orjson.JSONDecodeError as fault:
            raise InvalidParam(f"ClientContext is not JSON: {fault}") from fault
        return {"Result": _result(await self._functions.invoke(name, event, _OUTSIDE))}


async def _refuse(body: Body) -> dict[str, Any]:
    raise Unsupported(
        "functions are folders of the project here: change the files, its configuration or its "
        f"triggers and save ({fields.optional_text(body, 'FunctionName')[:100] or 'no name given'})"
    )


def _summary(bundle: Bundle) -> dict[str, Any]:
    changed = moment(_changed_ms(bundle.entry))
    return {
        "FunctionId": f"lam-{bundle.name}",
        "FunctionName": bundle.name,
        "Namespace": "",
        "Description": "",
        "Runtime": _RUNTIMES[bundle.language],
        "Status": "Active",
        "StatusDesc": "",
        "Type": "Event" if bundle.web is None else "HTTP",
        "AddTime": changed,
        "ModTime": changed,
    }


def _changed_ms(file: Path) -> int:
    """Return when a file was saved, 0 for one that is gone."""
    try:
        return file.stat().st_mtime_ns // 1_000_000
    except OSError:
        return 0


def _result(invoked: Invoked) -> dict[str, Any]:
    outcome = invoked.outcome
    failure = outcome.failure
    told: Mapping[str, Any] = {"InvokeResult": 0, "ErrMsg": "", "RetMsg": outcome.result.decode()}
    if failure is not None:
        said = {"errorCode": FAILED, "errorMessage": failure.message, "stackTrace": failure.stack}
        told = {
            "InvokeResult": FAILED,
            "ErrMsg": failure.message,
            "RetMsg": orjson.dumps(said).decode(),
        }
    return {
        **told,
        "FunctionRequestId": invoked.request_id,
        "Log": "\n".join(line for _, line in invoked.logs),
        "Duration": outcome.duration_ms,
        "BillDuration": round(outcome.duration_ms),
        "MemUsage": 0,
    }


def _text(value: Value) -> str:
    return value if type(value) is str else orjson.dumps(value).decode()
