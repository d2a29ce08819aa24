"""The life of a suite in this process: beside another, again and again, and cut short."""

import asyncio
import gc
import json
import os
import socket
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from aiohttp import ClientSession

from emulator.config import load_config
from emulator.core.errors import EmulatorError
from emulator.functions.reload import FolderWatcher
from emulator.suite import Suite, lifecycle

COUNT = """
calls = []
def main(event, context):
    calls.append(event.get("n"))
    return {"who": %(who)r, "calls": calls}
"""
WRITE = """
import os
from emulator import cloud
async def main(event, context):
    await cloud.database().collection("c").add(data={"by": %(who)r})
    return [os.environ.get("WHO"), os.environ["TCB_ENV"]]
"""


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path_factory, monkeypatch):
    """Other suites of this machine have theirs."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))


def project(folder, who):
    for name, code in {"count": COUNT, "write": WRITE}.items():
        function = folder / "cloudfunctions" / name
        function.mkdir(parents=True)
        (function / "index.py").write_text(code % {"who": who}, encoding="utf-8")
        trigger = {"name": "web", "type": "http", "config": {"path": f"/{name}"}}
        config = {"triggers": [trigger], "envVariables": {"WHO": who}}
        (function / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def suite_of(folder, **overrides):
    return Suite(load_config(folder, {"port": 0, "site_port": 0, **overrides}))


async def call(suite, name, event=None):
    told = await suite.control.invoke(name, event or {}, openid=None, source="test")
    return told["result"]


async def test_two_suites_in_one_process_share_nothing(tmp_path):
    one = suite_of(project(tmp_path / "one", "one"), env="env-one")
    two = suite_of(project(tmp_path / "two", "two"), env="env-two")
    await asyncio.gather(one.start(), two.start())
    try:
        for suite, who in ((one, "one"), (two, "two")):
            await suite.control.seed({"c": []}, replace=False, triggers=False)
            assert await call(suite, "count", {"n": who}) == {"who": who, "calls": [who]}
            assert await call(suite, "write") == [who, f"env-{who}"]
        for suite, who in ((one, "one"), (two, "two")):
            assert [each["by"] for each in suite.control.collection("c")] == [who]
            assert {each["function"] for each in suite.control.requests(9)} == {"count", "write"}
            assert len(suite.control.requests(9)) == 2
        assert len({*one.urls.values(), *two.urls.values()}) == 4
        await one.stop()
        assert await call(two, "count", {"n": 2}) == {"who": "two", "calls": ["two", 2]}
        assert await call(two, "write") == ["two", "env-two"]
        (tmp_path / "two/cloudfunctions/count/index.py").write_text("def main(): return 'new'")
        assert await call(two, "count") == "new"
    finally:
        await one.stop()
        await two.stop()


async def test_what_was_stored_is_there_after_each_start(tmp_path):
    folder = project(tmp_path, "one")
    suite = suite_of(folder)
    for turn in range(1, 4):
        await suite.start()
        if turn == 1:
            await suite.control.seed({"c": []}, replace=False, triggers=False)
        await call(suite, "write")
        assert len(suite.control.collection("c")) == turn
        # The code was loaded anew: what it kept is gone.
        assert (await call(suite, "count"))["calls"] == [None]
        await suite.stop()
    async with ClientSession() as http:
        with pytest.raises(OSError, match="Cannot connect"):
            await http.get(suite.urls["api"])


async def test_starting_and_stopping_leaves_nothing_of_the_suite_in_the_process(tmp_path):
    suite = suite_of(project(tmp_path, "one"), ephemeral=True)
    await run_once(suite)
    before = traces()
    for _ in range(3):
        await run_once(suite)
    assert traces() == before


async def run_once(suite):
    await suite.start()
    await suite.control.seed({"c": []}, replace=False, triggers=False)
    await call(suite, "write")
    await call(suite, "count")
    await suite.stop()


def traces():
    """Return what a suite might leave behind: threads, descriptors, modules, folders, patches."""
    gc.collect()
    return {
        "threads": sorted(
            each.name for each in threading.enumerate() if not each.name.startswith("asyncio_")
        ),
        "descriptors": len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0,
        "modules": {name for name in sys.modules if not name.startswith(("emulator", "encodings"))},
        "path": list(sys.path),
        "folders": sorted(Path(tempfile.gettempdir()).iterdir()),
        "patches": (os.environ, threading.Thread.start, os._exit),
        "tasks": len(asyncio.all_tasks()),
    }


async def test_stopping_what_never_started_or_has_stopped_does_nothing(tmp_path):
    suite = suite_of(project(tmp_path, "one"), ephemeral=True)
    await suite.stop()
    await suite.start()
    await suite.stop()
    await suite.stop()


# Cut short


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def assert_free(port):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))


def break_seed(folder, monkeypatch):
    monkeypatch.setattr(lifecycle, "read_seed_files", refuse)
    return {"seed": (str(folder / "seed.json"),)}


def refuse(*_, **__):
    raise EmulatorError("broken on purpose")


def break_blobs(folder, monkeypatch):
    (folder / ".cloud-emu").mkdir()
    (folder / ".cloud-emu/storage").write_text("in the way")
    return {}


def break_watching(folder, monkeypatch):
    monkeypatch.setattr(FolderWatcher, "start", refuse)
    return {}


def break_loading(folder, monkeypatch):
    monkeypatch.setattr("emulator.services.registry.Registry.load_all", refuse)
    return {}


def break_checking(folder, monkeypatch):
    monkeypatch.setattr(lifecycle.Suite, "_build_server", refuse)
    return {}


@pytest.mark.parametrize(
    "breaking", [break_blobs, break_checking, break_loading, break_watching, break_seed]
)
async def test_a_start_that_fails_half_way_releases_everything(tmp_path, monkeypatch, breaking):
    folder = project(tmp_path, "one")
    (folder / "seed.json").write_text("{}")
    await run_once(suite_of(folder, ephemeral=True))
    ports = {"port": free_port(), "site_port": free_port()}
    before = traces()
    with monkeypatch.context() as patched:
        settings = breaking(folder, patched)
        suite = suite_of(folder, **ports, **settings)
        with pytest.raises(EmulatorError):
            await suite.start()
        await suite.stop()
    assert traces() == before
    for port in ports.values():
        assert_free(port)
    in_the_way = folder / ".cloud-emu/storage"
    if in_the_way.is_file():
        in_the_way.unlink()
    await run_once(suite_of(folder, **ports))


async def test_a_port_in_use_is_said_and_the_other_is_released(tmp_path):
    folder = project(tmp_path, "one")
    ports = {"port": free_port(), "site_port": free_port()}
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", ports["site_port"]))
        holder.listen()
        with pytest.raises(EmulatorError, match=str(ports["site_port"])):
            await suite_of(folder, **ports).start()
        assert_free(ports["port"])
    await run_once(suite_of(folder, **ports))


async def test_a_start_that_is_given_up_releases_everything(tmp_path):
    """At any moment: the start is cancelled after one turn of the loop, after two, and so on."""
    folder = project(tmp_path, "one")
    await run_once(suite_of(folder, ephemeral=True))
    before = traces()
    for turns in (0, 1, 2, 3, 5, 8, 13, 21, 34):
        suite = suite_of(folder, ephemeral=True)
        starting = asyncio.create_task(suite.start())
        for _ in range(turns):
            await asyncio.sleep(0)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await suite.stop()
        assert traces() == before, turns


async def test_code_that_hangs_while_it_loads_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(lifecycle, "READY_WAIT_MAX_S", 0.2)
    folder = project(tmp_path, "one")
    hangs = folder / "cloudfunctions/hangs"
    hangs.mkdir()
    (hangs / "index.py").write_text("import time\ntime.sleep(3)\ndef main(): return 'late'")
    suite = suite_of(folder, ephemeral=True)
    await suite.start()
    assert (await call(suite, "count"))["who"] == "one"
    await suite.stop()
    for thread in threading.enumerate():
        if thread.name == "function hangs":
            await asyncio.to_thread(thread.join)


async def test_a_folder_that_cannot_be_watched_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(
        FolderWatcher, "start", lambda self: setattr(self, "fault", "it is not watched: no more")
    )
    folder = project(tmp_path, "one")
    suite = suite_of(folder, ephemeral=True)
    await suite.start()
    assert any("not watched: no more" in each["line"] for each in suite.control.logs())
    # What is saved is what answers all the same.
    (folder / "cloudfunctions/count/index.py").write_text("def main(): return 'saved'")
    assert await call(suite, "count") == "saved"
    await suite.stop()


async def test_data_that_is_loaded_once_leaves_what_is_there_alone(tmp_path):
    (tmp_path / "shop.json").write_text(
        '{"collections": {"products": [{"_id": "p", "stock": 9}], "orders": []}}'
    )
    (tmp_path / ".emulator.toml").write_text('[seed]\npaths = ["shop.json"]\nonce = true\n')
    for stock in (9, 4):
        suite = suite_of(tmp_path)
        await suite.start()
        (found,) = suite.control.collection("products")
        assert found["stock"] == stock
        assert suite.control.collection("orders") == []
        sold = {"products": [{"_id": "p", "stock": 4}]}
        await suite.control.seed(sold, replace=True, triggers=False)
        assert suite.control.info()["collections"] == ["products"]
        await suite.stop()
    suite = suite_of(tmp_path, seed=(str(tmp_path / "shop.json"),))
    await suite.start()
    (found,) = suite.control.collection("products")
    await suite.stop()
    assert found["stock"] == 9, "asked for now, loaded now"


async def test_visitors_that_come_while_code_loads_wait_for_it(tmp_path):
    folder = project(tmp_path, "one")
    code = "from pathlib import Path\nimport time\n" + (
        "while not Path(__file__).with_name('go').exists():\n    time.sleep(0.01)\n"
    )
    file = folder / "cloudfunctions" / "count" / "index.py"
    file.write_text(code + file.read_text("utf-8"), encoding="utf-8")
    suite = suite_of(folder)
    starting = asyncio.create_task(suite.start())
    try:
        async with ClientSession() as http:
            while not suite.urls.get("site"):
                await asyncio.sleep(0)
            visit = asyncio.create_task(http.get(f"{suite.urls['site']}/count"))
            async with http.get(f"{suite.urls['site']}/write") as answer:
                assert answer.status != 404
            assert not visit.done()
            file.with_name("go").write_text("")
            async with await visit as answer:
                assert (answer.status, (await answer.json())["who"]) == (200, "one")
    finally:
        file.with_name("go").write_text("")
        await starting
        await suite.stop()
