"""`cloud-emu init`: a project out of nothing, and nothing touched that is there."""

import sys
from pathlib import Path

import pytest

from emulator.config import load_config


def test_a_project_out_of_nothing_runs_its_own_test(cli, tmp_path):
    done = cli("init", "fresh", cwd=tmp_path)
    assert done.code == 0
    fresh = tmp_path / "fresh"
    assert {path.relative_to(fresh).as_posix() for path in fresh.rglob("*") if path.is_file()} == {
        ".emulator.toml",
        ".vscode/launch.json",
        "functions/hello/config.json",
        "functions/hello/index.py",
        "tests/test_hello.py",
    }
    assert load_config(fresh, environ={}).problems == ()
    tested = cli(
        "exec", "--", sys.executable, "-m", "unittest", "discover", "-s", "tests", cwd=fresh
    )
    assert tested.code == 0, tested.err
    assert "Ran 2 tests" in tested.err


def test_a_project_in_javascript_says_that_packages_are_needed(cli, tmp_path):
    done = cli("init", "fresh", "--template", "node", cwd=tmp_path)
    assert done.code == 0
    folder = tmp_path / "fresh" / "functions" / "hello"
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "index.js",
        "package.json",
    ]
    assert done.out.splitlines()[-1] == (
        'next: cloud-emu fn install hello --project "fresh", then cloud-emu start "fresh"'
    )


def test_files_that_are_there_are_left_and_said_so(cli):
    (cli.project / ".emulator.toml").write_text("# mine\n")
    done = cli("init", "--json")
    assert done.code == 0
    assert done.json == {"written": [str(Path(".vscode/launch.json"))], "left": [".emulator.toml"]}
    assert (cli.project / ".emulator.toml").read_text() == "# mine\n"


def test_the_folder_of_functions_that_is_there_is_named(cli):
    (cli.project / "functions").rename(cli.project / "cloudfunctions")
    done = cli("init")
    assert "wrote  .emulator.toml" in done.out
    config = load_config(cli.project, environ={})
    assert config.functions_root == cli.project / "cloudfunctions"
    assert not (cli.project / "functions").exists()


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (
            "miniprogram",
            ["miniprogram/app.js", "miniprogram/cloud-emu.js", "miniprogram/wx-cloud.js"],
        ),
        ("taro", ["src/cloud-emu.js", "src/wx-cloud.d.ts", "src/wx-cloud.js"]),
        ("uniapp", ["cloud-emu.js", "wx-cloud.js"]),
        ("web", ["web/index.html"]),
    ],
)
def test_an_app_gets_the_client_script_and_what_loads_it(cli, tmp_path, template, expected):
    done = cli("init", "fresh", "--template", template, cwd=tmp_path)
    assert done.code == 0
    fresh = tmp_path / "fresh"
    written = {path.relative_to(fresh).as_posix() for path in fresh.rglob("*") if path.is_file()}
    assert {*expected, ".emulator.toml", "functions/hello/config.json"} <= written
    assert load_config(fresh, environ={}).problems == ()


@pytest.mark.parametrize(
    ("template", "there", "text", "expected"),
    [
        ("miniprogram", "project.config.json", '{"miniprogramRoot": "app/"}', "app/cloud-emu.js"),
        ("miniprogram", "project.config.json", '{"miniprogramRoot": "./"}', "cloud-emu.js"),
        ("miniprogram", "project.config.json", "{}", "cloud-emu.js"),
        ("miniprogram", "project.config.json", "no JSON", "miniprogram/cloud-emu.js"),
        ("miniprogram", "project.config.json", "[]", "miniprogram/cloud-emu.js"),
        (
            "miniprogram",
            "project.config.json",
            '{"miniprogramRoot": "../app"}',
            "miniprogram/cloud-emu.js",
        ),
        ("uniapp", "src/pages.json", "{}", "src/cloud-emu.js"),
        ("uniapp", "pages.json", "{}", "cloud-emu.js"),
    ],
)
def test_files_of_an_app_go_where_the_app_is(cli, tmp_path, template, there, text, expected):
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text(text)
    done = cli("init", "--template", template, cwd=tmp_path)
    assert done.code == 0, done.err
    script = (tmp_path / expected).with_name("wx-cloud.js")
    assert (tmp_path / expected).exists()
    assert script.exists()
    assert (tmp_path / there).read_text() == text


def test_a_template_that_is_not_there_is_told(cli):
    done = cli("init", "--template", "cobol")
    assert done.code == 2
    assert "there is no template cobol" in done.err
    assert "there is: python, node, miniprogram, taro, uniapp, web" in done.err
    assert not (cli.project / ".emulator.toml").exists()
