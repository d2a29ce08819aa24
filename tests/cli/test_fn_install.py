"""`cloud-emu fn install` runs npm where packages are missing; npm is a stand-in here."""

import json
import os
import sys
from pathlib import Path

import pytest

from emulator.cli import run

NPM = """#!{python}
import os, pathlib, sys
with open({log!r}, "a") as log:
    log.write(os.path.basename(os.getcwd()) + " " + " ".join(sys.argv[1:]) + "\\n")
if pathlib.Path("refuse").exists():
    sys.exit("npm error: no such version")
for name in ("wx-server-sdk", "axios"):
    (pathlib.Path("node_modules") / name).mkdir(parents=True, exist_ok=True)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the stand-in was asked, a line a run."""
    tools = tmp_path / "tools"
    tools.mkdir()
    log = tmp_path / "npm.log"
    (tools / "npm").write_text(NPM.format(python=sys.executable, log=str(log)))
    (tools / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    log.touch()
    return log


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of three functions: two share an SDK, one needs more."""
    for name, dependencies in {
        "login": {"wx-server-sdk": "~2.6.3"},
        "orders": {"wx-server-sdk": "latest"},
        "pay": {"wx-server-sdk": "~2.6.3", "axios": "^1.0.0"},
    }.items():
        folder = tmp_path / "project" / "cloudfunctions" / name
        folder.mkdir(parents=True)
        (folder / "index.js").write_text("")
        (folder / "package.json").write_text(json.dumps({"dependencies": dependencies}))
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def test_each_missing_package_is_installed_once(npm, project, capsys):
    assert run(["fn", "install"]) == 0
    shared, own = npm.read_text().splitlines()
    assert shared.startswith("node install wx-server-sdk@~2.6.3 --omit=dev")
    assert own.startswith("pay install --omit=dev")
    told = capsys.readouterr().out
    assert "[1/2] shared packages: npm install wx-server-sdk@~2.6.3" in told
    assert "[2/2] pay: npm install" in told
    assert "2 installed" in told
    assert run(["fn", "install"]) == 0
    assert len(npm.read_text().splitlines()) == 2
    assert "nothing to install: 3 Node and 0 Python functions" in capsys.readouterr().out


def test_shared_folder_has_a_manifest_of_its_own(npm, project):
    run(["fn", "install"])
    manifest = json.loads((project / ".cloud-emu" / "node" / "package.json").read_text())
    assert manifest["private"] is True


def test_who_wrote_the_lock_file_installs(npm, project, capsys):
    (project / "cloudfunctions" / "pay" / "yarn.lock").touch()
    tool = npm.parent / "tools" / "yarn"
    tool.write_text((npm.parent / "tools" / "npm").read_text())
    tool.chmod(0o755)
    assert run(["fn", "install", "pay"]) == 0
    assert npm.read_text() == "pay install\n"
    assert "[1/1] pay: yarn install" in capsys.readouterr().out


def test_only_the_named_functions(npm, project):
    assert run(["fn", "install", "pay"]) == 0
    assert [line.split()[0] for line in npm.read_text().splitlines()] == ["pay"]


def test_unknown_function_is_refused(npm, project, capsys):
    assert run(["fn", "install", "nope"]) == 1
    assert "no function nope" in capsys.readouterr().err


def test_one_failure_is_told_and_does_not_stop_the_others(npm, project, capsys):
    (project / "cloudfunctions" / "pay" / "refuse").touch()
    assert run(["fn", "install"]) == 1
    assert len(npm.read_text().splitlines()) == 2
    told = capsys.readouterr()
    assert "npm error: no such version" in told.err
    assert "installed\n" not in told.out


def test_function_without_versions_is_left_out_with_a_word(npm, project, capsys):
    folder = project / "cloudfunctions" / "loose"
    folder.mkdir()
    (folder / "index.js").write_text("require('axios')")
    assert run(["fn", "install", "loose"]) == 1
    assert "loose needs axios, but has no package.json" in capsys.readouterr().err


def test_json_tells_all_of_it(npm, project, capsys):
    assert run(["fn", "install", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in told["installed"]] == ["shared packages", "pay"]
    assert told["left"] == []


def test_missing_npm_is_said(project, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert run(["fn", "install"]) == 1
    assert "npm was not found" in capsys.readouterr().err


def test_doctor_tells_what_is_missing_and_what_to_run(project, capsys):
    run(["doctor"])
    told = capsys.readouterr().out
    assert "login lacks wx-server-sdk" in told
    assert "run: cloud-emu fn install (or npm install in login/)" in told
