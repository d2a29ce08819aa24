"""Functions that modules of a uniCloud project bring along."""

import json
from pathlib import Path

import pytest

from emulator.functions.bundle import discover, find, scan
from emulator.functions.uni_modules import functions_of_modules

OWN = "uniCloud-aliyun/cloudfunctions"
OF = "uni_modules/{}/uniCloud/cloudfunctions/{}/index.obj.js"


def save(root: Path, *paths: str) -> Path:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("module.exports = {}", encoding="utf-8")
    (root / OWN).mkdir(parents=True, exist_ok=True)
    return root / OWN


def served(root: Path) -> dict[str, str]:
    project = root.parent.parent
    found = {each.name: each for each in discover(root)}
    assert {name: find(root, name) for name in found} == found
    assert all(
        (each.home == root) == ("uni_modules" in each.folder.parts) for each in found.values()
    )
    return {name: each.folder.relative_to(project).as_posix() for name, each in found.items()}


def test_functions_of_modules_are_beside_those_of_the_project(tmp_path):
    root = save(
        tmp_path,
        f"{OWN}/own/index.js",
        OF.format("uni-id-pages", "uni-id-co"),
        "src/" + OF.format("uni-cms", "uni-cms-co"),
        "uni_modules/uni-id-pages/uniCloud/cloudfunctions/common/uni-id-common/index.js",
        "uni_modules/uni-id-pages/uniCloud/cloudfunctions/uni-clientDB-actions/index.js",
        "uni_modules/loose.js",
    )
    assert served(root) == {
        "own": f"{OWN}/own",
        "uni-cms-co": "src/uni_modules/uni-cms/uniCloud/cloudfunctions/uni-cms-co",
        "uni-id-co": "uni_modules/uni-id-pages/uniCloud/cloudfunctions/uni-id-co",
    }
    assert find(root, "uni-clientDB-actions") is None
    assert find(root, "nothing") is None


def test_the_project_s_own_goes_before_unless_it_is_none(tmp_path):
    modules = [OF.format("a-b", name) for name in ("first", "second")]
    root = save(tmp_path, *modules, f"{OWN}/first/index.js", f"{OWN}/second/readme.md")
    assert served(root) == {
        "first": f"{OWN}/first",
        "second": "uni_modules/a-b/uniCloud/cloudfunctions/second",
    }


def test_of_two_modules_one_serves_and_the_other_is_told(tmp_path):
    root = save(tmp_path, OF.format("a-b", "pay"), OF.format("c-d", "pay"))
    assert served(root) == {"pay": "uni_modules/a-b/uniCloud/cloudfunctions/pay"}
    (problem,) = scan(root).problems
    assert problem.message == (
        "pay is in two modules: uni_modules/a-b/uniCloud/cloudfunctions/pay is served, "
        "uni_modules/c-d/uniCloud/cloudfunctions/pay is not; rename one"
    )


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"a-b": {"uniCloud": ["tcb"]}}, []),
        ({"a-b": {"uniCloud": ["tcb", "aliyun"]}}, ["pay"]),
        ({"c-d": {"uniCloud": ["tcb"]}}, ["pay"]),
        ({"a-b": 1}, ["pay"]),
        ([], ["pay"]),
    ],
)
def test_a_module_may_belong_to_another_provider(tmp_path, settings, names):
    root = save(tmp_path, OF.format("a-b", "pay"))
    told = json.dumps({"uni_modules": settings})
    (tmp_path / "uni_modules.config.json").write_text(told, encoding="utf-8")
    assert list(functions_of_modules(root).folders) == names


def test_other_projects_have_no_modules(tmp_path):
    save(tmp_path, OF.format("a-b", "pay"), "cloudfunctions/own/index.js")
    assert functions_of_modules(tmp_path / "cloudfunctions").folders == {}
