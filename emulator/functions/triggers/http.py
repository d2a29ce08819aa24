"""Owns HTTP triggers: which requests they serve, the event of a request, the answer of a result.

Not here: the server (`wire.http_access`) and which of several triggers wins
(`services.http_routes`). Shapes follow docs.cloudbase.net/service/access-cloud-function: the event
has the full path; a result with `statusCode` is an integration response and is taken literally.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Final

import orjson

from emulator.core.errors import ConfigurationError
from emulator.core.records import dataclass
from emulator.core.values import Value
from emulator.functions.base import TriggerConfig

METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")

SCHEMA: Final[Mapping[str, Value]] = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "pattern": "^/"},
        "methods": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "string",
                "pattern": "^(?i:get|post|put|delete|patch|head|options|any)$",
            },
        },
        "auth": {"type": "boolean"},
        "pathTransmission": {"type": "boolean"},
    },
    "required": ["path"],
    "additionalProperties": False,
}

_REACHABLE: Final = re.compile(r"/|(?:/[^/?#]+)+/?")
_TEXT: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json; charset=utf-8"
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_HEADER_VALUE: Final = re.compile(r"[^\r\n\0]*\Z")
_JOINTS: Final[Mapping[str, str]] = {"cookie": "; "}
"""What stands between the values of a repeated header, where it is no comma."""
_SERVER_HEADERS: Final = frozenset({"connection", "content-length", "transfer-encoding"})
"""The server counts and frames the body itself."""
NO_BODY: Final = frozenset({204, 304})
"""What has none by the rules of HTTP."""

Pairs = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class CompiledHttpTrigger:
    """An HTTP trigger, ready to be asked.

    No methods means any; `auth` wants a signed-in user; with `path_transmission` the function hears
    the whole path.
    """

    name: str
    path: str
    methods: frozenset[str]
    auth: bool
    path_transmission: bool = False

    def path_told(self, path: str) -> str:
        """Return what the function hears of a path: below the prefix, the rest of it.

        A request for the prefix itself is told as it is, as the platform's page on HTTP access
        shows it; the guide's function on `/api` hears `/users` of `/api/users`.
        """
        if self.path_transmission or self.path in ("/", path):
            return path
        return path[len(self.path) :]

    def matches(self, method: str, path: str) -> bool:
        """Tell whether the request is the trigger's: whole segments of the prefix, and method."""
        if self.methods and method.upper() not in self.methods:
            return False
        return self.path in ("/", path) or path.startswith(f"{self.path}/")


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What goes back to whoever made the request."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def compile_http(trigger: TriggerConfig) -> CompiledHttpTrigger:
    """Return the trigger, ready to be asked.

    Raises:
        ConfigurationError: no path from the root, or a method there is not.
    """
    config = trigger.config
    path = config.get("path") if isinstance(config, dict) else None
    if not isinstance(path, str) or not path.startswith("/"):
        raise ConfigurationError(
            f"http trigger {trigger.name}: config must have a path that begins with /",
            hint='{"path": "/api", "methods": ["GET", "POST"]}',
        )
    if not _REACHABLE.fullmatch(path):
        raise ConfigurationError(
            f"http trigger {trigger.name}: no request has the path {path}",
            hint="a path has no query, no # and nothing empty between two slashes",
        )
    methods = {str(method).upper() for method in config.get("methods", ["ANY"])}
    unknown = sorted(methods - {*METHODS, "ANY", "*"})
    if unknown:
        raise ConfigurationError(
            f"http trigger {trigger.name}: {unknown[0]} is no method",
            hint=f"methods are {', '.join(METHODS)}",
        )
    any_method = not methods.isdisjoint({"ANY", "*"})
    return CompiledHttpTrigger(
        name=trigger.name,
        path=path.rstrip("/") or "/",
        methods=frozenset() if any_method else frozenset(methods),
        auth=bool(config.get("auth", False)),
        path_transmission=bool(config.get("pathTransmission", False)),
    )


def http_event(  # noqa: PLR0913  # the parts of one request, each by its name
    *,
    method: str,
    path: str,
    headers: Pairs = (),
    query: Pairs = (),
    body: bytes = b"",
    request_id: str,
    env_id: str,
    appid: str = "",
) -> dict[str, Value]:
    """Return the event that a function gets for a request.

    A body that is UTF-8 text comes as text, any other as base64. Of a repeated query parameter the
    last value counts; all are in `multiValueQueryStringParameters`.
    """
    told: dict[str, str] = {}
    for said, value in _pairs(headers):
        name = said.lower()
        told[name] = f"{told[name]}{_JOINTS.get(name, ', ')}{value}" if name in told else value
    all_query: dict[str, list[str]] = {}
    for name, value in _pairs(query):
        all_query.setdefault(name, []).append(value)
    text, method = _as_text(body), method.upper()
    return {
        "path": path,
        "httpMethod": method,
        "method": method,
        "headers": told,
        "queryStringParameters": {name: values[-1] for name, values in all_query.items()},
        "multiValueQueryStringParameters": all_query,
        "requestContext": {"requestId": request_id, "envId": env_id, "appId": appid, "uin": ""},
        "body": base64.b64encode(body).decode() if text is None else text,
        "isBase64Encoded": text is None,
    }


def integration_response(result: bytes) -> HttpAnswer:
    """Return the answer that the result of a function, as JSON text, stands for.

    Text and numbers are plain text, objects and lists JSON, nothing is 204. An object with
    `statusCode` says itself what to answer; one that says it wrongly is answered with 502.
    """
    try:
        value = orjson.loads(result)
    except orjson.JSONDecodeError:
        # Nested more deeply than is read here: an object or a list.
        return HttpAnswer(200, (("content-type", _JSON),), result)
    if isinstance(value, dict) and "statusCode" in value:
        try:
            return _literal(value)
        except _Invalid as fault:
            return _refused(str(fault))
    if value is None:
        return HttpAnswer(204, (), b"")
    if isinstance(value, dict | list):
        return HttpAnswer(200, (("content-type", _JSON),), result)
    text = value.encode("utf-8", "replace") if isinstance(value, str) else result
    return HttpAnswer(200, (("content-type", _TEXT),), text)


def streamed_head(head: Value) -> HttpAnswer:
    """Return how an answer begins whose body comes in pieces; one that is wrong is a whole 502."""
    try:
        return _literal({**head, "body": None})
    except _Invalid as fault:
        return _refused(str(fault))


class _Invalid(Exception):
    """An integration response that cannot be answered."""


def _literal(value: Mapping[str, Value]) -> HttpAnswer:
    status = value["statusCode"]
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise _Invalid(f"statusCode must be a number from 200 to 599, not {status!r}")
    headers = _headers(value.get("headers") or {})
    body, kind = _body(value)
    if status in NO_BODY:
        return HttpAnswer(status, headers, b"")
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers = (*headers, ("content-type", kind))
    return HttpAnswer(status, headers, body)


def _headers(found: Value) -> tuple[tuple[str, str], ...]:
    if not isinstance(found, dict):
        raise _Invalid("headers must be an object of names and values")
    pairs = []
    for name, values in found.items():
        for value in values if isinstance(values, list) else [values]:
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            if not _HEADER_NAME.match(name) or not _HEADER_VALUE.match(text):
                raise _Invalid(f"header {name!r} has a name or value that HTTP does not allow")
            if name.lower() not in _SERVER_HEADERS:
                pairs.append((name, text))
    return tuple(pairs)


def _body(value: Mapping[str, Value]) -> tuple[bytes, str]:
    body = value.get("body")
    if body is None:
        return b"", _TEXT
    if not isinstance(body, str):
        return orjson.dumps(body), _JSON
    if not value.get("isBase64Encoded"):
        return body.encode("utf-8", "replace"), _TEXT
    try:
        return base64.b64decode(body, validate=True), "application/octet-stream"
    except binascii.Error as fault:
        raise _Invalid(f"isBase64Encoded is true, but body is not base64: {fault}") from fault


def _refused(why: str) -> HttpAnswer:
    body = {"code": "INVALID_INTEGRATION_RESPONSE", "message": f"the function's result: {why}"}
    return HttpAnswer(502, (("content-type", _JSON),), orjson.dumps(body))


def _as_text(body: bytes) -> str | None:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _pairs(found: Pairs) -> Iterable[tuple[str, str]]:
    if isinstance(found, list):
        return found  # to ask whether it is a Mapping costs as much as reading it
    return found.items() if isinstance(found, Mapping) else found
