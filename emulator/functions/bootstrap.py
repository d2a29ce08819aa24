"""Owns the start file of HTTP functions, `scf_bootstrap`: which program it starts, and with what.

Not here: running it (`node/web.js`). The one idea: it is a shell script for the platform's own
machine, so it is read and never run; what it starts is found by its last command.

Facts: docs.cloudbase.net/cloud-function/develop/scf-bootstrap.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Final

from emulator.core.records import dataclass

FILE: Final = "scf_bootstrap"
FILE_MAX_BYTES: Final = 64 * 1024

_NODE: Final = re.compile(
    r"""(?:^|[\s/])node[0-9.]*\s+(?:-\S+\s+)*["']?([^\s"'&|;#-][^\s"'&|;#]*)""", re.MULTILINE
)
_NPM: Final = re.compile(
    r"(?:^|[\s/])(?:npm|yarn|pnpm)\s+(?:run\s+)?(start\b[\w:-]*)", re.MULTILINE
)
_EXPORT: Final = re.compile(
    r"""^\s*export\s+([A-Za-z_]\w*)=["']?([^"'$`\n]*?)["']?\s*$""", re.MULTILINE
)
_SUFFIXES: Final = ("", ".js", ".mjs", ".cjs", "/index.js")
_SOURCES: Final = frozenset({".js", ".mjs", ".cjs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The program that a start file starts, and the variables it sets."""

    program: Path
    variables: Mapping[str, str] = field(default_factory=dict)


def start_of(folder: Path) -> Start | None:
    """Return what the start file of a folder starts; None without one, or when it is not Node."""
    text = _text_of(folder / FILE)
    named = _NODE.findall(text)
    if not named:
        scripts = _NPM.findall(text)
        named = _NODE.findall(_script(folder, scripts[-1])) if scripts else []
    for suffix in _SUFFIXES if named else ():
        program = folder / f"{named[-1]}{suffix}"
        # What a package brings is no program of one's own: the framework's calls `exports.main`.
        if "node_modules" in program.parts[len(folder.parts) :]:
            return None
        if program.suffix in _SOURCES and program.is_file():
            return Start(program=program, variables=dict(_EXPORT.findall(text)))
    return None


def _script(folder: Path, name: str) -> str:
    try:
        found = json.loads(_text_of(folder / "package.json"))["scripts"][name]
    except (ValueError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) else ""


def _text_of(file: Path) -> str:
    try:
        return file.read_bytes()[:FILE_MAX_BYTES].decode("utf-8", "replace")
    except OSError:
        return ""
