"""Who is let in from other machines: by the rules alone, and over real sockets."""

import json
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, CookieJar, FormData, WSMsgType, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from emulator.ambient import CountedIds, ManualClock
from emulator.wire import pairing as pairing_module
from emulator.wire.envelope import ForeignRequest, PairingRequired
from emulator.wire.pairing import (
    COOKIE,
    HEADER,
    LINK_LENGTH,
    TRIES_MAX,
    TRIES_WINDOW_S,
    Pairing,
    without_proof,
)
from tests.conftest import own_address


@dataclass
class Request:
    """All of a request that a pairing looks at."""

    remote: str | None = "192.168.1.9"
    path: str = "/web"
    method: str = "POST"
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def raw_path(self) -> str:
        return self.path


def pairing(**others) -> Pairing:
    return Pairing(bound_host="0.0.0.0", ids=CountedIds(), clock=ManualClock(), **others)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("path", ["/web", "/admin", "/_emu/reset", "/"])
def test_this_machine_needs_no_pairing(peer, path):
    pairing().require(Request(peer, path))


@pytest.mark.parametrize(
    "peer",
    ["192.168.1.9", "10.0.0.1", "8.8.8.8", "fe80::1%eth0", "::ffff:192.168.1.9", "", None, "unix"],
)
@pytest.mark.parametrize("path", ["/web", "/admin", "/_emu/reset", "/_storage/upload", "/", "/ws"])
def test_other_machines_reach_nothing(peer, path):
    with pytest.raises(PairingRequired):
        pairing().require(Request(peer, path))


def test_a_suite_bound_to_one_address_hears_this_machine_from_there():
    bound = Pairing(bound_host="192.168.1.5", ids=CountedIds(), clock=ManualClock())
    bound.require(Request("192.168.1.5", "/_emu/reset"))
    with pytest.raises(PairingRequired):
        bound.require(Request("192.168.1.6"))


@pytest.mark.parametrize("path", ["/web", "/v1/functions/x", "/ws", "/", "/_emu/sdk/wx-cloud.js"])
def test_a_paired_browser_reaches_what_clients_use(path):
    one = pairing()
    one.require(Request(path=path, cookies={COOKIE: one._cookie}))


@pytest.mark.parametrize(
    "path",
    [
        "/_emu",
        "/_emu/",
        "/_emu/reset",
        "/_emu/users/u/tokens",
        "/_emu/pairs",
        "/e/demo/_emu/info",
        "/admin",
        "/e/demo/admin",
        "/tcb/databasequery",
        "/cgi-bin/token",
        "/wxa/getwxacode",
        "/__host/tcb-api.tencentcloudapi.com/admin",
    ],
)
def test_a_paired_browser_is_no_administrator(path):
    one = pairing()
    with pytest.raises(ForeignRequest):
        one.require(Request(path=path, cookies={COOKIE: one._cookie}))


def test_a_program_with_the_key_is_an_administrator_but_the_control_api_is_for_this_machine():
    one = pairing()
    headers = CIMultiDict({HEADER: one.key})
    one.require(Request(path="/admin", headers=headers))
    with pytest.raises(ForeignRequest, match="control API"):
        one.require(Request(path="/_emu/reset", headers=headers))


@pytest.mark.parametrize("wrong", ["", "x", "token-3", "\udcff", "é" * 10_000])
def test_nothing_but_the_proof_itself_lets_in(wrong):
    one = pairing()
    assert wrong != one.key
    given = [
        Request(headers=CIMultiDict({HEADER: wrong})),
        Request(cookies={COOKIE: wrong}),
        Request(cookies={COOKIE: one.key}),
        Request(headers=CIMultiDict({HEADER: one.link})),
        Request(headers=CIMultiDict({HEADER: one._cookie})),
    ]
    for request in given:
        with pytest.raises(PairingRequired):
            one.require(request)


def test_a_page_is_shown_to_people_and_preflights_let_nothing_in():
    shown = Request(path="/", method="GET", headers=CIMultiDict({"Accept": "text/html,*/*"}))
    with pytest.raises(web.HTTPUnauthorized) as refused:
        pairing().require(shown)
    assert "not paired" in refused.value.text
    headers = CIMultiDict({"Access-Control-Request-Method": "POST", "Origin": "http://a.example"})
    with pytest.raises(web.HTTPNoContent):
        pairing().require(Request(method="OPTIONS", headers=headers))
    with pytest.raises(PairingRequired):
        pairing().require(Request(method="OPTIONS"))


def test_addresses_are_told_as_the_device_knows_them():
    one = pairing()
    site = "http://127.0.0.1:8271"
    for host, told in (
        ("192.168.1.5:8270", "http://192.168.1.5:8271"),
        ("192.168.1.5", "http://192.168.1.5:8271"),
        ("[fd00::2]:8270", "http://[fd00::2]:8271"),
        ("demo.tcb-api.tencentcloudapi.com", site),
        ("", site),
    ):
        headers = CIMultiDict({"Host": host})
        one.require(Request(headers=headers, cookies={COOKIE: one._cookie}))
        assert one.as_reached(site) == told
    one.require(Request("127.0.0.1", headers=CIMultiDict({"Host": "192.168.1.5"})))
    assert one.as_reached(site) == site


def test_an_invocation_names_the_suite_as_the_client_of_its_chain_does(monkeypatch):
    one = pairing()
    site = "http://127.0.0.1:8271"
    phone = Request(
        headers=CIMultiDict({"Host": "192.168.1.5:8270"}), cookies={COOKIE: one._cookie}
    )
    here = Request("127.0.0.1", headers=CIMultiDict({"Host": "127.0.0.1:8270"}))
    one.require(phone)
    one.follow("first", asked_by="")
    one.require(here)
    one.follow("local", asked_by="")
    one.follow("nested", asked_by="first")
    told = {name: one.as_reached(site, name) for name in ("first", "nested", "local", "unknown")}
    away = "http://192.168.1.5:8271"
    assert told == {"first": away, "nested": away, "local": site, "unknown": site}
    monkeypatch.setattr(pairing_module, "CHAINS_MAX", 2)
    one.follow("third", asked_by="nested")
    assert one.as_reached(site, "first") == site
    assert one.as_reached(site, "third") == away


def test_user_code_sees_nothing_of_what_let_a_device_in():
    headers = CIMultiDictProxy(
        CIMultiDict(
            [("Cookie", f"a=1; {COOKIE}=secret; b=2"), (HEADER, "key"), ("X-Other", "stays")]
        )
    )
    assert without_proof(headers) == [("Cookie", "a=1; b=2"), ("X-Other", "stays")]
    assert without_proof({"Cookie": f"{COOKIE}=secret"}) == []


# ---------------------------------------------------------------- over sockets


SHOP = {
    ".emulator.toml": (
        '[emulator]\nhost = "0.0.0.0"\n[functions]\nroot = "functions"\n'
        '[hosting]\nroot = "site"\n[database.permissions]\nnotes = "READONLY"\n'
    ),
    "site/index.html": "<h1>Hello</h1>",
    "functions/headers/index.py": "def main(event, context):\n    return event['headers']\n",
    "functions/headers/config.json": json.dumps(
        {"triggers": [{"name": "web", "type": "http", "config": {"path": "/headers"}}]}
    ),
}


def away(url: str) -> str:
    """Return an address as another machine would have it."""
    return url.replace("127.0.0.1", own_address())


@pytest.fixture
async def shop(start_project):
    async with start_project(SHOP) as running:
        api, site = away(running.url), away(running.site_url)
        jar = CookieJar(unsafe=True)  # cookies of an address, as browsers keep them
        async with ClientSession(cookie_jar=jar) as session:
            yield running, session, api, site


ASKED = {"action": "storage.getUploadMetadata", "path": "a/b.txt"}
OPENID = {"x-emu-openid": "oPhone"}


async def test_a_stranger_hears_what_to_do_on_both_ports(shop):
    running, session, api, site = shop
    for url in (f"{api}/web", f"{api}/admin", f"{api}/_emu/reset", f"{site}/_storage/upload"):
        async with session.post(url, json=ASKED, headers=OPENID) as answer:
            assert answer.status == 401, url
            assert (await answer.json())["code"] == "PAIRING_REQUIRED"
    async with session.get(site, headers={"Accept": "text/html"}) as answer:
        assert answer.status == 401
        assert "not paired" in await answer.text()
    async with session.get(f"{api}/_emu/pair?token=nothing") as answer:
        assert answer.status == 401
    # Whoever says to be this machine is none the nearer.
    for told in ({"Host": "127.0.0.1"}, {"X-Forwarded-For": "127.0.0.1"}):
        async with session.post(f"{api}/web", json=ASKED, headers={**OPENID, **told}) as answer:
            assert answer.status == 401
    async with session.post(f"{running.url}/_emu/reset") as answer:
        assert answer.status == 200


async def test_what_only_looks_like_the_link_is_no_way_in(start_project):
    code = "def main(event, context):\n    return 'called'\n"
    trigger = {"triggers": [{"name": "all", "type": "http", "config": {"path": "/"}}]}
    files = {
        **SHOP,
        "functions/all/index.py": code,
        "functions/all/config.json": json.dumps(trigger),
    }
    async with start_project(files) as running, ClientSession() as session:
        site = away(running.site_url)
        for method, path in (
            ("POST", "/_emu/pair"),
            ("PUT", "/_emu/pair?token=x"),
            ("HEAD", "/_emu/pair"),
            ("GET", "/_emu%2Fpair"),
            ("GET", "/_emu/p%61ir"),
            ("GET", "/_emu/pair/"),
            ("GET", "//_emu/pair"),
            ("GET", "/_emu/pair;x"),
            ("GET", "/"),
        ):
            async with session.request(method, URL(site + path, encoded=True)) as answer:
                assert answer.status == 401, (method, path)
                assert "called" not in await answer.text()


async def test_a_paired_phone_uses_everything_by_the_address_it_knows(shop):
    running, session, api, site = shop
    await running.seed({"notes": []})
    async with session.get(f"{api}{running.suite.pairing.path()}", allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"] == f"{site}/"
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
    async with session.get(site) as answer:
        assert "Hello" in await answer.text()
    async with session.post(f"{api}/web", json=ASKED, headers=OPENID) as answer:
        ticket = (await answer.json())["data"]
    assert ticket["url"].startswith(f"{site}/_storage/")
    form = FormData()
    for key, value in {
        "key": "a/b.txt",
        "Signature": ticket["authorization"],
        "x-cos-meta-fileid": ticket["cosFileId"],
        "x-cos-security-token": ticket["token"],
    }.items():
        form.add_field(key, value)
    form.add_field("file", b"picture", filename="b.txt")
    async with session.post(ticket["url"], data=form) as answer:
        assert answer.status < 300
    asked = {"action": "storage.batchGetDownloadUrl", "file_list": [{"fileid": ticket["fileId"]}]}
    async with session.post(f"{api}/web", json=asked, headers=OPENID) as answer:
        (row,) = (await answer.json())["data"]["download_list"]
    assert row["download_url"].startswith(site)
    async with session.get(row["download_url"]) as answer:
        assert await answer.text() == "picture"
    async with session.post(
        f"{api}/web", json={"action": "auth.wsWebSign"}, headers=OPENID
    ) as answer:
        socket_url = (await answer.json())["data"]["wsUrl"]
    assert socket_url == f"{api.replace('http', 'ws')}/ws"
    async with session.ws_connect(socket_url) as socket:
        await socket.send_json({"requestId": "1", "msgType": "PING"})
        assert (await socket.receive()).type is WSMsgType.TEXT


WHERE = """
from emulator import cloud
cloud.init()

def main(event, context):
    if event.get("ask"):
        return cloud.call_function(name=event["ask"], data={})["result"]
    kept = cloud.upload_file(cloud_path="a/b.txt", file_content=b"picture")
    told = cloud.get_temp_file_url(file_list=[kept["fileID"]])
    return told["fileList"][0]["tempFileURL"]
"""


async def test_an_address_that_a_function_asks_for_is_one_the_phone_can_open(start_project):
    files = {**SHOP, "functions/where/index.py": WHERE, "functions/ask/index.py": WHERE}
    async with (
        start_project(files) as running,
        ClientSession(cookie_jar=CookieJar(unsafe=True)) as session,
    ):
        api, site = away(running.url), away(running.site_url)
        async with session.get(f"{api}{running.suite.pairing.path()}"):
            pass

        async def called(name: str, event: dict, door: str) -> str:
            asked = {
                "action": "functions.invokeFunction",
                "function_name": name,
                "request_data": json.dumps(event),
            }
            async with session.post(f"{door}/web", json=asked, headers=OPENID) as answer:
                return json.loads((await answer.json())["data"]["response_data"])

        for url in (await called("where", {}, api), await called("ask", {"ask": "where"}, api)):
            assert url.startswith(f"{site}/")
            async with session.get(url) as answer:
                assert await answer.text() == "picture"
        # Code of the function, which has no cookie, may open it too; by its ticket only.
        async with ClientSession() as stranger:
            async with stranger.get(url) as answer:
                assert await answer.text() == "picture"
            async with stranger.get(f"{site}/_storage/file/guessed/b.txt") as answer:
                assert answer.status >= 400
            async with stranger.delete(url) as answer:
                assert answer.status == 401
        assert (await called("where", {}, running.url)).startswith(f"{running.site_url}/")


async def test_what_lets_a_device_in_reaches_neither_functions_nor_logs_nor_information(shop):
    running, session, api, site = shop
    one = running.suite.pairing
    async with session.get(f"{api}{one.path()}"):
        pass
    async with session.get(f"{site}/headers", headers={HEADER: one.key}) as answer:
        seen = await answer.text()
    told = json.dumps([running.suite.info(), running.suite.control.logs(limit=1000)], default=str)
    for secret in (one.key, one.link, one._cookie):
        assert secret not in seen
        assert secret not in told


async def test_the_control_api_stays_on_this_machine(shop):
    running, session, api, _ = shop
    one = running.suite.pairing
    async with session.get(f"{api}{one.path()}"):
        pass
    for headers in ({}, {HEADER: one.key}):
        for path in ("/_emu/info", "/%5Femu/info", "/_emu/reset"):
            async with session.get(f"{api}{path}", headers=headers) as answer:
                assert answer.status == 403, path
    async with session.post(f"{api}/admin", json={"action": "database.listCollections"}) as answer:
        assert answer.status == 403
    async with session.post(
        f"{api}/admin", json={"action": "database.listCollections"}, headers={HEADER: one.key}
    ) as answer:
        assert answer.status == 200


async def test_pages_of_the_same_address_may_send_their_cookie_and_no_others(shop):
    _, session, api, site = shop
    ask = {"Access-Control-Request-Method": "POST"}
    for origin, allowed in ((site, "true"), ("http://192.168.77.1:8271", None), ("null", None)):
        async with session.options(f"{api}/web", headers={**ask, "Origin": origin}) as answer:
            assert answer.status == 204
            assert answer.headers.get("Access-Control-Allow-Credentials") == allowed


async def test_links_cannot_be_guessed_at_leisure():
    clock = ManualClock()
    one = Pairing(bound_host="0.0.0.0", ids=CountedIds(), clock=clock)
    (route,) = one.routes()

    async def opened(token: str) -> int:
        request = Request(path="/_emu/pair", method="GET")
        request.query = {"token": token}
        try:
            return (await route.handler(request)).status
        except PairingRequired:
            return 401
        except Exception as refused:
            return {"PAIRING_LOCKED": 429}[refused.code]

    assert len(one.link) == LINK_LENGTH
    assert [await opened(f"guess-{number}") for number in range(TRIES_MAX)] == [401] * TRIES_MAX
    assert await opened(one.link) == 429
    clock.advance(TRIES_WINDOW_S)
    assert await opened(one.link) == 200


async def test_without_pairing_all_are_let_in_as_before(start_project):
    async with start_project(SHOP, pairing=False) as running, ClientSession() as session:
        assert running.suite.pairing is None
        async with session.get(f"{away(running.url)}/_emu/health") as answer:
            assert answer.status == 200


async def test_a_suite_of_this_machine_alone_has_no_pairing(start_project):
    async with start_project({".emulator.toml": ""}) as running:
        assert running.suite.pairing is None
