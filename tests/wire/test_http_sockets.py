"""WebSockets of HTTP functions: through the site to a server of the function's own process."""

import asyncio
import shutil
from typing import Any

import aiohttp
import pytest

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node: install 18+")
# The smallest server there is: an accepted handshake, and every short text frame sent back.
NODE = """
const http = require('http')
const crypto = require('crypto')
const server = http.createServer((request, answer) => answer.end('plain ' + request.url))
server.on('upgrade', (request, socket) => {
  if (request.url.startsWith('/no')) return socket.end('HTTP/1.1 403 Forbidden\\r\\n\\r\\n')
  const key = request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
  const accept = crypto.createHash('sha1').update(key).digest('base64')
  const protocol = (request.headers['sec-websocket-protocol'] || '').split(',')[0]
  const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`]
  if (protocol) head.push(`Sec-WebSocket-Protocol: ${protocol}`)
  socket.write(head.join('\\r\\n') + '\\r\\n\\r\\n')
  const send = (kind, data) => {
    socket.write(Buffer.concat([Buffer.from([0x80 | kind, data.length]), data]))
  }
  const end = (data) => { send(8, Buffer.from(data)); socket.end() }
  send(1, Buffer.from(`${request.url} ${request.headers['x-own'] || 'None'}`))
  socket.on('data', (frame) => {
    const kind = frame[0] & 15
    const mask = frame.subarray(2, 6)
    const data = frame.subarray(6).map((byte, at) => byte ^ mask[at % 4])
    if (kind === 8) return end(data)
    if (data.toString() === 'leave') return end([0x0f, 0xa1, 0x62, 0x79, 0x65])
    send(kind, Buffer.from(data))
  })
  socket.on('error', () => {})
})
server.listen(9000)
"""
PYTHON = """
from aiohttp import web

async def talk(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str(f"{request.raw_path} {request.headers.get('x-own')}")
    async for message in socket:
        if message.data == "leave":
            await socket.close(code=4001, message=b"bye")
        else:
            await socket.send_str(message.data)
    return socket

app = web.Application()
app.router.add_get("/{path:.*}", talk)
web.run_app(app, host="0.0.0.0", port=9000, print=None, handle_signals=False)
"""
PROGRAMS = {"node": ("index.js", NODE), "python3": ("app.py", PYTHON)}


@pytest.mark.parametrize(
    "language", [pytest.param("node", marks=needs_node), pytest.param("python3")]
)
async def test_messages_pass_both_ways_until_one_side_closes(start_project: Any, language: str):
    file, code = PROGRAMS[language]
    files = {"functions/talk/scf_bootstrap": f"{language} {file}", f"functions/talk/{file}": code}
    headers = {"X-Own": "yes"}
    async with start_project(files) as running, aiohttp.ClientSession() as session:
        url = f"{running.site_url}/talk/room?a=%E4%B8%AD"
        async with asyncio.timeout(30), session.ws_connect(url, headers=headers) as socket:
            assert await socket.receive_str() == "/room?a=%E4%B8%AD yes"
            for text in ("hello", "中"):
                await socket.send_str(text)
                assert await socket.receive_str() == text
            await socket.send_str("leave")
            last = await socket.receive()
            assert (last.type, last.data, last.extra) == (aiohttp.WSMsgType.CLOSE, 4001, "bye")
        async with asyncio.timeout(30):
            sockets = [await session.ws_connect(f"{running.site_url}/talk") for _ in range(3)]
            assert [await each.receive_str() for each in sockets] == ["/ None"] * 3
            for each in sockets:
                await each.close()


@needs_node
async def test_a_server_may_refuse_and_other_requests_are_as_ever(start_project: Any):
    files = {"functions/talk/scf_bootstrap": "node index.js", "functions/talk/index.js": NODE}
    async with start_project(files) as running, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(f"{running.site_url}/talk/no")
        assert caught.value.status == 403
        url = f"{running.site_url}/talk"
        async with session.ws_connect(url, protocols=["chat", "b"]) as socket:
            assert socket.protocol == "chat"
        async with session.get(url) as answer:
            assert await answer.text() == "plain /"


@needs_node
async def test_open_sockets_do_not_hold_up_the_end(start_project: Any):
    files = {"functions/talk/scf_bootstrap": "node index.js", "functions/talk/index.js": NODE}
    async with aiohttp.ClientSession() as session:
        async with start_project(files) as running:
            path = "/v1/functions/talk?webfn=true"
            headers = {"x-emu-openid": "oAda"}
            sockets = [
                await session.ws_connect(f"{running.site_url}/talk"),
                await session.ws_connect(f"{running.url}{path}", headers=headers),
            ]
            assert await sockets[0].receive_str() == "/ None"
        async with asyncio.timeout(10):
            assert (await sockets[0].receive()).type is not aiohttp.WSMsgType.TEXT


async def test_a_function_that_takes_events_takes_no_socket(start_project: Any):
    files = {
        "functions/plain/index.py": "def main(event, context): return event['headers']['upgrade']",
        "functions/plain/config.json": '{"triggers": [{"name": "p", "type": "http",'
        ' "config": {"path": "/plain"}}]}',
    }
    async with start_project(files) as running, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(f"{running.site_url}/plain")
        assert caught.value.status == 200
