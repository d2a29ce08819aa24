"""Owns what a project permits: its settings and its rule files put together.

Not here: what rules mean (`core.rules`) and when files are read again (`suite.rule_files`). The one
idea: a file that is no JSON says what it said before, and why it is not heard now is told.

Strongest first: `[database.rules]` of `.emulator.toml`, `database.rules.json`, presets of
`.emulator.toml` and `cloudbaserc.json`; for files and functions likewise.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from emulator.config.sections import Config
from emulator.config.text_files import parse_json, read_text, shown_path
from emulator.core.errors import ConfigurationError
from emulator.services.permissions import PermissionSettings

DATABASE_FILE: Final = "database.rules.json"
STORAGE_FILE: Final = "storage.rules.json"
FUNCTIONS_FILE: Final = "functions.rules.json"
RULE_FILES: Final = (DATABASE_FILE, STORAGE_FILE, FUNCTIONS_FILE)
"""Looked for in the project's folder."""


class RuleFiles:
    """The rule files of one project, and what each said when it could be read last."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._said: dict[str, Mapping[str, Any]] = {}

    @property
    def paths(self) -> tuple[Path, ...]:
        """Return where the files lie, if they do."""
        return tuple(self._config.project / name for name in RULE_FILES)

    def read(self) -> tuple[PermissionSettings, tuple[str, ...]]:
        """Return what the project permits now, and which files could not be read."""
        notices = tuple(notice for path in self.paths if (notice := self._read(path)))
        database, config = self._config.database, self._config
        storage = self._said.get(STORAGE_FILE)
        if config.storage.rules is not None:
            storage = config.storage.rules
        functions = {**self._said.get(FUNCTIONS_FILE, {}), **config.permissions.functions}
        settings = PermissionSettings(
            default=database.permission,
            collections={
                **database.permissions,
                **self._said.get(DATABASE_FILE, {}),
                **{name: dict(rules) for name, rules in database.rules.items()},
            },
            files=None if storage is None else dict(storage),
            functions=functions or None,
            subset_only=config.permissions.subset_only,
        )
        return settings, notices

    def _read(self, path: Path) -> str:
        """Take in what a file says and return what is wrong with it, empty for nothing."""
        if not path.is_file():
            self._said.pop(path.name, None)
            return ""
        try:
            data = parse_json(read_text(path), name=shown_path(path))
        except ConfigurationError as fault:
            return f"{fault.message}; {self._instead(path)}"
        if not isinstance(data, dict):
            return f"{shown_path(path)}: not a JSON object; {self._instead(path)}"
        self._said[path.name] = data
        return ""

    def _instead(self, path: Path) -> str:
        if path.name in self._said:
            return "the rules before it stay in force"
        return "it is left out"
