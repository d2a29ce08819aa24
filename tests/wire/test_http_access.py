import asyncio
import io
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, web
from yarl import URL

from emulator.ambient import CountedIds
from emulator.core.errors import FunctionNotFound
from emulator.functions.base import Failure, Outcome, TriggerConfig
from emulator.functions.triggers.http import compile_http
from emulator.server import Port, Server
from emulator.services.caller import Caller
from emulator.services.functions import Invoked
from emulator.services.http_routes import HttpRoute, HttpRoutes
from emulator.services.payloads import GROWTH_MAX, size_of
from emulator.wire import http_access
from emulator.wire.guard import Guard
from emulator.wire.http_access import HttpAccess
from emulator.wire.short_way import BODY_MAX_BYTES

TRIGGERS = {
    "api": {"path": "/api", "methods": ["GET", "POST"]},
    "deep": {"path": "/api/deep", "methods": ["ANY"]},
    "gone": {"path": "/gone"},
    "members": {"path": "/members", "auth": True},
    "whole": {"path": "/whole", "pathTransmission": True},
    "open": {"path": "/members/open", "auth": False},
}


@dataclass
class Functions:
    """Remembers what it was called with and answers what it was told to."""

    result: bytes = b'"done"'
    failure: Failure | None = None
    called: list = field(default_factory=list)
    measured: list = field(default_factory=list)

    async def invoke(self, name, event, caller, *, request_id, manner, sent_characters):
        if sent_characters is not None:
            # What may be left unmeasured is short for sure.
            assert size_of(event) <= sent_characters * GROWTH_MAX
        self.measured.append(sent_characters is None)
        if name == "gone":
            raise FunctionNotFound("FunctionName parameter could not be found: gone")
        self.called.append((name, event, caller))
        outcome = Outcome(result=self.result, failure=self.failure, duration_ms=1.0)
        return Invoked(request_id=request_id, outcome=outcome, logs=())

    def returns(self, value):
        self.result = json.dumps(value).encode()


def compiled(config):
    return compile_http(TriggerConfig(name="t", kind="http", config=config))


@asynccontextmanager
async def serving(functions, otherwise=None, *, short=False, **options):
    routes = HttpRoutes()
    routes.listen(HttpRoute(name, "t", compiled(config)) for name, config in TRIGGERS.items())
    access = HttpAccess(
        functions, routes, ids=CountedIds(), env_id="demo-env", otherwise=otherwise, **options
    )
    server = Server(
        api=Port(0, []),
        site=Port(0, access.routes(), *([access.door] if short else [])),
        guard=Guard(bound_host="127.0.0.1"),
        ids=CountedIds(),
    )
    await server.start()
    try:
        yield server.site_url
    finally:
        await server.stop()


@pytest.fixture
def functions():
    return Functions()


@pytest.fixture
async def site(functions):
    async with serving(functions) as url:
        yield url


@pytest.fixture
async def http():
    async with ClientSession() as session:
        yield session


async def test_a_request_becomes_the_event_of_a_visitor(site, functions, http):
    sent = {"Content-Type": "application/json", "X-Two": "1"}
    url = f"{site}/api/orders/中?q=a&q=b&empty="
    async with http.post(url, data='{"n":1}', headers=sent) as response:
        assert response.status == 200
        assert await response.text() == "done"
        request_id = response.headers["X-Request-Id"]
    [(name, event, caller)] = functions.called
    assert name == "api"
    assert (caller.kind, caller.source, caller.openid) == ("anonymous", "wx_http", "")
    assert event["requestContext"]["requestId"] == request_id
    assert event["path"] == "/orders/中"
    assert event["httpMethod"] == "POST"
    assert event["headers"]["x-two"] == "1"
    assert event["queryStringParameters"] == {"q": "b", "empty": ""}
    assert event["body"] == '{"n":1}'
    assert event["isBase64Encoded"] is False
    assert event["requestContext"]["envId"] == "demo-env"


async def test_what_is_for_members_is_refused_to_visitors_before_anything_is_called(
    site, functions, http
):
    for method, path in [("GET", "/members"), ("POST", "/members/7?x=1"), ("HEAD", "/members")]:
        async with http.request(method, f"{site}{path}") as response:
            assert response.status == 401
            told = await response.text()
        if method != "HEAD":
            assert json.loads(told)["code"]
            assert "signed-in" in json.loads(told)["message"]
    assert functions.called == []


async def test_a_path_below_that_is_open_to_all_is_answered(site, functions, http):
    async with http.get(f"{site}/members/open/7") as response:
        assert response.status == 200
    assert [(name, event["path"]) for name, event, _ in functions.called] == [("open", "/7")]


async def test_a_function_that_wants_the_whole_path_hears_it(site, functions, http):
    for path in ("/whole", "/whole/a%20b/%E4%B8%AD"):
        async with http.get(site + path) as response:
            assert response.status == 200
    assert [event["path"] for _, event, _ in functions.called] == ["/whole", "/whole/a b/中"]


async def test_a_binary_body_arrives_as_base64(site, functions, http):
    async with http.post(f"{site}/api", data=b"\x00\xff"):
        pass
    event = functions.called[0][1]
    assert (event["body"], event["isBase64Encoded"]) == ("AP8=", True)


@pytest.mark.parametrize(
    ("result", "status", "kind", "body"),
    [
        pytest.param("text", 200, "text/plain; charset=utf-8", b"text", id="a text"),
        pytest.param({"a": 1}, 200, "application/json; charset=utf-8", b'{"a": 1}', id="an object"),
        pytest.param(None, 204, None, b"", id="nothing"),
        pytest.param(
            {
                "statusCode": 201,
                "headers": {"content-type": "image/png", "X-A": "b"},
                "body": "AP8=",
                "isBase64Encoded": True,
            },
            201,
            "image/png",
            b"\x00\xff",
            id="an integration response",
        ),
        pytest.param(
            {"statusCode": 404, "body": "no"},
            404,
            "text/plain; charset=utf-8",
            b"no",
            id="a status of its own",
        ),
    ],
)
async def test_a_result_becomes_the_response(site, functions, http, result, status, kind, body):
    functions.returns(result)
    async with http.get(f"{site}/api") as response:
        assert response.status == status
        assert response.headers.get("Content-Type") == kind
        assert await response.read() == body


async def test_headers_of_an_integration_response_may_repeat(site, functions, http):
    functions.returns({"statusCode": 200, "headers": {"Set-Cookie": ["a=1", "b=2"]}, "body": ""})
    async with http.get(f"{site}/api") as response:
        assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]


async def test_the_longest_prefix_answers(site, functions, http):
    for path in ("/api/deep/down", "/api/deeper"):
        async with http.get(site + path):
            pass
    assert [name for name, _, _ in functions.called] == ["deep", "api"]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("exception", 500, "FUNCTIONS_EXECUTE_FAIL"),
        ("load", 500, "FUNCTIONS_EXECUTE_FAIL"),
        ("timeout", 504, "FUNCTION_TIME_LIMIT_EXCEEDED"),
    ],
)
async def test_a_failure_is_coded_and_keeps_the_stack_to_the_log(
    site, functions, http, kind, status, code
):
    functions.failure = Failure(kind=kind, message="it went wrong", stack="secret.py, line 3")
    async with http.get(f"{site}/api", headers={"Accept": "text/html"}) as response:
        assert response.status == status
        told = await response.json()
    assert told["code"] == code
    assert told["requestId"] == "00000000-0000-0000-0000-000000000001"
    assert "it went wrong" in told["message"]
    assert "secret.py" not in told["message"]


async def test_a_path_without_a_function_is_a_coded_404(site, http):
    async with http.get(f"{site}/nothing") as response:
        assert response.status == 404
        told = await response.json()
        assert told["code"] == "INVALID_PATH"
        assert "Invalid path" in told["message"]
        assert "https://docs.cloudbase.net/error-code/" in told["message"]


async def test_a_function_that_is_gone_is_a_coded_404(site, http):
    async with http.get(f"{site}/gone") as response:
        assert response.status == 404
        assert (await response.json())["code"] == "FUNCTION_NOT_FOUND"


async def test_a_method_nobody_listens_to_names_the_others(site, http, functions):
    async with http.delete(f"{site}/api") as response:
        assert response.status == 404
        assert "GET, POST" in (await response.json())["message"]
    assert not functions.called


async def test_what_no_function_listens_to_may_be_answered_otherwise(functions, http):
    async def page(request):
        return web.Response(text="a page")

    async with serving(functions, otherwise=page) as site:
        async with http.get(f"{site}/index.html") as response:
            assert await response.text() == "a page"
        async with http.get(f"{site}/api") as response:
            assert await response.text() == "done"


async def test_head_is_answered_by_who_answers_get(site, functions, http):
    async with http.head(f"{site}/api") as response:
        assert response.status == 200
        assert response.headers["Content-Length"] == "4"
        assert await response.read() == b""
    assert functions.called[0][1]["httpMethod"] == "HEAD"


async def test_options_reach_a_function_that_listens_to_them(site, functions, http):
    async with http.options(f"{site}/api/deep") as response:
        assert await response.text() == "done"


async def test_a_preflight_of_a_local_page_is_answered_for_the_function(site, functions, http):
    origin = "http://localhost:5173"
    asked = {"Origin": origin, "Access-Control-Request-Headers": "x-a, content-type"}
    async with http.options(f"{site}/api", headers=asked) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == origin
        assert response.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
        assert response.headers["Access-Control-Allow-Headers"] == "x-a, content-type"
    assert not functions.called
    async with http.get(f"{site}/api", headers={"Origin": origin}) as response:
        assert response.headers["Access-Control-Allow-Origin"] == origin
        assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", "http://127.0.0.2"])
async def test_pages_of_elsewhere_may_not_read_a_response(site, http, origin):
    async with http.get(f"{site}/api", headers={"Origin": origin}) as response:
        assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    ("origin", "may_read"),
    [
        ("https://shop.example.com", True),
        ("http://SHOP.example.com:8080", True),
        ("https://a.pages.example.com", True),
        ("https://a.b.pages.example.com", True),
        ("http://192.168.1.5:3000", True),
        ("http://localhost:1", True),
        ("https://pages.example.com", False),
        ("https://evilpages.example.com", False),
        ("https://shop.example.com.evil.example", False),
        ("https://example.com", False),
        ("http://192.168.1.5:3001", False),
        ("null", False),
    ],
)
async def test_pages_of_configured_domains_may_read(functions, http, origin, may_read):
    domains = ("shop.example.com", "*.pages.example.com", "192.168.1.5:3000")
    async with serving(functions, domains=domains) as site:
        for method, status in (("GET", 200), ("OPTIONS", 204)):
            asked = http.request(method, f"{site}/api", headers={"Origin": origin})
            async with asked as response:
                told = response.headers.get("Access-Control-Allow-Origin")
                assert (response.status, told) == (status, origin if may_read else None)


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({"Authorization": "Bearer good"}, "good"),
        ({"x-cloudbase-credentials": "good/@@/refresh"}, "good"),
        ({"x-cloudbase-credentials": "good"}, "good"),
        ({"Authorization": "bearer mine", "x-cloudbase-credentials": "other/@@/r"}, "mine"),
        ({"x-cloudbase-credentials": "/@@/refresh"}, None),
        ({}, None),
    ],
)
async def test_a_visitor_signs_in_by_what_the_sdks_send(functions, http, headers, token):
    heard = []

    def caller_of(told):
        heard.append(told)
        return Caller(kind="user", uid="u1", source="wx_client")

    async with (
        serving(functions, caller_of=caller_of) as site,
        http.get(f"{site}/members", headers=headers) as response,
    ):
        assert response.status == (401 if token is None else 200)
    assert heard == ([] if token is None else [token])
    callers = [(caller.uid, caller.source) for _, _, caller in functions.called]
    assert callers == ([] if token is None else [("u1", "wx_http")])


async def test_a_function_says_itself_who_may_read_its_response(site, functions, http):
    mine = {"Access-Control-Allow-Origin": "*"}
    functions.returns({"statusCode": 200, "headers": mine, "body": "x"})
    async with http.get(f"{site}/api", headers={"Origin": "http://localhost:1"}) as response:
        assert response.headers.getall("Access-Control-Allow-Origin") == ["*"]


async def test_a_body_that_does_not_fit_in_an_event_is_refused(site, functions, http):
    body = io.BytesIO(b"x" * (http_access.EVENT_BODY_MAX_BYTES + 1))
    async with http.post(f"{site}/api", data=body) as response:
        assert response.status == 413
        assert (await response.json())["code"] == "INVALID_PARAM"
    assert not functions.called


async def test_many_visitors_at_once_are_all_answered(site, functions, http):
    async def visit(number):
        async with http.get(f"{site}/api/{number}") as response:
            return response.status

    assert set(await asyncio.gather(*(visit(number) for number in range(100)))) == {200}
    assert {event["path"] for _, event, _ in functions.called} == {
        f"/{number}" for number in range(100)
    }


async def test_events_of_short_requests_are_not_measured_and_none_of_them_is_long(functions):
    worst = ["a=%01&" * 1300, "".join(f"{n}&" for n in range(1500)), "%F0%9F%90%89" * 600]
    async with serving(functions, short=True) as url, ClientSession() as client:
        for query in worst:
            asked = URL(f"{url}/api?{query}", encoded=True)
            async with client.post(asked, data=b"\x01" * 2000) as response:
                assert response.status == 200
        async with client.post(
            f"{url}/api", data=io.BytesIO(bytes(BODY_MAX_BYTES + 1))
        ) as response:
            assert response.status == 200
    assert functions.measured == [False, False, False, True]
