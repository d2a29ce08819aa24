"""Which packages functions need, and what would install those that are missing."""

import json
from pathlib import Path

import pytest

from emulator.functions.base import Bundle
from emulator.functions.bundle import discover
from emulator.functions.node_packages import all_needs, needs_of, plan


class Project:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "cloudfunctions"
        self.shared = folder / "data"

    def function(self, name: str, *, code: str = "", **dependencies: str) -> "Project":
        folder = self.root / name
        folder.mkdir(parents=True)
        (folder / "index.js").write_text(code)
        if dependencies:
            named = {key.replace("_", "-"): value for key, value in dependencies.items()}
            (folder / "package.json").write_text(json.dumps({"dependencies": named}))
        return self

    def install(self, place: Path, *names: str) -> None:
        for name in names:
            (place / "node_modules" / name).mkdir(parents=True)

    def needs(self, name: str):
        (bundle,) = (each for each in discover(self.root) if each.name == name)
        return needs_of(bundle, self.shared)

    def plan(self):
        return plan(all_needs(discover(self.root), self.shared))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_dependencies_that_are_installed_nowhere_are_missing(project):
    project.function("pay", axios="^1.0.0", wx_server_sdk="~2.6.3")
    assert project.needs("pay").missing == ("axios", "wx-server-sdk")


@pytest.mark.parametrize("place", ["cloudfunctions/pay", "cloudfunctions", ".", "data"])
def test_packages_are_looked_for_where_node_would(project, tmp_path, place):
    project.function("pay", axios="^1.0.0")
    project.install(tmp_path / place, "axios")
    assert project.needs("pay").missing == ()


def test_folder_of_the_project_needs_no_installation(project):
    (project.root / "common" / "price").mkdir(parents=True)
    project.function("pay", price="file:../common/price", gone="file:../common/gone")
    assert project.needs("pay").missing == ("gone",)


REQUIRES = {
    "require": ("require('wx-server-sdk')", ["wx-server-sdk"]),
    "double quotes": ('const x = require( "axios" )', ["axios"]),
    "scope and path": ("require('@cloudbase/node-sdk/lib/x')", ["@cloudbase/node-sdk"]),
    "import": ("import dayjs from 'dayjs'\nimport 'lodash'", ["dayjs", "lodash"]),
    "dynamic import": ("await import('got')", ["got"]),
    "built in": ("require('fs'); require('fs/promises'); require('node:path')", []),
    "own files": ("require('./a'); require('../b'); require('/c')", []),
    "something else": ("prerequire('x'); const text = 'from here'", []),
}


@pytest.mark.parametrize(("code", "found"), REQUIRES.values(), ids=REQUIRES)
def test_functions_without_a_manifest_tell_by_their_code(project, code, found):
    project.function("fn", code=code)
    assert list(project.needs("fn").packages) == found


def test_files_and_folders_of_the_function_are_no_packages(project):
    project.function("fn", code="require('project/price'); require('tax'); require('axios')")
    (project.root / "fn" / "project").mkdir()
    (project.root / "fn" / "tax.js").touch()
    assert project.needs("fn").missing == ("axios",)


def test_manifest_that_cannot_be_read_is_none(project):
    project.function("fn", code="require('axios')")
    (project.root / "fn" / "package.json").write_text("{")
    assert project.needs("fn").has_manifest is False


def test_what_may_fail_to_install_is_not_missing(project):
    project.function("fn", code="require('fsevents'); require('axios')")
    manifest = {"optionalDependencies": {"fsevents": "*"}}
    (project.root / "fn" / "package.json").write_text(json.dumps(manifest))
    assert project.needs("fn").missing == ("axios",)


def test_functions_that_only_need_an_sdk_share_it(project):
    project.function("a", wx_server_sdk="~2.6.3").function("b", wx_server_sdk="~2.6.3")
    project.function("c", wx_server_sdk="latest").function("d", code="require('wx-server-sdk')")
    found = project.plan()
    assert found.shared == {"wx-server-sdk": "~2.6.3"}
    assert (found.own, found.left) == ((), ())


def test_who_asks_for_another_version_or_more_gets_its_own(project):
    project.function("a", wx_server_sdk="~2.6.3").function("b", wx_server_sdk="~2.6.3")
    project.function("c", wx_server_sdk="~3.0.1")
    project.function("d", wx_server_sdk="~2.6.3", axios="1")
    found = project.plan()
    assert found.shared == {"wx-server-sdk": "~2.6.3"}
    assert [each.bundle.name for each in found.own] == ["c", "d"]


def test_nobody_chooses_versions_of_other_packages_for_a_function(project):
    project.function("a", code="require('axios')")
    found = project.plan()
    assert [each.bundle.name for each in found.left] == ["a"]
    assert "npm install axios in a/" in found.left[0].cure()


def test_nothing_is_installed_twice(project):
    project.function("a", axios="1").function("b", code="exports.main = 1")
    project.install(project.root / "a", "axios")
    found = project.plan()
    assert (found.shared, found.own, found.left) == ({}, (), ())


def test_sdk_whose_version_nobody_names_is_the_latest(project):
    project.function("a", code="require('wx-server-sdk')")
    assert project.plan().shared == {"wx-server-sdk": "latest"}


def test_cure_names_the_commands(project):
    project.function("pay", axios="1")
    assert project.needs("pay").cure() == "run: cloud-emu fn install (or npm install in pay/)"


WITHIN = [
    ("2.6.3", "2.6.3", True),
    ("2.6.3", "2.6.2", False),
    ("~2.6.3", "2.6.9", True),
    ("~2.6.3", "2.6.2", False),
    ("~2.6.3", "2.7.0", False),
    ("^2.6.3", "2.9.0", True),
    ("^2.6.3", "3.0.0", False),
    ("^0.2.3", "0.2.9", True),
    ("^0.2.3", "0.3.0", False),
    ("^0.0.3", "0.0.4", False),
    ("latest", "1.8.3", True),
    (">=2 <4", "1.8.3", True),
    ("3.0.0-beta.1", "3.0.0", True),
]


@pytest.mark.parametrize(("wished", "there", "served"), WITHIN)
def test_shared_sdk_serves_who_asked_for_that_version(project, wished, there, served):
    project.function("a", wx_server_sdk=wished)
    project.install(project.shared, "wx-server-sdk")
    manifest = project.shared / "node_modules" / "wx-server-sdk" / "package.json"
    manifest.write_text(json.dumps({"version": there}))
    needs, found = project.needs("a"), project.plan()
    assert needs.missing == needs.other == (() if served else ("wx-server-sdk",))
    # The one that is there stays: it serves others.
    assert found.shared == {}
    assert [each.bundle.name for each in found.own] == ([] if served else ["a"])


def test_a_module_of_uni_modules_is_no_package_to_install(tmp_path):
    folder = tmp_path / "uniCloud-aliyun" / "cloudfunctions" / "fn"
    place = tmp_path / "uni_modules" / "uni-id" / "uniCloud" / "cloudfunctions" / "common"
    (place / "uni-id-common").mkdir(parents=True)
    folder.mkdir(parents=True)
    names = {"uni-id-common": "file:../common/uni-id-common", "gone": "file:../common/gone"}
    (folder / "package.json").write_text(json.dumps({"dependencies": names}), encoding="utf-8")
    bundle = Bundle(
        name="fn", folder=folder, language="node", entry=folder / "index.js", handlers=("main",)
    )
    assert needs_of(bundle, tmp_path / "shared").missing == ("gone",)
