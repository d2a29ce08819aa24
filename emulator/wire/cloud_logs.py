"""Owns the calls of Tencent Cloud's API about logs: of functions, and searched as CLS does.

Not here: the door (`wire.cloud_api`), the log itself (`services.recorder`). The one idea: each
shape is made of the same calls with their lines; of CLS's language words, fields and AND are
understood.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Protocol

import orjson

from emulator.core.errors import InvalidParam
from emulator.services.recorder import LogLine, RequestRecord
from emulator.wire import fields
from emulator.wire.cloud_api import Call
from emulator.wire.fields import Body

FAILED: Final = -1
"""What stands for a failed call."""
LOGS_DEFAULT: Final = 10
SEARCH_DEFAULT: Final = 20
SEARCH_MAX: Final = 100
LOG_REQUESTS_MAX: Final = 2_000
LOG_LINES_MAX: Final = 10_000
_CHINA: Final = timezone(timedelta(hours=8))
_TERM: Final = re.compile(r'(?:([\w.]+):)?(?:"([^"]*)"|([^\s"]+))')
_EVERYTHING: Final = (("", "AND"), ("", "*"))
"""What stands in a search and asks for nothing."""


class Recorded(Protocol):
    """What remembers calls."""

    def requests(self, limit: int) -> Sequence[RequestRecord]:
        """Return the newest ones, oldest first."""
        ...

    def logs(self, *, request_id: str, limit: int) -> Sequence[LogLine]:
        """Return lines of one call."""
        ...


class CloudLogs:
    """The calls of one suite."""

    def __init__(self, recorded: Recorded, *, require_env: Callable[[str], None]) -> None:
        self._recorded = recorded
        self._require_env = require_env

    def table(self) -> dict[str, Call]:
        """Return the actions of `scf` by name."""
        return {"GetFunctionLogs": self._logs}

    def later_table(self) -> dict[str, Call]:
        """Return the actions of `tcb` by name."""
        return {
            "GetFunctionLogs": self._log_list,
            "GetFunctionLogDetail": self._log_detail,
            "SearchClsLog": self._search,
        }

    async def _logs(self, body: Body) -> dict[str, Any]:
        """Tell calls with their lines, the newest first unless `Order` is asc."""
        found = self._calls(body, "FunctionRequestId")
        if fields.optional_text(body, "Order").lower() == "asc":
            found.reverse()
        return {"Data": [self._told(each) for each in _page(body, found)], "TotalCount": len(found)}

    async def _log_list(self, body: Body) -> dict[str, Any]:
        self._require_env(fields.optional_text(body, "EnvId"))
        found = _page(body, self._calls(body, "LogRequestId"))
        return {
            "LogList": [
                {
                    "RequestId": each.request_id,
                    "RetCode": 0 if each.ok else FAILED,
                    "RetryNum": 0,
                    "StartTime": moment(each.at_ms),
                }
                for each in found
            ]
        }

    async def _log_detail(self, body: Body) -> dict[str, Any]:
        fields.text(body, "LogRequestId")
        found = self._calls(body, "LogRequestId")
        if not found:
            raise InvalidParam("there is no call of that LogRequestId")
        told = self._told(found[0])
        lines = [{"content": line} for line in told["Log"].splitlines()]
        return {
            "StartTime": told["StartTime"],
            "FunctionName": told["FunctionName"],
            "Duration": told["Duration"],
            "MemUsage": told["MemUsage"],
            "RetMsg": told["RetMsg"],
            "LogJson": orjson.dumps(lines).decode(),
            "Context": "",
            "ListOver": True,
        }

    async def _search(self, body: Body) -> dict[str, Any]:
        """Tell lines that hold every term of a search, by pages of at most `SEARCH_MAX`."""
        self._require_env(fields.optional_text(body, "EnvId"))
        terms = _terms(fields.optional_text(body, "QueryString"))
        limit = min(fields.count(body, "Limit") or SEARCH_DEFAULT, SEARCH_MAX)
        context = fields.optional_text(body, "Context")
        if context and not (context.isascii() and context.isdigit() and len(context) < 10):
            raise InvalidParam("Context must be what the answer before had")
        start = int(context or 0)
        found = [
            (line, told)
            for call in self._calls(body, "LogRequestId")
            for line in reversed(self._lines(call))
            if _holds(told := _search_content(call, line), terms)
        ]
        if fields.optional_text(body, "Sort") == "asc":
            found.reverse()
        shown, more = found[start : start + limit], len(found) > start + limit
        results = [
            {
                "TopicId": "cloud-emu",
                "TopicName": "cloud-emu",
                "Timestamp": moment(line.at_ms),
                "Content": orjson.dumps(told).decode(),
                "FileName": "",
                "Source": "",
            }
            for line, told in shown
        ]
        return {
            "LogResults": {
                "Context": str(start + limit) if more else "",
                "ListOver": not more,
                "Results": results,
                "AnalysisRecords": [],
            }
        }

    def _lines(self, call: RequestRecord) -> Sequence[LogLine]:
        return self._recorded.logs(request_id=call.request_id, limit=LOG_LINES_MAX)

    def _calls(self, body: Body, id_field: str) -> list[RequestRecord]:
        """Return the calls that fit, newest first."""
        self._require_env(fields.optional_text(body, "Namespace"))
        name, request_id = (
            fields.optional_text(body, "FunctionName"),
            fields.optional_text(body, id_field),
        )
        since, until = (_milliseconds(body, each) for each in ("StartTime", "EndTime"))
        return [
            each
            for each in reversed(self._recorded.requests(LOG_REQUESTS_MAX))
            if (not name or each.function == name)
            and (not request_id or each.request_id == request_id)
            and (since is None or each.at_ms >= since)
            and (until is None or each.at_ms <= until)
        ]

    def _told(self, call: RequestRecord) -> dict[str, Any]:
        lines = self._lines(call)
        return {
            "FunctionName": call.function,
            "RequestId": call.request_id,
            "StartTime": moment(call.at_ms),
            "RetCode": 0 if call.ok else FAILED,
            "RetMsg": call.error,
            "InvokeFinished": 1,
            "Duration": call.duration_ms,
            "BillDuration": round(call.duration_ms),
            "MemUsage": 0,
            "Log": "\n".join(each.line for each in lines),
            "Level": "" if call.ok else "error",
        }


def moment(at_ms: int) -> str:
    """Return a moment as the API writes it, in China's time."""
    found = datetime.fromtimestamp(at_ms / 1000, tz=_CHINA)
    return f"{found:%Y-%m-%d %H:%M:%S}"


def _terms(query: str) -> list[tuple[str, str]]:
    """Return the fields and texts of a search such as `function_name:"a" AND error`.

    Raises:
        InvalidParam: it has more than words, fields and AND.
    """
    if "|" in query or re.search(r"\b(OR|NOT)\b|[()]", query):
        raise InvalidParam(
            f"QueryString {query:.100} is not understood: here it may have words, fields and AND"
        )
    found = ((field, quoted or word) for field, quoted, word in _TERM.findall(query))
    return [(field, text) for field, text in found if (field, text) not in _EVERYTHING]


def _holds(told: Mapping[str, Any], terms: list[tuple[str, str]]) -> bool:
    return all(
        str(told.get(field, "")) == text
        if field
        else any(text in str(each) for each in told.values())
        for field, text in terms
    )


def _search_content(call: RequestRecord, line: LogLine) -> dict[str, Any]:
    return {
        "module": "function",
        "function_name": call.function,
        "request_id": call.request_id,
        "level": line.level,
        "log": line.line,
        "status_code": 200 if call.ok else 430,
        "ret_msg": call.error,
        "retry_num": 0,
    }


def _page(body: Body, found: list[RequestRecord]) -> list[RequestRecord]:
    offset, limit = fields.count(body, "Offset") or 0, fields.count(body, "Limit")
    return found[offset : offset + (LOGS_DEFAULT if limit is None else limit)]


def _milliseconds(body: Body, name: str) -> int | None:
    """Return the moment that a text such as `2024-05-01 12:00:00` names.

    It is of this machine's zone, for manager-node writes it so; answers are in China's, as there.
    """
    said = fields.optional_text(body, name)
    if not said:
        return None
    try:
        found = datetime.fromisoformat(said)
    except ValueError as fault:
        raise InvalidParam(f"{name} must be a time such as 2024-05-01 12:00:00") from fault
    return round(found.timestamp() * 1000)
