"""Requests of user code to the cloud's own hosts reach the suite; others go where they should."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        told = "|".join(
            (self.command, self.path, self.headers["host"], self.headers["x-forwarded-host"] or "",
             self.headers.get("x-own", ""), self.rfile.read(size).decode())
        )  # fmt: skip
        self.send_response(200)
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told.encode())

    do_GET = do_POST

    def log_message(self, *arguments: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[str]:
    """A server that tells what it was asked."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


CLOUD = "env-1.api.tcloudbasegateway.com"
ASK = """
const http = require('http')
const https = require('https')
const reply = (begin) => new Promise((resolve, reject) => {
  const request = begin((response) => {
    let text = ''
    response.on('data', (data) => { text += data })
    response.on('end', () => resolve(text))
  })
  request.on('error', (error) => reject(error))
  request.end()
})
"""

FORMS = {
    "options": "(done) => https.request({ hostname: 'tcb-admin.tencentcloudapi.com', path: '/admin'"
    ", headers: { Host: 'x', 'x-own': 'y' } }, done)",
    "text": "(done) => https.request('https://tcb-admin.tencentcloudapi.com/admin',"
    " { headers: { 'x-own': 'y' } }, done)",
    "URL": "(done) => https.get(new URL('https://tcb-admin.tencentcloudapi.com/admin'),"
    " { headers: { 'x-own': 'y' } }, done)",
    "host with a port": "(done) => http.get({ host: 'tcb-admin.tencentcloudapi.com:80',"
    " path: '/admin', headers: { 'x-own': 'y' } }, done)",
}


@pytest.mark.parametrize("begin", FORMS.values(), ids=FORMS)
async def test_forms_of_a_request_are_understood(stage, server, begin):
    told = await stage.run(
        f"{ASK}exports.main = () => reply({begin})",
        variables={"CLOUD_EMU_URL": f"http://{server}"},
    )
    assert told == f"GET|/admin|{server}|tcb-admin.tencentcloudapi.com|y|"


@pytest.mark.parametrize(
    "host",
    [
        "tcb-api.tencentcloudapi.com",
        "my-env.ap-shanghai.tcb-api.tencentcloudapi.com",
        "internal.tcb-api.tencentcloudapi.com",
        "tcb-admin.tencentyun.com",
        "tcb-open.tencentcloudapi.com",
        "tcb-open.tencentyun.com",
        "my-env.api.tcloudbasegateway.com",
        "my-env.api.intl.tcloudbasegateway.com",
        "metadata.tencentyun.com",
        "tcb.tencentcloudapi.com",
        "tcb.ap-shanghai.tencentcloudapi.com",
        "scf.internal.tencentcloudapi.com",
        "flexdb.tencentcloudapi.com",
    ],
)
async def test_hosts_of_the_cloud_are_the_suite(stage, server, host):
    told = await stage.run(
        f"{ASK}exports.main = (host) => reply((done) => http.get(`http://${{host}}/v1?a=1`, done))",
        host,
        variables={"CLOUD_EMU_URL": f"http://{server}"},
    )
    assert told == f"GET|/v1?a=1|{server}|{host}||"


async def test_body_travels_along(stage, server):
    told = await stage.run(
        "const https = require('https')\nexports.main = () => new Promise((resolve) => {\n"
        "  const request = https.request({ method: 'POST', path: '/admin',\n"
        "    hostname: 'tcb-admin.tencentcloudapi.com' }, (response) => {\n"
        "    let text = ''\n    response.on('data', (data) => { text += data })\n"
        "    response.on('end', () => resolve(text))\n  })\n  request.end('body')\n})",
        variables={"CLOUD_EMU_URL": f"http://{server}"},
    )
    assert told.startswith("POST|/admin|")
    assert told.endswith("|body")


async def test_other_hosts_are_left_alone(stage, server):
    told = await stage.run(
        f"{ASK}exports.main = (url) => reply((done) => http.get(url, done))",
        f"http://{server}/own",
        variables={"CLOUD_EMU_URL": "http://127.0.0.1:1"},
    )
    assert told == f"GET|/own|{server}|||"


async def test_imported_functions_are_redirected_too(stage, server):
    stage.save(
        "fn/index.mjs",
        "import { get } from 'https'\nexport const main = () => new Promise((resolve) => {\n"
        "  get('https://tcb-admin.tencentcloudapi.com/admin', (response) => {\n"
        "    response.on('data', (data) => resolve(String(data)))\n  })\n})",
    )
    told = await stage.result(await stage.load(), variables={"CLOUD_EMU_URL": f"http://{server}"})
    assert told.startswith("GET|/admin|")


async def test_offline_refuses_every_other_host(stage, server):
    code = f"{ASK}exports.main = (url) => reply((done) => http.get(url, done))"
    variables = {"CLOUD_EMU_URL": f"http://{server}", "CLOUD_EMU_OFFLINE": "1"}
    generation = await stage.load(code)
    outcome = await stage.call(generation, "http://example.invalid/", variables=variables)
    assert "example.invalid was refused" in outcome.failure.message
    assert await stage.result(generation, f"http://{server}/own", variables=variables)


FETCHES = {
    "text": "fetch('https://HOST/a?b=c', { method: 'POST', headers: { 'x-own': 'y' }, body: 'z' })",
    "URL": "fetch(new URL('https://HOST/a?b=c'), { method: 'POST', headers: [['x-own', 'y']],"
    " body: Buffer.from('z') })",
    "Request": "fetch(new Request('https://HOST/a?b=c', { method: 'POST',"
    " headers: { 'x-own': 'y' }, body: 'z' }))",
    "Request and more": "fetch(new Request('https://HOST/a?b=c', { headers: { 'x-own': 'n' } }),"
    " { method: 'POST', headers: { 'x-own': 'y' }, body: 'z' })",
}


@pytest.mark.parametrize("ask", FETCHES.values(), ids=FETCHES)
async def test_fetch_goes_the_same_ways(stage, server, ask):
    told = await stage.run(
        f"exports.main = async () => (await {ask.replace('HOST', CLOUD)}).text()",
        variables={"CLOUD_EMU_URL": f"http://{server}"},
    )
    assert told == f"POST|/a?b=c|{server}|{CLOUD}|y|z"


async def test_fetch_of_other_hosts_is_left_alone_or_refused(stage, server):
    generation = await stage.load(
        "exports.main = async (url) => {\n"
        "  try { return await (await fetch(url)).text() } catch (e) { return e.cause.code }\n}"
    )
    variables = {"CLOUD_EMU_URL": "http://127.0.0.1:9", "CLOUD_EMU_OFFLINE": "1"}
    here = await stage.result(generation, f"http://{server}/a", variables=variables)
    assert here == f"GET|/a|{server}|||"
    away = await stage.result(generation, "https://example.com/", variables=variables)
    assert away == "ECONNREFUSED"


STAND_INS = {
    "WeChat": ("api.weixin.qq.com", {}, "api"),
    "WeChat itself": ("api.weixin.qq.com", {"CLOUD_EMU_WECHAT_API": "real"}, "refused"),
    "HTTP access": ("env-1.service.tcloudbase.com", {}, "site"),
    "HTTP access by region": ("env-1-125.ap-shanghai.app.tcloudbase.com", {}, "site"),
    "hosting": ("env-1-125.tcloudbaseapp.com", {}, "site"),
    "a host that only ends alike": ("mytcloudbaseapp.com", {}, "refused"),
}


@pytest.mark.parametrize(("host", "variables", "by"), STAND_INS.values(), ids=STAND_INS)
async def test_hosts_are_answered_by_their_stand_ins(stage, server, host, variables, by):
    answers = {"api": f"http://{server}", "site": f"http://localhost:{server.partition(':')[2]}"}
    told = await stage.run(
        f"{ASK}exports.main = () => reply((done) => https.get('https://{host}/a', done))"
        ".catch((e) => e.code)",
        variables={
            "CLOUD_EMU_URL": answers["api"],
            "CLOUD_EMU_SITE_URL": answers["site"],
            "CLOUD_EMU_OFFLINE": "1",
            **variables,
        },
    )
    asked = answers[by].removeprefix("http://") if by in answers else ""
    assert told == (f"GET|/a|{asked}|{host}||" if asked else "ECONNREFUSED")
