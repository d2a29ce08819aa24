"""One Chromium for all tests of pages; a page that errs or asks the internet fails its test."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from emulator.cli.lan import addresses
from tests.sdk.client_world import ClientWorld, client_world
from tests.sdk.conftest import refuse, sdk_modules

__all__ = ["sdk_modules"]

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome", "chrome")
NEEDS_CHROMIUM = (
    "skipped: needs Chromium on the PATH and playwright from PyPI; "
    "install both (apt-get install chromium; pip install playwright) to run it"
)
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
REACHED = ["localhost", "*.localhost", "127.0.0.1", *addresses()]
ARGUMENTS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=" + ", ".join(["MAP * ~NOTFOUND", *(f"EXCLUDE {it}" for it in REACHED)]),
)
"""No name of the internet is ever looked up; this machine has all of its own addresses."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is."""
    chosen = os.environ.get("TEST_CHROMIUM", "")
    found = chosen or next(filter(None, map(shutil.which, EXECUTABLES)), None)
    if not found:
        refuse(NEEDS_CHROMIUM)
    return str(found)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator:
    """The one browser."""
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        refuse(NEEDS_CHROMIUM)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser) -> AsyncIterator:
    """A page of a context of its own; `page.faults` are what it did wrong, to be none at the end.

    Answers of a status that is an error are told by the browser's console, which is no fault.
    """
    context = await browser.new_context()
    opened = await context.new_page()
    faults: list[str] = []

    def heard(message) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            faults.append(f"console: {message.text}")

    def asked(request) -> None:
        parts = urlsplit(request.url)
        host = parts.hostname or ""
        far = host not in LOOPBACK and not host.endswith(".localhost")
        if parts.scheme in ("http", "https", "ws", "wss") and far:
            faults.append(f"request to {request.url}")

    opened.on("console", heard)
    opened.on("pageerror", lambda error: faults.append(f"page: {error}"))
    opened.on("request", asked)
    opened.faults = faults
    yield opened
    await context.close()
    assert not faults


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientWorld]:
    """The suite that pages ask."""
    with client_world(tmp_path_factory.mktemp("page-project")) as running:
        yield running


@pytest.fixture
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where bundled pages are put."""
    return tmp_path_factory.mktemp("bundles")
