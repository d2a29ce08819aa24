"""HTTP functions: programs that listen on a port, started by `scf_bootstrap`, served by events."""

import base64
import json

import pytest

from emulator.functions.triggers.http import http_event

ECHO = """
const http = require('http')
const seen = []
http.createServer(async (request, answer) => {
  const parts = []
  for await (const part of request) parts.push(part)
  seen.push(request.url)
  const { method, url, headers } = request
  answer.statusCode = method === 'PUT' ? 201 : 200
  answer.setHeader('Set-Cookie', ['a=1', 'b=2'])
  answer.setHeader('X-Seen', seen.length)
  const body = Buffer.concat(parts).toString('hex')
  answer.end(JSON.stringify({ method, url, body, type: headers['content-type'] }))
}).listen(process.env.PORT || 9000, '0.0.0.0', function () {
  console.log('up on', this.address().port, require.main === module, process.argv.slice(2))
})
"""


async def web(stage, code: str, *, file: str = "index.js"):
    stage.save("fn/scf_bootstrap", f"#!/bin/bash\nnode {file} --stage prod\n")
    stage.save(f"fn/{file}", code)
    return await stage.load()


def event(path: str = "/fn", **parts):
    return http_event(
        path=path, request_id="r", env_id="env", **{"method": "GET", "body": b"", **parts}
    )


async def answer(stage, generation, path: str = "/fn", **parts):
    told = await stage.result(generation, event(path, **parts))
    return told, base64.b64decode(told["body"])


async def test_server_answers_events_and_takes_no_port(stage):
    generation = await web(stage, ECHO)
    told, body = await answer(
        stage,
        generation,
        "/users/1",
        method="PUT",
        headers=[("Content-Type", "x/y"), ("Content-Length", "999"), ("Connection", "close")],
        query=[("a", "1"), ("a", "2"), ("b", "中")],
        body=b"\0\xff",
    )
    assert told["statusCode"] == 201
    assert told["headers"] == {
        "content-type": "text/plain; charset=utf-8",
        "set-cookie": ["a=1", "b=2"],
        "x-seen": "1",
    }
    url = "/users/1?a=1&a=2&b=%E4%B8%AD"
    assert json.loads(body) == {"method": "PUT", "url": url, "body": "00ff", "type": "x/y"}
    told, body = await answer(stage, generation)
    assert (told["headers"]["x-seen"], json.loads(body)["url"]) == ("2", "/")
    assert [line for *_, line in stage.lines] == ["up on 9000 true [ '--stage', 'prod' ]"]
    await stage.idle()


async def test_modules_listen_as_well(stage):
    code = "import http from 'node:http'\nhttp.createServer((q, s) => s.end('esm')).listen(9000)\n"
    generation = await web(stage, code, file="index.mjs")
    assert (await answer(stage, generation))[1] == b"esm"


async def test_start_file_may_be_the_program_itself(stage):
    code = "require('http').createServer((q, s) => s.end('itself')).listen(9000)"
    stage.save("fn/scf_bootstrap", f"#!/var/lang/node16/bin/node\n{code}\n")
    assert (await answer(stage, await stage.load()))[1] == b"itself"


@pytest.mark.parametrize(
    ("handler", "message"),
    {
        "hangs up": ("(q, s) => s.destroy()", "the server gave no answer"),
        "throws": ("() => { throw new Error('in a route') }", "in a route"),
    }.values(),
    ids=["hangs up", "throws"],
)
async def test_server_that_fails_fails_its_call_only(stage, handler, message):
    generation = await web(
        stage,
        f"const fails = {handler}\nrequire('http').createServer((q, s) => "
        "q.url === '/well' ? s.end('well') : fails(q, s)).listen(9000)",
    )
    outcome = await stage.call(generation, event("/ill"))
    assert message in outcome.failure.message
    assert (await answer(stage, generation, "/well"))[1] == b"well"


async def test_call_that_is_no_request_is_told_so(stage):
    outcome = await stage.call(await web(stage, ECHO), {"a": 1})
    assert "is an HTTP function" in outcome.failure.message


async def test_program_that_does_not_listen_is_a_problem(stage):
    stage.save("fn/scf_bootstrap", "node index.js")
    problem = await stage.problem("exports.main = () => 1")
    assert "listens on no port" in problem.message


async def test_other_functions_may_listen_as_ever(stage):
    told = await stage.run(
        "exports.main = () => new Promise((done) => {\n"
        "  const server = require('http').createServer().listen(0, '127.0.0.1', () => {\n"
        "    server.close(() => done(server.address() === null))\n  })\n})"
    )
    assert told is True


async def test_saving_any_source_of_the_program_is_seen(stage):
    stage.save("fn/lib/late.js", "module.exports = 1")
    generation = await web(stage, ECHO)
    assert generation.is_current()
    stage.save("fn/lib/late.js", "module.exports = 2")
    assert not generation.is_current()


async def test_paths_and_headers_are_passed_as_they_were_sent(stage):
    generation = await web(
        stage,
        "require('http').createServer((q, s) => s.end(JSON.stringify("
        "[q.url, Buffer.from(q.headers['x-name'], 'latin1').toString(), q.headers.upgrade]"
        "))).listen(9000)",
    )
    headers = [("X-Name", "名"), ("Upgrade", "websocket")]
    _, body = await answer(stage, generation, "/a b/字?#%41", headers=headers)
    assert json.loads(body) == ["/a%20b/%E5%AD%97%3F%23%2541", "名", None]
