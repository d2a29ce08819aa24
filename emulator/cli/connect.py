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
    """Return the suite that runs for a project, None when there is none.

    Raises:
        ConfigurationError: none is, and the configuration is broken as well.
    """
    data_dir, folder, broken = _place(project)
    record = discovery.find(data_dir, folder)
    if record is None and broken is not None:
        raise broken
    return record


def silent_suite(project: Path) -> discovery.Discovered | None:
    """Return the suite of a project that lives but answers nobody, None when there is none."""
    data_dir, folder, _ = _place(project)
    return discovery.find_silent(data_dir, folder)


def _place(project: Path) -> tuple[Path, Path, ConfigurationError | None]:
    """Return data folder and folder of a project, and what is broken in its configuration."""
    from emulator.config import load_config
    from emulator.config.sections import DATA_FOLDER_DEFAULT

    try:
        config = load_config(project)
    except ConfigurationError as fault:
        folder = project.absolute()
        return folder / DATA_FOLDER_DEFAULT, folder, fault
    return config.data_dir, config.project, None


def not_running(project: Path) -> Failed:
    """Return the failure of a command that needs a running suite."""
    where = "" if project == Path() else f' "{project}"'
    silent = silent_suite(project)
    if silent is not None:
        return Failed(
            f"the suite of {project.absolute()} (pid {silent.pid}) lives but does not answer",
            hint="a function may hold Python in code that cannot be interrupted, such as a regular"
            f" expression; end it: cloud-emu stop{where}; nothing acknowledged is lost",
            code="NO_ANSWER",
        )
    return Failed(
        f"no suite is running for {project.absolute()}",
        hint=f"start one: cloud-emu start{where}",
        code="NOT_RUNNING",
    )
