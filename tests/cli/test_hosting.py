"""`cloud-emu hosting`."""

import shutil
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest


def page(ready, path):
    try:
        with urlopen(ready["urls"]["site"] + path, timeout=5) as answer:
            return answer.status, answer.read()
    except HTTPError as answer:
        with answer:
            return answer.code, answer.read()


@pytest.fixture
def built(suite):
    cli, _ = suite
    folder = cli.project / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    cli("hosting", "delete", "", "--dir")
    (folder / "docs").mkdir(parents=True)
    (folder / "index.html").write_text("home")
    (folder / ".env").write_text("secret")
    (folder / "docs" / "index.html").write_text("docs")
    return folder


def test_a_running_suite_serves_what_is_deployed_until_it_is_deleted(suite, built):
    cli, ready = suite
    done = cli("hosting", "deploy", "dist", "app")
    assert (done.code, done.out) == (0, "2 files deployed\n")
    assert ".env" in done.err
    assert page(ready, "/app/") == (200, b"home")
    assert page(ready, "/app/docs/") == (200, b"docs")
    listed = cli("hosting", "ls", "app/", "--json").json
    assert [(each["path"], each["size_bytes"]) for each in listed] == [
        ("app/docs/index.html", 4),
        ("app/index.html", 4),
    ]
    assert "app/docs/index.html" in cli("hosting", "ls").out
    assert cli("hosting", "delete", "app/index.html").out == "1 deleted\n"
    assert page(ready, "/app/")[0] == 404
    assert cli("hosting", "delete", "app", "--dir", "--json").json == {"deleted": 1}
    assert cli("hosting", "ls").out == "nothing was deployed\n"


def test_nothing_to_delete_and_nowhere_to_deploy_are_failures(suite, built):
    cli, _ = suite
    assert cli("hosting", "delete", "nope").code == 1
    refused = cli("hosting", "deploy", "dist", "../out", "--json")
    assert (refused.code, refused.json["code"]) == (1, "INVALID_PARAM")
    refused = cli("hosting", "deploy", "nope")
    assert refused.code == 1
    assert "no file or folder" in refused.err


def test_many_names_that_cannot_be_hosted_are_counted(suite, built):
    cli, _ = suite
    for number in range(7):
        (built / f".hidden{number}").write_text("x")
    told = cli("hosting", "deploy", "dist", "--json")
    assert len(told.json["left_out"]) == 8
    assert "and 3 more" in cli("hosting", "deploy", "dist").err
