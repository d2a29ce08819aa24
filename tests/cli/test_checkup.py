"""Looking a project and its machine over."""

import json
import os
import socket
import sys

import pytest

from emulator.cli import checkup
from emulator.cli.checkup import Finding, check_up


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one function, free ports and a runtime folder of its own."""
    folder = tmp_path / "project"
    (folder / "functions" / "hello").mkdir(parents=True)
    (folder / "functions" / "hello" / "index.py").write_text("def main(event, context): pass\n")
    for name in [name for name in os.environ if name.startswith("CLOUD_EMU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CLOUD_EMU_PORT", "0")
    monkeypatch.setenv("CLOUD_EMU_SITE_PORT", "0")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.chdir(folder)
    return folder


def about(project, subject: str) -> list[Finding]:
    return [finding for finding in check_up(project) if finding.subject == subject]


def states(findings: list[Finding]) -> set[str]:
    return {finding.state for finding in findings}


def test_a_sound_project_has_no_errors_and_all_subjects(project):
    findings = check_up(project)
    assert "error" not in states(findings)
    assert [*dict.fromkeys(finding.subject for finding in findings)] == [
        "Configuration",
        "Functions",
        "Runtimes",
        "Ports",
        "Data",
        "Watching",
    ]


def test_every_warning_and_error_says_what_to_do(project, monkeypatch):
    (project / "project.config.json").write_text("{")
    (project / ".emulator.toml").write_text("[functions]\nroot = 'gone'\n")
    monkeypatch.setattr(checkup, "FREE_SPACE_MIN_BYTES", 2**60)
    findings = check_up(project)
    wrong = [finding for finding in findings if finding.state != "ok"]
    assert len(wrong) >= 3
    assert all(finding.hint for finding in wrong)


def test_no_folder_of_functions_is_a_warning(project):
    (project / "functions" / "hello" / "index.py").unlink()
    (project / "functions" / "hello").rmdir()
    (project / "functions").rmdir()
    assert states(about(project, "Functions")) == {"warning"}


def test_projects_below_one_without_functions_are_named(project):
    (project / "functions").rename(project.parent / "elsewhere")
    for folder in ("node_modules/x", "packages/mini", "packages/mini/deeper/still/far"):
        (project / folder).mkdir(parents=True)
        (project / folder / "project.config.json").write_text("{}")
    (finding,) = about(project, "Functions")
    assert (finding.state, finding.message) == (
        "warning",
        f"no folder of functions; {os.path.join('packages', 'mini')} has a project of its own",
    )
    assert finding.hint == f"cloud-emu start {os.path.join('packages', 'mini')}"


def test_functions_of_another_unicloud_provider_are_told_to_be_unused(project):
    (project / "functions").rename(project.parent / "elsewhere")
    for folder in ("uniCloud-aliyun", "uniCloud-tcb"):
        (project / folder / "cloudfunctions").mkdir(parents=True)
    told = [each for each in about(project, "Functions") if "is not used" in each.message]
    assert [each.message.split()[0] for each in told] == [
        os.path.join("uniCloud-tcb", "cloudfunctions")
    ]
    assert 'root = "uniCloud-tcb/cloudfunctions"' in told[0].hint


def test_a_function_whose_handler_lies_elsewhere_is_one(project):
    (project / "functions" / "built" / "dist").mkdir(parents=True)
    (project / "functions" / "built" / "dist" / "app.js").write_text("exports.main = () => 1\n")
    built = {"name": "built", "handler": "dist/app.main"}
    (project / "cloudbaserc.json").write_text(json.dumps({"functions": [built]}))
    (found,) = about(project, "Functions")
    assert "2 functions" in found.message


def test_a_javascript_function_without_node_is_an_error(project, monkeypatch):
    (project / "functions" / "pay").mkdir()
    (project / "functions" / "pay" / "index.js").write_text("exports.main = async () => 1\n")
    monkeypatch.setattr(checkup.shutil, "which", lambda name: None)
    node = about(project, "Runtimes")[-1]
    assert node.state == "error"
    assert "these functions need it: pay" in node.message


def test_no_node_is_fine_where_nothing_needs_it(project, monkeypatch):
    monkeypatch.setattr(checkup.shutil, "which", lambda name: None)
    assert states(about(project, "Runtimes")) == {"ok"}


def test_an_old_node_is_a_warning(project, monkeypatch):
    monkeypatch.setattr(checkup.shutil, "which", lambda name: "/bin/node")
    monkeypatch.setattr(checkup, "answer_of", lambda *command: "v12.22.0\n")
    node = about(project, "Runtimes")[-1]
    assert (node.state, "v12.22.0" in node.message) == ("warning", True)


def test_a_taken_port_is_an_error_with_its_holder(project, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("CLOUD_EMU_PORT", str(server.getsockname()[1]))
        findings = about(project, "Ports")
    assert [finding.state for finding in findings] == ["error", "ok"]
    assert f"(pid {os.getpid()})" in findings[0].message


def test_a_suite_that_was_killed_is_told_and_needs_nothing(project):
    (project / ".cloud-emu").mkdir()
    (project / ".cloud-emu" / "emulator.json").write_text('{"pid": 999999999, "urls": {}}')
    findings = about(project, "Data")
    assert [finding.state for finding in findings] == ["ok", "warning"]
    assert "the next start recovers its data" in findings[1].hint


def test_a_data_folder_that_cannot_be_made_is_an_error(project):
    (project / "taken").write_text("a file")
    (project / ".emulator.toml").write_text('[emulator]\ndata_dir = "taken/data"\n')
    assert states(about(project, "Data")) == {"error"}


def test_a_data_folder_that_is_a_file_is_an_error(project):
    (project / ".cloud-emu").write_text("")
    assert states(about(project, "Data")) == {"error"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits as Linux has them")
@pytest.mark.parametrize(
    ("limit", "setting"),
    [
        pytest.param("WATCHES_MIN", "max_user_watches", id="folders"),
        pytest.param("INSTANCES_MIN", "max_user_instances", id="programs"),
    ],
)
def test_low_limits_of_watching_are_told_with_the_setting(project, monkeypatch, limit, setting):
    monkeypatch.setattr(checkup, limit, 2**60)
    findings = about(project, "Watching")
    assert states(findings) == {"warning"}
    assert setting in findings[0].hint


def test_functions_of_uni_modules_are_named(tmp_path):
    place = tmp_path / "uni_modules" / "uni-id-pages" / "uniCloud" / "cloudfunctions"
    own = tmp_path / "uniCloud-aliyun" / "cloudfunctions"
    for folder in (own / "own", own / "both", place / "uni-id-co", place / "both"):
        folder.mkdir(parents=True)
        (folder / "index.obj.js").write_text("module.exports = {}", encoding="utf-8")
    told = [each for each in check_up(tmp_path) if "of modules" in each.message]
    expected = ("ok", "1 of them of modules: uni-id-co (uni_modules/uni-id-pages)")
    assert [(each.state, each.message) for each in told] == [expected]


def test_a_folder_of_functions_beside_the_one_that_is_served_is_named(tmp_path):
    for name in ("functions/a", "cloudfunctions/a", "cloudfunctions/b", "cloud/dir"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "index.js").write_text("exports.main = () => 1", encoding="utf-8")
    listed = [{"name": "a"}, {"name": "dir", "dir": "cloud/dir"}]
    said = json.dumps({"functionRoot": "functions", "functions": listed})
    (tmp_path / "cloudbaserc.json").write_text(said, encoding="utf-8")
    told = [each for each in check_up(tmp_path) if "is not served" in each.message]
    assert [each.state for each in told] == ["warning"]
    assert told[0].message.endswith("is: a, b")


def test_a_function_that_is_only_configured_is_named(tmp_path):
    (tmp_path / "functions" / "there").mkdir(parents=True)
    (tmp_path / "functions" / "there" / "index.js").touch()
    listed = '{"functions": [{"name": "there"}, {"name": "gone"}]}'
    (tmp_path / "cloudbaserc.json").write_text(listed, encoding="utf-8")
    told = [each.message for each in check_up(tmp_path) if each.state == "warning"]
    assert [each.partition(" in ")[0] for each in told] == [
        "gone is configured, but there is no folder gone"
    ]
