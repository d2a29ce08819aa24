"""Owns what only one run is told: which services run, and which files seed it.

Not here: settings that last (`config.load`), the content of seed files (`config.seed_files`).
"""

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from emulator.config.check import nearest
from emulator.config.layers import Setting
from emulator.config.sections import Only
from emulator.core.errors import ConfigurationError

ONLY_SERVICES: Final = ("database", "storage", "functions", "hosting")
SEED_ENDINGS: Final = (".jsonl", ".json")


def absolute(base: Path, path: str) -> Path:
    """Return a path made absolute without following links, `~` being the user's folder."""
    return Path(os.path.abspath(base / Path(path).expanduser()))  # noqa: PTH100  # keeps links


def only_of(setting: Setting | None) -> Only | None:
    """Return what `database,functions:a,b` means: names behind `functions:` are functions."""
    if setting is None:
        return None
    services: set[str] = set()
    functions: set[str] | None = None
    for token in filter(None, (part.strip() for part in str(setting.value).split(","))):
        service, colon, name = token.partition(":")
        if service in ONLY_SERVICES and (not colon or service == "functions"):
            services.add(service)
            if name:
                functions = (functions or set()) | {name}
        elif functions is not None and not colon:
            functions.add(token)
        else:
            close = nearest(service, ONLY_SERVICES)
            hint = f'did you mean "{close}"?' if close else f"known: {', '.join(ONLY_SERVICES)}"
            raise ConfigurationError(f'{setting.source}: no service "{token}"; {hint}')
    return Only(
        services=frozenset(services),
        functions=frozenset(functions) if functions is not None else None,
    )


def given_seed(setting: Setting) -> tuple[Path, ...]:
    """Return the files a flag or variable names; raises ConfigurationError for one not there."""
    value = setting.value
    many = isinstance(value, Sequence) and not isinstance(value, str)
    patterns: Iterable[str] = [os.fspath(item) for item in value] if many else [str(value)]
    files: list[Path] = []
    for pattern in patterns:
        matches = seed_matches(Path.cwd(), pattern)
        if not matches:
            raise ConfigurationError(f'{setting.source}: no file or folder "{pattern}"')
        files += matches
    return tuple(dict.fromkeys(files))


def seed_matches(base: Path, pattern: str) -> list[Path]:
    """Return the seed files a path or pattern means; a folder means the seed files in it."""
    named = [absolute(base, name) for name in glob.glob(pattern, root_dir=base, recursive=True)]  # noqa: PTH207  # takes absolute patterns too
    files: list[Path] = []
    for path in sorted(named):
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        files += [file for file in inside if file == path or file.suffix in SEED_ENDINGS]
    return files
