"""Functions as they are found on disk, without running any of them."""

import json
import os
from pathlib import Path

import pytest

from emulator.config import FunctionSettings
from emulator.functions import bundle as bundle_module
from emulator.functions.bundle import discover, find, is_excluded, scan


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "functions"


def save(root: Path, path: str, text: str = "") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def names(root: Path) -> list[str]:
    return [found.name for found in discover(root)]


def test_root_that_does_not_exist_has_no_functions(root):
    assert discover(root) == []


def test_folders_with_an_index_file_are_functions_by_name(root):
    for path in ("b/index.py", "a/index.js", "notes/readme.md", "loose.py"):
        save(root, path)
    assert [(each.name, each.language) for each in discover(root)] == [
        ("a", "node"),
        ("b", "python"),
    ]


def test_folder_without_an_index_file_is_noted(root):
    save(root, "common/price.js")
    (note,) = scan(root).problems
    assert note.severity == "note"
    assert "common is not a function: there is none of index.py, index.js" in note.message


@pytest.mark.parametrize("source", ["index.ts", "src/index.ts"])
def test_function_that_is_not_built_is_said_to_be(root, source):
    save(root, f"pay/{source}")
    (problem,) = scan(root).problems
    assert problem.severity == "warning"
    assert problem.message.startswith(f"pay is not built: there is {source}")
    save(root, "pay/dist/index.js")
    handler = FunctionSettings(handler="dist/index.main")
    found = scan(root, overrides={"pay": handler})
    assert (found.problems, found.bundles[0].entry) == ((), root / "pay/dist/index.js")


@pytest.mark.parametrize(
    "folder", ["_shared", ".git", "node_modules", "__pycache__", "venv", ".venv", ".vscode"]
)
def test_folders_of_tools_and_shared_code_are_no_functions(root, folder):
    save(root, f"{folder}/index.py")
    assert scan(root).bundles == ()
    assert scan(root).problems == ()


@pytest.mark.parametrize("folder", ["9lives", "with space", "a" * 61, "名字"])
def test_folder_whose_name_cannot_be_a_functions_is_a_problem(root, folder):
    save(root, f"{folder}/index.py")
    found = scan(root)
    assert found.bundles == ()
    assert [problem.severity for problem in found.problems] == ["warning"]
    assert folder in found.problems[0].message


def test_code_is_not_run(root):
    save(root, "fn/index.py", "raise SystemExit('it ran')")
    assert names(root) == ["fn"]


def test_function_may_lie_in_another_folder_than_that_of_its_name(root, tmp_path):
    for path in ("api/package.json", "api/dist/index.js", "price-v2/index.js", "own/index.js"):
        save(root, path)
    save(tmp_path, "outside/index.py")
    folders = {
        "api": root / "api" / "dist",
        "price": root / "price-v2",
        "far": tmp_path / "outside",
        "gone": tmp_path / "gone",
    }
    overrides = {name: FunctionSettings(folder=folder) for name, folder in folders.items()}
    found = {each.name: each.folder for each in discover(root, overrides=overrides)}
    assert found == {
        "api": root / "api" / "dist",
        "far": tmp_path / "outside",
        "own": root / "own",
        "price": root / "price-v2",
    }
    for name, folder in found.items():
        one = find(root, name, overrides=overrides)
        assert one is not None
        assert (one.name, one.folder) == (name, folder)
    assert find(root, "gone", overrides=overrides) is None


def test_folder_of_another_function_is_known_by_whichever_path(root, tmp_path):
    save(root, "price-v2/index.js")
    (tmp_path / "link").symlink_to(root, target_is_directory=True)
    overrides = {"price": FunctionSettings(folder=root / "price-v2")}
    found = discover(tmp_path / "link", overrides=overrides)
    assert [each.name for each in found] == ["price"]


def test_function_that_listens_is_reached_by_its_name_unless_a_path_is_said(root):
    for name in ("api", "shop"):
        save(root, f"{name}/scf_bootstrap", "export MODE=prod\nnode app.js")
        save(root, f"{name}/app.js")
    said = {"name": "h", "type": "http", "config": {"path": "/v1"}}
    save(root, "shop/config.json", json.dumps({"triggers": [said], "envVariables": {"A": "1"}}))
    save(root, "usual/index.js")
    api, shop, usual = discover(root)
    assert [each.web for each in (api, shop, usual)] == [(), (), None]
    assert (api.entry, api.language) == (root / "api" / "app.js", "node")
    assert [(each.kind, each.config) for each in api.triggers] == [("http", {"path": "/api"})]
    assert [(each.kind, each.config) for each in shop.triggers] == [("http", {"path": "/v1"})]
    assert (api.variables, shop.variables) == ({"MODE": "prod"}, {"MODE": "prod", "A": "1"})


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"fn/index.mjs": ""}, "index.mjs"),
        ({"fn/index.js": "", "fn/package.json": '{"type": "module"}'}, "package.json"),
        ({"fn/index.js": "", "fn/package.json": '{"type": "commonjs"}'}, None),
        ({"fn/index.js": "", "fn/package.json": "[]"}, None),
        ({"fn/index.js": "", "fn/package.json": "{"}, None),
        ({"fn/index.cjs": "", "fn/package.json": '{"type": "module"}'}, None),
        ({"fn/index.py": "", "fn/package.json": '{"type": "module"}'}, None),
        ({"fn/scf_bootstrap": "#!/bin/bash\nnode index.mjs", "fn/index.mjs": ""}, None),
    ],
)
def test_modules_that_the_platform_does_not_load_are_told(root, files, named):
    for path, text in files.items():
        save(root, path, text)
    (found,) = discover(root)
    told = [
        (Path(each.file).name, each.severity)
        for each in found.problems
        if "is an ES module" in each.message
    ]
    assert told == ([] if named is None else [(named, "warning")])


def test_one_function_is_found_by_name(root):
    save(root, "fn/index.py")
    found = find(root, "fn")
    assert found == discover(root)[0]
    assert find(root, "other") is None
    assert find(root, "../functions") is None


@pytest.mark.parametrize(
    ("config", "files", "entry", "handlers"),
    [
        pytest.param({}, ["index.py"], "index.py", ("main", "main_handler"), id="plain"),
        pytest.param(
            {"handler": "index.main"}, ["index.py"], "index.py", ("main", "main_handler"), id="main"
        ),
        pytest.param(
            {"handler": "index.serve"}, ["index.py"], "index.py",
            ("serve", "main", "main_handler"), id="own name",
        ),
        pytest.param(
            {"handler": "main.main"}, ["main.py"], "main.py", ("main", "main_handler"), id="file"
        ),
        pytest.param(
            {"handler": "src/app.run"}, ["src/app.py"], "src/app.py",
            ("run", "main", "main_handler"), id="in a folder",
        ),
        pytest.param(
            {"handler": "src.app.run"}, ["src/app.py"], "src/app.py",
            ("run", "main", "main_handler"), id="in a folder, dotted",
        ),
        pytest.param(
            {"runtime": "Nodejs18.15"}, ["index.py", "index.js"], "index.js",
            ("main", "main_handler"), id="runtime decides",
        ),
        pytest.param(
            {"runtime": "Python3.9"}, ["index.py", "index.js"], "index.py",
            ("main", "main_handler"), id="runtime decides for python",
        ),
    ],
)  # fmt: skip
def test_entry_and_handlers_follow_the_configuration(root, config, files, entry, handlers):
    for file in files:
        save(root, f"fn/{file}")
    save(root, "fn/config.json", json.dumps(config))
    found = discover(root)[0]
    assert found.entry == root / "fn" / entry
    assert found.handlers == handlers
    assert found.problems == ()


def test_handler_whose_file_is_missing_is_a_problem_and_the_index_file_serves(root):
    save(root, "fn/index.py")
    save(root, "fn/config.json", '{"handler": "app.main"}')
    found = discover(root)[0]
    assert found.entry.name == "index.py"
    assert "app.main" in found.problems[0].message


def test_both_index_files_without_a_runtime_are_said(root):
    save(root, "fn/index.py")
    save(root, "fn/index.js")
    found = discover(root)[0]
    assert (found.language, found.problems[0].severity) == ("python", "warning")


def test_settings_of_config_json_are_read(root):
    save(root, "fn/index.py")
    config = {
        "timeout": 20,
        "memorySize": 512,
        "envVariables": {"A": "text", "N": 5, "B": True},
        "permissions": {"openapi": ["subscribeMessage.send", "nonsense"]},
        "somethingNew": [1],
    }
    save(root, "fn/config.json", json.dumps(config))
    found = discover(root)[0]
    assert (found.timeout_s, found.memory_mb) == (20, 512)
    assert found.variables == {"A": "text", "N": "5", "B": "true"}
    assert found.openapi == ("subscribeMessage.send", "nonsense")
    assert found.problems == ()


def test_settings_of_unicloud_are_read(root):
    save(root, "fn/index.js")
    package = {
        "name": "fn",
        "cloudfunction-config": {
            "timeout": 10,
            "triggers": [{"name": "t", "type": "timer", "config": "0 0 * * * * *"}],
        },
    }
    save(root, "fn/package.json", json.dumps(package))
    found = discover(root)[0]
    assert found.timeout_s == 10
    assert [each.name for each in found.triggers] == ["t"]


@pytest.mark.parametrize(
    ("timeout", "used"), [(0, 1), (0.5, 1), (1, 1), (60, 60), (900, 60), (-3, 1)]
)
def test_time_out_is_kept_within_the_platforms_bounds(root, timeout, used):
    save(root, "fn/index.py")
    save(root, "fn/config.json", json.dumps({"timeout": timeout}))
    found = discover(root)[0]
    assert found.timeout_s == used
    assert [problem.severity for problem in found.problems] == ["warning"] * (timeout != used)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        pytest.param('{\n  "timeout": 3,\n  a}', 3, "not JSON", id="no quotes"),
        pytest.param("", 1, "not JSON", id="empty"),
        pytest.param("[1]", 1, "one JSON object", id="list"),
        pytest.param('{"timeout": "long"}', 0, "timeout must be a number", id="timeout"),
        pytest.param('{"timeout": true}', 0, "timeout must be a number", id="boolean"),
        pytest.param('{"envVariables": []}', 0, "envVariables must be", id="variables"),
        pytest.param('{"triggers": {"a": 1}}', 0, "triggers must be a list", id="triggers"),
    ],
)
def test_broken_configuration_is_a_problem_and_the_function_stays(root, text, line, message):
    save(root, "fn/index.py")
    save(root, "fn/config.json", text)
    found = discover(root)[0]
    problem = found.problems[0]
    assert problem.file == str(root / "fn/config.json")
    assert (problem.line, found.timeout_s) == (line, 3.0)
    assert message in problem.message


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_configuration_may_have_a_byte_order_mark(root, encoding):
    save(root, "fn/index.py")
    (root / "fn/config.json").write_text('{"timeout": 7}', encoding=encoding)
    assert discover(root)[0].timeout_s == 7


def test_configuration_that_is_no_text_is_a_problem(root):
    save(root, "fn/index.py")
    (root / "fn/config.json").write_bytes(b'{"a": "\xff\xfe\xfa"}')
    assert discover(root)[0].problems[0].message == "not UTF-8 text"


GOOD = {"name": "good", "type": "timer", "config": "0 0 0 * * * *"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        pytest.param("timer", "must be an object", id="no object"),
        pytest.param({"type": "timer", "config": "x"}, "a name begins", id="no name"),
        pytest.param({**GOOD, "name": "1st"}, "a name begins", id="name"),
        pytest.param({**GOOD, "name": "a" * 61}, "up to 60", id="long name"),
        pytest.param(GOOD, "another trigger", id="name taken"),
        pytest.param({**GOOD, "name": "n", "type": "cos"}, "type 'cos' is none of", id="type"),
        pytest.param({"name": "n", "type": "timer", "config": 5}, "config: 5 is not", id="timer"),
        pytest.param({"name": "n", "type": "timer"}, "config: None is not", id="no config"),
        pytest.param(
            {**GOOD, "name": "n", "config": "61 * * * * * *"},
            "second '61' is not understood", id="no moment",
        ),
        pytest.param(
            {"name": "n", "type": "database", "config": {"operations": ["insert"]}},
            "'collection' is a required", id="database",
        ),
        pytest.param(
            {"name": "n", "type": "database", "config": {"collection": "c", "operations": ["x"]}},
            "config.operations.0: 'x' is not one of", id="operation",
        ),
        pytest.param(
            {"name": "n", "type": "database", "config": {"collection": "c", "operation": []}},
            "'operation' was unexpected", id="misspelt",
        ),
        pytest.param(
            {"name": "n", "type": "storage", "config": {"prefix": 5}}, "config.prefix", id="storage"
        ),
        pytest.param(
            {"name": "n", "type": "http", "config": {"path": "api"}}, "config.path", id="http"
        ),
        pytest.param(
            {"name": "n", "type": "http", "config": {"path": "/a", "methods": ["EAT"]}},
            "config.methods.0", id="method",
        ),
    ],
)  # fmt: skip
def test_trigger_that_is_wrong_is_a_problem_and_skipped(root, entry, message):
    save(root, "fn/index.py")
    save(root, "fn/config.json", json.dumps({"triggers": [GOOD, entry]}, indent=1))
    found = discover(root)[0]
    assert [each.name for each in found.triggers] == ["good"]
    assert found.problems[0].severity == "error"
    assert message in found.problems[0].message


def test_problem_of_a_trigger_points_at_its_line(root):
    save(root, "fn/index.py")
    config = '{"triggers": [\n  {"name": "ok", "type": "timer", "config": "* * * * * * *"},\n'
    config += '  {"name": "bad", "type": "timer", "config": 1}\n]}'
    save(root, "fn/config.json", config)
    assert discover(root)[0].problems[0].line == 3


def test_triggers_of_every_kind_are_kept_as_configured(root):
    save(root, "fn/index.py")
    triggers = [
        {"name": "nightly", "type": "timer", "config": "0 0 0 * * * *"},
        {
            "name": "onOrder",
            "type": "database",
            "config": {"collection": "o", "operations": ["add"]},
        },
        {"name": "onUpload", "type": "storage", "config": {"prefix": "images/"}},
        {
            "name": "api",
            "type": "http",
            "config": {"path": "/api", "methods": ["get"], "auth": True},
        },
    ]
    save(root, "fn/config.json", json.dumps({"triggers": triggers}))
    found = discover(root)[0]
    assert found.problems == ()
    assert [
        {"name": each.name, "type": each.kind, "config": each.config} for each in found.triggers
    ] == triggers


def test_a_function_may_have_ten_triggers(root):
    save(root, "fn/index.py")
    triggers = [{**GOOD, "name": f"t{number}"} for number in range(11)]
    save(root, "fn/config.json", json.dumps({"triggers": triggers}))
    found = discover(root)[0]
    assert len(found.triggers) == 10
    assert "may have 10 triggers" in found.problems[0].message


def test_digest_changes_with_any_file_but_not_with_what_tools_write(root):
    save(root, "fn/index.py")
    save(root, "fn/deep/helper.py", "1")
    digests = [find(root, "fn").digest]
    for path in ("fn/index.py", "fn/deep/helper.py", "fn/config.json", "fn/new.py", "_shared/a.py"):
        save(root, path, f"changed {path}")
        digests.append(find(root, "fn").digest)
    assert len(set(digests)) == len(digests)
    for path in (
        "fn/node_modules/a/index.js",
        "fn/__pycache__/a.pyc",
        "fn/.git/HEAD",
        "other/x.py",
    ):
        save(root, path, "written by a tool")
    assert find(root, "fn").digest == digests[-1]
    (root / "fn/new.py").unlink()
    assert find(root, "fn").digest != digests[-1]


def test_digest_of_a_huge_folder_looks_at_a_bounded_number_of_files(root, monkeypatch):
    monkeypatch.setattr(bundle_module, "DIGEST_FILES_MAX", 3)
    for number in range(10):
        save(root, f"fn/{number}.py")
    save(root, "fn/index.py")
    looked = []
    stat = os.stat
    monkeypatch.setattr(
        os, "stat", lambda path, **options: looked.append(path) or stat(path, **options)
    )
    find(root, "fn")
    assert sum(str(path).endswith(".py") and "/fn/" in str(path) for path in looked) <= 3 + 2


@pytest.mark.parametrize(
    ("name", "excluded"), [("node_modules", True), (".x", True), ("_a", False)]
)
def test_excluded_folders(name, excluded):
    assert is_excluded(name) is excluded
