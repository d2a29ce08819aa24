"""Owns finding the suite that a command means, and the client that talks to it.

Not here: the discovery file (`cli.discovery`) and the calls. The one idea: inside `exec` the
variable says it, anywhere else the project's discovery file does; a project whose configuration is
broken can still be asked and stopped.
"""

import os
from pathlib import Path

from emulator.cli import discovery
from emulator.cli.control import ControlClient
from emulator.cli.output import Failed
from emulator.core.errors import ConfigurationError

URL_VARIABLE = "CLOUD_EMU_URL"


def connect(project: Path) -> ControlClient:
    """Return a client of the project's running suite.

    Raises:
        Failed: no suite is running.
        ConfigurationError: none is, and the configuration is broken as well.
    """
    url = os.environ.get(URL_VARIABLE)
    if url and project == Path():
        return ControlClient(url)
    record = running_suite(project)
    if record is None:
        raise not_running(project)
    return ControlClient(record.api_url)


def running_suite(project: Path) -> discovery.Discovered | None:
    """Return the suite that runs for a project, None when there is none."""
    from emulator.config import load_config
    from emulator.config.sections import DATA_FOLDER_DEFAULT

    try:
        config = load_config(project)
    except ConfigurationError:
        folder = project.absolute()
        record = discovery.find(folder / DATA_FOLDER_DEFAULT, folder)
        if record is None:
            raise
        return record
    return discovery.find(config.data_dir, config.project)


def not_running(project: Path) -> Failed:
    """Return the failure of a command that needs a running suite."""
    where = "" if project == Path() else f' "{project}"'
    return Failed(
        f"no suite is running for {project.absolute()}",
        hint=f"start one: cloud-emu start{where}",
        code="NOT_RUNNING",
    )
