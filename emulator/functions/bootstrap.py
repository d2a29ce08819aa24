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

_ARGUMENTS: Final = r"""((?:[ \t]+[^\s&|;<>#]+)*)"""
_NODE: Final = re.compile(
    r"""(?:^|[\s/])node[0-9.]*\s+(?:-\S+\s+)*["']?([^\s"'&|;#-][^\s"'&|;#]*)["']?""" + _ARGUMENTS,
    re.MULTILINE,
)
_COMMAND: Final = re.compile(r"(?:^|[\s/])(tcb-ff)\b" + _ARGUMENTS, re.MULTILINE)
_FRAMEWORK: Final = "node_modules/@cloudbase/functions-framework/bin/tcb-ff.js"
"""What calls `exports.main` over HTTP; as a program among others it brings its own way to do so."""
_NPM: Final = re.compile(
    r"(?:^|[\s/])(?:npm|yarn|pnpm)\s+(?:run\s+)?(start\b[\w:-]*)", re.MULTILINE
)
_EXPORT: Final = re.compile(
    r"""^\s*export\s+([A-Za-z_]\w*)=["']?([^"'$`\n]*?)["']?\s*$""", re.MULTILINE
)
_BEFORE: Final = re.compile(r"""(?:^|(?<=\s))([A-Za-z_]\w*)=["']?([^\s"'$`]*)["']?(?=\s)""")
"""Variables that stand before a command, for it alone."""
_SCRIPT: Final = re.compile(r"#!\S*/(?:env +)?node[0-9.]*\s")
"""How a start file begins that is a program in Node itself."""
_THERE: Final = "/var/user/"
"""Where a function lies on the platform."""
_SUFFIXES: Final = ("", ".js", ".mjs", ".cjs", "/index.js")
_SOURCES: Final = frozenset({".js", ".mjs", ".cjs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The program that a start file starts, with which arguments and variables."""

    program: Path
    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


def start_of(folder: Path) -> Start | None:
    """Return what the start file of a folder starts; None without one, or when it is not Node."""
    text = _text_of(folder / FILE)
    if _SCRIPT.match(text):
        return Start(program=folder / FILE)
    found = _program(folder, text)
    if found is None:
        scripts = _NPM.findall(text)
        found = _program(folder, _script(folder, scripts[-1])) if scripts else None
    if found is None:
        return None
    program, arguments = found
    said = tuple(each.strip("\"'") for each in arguments.split())
    return Start(program=program, arguments=said, variables=_variables(text))


def _variables(text: str) -> dict[str, str]:
    """Return what is exported, and what stands before the command that starts Node."""
    found = dict(_EXPORT.findall(text))
    for command in _NODE.finditer(text):
        line = text[text.rfind("\n", 0, command.start() + 1) + 1 : command.end()]
        found.update(_BEFORE.findall(line))
    return found


def _program(folder: Path, text: str) -> tuple[Path, str] | None:
    """Return the last program that is started in Node, and its arguments."""
    for name, arguments in _NODE.findall(text)[-1:]:
        for suffix in _SUFFIXES:
            program = folder / f"{name.removeprefix(_THERE)}{suffix}"
            if program.suffix in _SOURCES and program.is_file():
                return program, arguments
    for _, arguments in _COMMAND.findall(text)[-1:]:
        for place in (folder, *folder.parents):
            if (place / _FRAMEWORK).is_file():
                return place / _FRAMEWORK, arguments
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
