"""HTTP triggers: which requests, the event of one, the answer of a result."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.errors import ConfigurationError
from emulator.functions.base import TriggerConfig
from emulator.functions.triggers.http import (
    compile_http,
    http_event,
    integration_response,
)


def trigger(config):
    return compile_http(TriggerConfig(name="api", kind="http", config=config))


@pytest.mark.parametrize(
    ("prefix", "path", "served"),
    [
        ("/api", "/api", True),
        ("/api", "/api/users/7", True),
        ("/api/", "/api/users", True),
        ("/api/", "/api", True),
        ("/api", "/apis", False),
        ("/api", "/", False),
        ("/api/users", "/api", False),
        ("/", "/anything/at/all", True),
        ("/", "/", True),
    ],
)
def test_trigger_serves_whole_segments_of_its_path(prefix, path, served):
    assert trigger({"path": prefix}).matches("GET", path) is served


@pytest.mark.parametrize(
    ("methods", "method", "served"),
    [
        (None, "DELETE", True),
        (["GET", "POST"], "POST", True),
        (["get"], "GET", True),
        (["GET"], "get", True),
        (["GET"], "PUT", False),
        (["ANY"], "PATCH", True),
        (["*"], "PATCH", True),
    ],
)
def test_trigger_serves_its_methods(methods, method, served):
    config = {"path": "/api"} | ({} if methods is None else {"methods": methods})
    assert trigger(config).matches(method, "/api") is served


def test_trigger_keeps_path_and_login():
    compiled = trigger({"path": "/api/", "auth": True})
    assert (compiled.path, compiled.auth) == ("/api", True)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        pytest.param(None, "begins with /", id="none"),
        pytest.param({}, "begins with /", id="no path"),
        pytest.param({"path": "api"}, "begins with /", id="relative"),
        pytest.param({"path": "/api?x=1"}, "no request has the path", id="a query"),
        pytest.param({"path": "//api"}, "no request has the path", id="an empty part"),
        pytest.param({"path": "/api#x"}, "no request has the path", id="a fragment"),
        pytest.param({"path": "/a", "methods": ["FETCH"]}, "FETCH is no method", id="method"),
    ],
)
def test_configuration_that_is_wrong_is_refused(config, message):
    with pytest.raises(ConfigurationError, match=message):
        trigger(config)


@pytest.mark.parametrize(
    ("config", "path", "told"),
    [
        pytest.param({"path": "/api"}, "/api/users/7", "/users/7", id="below the prefix"),
        pytest.param({"path": "/api/"}, "/api/users", "/users", id="a slash at the prefix' end"),
        pytest.param({"path": "/api"}, "/api", "/api", id="the prefix itself"),
        pytest.param({"path": "/api"}, "/api/", "/", id="the prefix and a slash"),
        pytest.param({"path": "/api"}, "/api/api/api", "/api/api", id="the prefix again"),
        pytest.param({"path": "/"}, "/api/users", "/api/users", id="the root"),
        pytest.param({"path": "/a b/中"}, "/a b/中/ü", "/ü", id="beyond ASCII"),
        pytest.param(
            {"path": "/api", "pathTransmission": True}, "/api/users", "/api/users", id="whole"
        ),
        pytest.param({"path": "/api", "pathTransmission": True}, "/api", "/api", id="whole prefix"),
        pytest.param(
            {"path": "/api", "pathTransmission": False}, "/api/users", "/users", id="said not to"
        ),
    ],
)
def test_function_hears_the_path_below_its_prefix_unless_it_wants_the_whole(config, path, told):
    compiled = trigger(config)
    assert compiled.matches("GET", path)
    assert compiled.path_told(path) == told


@given(st.lists(st.text("ab/", max_size=3), max_size=4).map("/".join))
def test_prefix_and_path_told_are_the_whole_path(rest):
    compiled = trigger({"path": "/api"})
    path = f"/api/{rest}"
    assert compiled.path + compiled.path_told(path) == path


# Events


def event(**parts):
    return http_event(**{"method": "GET", "path": "/", "request_id": "r", "env_id": "e", **parts})


def test_event_has_the_platforms_fields_and_the_guides():
    assert event(
        method="post",
        path="/api/users",
        headers=[("Content-Type", "application/json"), ("X-Tag", "a"), ("x-tag", "b")],
        query=[("page", "1"), ("tag", "a"), ("tag", "b")],
        body='{"name": "好"}'.encode(),
        request_id="req-1",
        env_id="env-1",
        appid="wx1",
    ) == {
        "path": "/api/users",
        "httpMethod": "POST",
        "method": "POST",
        "headers": {"content-type": "application/json", "x-tag": "a, b"},
        "queryStringParameters": {"page": "1", "tag": "b"},
        "multiValueQueryStringParameters": {"page": ["1"], "tag": ["a", "b"]},
        "requestContext": {"requestId": "req-1", "envId": "env-1", "appId": "wx1", "uin": ""},
        "body": '{"name": "好"}',
        "isBase64Encoded": False,
    }


def test_headers_and_query_may_be_mappings():
    made = event(headers={"A": "1"}, query={"q": "x"})
    assert (made["headers"], made["queryStringParameters"]) == ({"a": "1"}, {"q": "x"})


@pytest.mark.parametrize(
    ("body", "told", "encoded"),
    [
        pytest.param(b"", "", False, id="empty"),
        pytest.param(b"a=1", "a=1", False, id="text"),
        pytest.param(b"\x89PNG\xff", base64.b64encode(b"\x89PNG\xff").decode(), True, id="bytes"),
        pytest.param(b"a\0b", base64.b64encode(b"a\0b").decode(), True, id="nul"),
    ],
)
def test_body_is_text_or_base64(body, told, encoded):
    made = event(body=body)
    assert (made["body"], made["isBase64Encoded"]) == (told, encoded)


@given(st.binary(max_size=200))
def test_body_can_always_be_got_back(body):
    made = event(body=body)
    back = base64.b64decode(made["body"]) if made["isBase64Encoded"] else made["body"].encode()
    assert back == body


# Answers

TEXT = ("content-type", "text/plain; charset=utf-8")
JSON = ("content-type", "application/json; charset=utf-8")


def answer(result):
    made = integration_response(json.dumps(result).encode())
    return made.status, list(made.headers), made.body


def test_result_that_nests_deeply_is_answered_as_it_is():
    deep = b"[" * 3_000 + b"]" * 3_000
    assert integration_response(deep).body == deep


@pytest.mark.parametrize(
    ("result", "answered"),
    [
        pytest.param("hello 好", (200, [TEXT], "hello 好".encode()), id="text"),
        pytest.param(7, (200, [TEXT], b"7"), id="number"),
        pytest.param(True, (200, [TEXT], b"true"), id="boolean"),
        pytest.param(None, (204, [], b""), id="nothing"),
        pytest.param({"a": 1}, (200, [JSON], b'{"a": 1}'), id="object"),
        pytest.param([1], (200, [JSON], b"[1]"), id="list"),
        pytest.param({"body": "x"}, (200, [JSON], b'{"body": "x"}'), id="no statusCode"),
        pytest.param({"statusCode": 201, "body": "made"}, (201, [TEXT], b"made"), id="literal"),
        pytest.param(
            {"statusCode": 200, "headers": {"Content-Type": "text/html"}, "body": "<p>"},
            (200, [("Content-Type", "text/html")], b"<p>"), id="own type",
        ),
        pytest.param(
            {"statusCode": 200, "headers": {"Set-Cookie": ["a=1", "b=2"], "X-N": 5}, "body": ""},
            (200, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-N", "5"), TEXT], b""),
            id="header values",
        ),
        pytest.param({"statusCode": 200, "body": {"a": 1}}, (200, [JSON], b'{"a":1}'), id="json"),
        pytest.param(
            {"statusCode": 200, "isBase64Encoded": True, "body": "iVBORw=="},
            (200, [("content-type", "application/octet-stream")], b"\x89PNG"), id="base64",
        ),
        pytest.param({"statusCode": 302, "headers": {"Location": "/x"}},
                     (302, [("Location", "/x"), TEXT], b""), id="redirect"),
        pytest.param({"statusCode": 204, "body": "dropped"}, (204, [], b""), id="no content"),
        pytest.param(
            {"statusCode": 200, "headers": {"Content-Length": "9", "Connection": "x"}, "body": "k"},
            (200, [TEXT], b"k"), id="framing is the server's",
        ),
        pytest.param(
            {"statusCode": 200, "headers": None, "body": None}, (200, [TEXT], b""), id="null"
        ),
    ],
)  # fmt: skip
def test_result_becomes_an_answer(result, answered):
    assert answer(result) == answered


@pytest.mark.parametrize(
    ("result", "message"),
    [
        pytest.param({"statusCode": "ok"}, "statusCode must be a number", id="text"),
        pytest.param({"statusCode": 20}, "200 to 599", id="small"),
        pytest.param({"statusCode": 101}, "200 to 599", id="informational"),
        pytest.param({"statusCode": 1000}, "200 to 599", id="large"),
        pytest.param({"statusCode": True}, "statusCode", id="boolean"),
        pytest.param({"statusCode": 200, "headers": ["a"]}, "headers must be", id="headers"),
        pytest.param({"statusCode": 200, "headers": {"a b": "1"}}, "'a b'", id="header name"),
        pytest.param({"statusCode": 200, "headers": {"a": "1\r\nb: 2"}}, "'a'", id="split"),
        pytest.param(
            {"statusCode": 200, "isBase64Encoded": True, "body": "***"}, "not base64", id="base64"
        ),
    ],
)
def test_answer_that_cannot_be_given_is_a_bad_gateway_that_says_why(result, message):
    status, headers, body = answer(result)
    assert (status, headers) == (502, [JSON])
    told = json.loads(body)
    assert told["code"] == "INVALID_INTEGRATION_RESPONSE"
    assert message in told["message"]


def test_repeated_headers_are_joined_as_their_kind_wants_it():
    headers = [("X-A", "1"), ("x-a", "2"), ("Cookie", "a=b; c=d"), ("cookie", "e=f")]
    event = http_event(method="GET", path="/", headers=headers, request_id="r", env_id="e")
    assert event["headers"] == {"x-a": "1, 2", "cookie": "a=b; c=d; e=f"}
