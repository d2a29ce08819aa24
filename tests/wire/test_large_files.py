"""A file of 1 GB goes in and out of a process that stays small."""

import subprocess
import sys
from pathlib import Path

import pytest

SIZE_BYTES = 1024**3
GROWTH_MAX_BYTES = 64 * 1024 * 1024

PROGRAM = """\
import asyncio, resource, sys
from pathlib import Path
from aiohttp import ClientSession, MultipartWriter, web
from emulator.ambient import CountedIds, SystemClock
from emulator.services.caller import ADMINISTRATOR
from emulator.services.storage import Storage
from emulator.services.tickets import Tickets
from emulator.stores.disk import DiskBlobStore
from emulator.wire.storage import routes

folder, size, form = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "form"
CHUNK = bytes(256 * 1024)


async def stream():
    for _ in range(size // len(CHUNK)):
        yield CHUNK


def peak_bytes():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


async def take(client, storage, name, data, kind):
    ticket = storage.upload_ticket(name, ADMINISTRATOR)
    if kind == "form":
        form = MultipartWriter("form-data")
        token = form.append(ticket.token)
        token.set_content_disposition("form-data", name="x-cos-security-token")
        form.append(data).set_content_disposition("form-data", name="file")
        data = form
    headers = {"x-cos-security-token": ticket.token}
    method = "POST" if kind == "form" else "PUT"
    async with client.request(method, ticket.url, data=data, headers=headers) as answer:
        assert answer.status in (200, 204), await answer.text()
    received = 0
    outcome = storage.temporary_url(storage.file_id(name))
    async with client.get(outcome.url) as answer:
        async for piece in answer.content.iter_any():
            received += len(piece)
    return received


async def main():
    clock, address = SystemClock(), []
    storage = Storage(
        DiskBlobStore(folder, clock), Tickets("key", clock), clock=clock, ids=CountedIds(),
        env_id="e", bucket="b", site_url=lambda _: address[0], publish=lambda file: None,
    )
    app = web.Application()
    app.add_routes(routes(storage))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
    kind = "form" if form else "put"
    async with ClientSession() as client:
        assert await take(client, storage, "small", CHUNK, kind) == len(CHUNK)
        before = peak_bytes()
        assert await take(client, storage, "large", stream(), kind) == size
        print(peak_bytes() - before)
    await runner.cleanup()


asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no getrusage")
@pytest.mark.parametrize("kind", ["put", "form"])
def test_memory_stays_where_it_is(tmp_path: Path, kind: str):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), str(SIZE_BYTES), kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= GROWTH_MAX_BYTES
