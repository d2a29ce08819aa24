"""A suite inside a command: taken, found, let go, in this process."""

import asyncio
import os
import subprocess
import sys

import pytest

from emulator.cli import discovery, serving
from emulator.cli.output import Failed
from emulator.cli.serving import Interrupted, first_of, run_async, running
from emulator.cli.signals import Stopping
from emulator.config import load_config
from emulator.functions.process_awake import LOOKS_MAX
from emulator.suite import Suite

NOT_YET = (
    "PIL", "croniter", "cryptography", "dateutil", "debugpy", "importlib.metadata", "jsonschema",
    "multiprocessing", "prometheus_client", "referencing", "segno", "unittest", "webbrowser",
)  # fmt: skip
"""What serves one request, one function or one command, and is loaded by that."""


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The configuration of an empty project on free ports."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    (tmp_path / "project").mkdir()

    def of(**overrides: object):
        return load_config(tmp_path / "project", {"port": 0, "site_port": 0, **overrides})

    return of


async def test_a_suite_that_keeps_its_data_is_found_while_it_runs(config):
    file = discovery.kept_file(config().data_dir)
    async with running(config(), Stopping()) as suite:
        record = discovery.read(file)
        assert record is not None
        assert (record.urls, record.env) == (dict(suite.urls), "demo-env")
        assert record.started_at.endswith("Z")
    assert not file.exists()


async def test_a_suite_that_keeps_nothing_is_found_by_its_project(config):
    async with running(config(ephemeral=True), Stopping()) as suite:
        record = discovery.read(discovery.ephemeral_file(suite.config.project))
        assert record is not None
        assert record.urls == dict(suite.urls)
        assert not config().data_dir.exists()


async def test_a_folder_is_one_suites_and_free_again_afterwards(config):
    async with running(config(), Stopping()):
        with pytest.raises(Failed, match="another suite runs in"):
            async with running(config(), Stopping()):
                raise AssertionError
    async with running(config(), Stopping()) as suite:
        assert suite.control.ready


async def test_a_wish_to_stop_before_it_is_ready_ends_it(config):
    stopping = Stopping()
    (config().project / "functions" / "hangs").mkdir(parents=True)
    (config().project / "functions" / "hangs" / "index.py").write_text(
        "import time\ntime.sleep(60)"
    )
    asyncio.get_running_loop().call_later(0.05, stopping.request)
    with pytest.raises(Interrupted):
        async with running(config(), stopping):
            raise AssertionError
    assert not discovery.kept_file(config().data_dir).exists()


async def test_a_suite_of_its_own_stays_awake_where_there_is_a_second_processor(
    config, monkeypatch
):
    looks = []

    class Noted(Suite):
        def __init__(self, *given, **named):
            looks.append(named["looks"])
            super().__init__(*given, **named)

    monkeypatch.setattr(serving, "Suite", Noted)
    for processors in (2, 1, None):
        monkeypatch.setattr(os, "cpu_count", lambda count=processors: count)
        async with running(config(ephemeral=True), Stopping()):
            pass
    assert looks == [LOOKS_MAX, 0, 0]


async def test_the_block_that_raises_lets_go_as_well(config):
    with pytest.raises(ZeroDivisionError):
        async with running(config(), Stopping()):
            raise ZeroDivisionError
    async with running(config(), Stopping()) as suite:
        assert suite.control.ready


async def test_of_several_waits_the_first_counts_and_the_others_end():
    ended: list[str] = []

    async def for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def soon() -> None:
        await asyncio.sleep(0)

    assert await first_of(for_ever(), soon()) == 1
    assert ended == ["cancelled"]


async def test_what_the_first_raised_is_raised():
    async def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await first_of(fails(), asyncio.Event().wait())


def test_work_runs_on_a_loop_of_its_own():
    async def work() -> int:
        return 7 if asyncio.get_running_loop().is_running() else 0

    assert run_async(work) == 7


def test_a_bare_start_loads_nothing_that_waits_for_a_request(tmp_path):
    code = (
        "import sys\n"
        "from emulator.cli.serving import run_async, running\n"
        "from emulator.cli.signals import Stopping\n"
        "from emulator.config import load_config\n"
        "async def started():\n"
        "    given = {'port': 0, 'site_port': 0, 'ephemeral': True}\n"
        "    async with running(load_config(sys.argv[1], given), Stopping()):\n"
        "        print(*sys.modules)\n"
        "    return 0\n"
        "run_async(started)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert set(NOT_YET).isdisjoint(done.stdout.split())
