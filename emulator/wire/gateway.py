"""Owns the gateway `/v1`: the REST API of js-sdk 3.x, and partly of 2.x.

Not here: documents (`wire.gateway_database`), files (`wire.gateway_files`), containers
(`wire.containers`), signing in (`wire.oauth`). The one idea: unlike on `/web` the status speaks,
and an answer of 200 is the result itself; so every family of paths is a table from method and path
to what answers, behind one rim that knows callers, pages of other origins and errors.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from aiohttp import hdrs, web
from multidict import MultiMapping

from emulator.ambient import Ids
from emulator.core.errors import EmulatorError, InvalidParam
from emulator.core.records import dataclass
from emulator.core.values import Value
from emulator.services.caller import Caller
from emulator.services.scope import Scope
from emulator.wire import ejson, named_env
from emulator.wire.callers import Callers
from emulator.wire.cors import preflight, shared
from emulator.wire.envelope import NoSuchPath
from emulator.wire.exchange import JSON, Binary, Headed, binary_answer, read_body
from emulator.wire.fields import Body
from emulator.wire.gateway_errors import failure
from emulator.wire.short_way import Door, Whole

PATH: Final = "/v1"
REQUEST_MAX_BYTES: Final = 64 * 1024 * 1024
ANY_METHOD: Final = "*"
METHOD_OVERRIDE: Final = "X-HTTP-Method-Override"
REQUEST_ID: Final = "X-Request-Id"
QUALIFIER: Final = "X-Qualifier"
"""Where a request names the version of the function that it calls."""
_NOT_ENABLED: Final = (
    *("ai", "aibot", "apis", "model", "rdb", "sql"),
    *("storages/bucket", "storages/object"),
)
_ELSEWHERE: Final = "/{path:(?!cloudrun/).*}"
"""Every other path, except those of containers."""
_REQUEST_ID: Final = re.compile(r"[\w-]{1,64}", re.ASCII)


class FeatureNotEnabled(EmulatorError):
    """The environment has not enabled what the path belongs to."""

    code = "RESOURCE_NOT_INITIAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: who asks, what its path names, its query and its body as they came."""

    caller: Caller
    names: Mapping[str, str]
    query: MultiMapping[str]
    raw: bytes
    request_id: str

    def data(self) -> Value:
        """Return the body as JSON data, an empty object for none; raises InvalidParam."""
        try:
            text = self.raw.decode()
        except UnicodeDecodeError as fault:
            raise InvalidParam(f"the request body is not UTF-8: {fault}") from fault
        return ejson.read_json(text, "the request body") if text.strip() else {}

    def body(self) -> Body:
        """Return the body as a JSON object; raises InvalidParam."""
        data = self.data()
        if type(data) is dict:
            return data
        raise InvalidParam("the request body must be a JSON object")


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: its text, JSON unless said otherwise."""

    content: bytes
    status: int = 200
    content_type: str = JSON


Answer = Callable[[Asked], Awaitable[Told]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method and a path below `/v1`, in the notation of aiohttp, and what answers there."""

    method: str
    path: str
    answer: Answer


class Gateway:
    """The gateway of one suite."""

    def __init__(
        self, endpoints: Sequence[Endpoint], callers: Callers, *, scope: Scope, ids: Ids
    ) -> None:
        self._callers = callers
        self._ids = ids
        self._scope = scope
        self._paths: dict[str, dict[str, Answer]] = {}
        for each in endpoints:
            self._paths.setdefault(each.path, {})[each.method] = each.answer

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, and the same for a named environment."""
        return [
            web.route("*", f"{prefix}{PATH}{path}", shared(self._rim(answers)))
            for path, answers in self._paths.items()
            for prefix in ("", "/e/{env}")
        ]

    def door(self, method: str, path: str) -> Door | None:
        """Return what answers a POST that arrives whole, for paths that end in a name."""
        begin, _, name = path.rpartition("/")
        answers = self._paths.get(f"{begin.removeprefix(PATH)}/{{name}}")
        if answers is None or not begin.startswith(f"{PATH}/") or not name:
            return None
        if method != hdrs.METH_POST:
            return None

        async def answer(whole: Whole) -> Binary:
            return await self._answer(whole, hdrs.METH_POST, {"name": name}, answers)

        return answer

    def _rim(
        self, answers: Mapping[str, Answer]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def rim(request: web.Request) -> web.StreamResponse:
            if request.method == hdrs.METH_OPTIONS:
                return await preflight(request)
            try:
                raw = await read_body(request, max_bytes=REQUEST_MAX_BYTES)
            except EmulatorError as error:
                answer = self._refused(error, self._request_id(request))
            else:
                whole = Whole(request.path, request.headers, raw, query=request.query)
                answer = await self._answer(whole, request.method, request.match_info, answers)
            return binary_answer(answer)

        return rim

    async def _answer(
        self, whole: Whole, method: str, names: Mapping[str, str], answers: Mapping[str, Answer]
    ) -> Binary:
        """Answer with whatever it comes to: the rim behind which nothing is raised."""
        request_id = self._request_id(whole)
        try:
            self._scope.require_env(names.get("env", ""))
            self._scope.require_env(named_env.of_host(whole.headers))
            self._scope.require_version(whole.headers.get(QUALIFIER, ""))
            # Mini programs cannot send PATCH; their SDK sends POST and names the method beside it.
            method = whole.headers.get(METHOD_OVERRIDE, method).upper()
            answer = _of_method(answers, method, whole.path)
            told = await answer(self._asked(whole, names, request_id))
        except Exception as error:  # noqa: BLE001  # the rim of a request
            return self._refused(error, request_id)
        return Binary(told.content, told.content_type, told.status, ((REQUEST_ID, request_id),))

    def _refused(self, error: Exception, request_id: str) -> Binary:
        status, body = failure(error, request_id)
        return Binary(body, JSON, status, ((REQUEST_ID, request_id),))

    def _request_id(self, request: Headed) -> str:
        """Return the client's own id, which is the one that its results name."""
        given = request.headers.get(REQUEST_ID, "")
        return given if _REQUEST_ID.fullmatch(given) else self._ids.request_id()

    def _asked(self, whole: Whole, names: Mapping[str, str], request_id: str) -> Asked:
        return Asked(
            caller=self._callers.of(whole),
            names=names,
            query=whole.query,
            raw=whole.body,
            request_id=request_id,
        )


def _of_method(answers: Mapping[str, Answer], method: str, path: str) -> Answer:
    answer = answers.get(method) or answers.get(ANY_METHOD)
    if answer is None:
        raise NoSuchPath(f"{path:.200} takes {', '.join(answers)}, not {method:.20}")
    return answer


def json_told(data: Any, status: int = 200) -> Told:
    """Return plain data as an answer."""
    return Told(orjson.dumps(data), status)


def refusals() -> list[Endpoint]:
    """Return what answers for the features that no environment here has enabled, and for nothing.

    They come last: an earlier endpoint of the same path is the one that answers.
    """
    return [
        *(Endpoint(ANY_METHOD, f"/{name}/{{path:.*}}", _refusing(name)) for name in _NOT_ENABLED),
        Endpoint(ANY_METHOD, _ELSEWHERE, _nothing_here),
    ]


async def _nothing_here(asked: Asked) -> Told:
    raise NoSuchPath(f"nothing answers on /v1/{asked.names['path']:.200}")


def _refusing(name: str) -> Answer:
    async def refuse(asked: Asked) -> Told:
        del asked
        raise FeatureNotEnabled(
            f"/v1/{name} is not enabled: it is not emulated",
            hint=f"[services] in .emulator.toml may name who answers, as {name} = "
            '"http://127.0.0.1:9000"',
        )

    return refuse
