"""The client script as a suite serves it, and the form of it that is kept beside the source."""

import shutil
import subprocess

import aiohttp

from emulator.wire import sdk_files

SERVED_MAX_BYTES = 40 * 1024
SENT_MAX_BYTES = 16 * 1024


async def fetched(url: str, name: str, **headers: str) -> tuple[str, "aiohttp.ClientResponse"]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{url}/_emu/sdk/{name}", headers=headers) as answer,
    ):
        assert answer.status == 200
        return await answer.text(), answer


async def test_any_page_may_load_the_script_which_knows_where_it_came_from(start_project):
    async with start_project({".emulator.toml": ""}) as running:
        text, answer = await fetched(running.url, "wx-cloud.js", Origin="http://a.example")
        assert answer.content_type == "text/javascript"
        assert answer.headers["Access-Control-Allow-Origin"] == "http://a.example"
        assert f"const SERVED_FROM='{running.url}'" in text
        assert len(text.encode()) <= SERVED_MAX_BYTES
        assert int(answer.headers.get("Content-Length", 0)) <= SENT_MAX_BYTES
        types, _ = await fetched(running.url, "wx-cloud.d.ts")
        assert "export interface Cloud" in types


async def test_the_site_serves_it_too_and_it_asks_the_api_by_the_name_the_page_used(start_project):
    async with start_project({".emulator.toml": ""}) as running:
        port = running.url.rpartition(":")[2]
        text, _ = await fetched(running.site_url, "wx-cloud.js")
        assert f"const SERVED_FROM='{running.url}'" in text
        text, _ = await fetched(running.site_url, "wx-cloud.cjs", Host="demo-env.localhost:1")
        assert f"const SERVED_FROM='http://demo-env.localhost:{port}'" in text
        text, _ = await fetched(running.site_url, "wx-cloud.js", Host="[::1]")
        assert f"const SERVED_FROM='http://[::1]:{port}'" in text


async def test_the_script_as_a_plain_script_defines_and_installs_itself(start_project, tmp_path):
    async with start_project({".emulator.toml": ""}) as running:
        text, _ = await fetched(running.url, "wx-cloud.cjs")
    node = shutil.which("node")
    assert node is not None, "Node.js 20+ runs this test"
    check = (
        "console.log(typeof wx.cloud.init, typeof cloudEmu.install, wx.cloud === cloudEmu.cloud)"
    )
    script = f"(function (module) {{ {text} }})();{check}"
    done = subprocess.run(
        [node, "-e", script], capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert done.stdout.split() == ["function", "function", "true"]


def test_the_kept_form_is_made_of_the_source():
    source = sdk_files.text_of(sdk_files.SOURCE)
    assert sdk_files.text_of(sdk_files.COMMONJS) == sdk_files.commonjs_text(source), (
        "write commonjs_text(text_of(SOURCE)) to emulator/client/wx-cloud.cjs"
    )
