"""Deployed files: there at once or not at all, and only where they belong."""

from pathlib import Path

import pytest

from emulator.core.errors import InvalidName, InvalidParam, StoreError
from emulator.services.deploying import Deployments
from emulator.services.hosting import Hosting, Mount, Page, SiteRules


@pytest.fixture
def built(tmp_path: Path) -> Path:
    for name in ("index.html", "docs/a.html", ".git/config", ".env", "docs/what?.html"):
        file = tmp_path / "dist" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path / "dist"


@pytest.fixture
def deployments(tmp_path: Path) -> Deployments:
    return Deployments(tmp_path / "data" / "hosting")


def names(deployments: Deployments, prefix: str = "") -> list[str]:
    return [each.name for each in deployments.list(prefix)]


def test_a_folder_is_deployed_without_what_is_hidden(built: Path, deployments: Deployments):
    done = deployments.deploy(built)
    assert sorted(done.names) == ["docs/a.html", "index.html"] == names(deployments)
    assert sorted(done.left_out) == [".env", ".git/config", "docs/what?.html"]
    assert [each.size_bytes for each in deployments.list("index")] == [10]


@pytest.mark.parametrize("place", ["app", "/app/", "app/"])
def test_a_place_comes_before_every_name(built: Path, deployments: Deployments, place: str):
    deployments.deploy(built, place)
    assert names(deployments) == ["app/docs/a.html", "app/index.html"]


def test_a_file_takes_its_own_name_or_the_place(built: Path, deployments: Deployments):
    deployments.deploy(built / "index.html")
    deployments.deploy(built / "index.html", "other/page.html")
    assert names(deployments) == ["index.html", "other/page.html"]


def test_what_is_deployed_is_served_and_the_newer_file_wins(
    built: Path, deployments: Deployments, tmp_path: Path
):
    folder = tmp_path / "data" / "hosting"
    site = Hosting([Mount(folder=folder)], SiteRules(), private=tmp_path / "data")
    for text in ("first", "second"):
        (built / "index.html").write_text(text)
        deployments.deploy(built)
        found = site.find("/")
        assert isinstance(found, Page)
        assert found.file.read_text() == text
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")]


def test_files_and_folders_are_deleted_with_what_they_leave_empty(
    built: Path, deployments: Deployments, tmp_path: Path
):
    deployments.deploy(built, "app")
    assert deployments.delete("app/docs") == 0
    assert deployments.delete("app/nope.html") == 0
    assert deployments.delete("app/docs/a.html") == 1
    assert not (tmp_path / "data" / "hosting" / "app" / "docs").exists()
    assert deployments.delete("app", folder=True) == 1
    assert names(deployments) == []
    deployments.deploy(built)
    assert deployments.delete("", folder=True) == 2


@pytest.mark.parametrize("name", ["../x", "a/../../x", ".env", "C:/x", "a//b", "con", "a" * 256])
def test_no_name_leads_out_of_the_folder(
    built: Path, deployments: Deployments, tmp_path: Path, name: str
):
    with pytest.raises(InvalidName):
        deployments.deploy(built, name)
    with pytest.raises(InvalidName):
        deployments.deploy(built / "index.html", name)
    for folder in (True, False):
        with pytest.raises(InvalidName):
            deployments.delete(name, folder=folder)
    assert not (tmp_path / "data").exists()


def test_nothing_to_deploy_is_an_error(deployments: Deployments, tmp_path: Path):
    with pytest.raises(InvalidParam, match="no file or folder"):
        deployments.deploy(tmp_path / "nope")


def test_a_file_in_the_place_of_a_folder_is_refused_and_leaves_nothing(
    built: Path, deployments: Deployments, tmp_path: Path
):
    deployments.deploy(built)
    with pytest.raises(StoreError, match="docs could not be deployed"):
        deployments.deploy(built / "index.html", "docs")
    assert names(deployments) == ["docs/a.html", "index.html"]
    assert not list((tmp_path / "data").rglob(".*"))
