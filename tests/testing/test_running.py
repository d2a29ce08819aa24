"""A suite for the time of a block: on a thread of its own, found by others, gone afterwards."""

import asyncio
import subprocess
import sys

import pytest

from emulator.core.errors import ConfigurationError
from emulator.testing import Refused, connect, started

CODE = "def main(event, context):\n    return {'hello': event['name']}\n"


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "functions" / "hello"
    folder.mkdir(parents=True)
    (folder / "index.py").write_text(CODE, encoding="utf-8")
    return tmp_path


def test_a_block_has_a_suite_and_leaves_nothing(project):
    before = set(project.iterdir())
    with started(project) as suite:
        assert suite.invoke("hello", {"name": "Ada"})["result"] == {"hello": "Ada"}
        assert suite.variables["CLOUD_EMU_URL"] == suite.url == suite.urls["api"]
    assert set(project.iterdir()) == before
    with pytest.raises(Refused):
        suite.info()


async def test_it_may_be_awaited(project):
    async with started(project, env="mine") as suite:
        assert (await suite.info())["env"] == "mine"
        told = await asyncio.gather(*(suite.invoke("hello", {"name": n}) for n in range(20)))
        assert [each["result"]["hello"] for each in told] == list(range(20))


def test_two_run_beside_each_other(project):
    with started(project) as one, started(project) as other:
        one.seed({"orders": [{"_id": 1}]})
        assert one.documents("orders") == [{"_id": 1}]
        with pytest.raises(Refused):
            other.documents("orders")


def test_with_a_folder_what_it_holds_is_there_next_time(project):
    for expected in ([], [{"_id": 1}]):
        with started(project, data_dir=project / "kept") as suite:
            if not expected:
                suite.seed({"orders": []})
            assert suite.documents("orders") == expected
            suite.seed({"orders": [{"_id": 1}]})


def test_what_keeps_it_from_starting_is_raised_in_the_block(project):
    with started(project) as suite:
        second = started(project, port=int(suite.url.rpartition(":")[2]))
        with pytest.raises(ConfigurationError, match="cannot be used"):
            second.__enter__()


def test_a_suite_of_another_process_is_found_by_its_project(project):
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "emulator", "start", str(project), "--json"),
            *("--port", "0", "--site-port", "0", "--ephemeral"),
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert b'"ready"' in child.stdout.readline()
        suite = connect(project)
        assert suite.invoke("hello", {"name": 1})["result"] == {"hello": 1}
        assert suite.clock.freeze()["frozen"]
    finally:
        child.kill()
        child.communicate()
