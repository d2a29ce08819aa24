"""A project folder to be configured, and reading it without the variables of this process."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from emulator.config import Config, load_config

Load = Callable[..., Config]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, which is the current folder so that messages name files shortly."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def load(project: Path) -> Load:
    """Write files into the project and return its configuration under flags and variables."""

    def write_and_load(
        files: Mapping[str, str | bytes] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        **overrides: Any,
    ) -> Config:
        for name, content in (files or {}).items():
            path = project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return load_config(project, overrides, environ=environ or {})

    return write_and_load
