"""js-sdk 1.x to 3.x and tcb-js-sdk, unmodified, in a page of Chromium that is of another origin."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.sdk.client_world import LEGACY, MAJORS, ClientWorld, check

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="session"),
]

HERE = Path(__file__).parent
CASES = HERE.parent / "sdk" / "scripts" / "client.cjs"
BUNDLE_TIMEOUT_S = 120


def bundled(modules: Path, sdk: str, folder: Path) -> str:
    """Bundle the cases with an SDK, as an app's build does."""
    out = folder / f"{sdk}.js"
    subprocess.run(
        ["node", str(HERE / "bundle.mjs"), str(modules), sdk, str(CASES), str(out)],
        check=True,
        timeout=BUNDLE_TIMEOUT_S,
    )
    return out.read_text(encoding="utf-8")


async def run_cases(page, script: str, options: dict[str, Any], head: str = "") -> Any:
    """Open a page of an origin of its own that loads the script, and run every case in it."""

    async def page_of(request: web.Request) -> web.StreamResponse:
        text = (
            "<!doctype html><meta charset=utf-8><link rel=icon href=data:,>"
            f"{head}<script src=/cases.js></script>"
        )
        return web.Response(text=text, content_type="text/html")

    async def cases(request: web.Request) -> web.StreamResponse:
        return web.Response(text=script, content_type="text/javascript", charset="utf-8")

    app = web.Application()
    app.router.add_get("/", page_of)
    app.router.add_get("/cases.js", cases)
    async with TestServer(app) as server:
        await page.goto(f"http://localhost:{server.port}/")
        return await page.evaluate("(options) => runCases(options)", options)


@pytest.mark.parametrize("major", MAJORS)
async def test_every_case_in_a_page(
    page, sdk_modules, world: ClientWorld, bundles: Path, major: int
):
    script = bundled(sdk_modules, f"js-sdk-{major}", bundles)
    check(await run_cases(page, script, world.options(major, "page")), major)


@pytest.mark.parametrize("major", [LEGACY, *MAJORS])
async def test_every_case_in_a_page_that_only_loads_the_redirect_script(
    page, sdk_modules, world: ClientWorld, bundles: Path, major: int
):
    sdk = "tcb-js-sdk" if major == LEGACY else f"js-sdk-{major}"
    script = bundled(sdk_modules, sdk, bundles)
    head = f'<script src="{world.api}/_emu/sdk/redirect.js"></script>'
    check(await run_cases(page, script, world.options(major, "moved"), head), major)
