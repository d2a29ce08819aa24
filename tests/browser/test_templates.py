"""What `cloud-emu init` writes for a page works as it is written."""

import pytest

from emulator.cli.client_templates import client_files, function_template, site_folder
from emulator.cli.templates import config_text, function_files, write_new
from tests.conftest import _drain, start_process, stop_process_drained

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="session"),
]


@pytest.fixture
def project(tmp_path):
    """A project of the template, started."""
    hello = function_files(function_template("web"), "hello")
    files = {
        ".emulator.toml": config_text("functions", site_folder("web")),
        **{f"functions/hello/{name}": text for name, text in hello.items()},
        **client_files("web", tmp_path),
    }
    write_new(tmp_path, files)
    running = start_process(tmp_path, "--ephemeral")
    drained = _drain(running)
    yield running
    stop_process_drained(running, drained)


async def test_the_page_of_a_new_project_greets(project, page):
    await page.goto(project.site_url)
    await page.get_by_text("Hello, Ada!").wait_for()
