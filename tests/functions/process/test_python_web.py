"""HTTP functions in Python: programs that listen on a port, in processes of their own."""

import asyncio
import base64
import json
import os

import aiohttp
import pytest

from emulator.functions.base import LoadFailed
from emulator.functions.triggers.http import http_event

ECHO = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
import helper

class Handler(BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        told = {"method": self.command, "path": self.path, "body": body.hex(), "cwd": os.getcwd(),
                "own": self.headers.get("x-own"), "arguments": sys.argv[1:], "help": helper.NAME,
                "mode": os.environ.get("MODE"), "main": __name__}
        text = json.dumps(told).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.end_headers()
        self.wfile.write(text)
    do_GET = do_POST = do_PUT = answer
    def log_message(self, *said):
        pass

server = HTTPServer(("0.0.0.0", 9000), Handler)
print("listening", file=sys.stderr)
server.serve_forever()
"""
PIECES = """
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        for number in range(3):
            self.wfile.write(f"piece {number};".encode())
    def log_message(self, *said):
        pass

HTTPServer(("", 9000), Handler).serve_forever()
"""
ASYNC = """
import asyncio

async def answer(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")
    await writer.drain()
    writer.close()

async def serve():
    server = await asyncio.start_server(answer, "0.0.0.0", 9000)
    await server.serve_forever()

asyncio.run(serve())
"""
AGAIN = """
import os, socket, subprocess, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
    def log_message(self, *said):
        pass

if "AGAIN" not in os.environ:
    listening = socket.create_server(("0.0.0.0", 9000))
    listening.set_inheritable(True)
    again = {**os.environ, "AGAIN": str(listening.fileno())}
    command = [sys.executable, *sys.orig_argv[1:]]
    sys.exit(subprocess.call(command, env=again, close_fds=False))
server = HTTPServer(("0.0.0.0", 9000), Handler)
server.socket = socket.socket(fileno=int(os.environ["AGAIN"]))
server.serve_forever()
"""
PLAIN = (
    "#!/bin/bash\nexport MODE=prod\n/var/lang/python310/bin/python3.10 -u app.py --stage 'a b'\n"
)


async def web(stage, code: str, start: str = "python3 app.py"):
    stage.save("fn/scf_bootstrap", start)
    stage.save("fn/helper.py", "NAME = 'helper'")
    stage.save("fn/app.py", code)
    return await stage.load()


def event(path: str = "/fn", **parts):
    given = {"method": "GET", "body": b"", **parts}
    return http_event(path=path, request_id="r", env_id="env", **given)


async def test_program_answers_events_and_takes_no_port(stage):
    generation = await web(stage, ECHO, PLAIN)
    told = await stage.result(
        generation,
        event(
            "/users/中 1",
            method="PUT",
            headers=[("X-Own", "yes"), ("Content-Length", "999"), ("Connection", "close")],
            query=[("a", "1"), ("a", "2"), ("b", "中")],
            body=b"\0\xff",
        ),
    )
    assert told["statusCode"] == 201
    assert told["headers"]["set-cookie"] == ["a=1", "b=2"]
    heard = json.loads(base64.b64decode(told["body"]))
    assert heard == {
        "method": "PUT",
        "path": "/users/%E4%B8%AD%201?a=1&a=2&b=%E4%B8%AD",
        "body": "00ff",
        "cwd": str((stage.root / "fn").resolve()),
        "own": "yes",
        "arguments": ["--stage", "a b"],
        "help": "helper",
        "mode": "prod",
        "main": "__main__",
    }
    told = await stage.result(generation, event())
    assert json.loads(base64.b64decode(told["body"]))["path"] == "/"


@pytest.mark.parametrize("start", ["python3 -m app", "cd src\npython -B -m app --x"])
async def test_a_module_is_started_as_well(stage, start):
    generation = await web(stage, ECHO, start)
    told = await stage.result(generation, event("/a"))
    assert json.loads(base64.b64decode(told["body"]))["main"] == "__main__"


async def test_a_suite_serves_it_and_starts_it_again_when_it_is_saved(start_project, tmp_path):
    files = {
        "functions/web/scf_bootstrap": "python3 app.py",
        "functions/web/app.py": PIECES,
        "functions/late/scf_bootstrap": "python3 app.py",
        "functions/late/app.py": "import threading\nthreading.Event().wait(0.01)",
    }
    async with start_project(files) as running, aiohttp.ClientSession() as session:
        headers = {"x-emu-openid": "oAda"}
        for url in (f"{running.site_url}/web", f"{running.url}/v1/functions/web?webfn=true"):
            async with session.get(url, headers=headers) as answer:
                assert (answer.status, await answer.text()) == (200, "piece 0;piece 1;piece 2;")
        async with session.get(f"{running.site_url}/late") as answer:
            assert answer.status == 500
        (tmp_path / "project/functions/web/app.py").write_text(PIECES.replace("piece", "part"))
        async with asyncio.timeout(20):
            while True:
                async with session.get(f"{running.site_url}/web") as answer:
                    if (await answer.text()).startswith("part 0"):
                        break


@pytest.mark.parametrize("run", ["asyncio.run", "__import__('uvloop').run"])
async def test_servers_of_asyncio_listen_too(stage, run):
    if "uvloop" in run:
        pytest.importorskip("uvloop", reason="needs the extra fast: pip install uvloop")
    generation = await web(stage, ASYNC.replace("asyncio.run", run))
    assert (await stage.result(generation, event()))["statusCode"] == 204


@pytest.mark.skipif(not hasattr(os, "fork"), reason="handles are not inherited like this there")
async def test_a_program_may_start_itself_anew_as_those_that_reload_do(stage):
    generation = await web(stage, AGAIN)
    assert (await stage.result(generation, event()))["statusCode"] == 204


async def test_programs_side_by_side_have_ports_of_their_own(stage):
    generation = await web(stage, ECHO)
    answers = await asyncio.gather(*(stage.result(generation, event()) for _ in range(3)))
    assert [each["statusCode"] for each in answers] == [201, 201, 201]


async def test_other_events_are_refused_in_words(stage):
    generation = await web(stage, ECHO)
    failure = (await stage.call(generation, {"a": 1})).failure
    assert "fn is an HTTP function: send it a request" in failure.message


@pytest.mark.slow
async def test_program_that_listens_nowhere_says_so(stage):
    code = "import time\ntime.sleep(60)"
    with pytest.raises(LoadFailed) as caught:
        await web(stage, code)
    assert "app.py listens on no port: an HTTP function does, on 9000" in (
        caught.value.problem.message
    )


async def test_program_that_ends_or_hangs_up_says_so(stage):
    with pytest.raises(LoadFailed) as caught:
        await web(stage, "import sys\nsys.exit(3)")
    assert "app.py ended with 3" in caught.value.problem.message
    stage.save("fn/app.py", "import os\n" + ECHO.replace("body = self", "os._exit(1) #"))
    generation = await stage.load()
    assert "gave no answer" in (await stage.call(generation, event())).failure.message


FORKS = ECHO.replace("server.serve_forever()", "os.fork()\nserver.serve_forever()")


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(ECHO, id="alone"),
        pytest.param(
            FORKS, id="forked", marks=pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX")
        ),
    ],
)
async def test_program_ends_with_its_worker(stage, code):
    generation = await web(stage, code.replace("__name__", "server.server_address"))
    told = await stage.result(generation, event())
    host, port = json.loads(base64.b64decode(told["body"]))["main"]
    await stage.runtime.close()
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, port)
            except OSError:
                break
            writer.close()
            await asyncio.sleep(0)
