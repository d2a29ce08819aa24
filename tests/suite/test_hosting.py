"""The hosted site of a whole suite, out of a project's files."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from emulator.config import load_config
from emulator.core.errors import ConfigurationError
from emulator.suite import Suite

WAIT_S = 20
API = 'def main(event, context):\n    return {"heard": event["path"]}\n'
SETTINGS = """\
[hosting]
root = "site"
error = "/404.html"
allow_addresses = ["127.0.0.0/8"]
[[hosting.redirects]]
prefix = "/old/"
replace = "/new/"
[[hosting.rewrites]]
prefix = "/api"
function = "shop"
[[hosting.cache]]
match = ".css"
max_age_s = 10
"""
FILES = {
    ".emulator.toml": SETTINGS,
    "functions/shop/index.py": API,
    "site/index.html": "<body>home</body>",
    "site/404.html": "lost",
    "site/main.css": "p{}",
}


def project_of(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


@asynccontextmanager
async def hosted(project: Path, **overrides) -> AsyncIterator[tuple[str, ClientSession]]:
    suite = Suite(load_config(project, {"port": 0, "site_port": 0, **overrides}))
    await suite.start()
    try:
        async with ClientSession() as client:
            yield suite.urls["site"], client
    finally:
        await suite.stop()


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/", 200, "<body>home</body>"),
        ("/main.css", 200, "p{}"),
        ("/lost", 404, "lost"),
        ("/api/orders", 200, '{"heard":"/orders"}'),
        ("/.emulator.toml", 404, "lost"),
    ],
)
async def test_a_site_of_pages_and_functions(tmp_path: Path, path: str, status: int, text: str):
    async with hosted(project_of(tmp_path, FILES)) as (url, client), client.get(url + path) as got:
        assert (got.status, await got.text()) == (status, text)
        if path.endswith(".css"):
            assert got.headers["Cache-Control"] == "max-age=10"


async def test_the_website_of_a_cloudbaserc_is_hosted_where_it_says(tmp_path: Path):
    website = '{"use": "@cloudbase/framework-plugin-website", "inputs": %s}'
    plugin = website % '{"outputPath": "build", "cloudPath": "/app"}'
    files = {
        "cloudbaserc.json": f'{{"framework": {{"plugins": {{"client": {plugin}}}}}}}',
        "build/index.html": "app",
    }
    async with hosted(project_of(tmp_path, files)) as (url, client):
        async with client.get(f"{url}/app/") as got:
            assert await got.text() == "app"
        async with client.get(f"{url}/") as got:
            assert got.status == 404


async def test_what_only_leaves_out_hosts_nothing(tmp_path: Path):
    async with (
        hosted(project_of(tmp_path, FILES), only="database") as (url, client),
        client.get(url) as got,
    ):
        assert got.status == 404


async def test_a_page_that_is_open_hears_of_a_saved_file(tmp_path: Path):
    project = project_of(tmp_path, FILES)
    async with (
        asyncio.timeout(WAIT_S),
        hosted(project) as (url, client),
        client.get(f"{url}/_hosting/reload") as stream,
    ):
        assert await stream.content.readuntil(b"\n\n") == b": open\n\n"
        (project / "site" / "index.html").write_text("saved")
        assert b"event: reload" in await stream.content.readuntil(b"\n\n")


async def test_live_reload_can_be_left_out(tmp_path: Path):
    files = {**FILES, ".emulator.toml": '[hosting]\nroot = "site"\nlive_reload = false\n'}
    async with (
        hosted(project_of(tmp_path, files)) as (url, client),
        client.get(f"{url}/", headers={"Sec-Fetch-Dest": "document"}) as got,
    ):
        assert await got.text() == "<body>home</body>"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ('allow_addresses = ["10.0.0.300"]', '"10.0.0.300" is no address or network'),
        ('redirects = [{ replace = "x" }]', "for a prefix or for an error_code"),
        (
            'redirects = [{ prefix = "a", error_code = "404", replace = "x" }]',
            "for a prefix or for an error_code",
        ),
        ('redirects = [{ prefix = "a", replace = "//evil.example" }]', "without a domain"),
        ('redirects = [{ prefix = "a", replace = "https://x" }]', "without a domain"),
        ('redirects = [{ error_code = "500", replace = "x" }]', "404 or another 4"),
        ('rewrites = [{ prefix = "api", function = "a" }]', "a path that begins with /"),
        ('cache = [{ match = ".js", max_age_s = -1 }]', "0 to 31536000"),
        ("error_status = 201", "404"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_their_place(
    tmp_path: Path, said: str, message: str
):
    project_of(tmp_path, {".emulator.toml": f"[hosting]\n{said}\n"})
    with pytest.raises(ConfigurationError, match=r"\.emulator\.toml:2: hosting") as refused:
        load_config(tmp_path)
    assert message in refused.value.message
