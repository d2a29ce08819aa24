"""Owns the start file of HTTP functions, `scf_bootstrap`: which program it starts, and with what.

Not here: running it (`node/web.js`, `python_web`). The one idea: it is a shell script for the
platform's own machine, so it is read and never run; what it starts is found by its last command.

Facts: docs.cloudbase.net/cloud-function/develop/scf-bootstrap.
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import field
from itertools import chain
from pathlib import Path
from typing import Final

from emulator.core.records import dataclass
from emulator.functions.base import Bundle

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
    r"(?:^|[\s/])(?:npm|yarn|pnpm)\s+(?:run(?:-script)?\s+)?([A-Za-z][\w:-]*)", re.MULTILINE
)
_EXPORT: Final = re.compile(
    r"""(?:^|[;&])\s*export\s+([A-Za-z_]\w*)=(["'])?((?(2)[^"'$`\n]*|[^\s"'$`;&]*))(?(2)\2)"""
    r"""\s*(?=$|;|&&)""",
    re.MULTILINE,
)
_BEFORE: Final = re.compile(r"""(?:^|(?<=\s))([A-Za-z_]\w*)=["']?([^\s"'$`]*)["']?(?=\s)""")
"""Variables that stand before a command, for it alone."""
_ENDS: Final = re.compile(r"[;&|]")
_SCRIPT: Final = re.compile(r"#!\S*/(?:env +)?node[0-9.]*\s")
"""How a start file begins that is a program in Node itself."""
_THERE: Final = "/var/user/"
"""Where a function lies on the platform."""
_PYTHON: Final = re.compile(r"(?:^|[\s/])python[0-9.]*[ \t]+([^&|;<>#\n]+)", re.MULTILINE)
_PYTHON_FLAG: Final = re.compile(r"-[bBdEiIOqsSuvx]+")
_PYTHON_COMMAND: Final = re.compile(
    r"(?:^|[\s/])(uvicorn|gunicorn|hypercorn|flask|waitress-serve)\b([^&|;<>#\n]*)", re.MULTILINE
)
"""Servers that are started by a name of their own; each is a module as well."""
_MODULES: Final = {"waitress-serve": "waitress"}
_ENTRIES: Final = ("app.py", "main.py", "index.py", "wsgi.py", "asgi.py", "manage.py")
"""What is taken for the file of a program that a server is told by module, or not at all."""
_SUFFIXES: Final = ("", ".js", ".mjs", ".cjs", "/index.js")
_SOURCES: Final = frozenset({".js", ".mjs", ".cjs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The program that a start file starts, with which arguments and variables.

    Those of a Python program are the interpreter's: the file, or `-m` and a module, and the rest.
    """

    program: Path
    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


def start_of(folder: Path) -> Start | None:
    """Return what the start file of a folder starts.

    None without one, or when it is neither Node nor Python.
    """
    text = _text_of(folder / FILE)
    if _SCRIPT.match(text):
        return Start(program=folder / FILE)
    found = _program(folder, text)
    variables = _variables(text)
    names = _NPM.findall(text) if found is None else ()
    for script in [each for name in names if (each := _script(folder, name))][-1:]:
        found = _program(folder, script)
        variables |= _variables(script)
    if found is None:
        return _python(folder, text, variables)
    program, arguments = found
    said = tuple(each.strip("\"'") for each in arguments.split())
    return Start(program=program, arguments=said, variables=variables)


def _variables(text: str) -> dict[str, str]:
    """Return what is exported, and what stands before the command that starts the program."""
    found = {name: value for name, _, value in _EXPORT.findall(text)}
    for command in chain(*(each.finditer(text) for each in (_NODE, _PYTHON, _PYTHON_COMMAND))):
        line = text[text.rfind("\n", 0, command.start() + 1) + 1 : command.end()]
        found.update(_BEFORE.findall(_ENDS.split(line)[-1]))
    return found


def roots_of(bundle: Bundle) -> list[str]:
    """Return the paths that a program which listens hears as `/`."""
    configs = [each.config for each in bundle.triggers if each.kind == "http"]
    return [
        str(config["path"])
        for config in configs
        if isinstance(config, dict) and not config.get("pathTransmission")
    ]


def _python(folder: Path, text: str, variables: Mapping[str, str]) -> Start | None:
    """Return the last program that is started in Python."""
    for said in _PYTHON.findall(text)[-1:]:
        words = _words(said)
        while words and _PYTHON_FLAG.fullmatch(words[0]):
            words.pop(0)
        if words[:1] == ["-m"] and len(words) > 1:
            return _served(folder, words[1:], variables)
        words[:1] = [word.removeprefix(_THERE) for word in words[:1]]
        program = folder / words[0] if words else folder
        if program.suffix == ".py" and program.is_file():
            return Start(program=program, arguments=tuple(words), variables=variables)
    for name, said in _PYTHON_COMMAND.findall(text)[-1:]:
        return _served(folder, [_MODULES.get(name, name), *_words(said)], variables)
    return None


def _served(folder: Path, words: list[str], variables: Mapping[str, str]) -> Start | None:
    """Return the start of a module: one of the folder, or a server that is told what it serves."""
    modules = [word.partition(":")[0].replace(".", "/") for word in words]
    named = [f"{each}{end}" for each in modules for end in (".py", "/__main__.py", "/__init__.py")]
    for name in (*named, *_ENTRIES):
        if (folder / name).is_file():
            arguments = ("-m", *words)
            return Start(program=folder / name, arguments=arguments, variables=variables)
    return None


def _words(said: str) -> list[str]:
    try:
        return shlex.split(said)
    except ValueError:
        return said.split()


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
