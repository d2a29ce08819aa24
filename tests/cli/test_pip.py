"""`cloud-emu fn install` gives each Python function its requirements; pip is real, wheels ours."""

import json
import sys
from pathlib import Path

import pytest

from emulator.cli import pip, run
from emulator.cli.output import Failed
from tests.wheels import make_wheel

pytestmark = pytest.mark.timeout(180)

CODE = "import shelf_lib\ndef main(event, context): return shelf_lib.VERSION"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two functions that want two versions of one package."""
    project = tmp_path / "project"
    for version in ("1.0", "2.0"):
        make_wheel(tmp_path / "wheels", "shelf_lib", version)
    for name, version in {"one": "1.0", "two": "2.0"}.items():
        require(project, name, f"shelf_lib=={version}")
        (project / "functions" / name / "index.py").write_text(CODE)
    monkeypatch.chdir(project)
    for variable in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null" if sys.platform != "win32" else "nul")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    return project


def require(project: Path, name: str, text: str) -> None:
    folder = project / "functions" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "requirements.txt").write_text(f"{text}\n")


async def test_two_functions_have_two_versions_of_one_package(project, start_installed, capsys):
    assert run(["fn", "install"]) == 0
    told = capsys.readouterr().out
    assert "[1/2] one: pip install -r requirements.txt" in told
    assert "Installing collected packages: shelf_lib" in told
    assert "2 installed" in told
    async with start_installed(project) as it:
        assert [await it.invoke(name) for name in ("one", "two", "one")] == ["1.0", "2.0", "1.0"]


async def test_installation_is_live_without_a_new_start(project, start_installed):
    async with start_installed(project) as it:
        told = await it.call("one")
        assert "run: cloud-emu fn install one" in told["error"]["message"]
        assert run(["fn", "install", "one"]) == 0
        assert await it.invoke("one") == "1.0"
        require(project, "one", "shelf_lib==2.0")
        assert run(["fn", "install", "one"]) == 0
        assert await it.invoke("one") == "2.0"


def test_what_is_there_is_not_installed_again(project, capsys):
    assert run(["fn", "install", "one"]) == 0
    capsys.readouterr()
    assert run(["fn", "install", "one"]) == 0
    assert "nothing to install: 0 Node and 1 Python functions" in capsys.readouterr().out
    require(project, "one", "shelf_lib>=1")
    assert run(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "requirements.txt of one is newer than what is installed" in told
    assert "two lacks shelf_lib" in told
    assert "run: cloud-emu fn install two" in told
    assert run(["fn", "install"]) == 0
    require(project, "one", "shelf_lib>1")
    assert run(["fn", "install"]) == 0
    home = project / ".cloud-emu" / "python" / "one"
    assert len([each for each in home.iterdir() if each.is_dir()]) == 2, "now and before"
    capsys.readouterr()
    assert run(["doctor"]) == 0
    assert "2 Python functions have what they require" in capsys.readouterr().out


def test_one_failure_does_not_stop_the_others_and_leaves_nothing(project, capsys):
    require(project, "one", "shelf_lib==9.9")
    assert run(["fn", "install", "--json"]) == 1
    told = {
        each["name"]: each["fault"] for each in json.loads(capsys.readouterr().out)["installed"]
    }
    assert "9.9" in told["one"]
    assert told["two"] == ""
    assert list((project / ".cloud-emu" / "python" / "one").iterdir()) == []


def test_python_without_pip_says_what_to_do(monkeypatch):
    monkeypatch.setattr(pip, "find_spec", lambda name: None)
    monkeypatch.setattr(pip.shutil, "which", lambda name: None)
    with pytest.raises(Failed) as failed:
        pip.pip_command()
    assert "ensurepip" in failed.value.hint


def test_uv_serves_where_there_is_no_pip(monkeypatch):
    monkeypatch.setattr(pip, "find_spec", lambda name: None)
    monkeypatch.setattr(pip.shutil, "which", lambda name: f"/bin/{name}")
    assert pip.pip_command()[:3] == ["/bin/uv", "pip", "install"]


@pytest.fixture
def start_installed(modules_and_path_as_before):
    from contextlib import asynccontextmanager

    from tests.conftest import running_suite

    @asynccontextmanager
    async def start(project: Path):
        async for running in running_suite(project):
            yield running

    return start


@pytest.fixture
def modules_and_path_as_before():
    path = list(sys.path)
    yield
    sys.modules.pop("shelf_lib", None)
    sys.path[:] = path
