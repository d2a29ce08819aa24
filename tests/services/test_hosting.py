"""What a path of the hosted site stands for."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from emulator.services.hosting import (
    CacheRule,
    Hosting,
    Mount,
    Moved,
    Page,
    Redirect,
    Refused,
    Rewrite,
    SiteRules,
    Visitors,
    is_hosted_name,
)

FILES = {
    "index.html": "home",
    "404.html": "gone",
    "about.html": "about",
    "docs/index.html": "docs",
    "docs/deep/index.html": "deep",
    "app/main.js": "js",
    "文档/页.html": "page",
    ".well-known/security.txt": "sec",
    ".env": "SECRET",
    ".git/config": "SECRET",
    "app/.hidden/x.txt": "SECRET",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "secret.txt").write_text("SECRET")
    (folder / "data").mkdir()
    for name, text in FILES.items():
        file = folder / "site" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return folder / "site"


def site(root: Path, **rules) -> Hosting:
    return Hosting([Mount(folder=root)], SiteRules(**rules), private=root.parent / "data")


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/", "index.html"),
        ("/index.html", "index.html"),
        ("/about.html", "about.html"),
        ("/docs/", "docs/index.html"),
        ("/docs/deep/", "docs/deep/index.html"),
        ("/app/main.js", "app/main.js"),
        ("/文档/页.html", "文档/页.html"),
        ("/.well-known/security.txt", ".well-known/security.txt"),
    ],
)
def test_a_path_is_a_file_or_the_index_of_a_folder(root: Path, path: str, key: str):
    found = site(root).find(path)
    assert isinstance(found, Page)
    assert (found.key, found.status) == (key, 200)
    assert found.file.read_text("utf-8") == FILES[key]


@pytest.mark.parametrize(("path", "location"), [("/docs", "/docs/"), ("/docs/deep", "/docs/deep/")])
def test_a_folder_without_its_slash_has_moved(root: Path, path: str, location: str):
    assert site(root).find(path) == Moved(location)


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/app",
        "/app/",
        "//index.html",
        "/docs//",
        "/docs/../secret.txt",
        "/../secret.txt",
        "/./index.html",
        "/.env",
        "/.git/config",
        "/app/.hidden/x.txt",
        "/app\\main.js",
        "/..\\secret.txt",
        "/C:/Windows/win.ini",
        "/index.html:stream",
        "/index.html.",
        "/index.html ",
        "/con",
        "/NUL.txt",
        "/aux.html",
        "/index.html\0.png",
        "/" + "a" * 300,
        "nope",
        "*",
    ],
)
def test_what_is_no_file_of_the_site_is_not_found(root: Path, path: str):
    found = site(root).find(path)
    assert isinstance(found, Refused)
    assert found.status == 404


def test_links_lead_to_files_of_the_site_alone(tmp_path: Path):
    (tmp_path / "secret.txt").write_text("SECRET")
    root = tmp_path / "site"
    root.mkdir()
    (root / ".env").write_text("SECRET")
    (root / "real.txt").write_text("real")
    try:
        (root / "out.txt").symlink_to(tmp_path / "secret.txt")
        (root / "up").symlink_to(tmp_path, target_is_directory=True)
        (root / "shown").symlink_to(root / ".env")
        (root / "inner.txt").symlink_to(root / "real.txt")
        (root / "loop").symlink_to(root / "loop")
    except OSError:
        assert sys.platform == "win32"  # links need a right there
        return
    hosted = site(root)
    for path in ("/out.txt", "/up/secret.txt", "/shown", "/loop"):
        assert isinstance(hosted.find(path), Refused), path
    assert isinstance(hosted.find("/inner.txt"), Page)


def test_the_data_folder_is_not_served_but_what_was_deployed_into_it(tmp_path: Path):
    (tmp_path / "data" / "hosting").mkdir(parents=True)
    (tmp_path / "data" / "ticket.key").write_text("SECRET")
    (tmp_path / "data" / "hosting" / "a.txt").write_text("a")
    mounts = [Mount(folder=tmp_path), Mount(folder=tmp_path / "data" / "hosting")]
    hosted = Hosting(mounts, SiteRules(), private=tmp_path / "data")
    assert isinstance(hosted.find("/data/ticket.key"), Refused)
    assert isinstance(hosted.find("/data/hosting/a.txt"), Refused)
    assert isinstance(hosted.find("/a.txt"), Page)


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path):
    (tmp_path / "folder.html").mkdir()
    if hasattr(os, "mkfifo"):  # opening one would wait for whoever writes to it
        os.mkfifo(tmp_path / "pipe")
    for path in ("/folder.html", "/pipe"):
        assert isinstance(site(tmp_path).find(path), Refused)


PIECES = st.one_of(
    st.sampled_from(
        ["..", ".", "", "/", "\\", "%2e%2e", "secret.txt", "site", "docs", ".env", "C:", "\0", "~"]
    ),
    st.text(max_size=8),
)


@given(st.lists(PIECES, max_size=8), st.sampled_from(["/", "//", ""]))
@example(["..", "secret.txt"], "/")
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None
)
def test_no_path_whatever_leads_out_of_the_site(root: Path, pieces: list[str], start: str):
    rules = {"error": "404.html", "redirects": (Redirect(prefix="old/", replacement="docs/"),)}
    found = site(root, **rules).find(start + "/".join(pieces))
    if isinstance(found, Page):
        assert found.file.is_relative_to(root.resolve())
        assert "SECRET" not in found.file.read_text("utf-8")
    elif isinstance(found, Moved):
        assert found.location.startswith("/")
        assert not found.location.startswith(("//", "/\\"))


def test_prefixes_move_before_files_and_indexes(root: Path):
    rules = {"redirects": (Redirect(prefix="docs/", replacement="manual/"),)}
    assert site(root, **rules).find("/docs/") == Moved("/manual/")
    assert site(root, **rules).find("/docs/a b/文") == Moved("/manual/a%20b/%E6%96%87")
    assert isinstance(site(root, **rules).find("/about.html"), Page)


def test_the_rest_of_a_moved_path_cannot_name_a_host(root: Path):
    rules = {"redirects": (Redirect(prefix="go/", replacement=""),)}
    assert site(root, **rules).find("/go///evil.example") == Moved("/evil.example")
    assert site(root, **rules).find("/go/\\evil.example") == Moved("/%5Cevil.example")


@pytest.mark.parametrize("code", ["404", "4xx"])
def test_an_error_moves_before_the_error_page(root: Path, code: str):
    rules = {
        "error": "404.html",
        "redirects": (Redirect(error_code=code, replacement="about.html"),),
    }
    assert site(root, **rules).find("/nope") == Moved("/about.html")


def test_an_error_that_moves_to_what_is_missing_ends_there(root: Path):
    rules = {"redirects": (Redirect(error_code="404", replacement="lost.html"),)}
    assert site(root, **rules).find("/nope") == Moved("/lost.html")
    assert isinstance(site(root, **rules).find("/lost.html"), Refused)


def test_the_error_page_has_the_status_it_is_given(root: Path):
    found = site(root, error="404.html").find("/nope/deeper")
    assert isinstance(found, Page)
    assert (found.key, found.status) == ("404.html", 404)
    found = site(root, error="index.html", error_status=200).find("/nope")
    assert isinstance(found, Page)
    assert (found.key, found.status) == ("index.html", 200)
    assert isinstance(site(root, error="lost.html").find("/nope"), Refused)


def test_a_spa_answers_paths_but_no_missing_files(root: Path):
    hosted = site(root, spa=True, error="404.html")
    assert hosted.find("/users/7") == hosted.find("/")
    found = hosted.find("/app/lost.js")
    assert isinstance(found, Page)
    assert found.status == 404


def test_a_function_answers_what_no_file_does(root: Path):
    rewrite = Rewrite(prefix="/docs", function="api")
    hosted = site(root, rewrites=(rewrite,), spa=True)
    assert isinstance(hosted.find("/docs/"), Page)
    assert hosted.find("/docs/other") == rewrite
    assert isinstance(hosted.find("/docsy"), Page)
    assert site(root, rewrites=(Rewrite(prefix="/", function="all"),)).find("/x") == Rewrite(
        prefix="/", function="all"
    )


@pytest.mark.parametrize(
    ("path", "age"),
    [("/app/main.js", 5), ("/about.html", 7), ("/index.html", 1), ("/docs/", 1)],
)
def test_the_last_rule_that_speaks_of_a_file_counts(root: Path, path: str, age: int):
    cache = (
        CacheRule(match="*", max_age_s=1),
        CacheRule(match=".js", max_age_s=3),
        CacheRule(match="app/", max_age_s=5),
        CacheRule(match="about.html", max_age_s=7),
    )
    found = site(root, cache=cache).find(path)
    assert isinstance(found, Page)
    assert found.max_age_s == age


def test_of_two_folders_with_the_same_file_the_first_has_it(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(name)
    (tmp_path / "two" / "b.txt").write_text("two")
    mounts = [Mount(folder=tmp_path / "one", prefix="app/"), Mount(folder=tmp_path / "two")]
    hosted = Hosting(mounts, SiteRules(), private=tmp_path / "data")
    for path, text in (("/app/a.txt", "one"), ("/a.txt", "two"), ("/b.txt", "two")):
        found = hosted.find(path)
        assert isinstance(found, Page)
        assert found.file.read_text() == text


def test_a_folder_that_comes_later_is_served_then(tmp_path: Path):
    hosted = site(tmp_path / "site")
    assert isinstance(hosted.find("/"), Refused)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("now")
    assert isinstance(hosted.find("/"), Page)


@pytest.mark.parametrize(
    ("visitors", "referer", "address", "admitted"),
    [
        ({}, "https://any.example/", "10.0.0.1", True),
        ({"allow_referers": ("a.example",)}, "https://a.example/page", "", True),
        ({"allow_referers": ("a.example",)}, "https://A.EXAMPLE:8443/", "", True),
        ({"allow_referers": ("a.example",)}, "https://b.example/?a.example", "", False),
        ({"allow_referers": ("*.a.example",)}, "https://x.a.example/", "", True),
        ({"allow_referers": ("*.a.example",)}, "https://xa.example/", "", False),
        ({"allow_referers": ("a.example",)}, "", "", True),
        ({"allow_referers": ("a.example",), "without_referer": False}, "", "", False),
        ({"deny_referers": ("b.example",)}, "https://b.example/", "", False),
        ({"deny_referers": ("b.example",)}, "https://c.example/", "", True),
        ({"deny_referers": ("b.example",)}, "http://[broken", "", True),
        ({"allow_addresses": ("10.0.0.0/8",)}, "", "10.1.2.3", True),
        ({"allow_addresses": ("10.0.0.0/8",)}, "", "11.1.2.3", False),
        ({"allow_addresses": ("10.0.0.0/8",)}, "", "nonsense", False),
        ({"deny_addresses": ("::1",)}, "", "::1", False),
        ({"deny_addresses": ("::1",)}, "", "127.0.0.1", True),
    ],
)
def test_lists_say_who_may_come(
    root: Path, visitors: dict, referer: str, address: str, admitted: bool
):
    found = site(root, visitors=Visitors(**visitors)).find("/", referer=referer, address=address)
    assert isinstance(found, Page) == admitted
    if not admitted:
        assert isinstance(found, Refused)
        assert found.status == 403


def test_a_name_has_255_characters_at_most():
    assert is_hosted_name("文" * 255)
    assert not is_hosted_name("文" * 256)
