"""Owns what applies to one function: the project's word, then its `config.json`, then defaults.

Not here: which folders are functions (`bundle`), what a trigger means (the kinds in `triggers`).
The one idea: nothing in a settings file makes a function disappear; what cannot be used is a
problem with file and line, and the rest applies.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Final, Literal, NoReturn, Protocol

from emulator.core.errors import ConfigurationError
from emulator.core.plain_schema import fits
from emulator.core.records import dataclass
from emulator.core.values import Value
from emulator.functions.base import (
    MEMORY_DEFAULT_MB,
    TIMEOUT_DEFAULT_S,
    TIMEOUT_MAX_S,
    Problem,
    Runtime,
    TriggerConfig,
)
from emulator.functions.bootstrap import start_of
from emulator.functions.triggers import database, http, storage, timer

TIMEOUT_MIN_S: Final = 1.0
TRIGGERS_MAX: Final = 10
NUMBER_MAX: Final = 1e9
"""No setting of a function is larger, whatever its unit."""

HANDLERS: Final = ("main", "main_handler")
LANGUAGES: Final[Mapping[str, Literal["python", "node"]]] = {
    ".py": "python",
    ".js": "node",
    ".mjs": "node",
    ".cjs": "node",
}

CLOUD_OBJECT: Final = ".obj.js"
"""How the entry file of uniCloud's cloud objects ends: a module of methods."""

RUNTIMES: Final[Mapping[str, Runtime]] = {"inline": "inline", "process": "process"}

_VARIABLE: Final = re.compile(r"[^=\0]+")
_TRIGGER_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}\Z")
_KINDS: Final[Mapping[str, tuple[Mapping[str, Value], Callable[[TriggerConfig], object]]]] = {
    "timer": (timer.SCHEMA, timer.compile_timer),
    "database": (database.SCHEMA, database.compile_database),
    "storage": (storage.SCHEMA, storage.compile_storage),
    "http": (http.SCHEMA, http.compile_http),
}


class SharedSettings(Protocol):
    """What the project says of all functions."""

    @property
    def timeout_s(self) -> float:
        """Return the time-out of a function that names none."""
        ...

    @property
    def env(self) -> Mapping[str, str]:
        """Return the variables that every function sees."""
        ...

    @property
    def runtime(self) -> Runtime:
        """Return where Python functions run that say nothing of it."""
        ...


class OwnSettings(Protocol):
    """What the project says of one function, above the function's own `config.json`."""

    @property
    def timeout_s(self) -> float | None:
        """Return the time-out."""
        ...

    @property
    def memory_mb(self) -> int | None:
        """Return the memory."""
        ...

    @property
    def runtime(self) -> Runtime | None:
        """Return where it runs."""
        ...

    @property
    def handler(self) -> str | None:
        """Return the handler as `file.function`."""
        ...

    @property
    def folder(self) -> Path | None:
        """Return where it lies, None for the folder of its name."""
        ...

    @property
    def env(self) -> Mapping[str, str]:
        """Return variables, added to those of `config.json`."""
        ...

    @property
    def triggers(self) -> tuple[TriggerConfig, ...] | None:
        """Return the triggers, instead of those of `config.json`."""
        ...

    @property
    def openapi(self) -> tuple[str, ...] | None:
        """Return the permitted open APIs, instead of those of `config.json`."""
        ...

    @property
    def file(self) -> str:
        """Return the file that says so."""
        ...

    @property
    def line(self) -> int:
        """Return the line where it begins to, 0 when that is not known."""
        ...

    @property
    def trigger_lines(self) -> tuple[int, ...]:
        """Return the line of each trigger, none when that is not known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Settings of all functions when no file speaks of them."""

    timeout_s: float = TIMEOUT_DEFAULT_S
    env: Mapping[str, str] = field(default_factory=dict)
    runtime: Runtime = "inline"


class Settings:
    """What applies to one function: the project's word, then `config.json`, then defaults."""

    def __init__(self, folder: Path, shared: SharedSettings, own: OwnSettings | None) -> None:
        self._folder = folder
        self._shared = shared
        self._own = own
        self._file = folder / "config.json"
        self.problems: list[Problem] = []
        self._text = ""
        self._config = {**self._package_config(), **self._read_json(self._file)}
        self._handler = (own.handler if own else None) or self._text_of("handler")
        self._start = start_of(folder)

    def web(self) -> tuple[str, ...] | None:
        """Return the arguments of a program that listens on a port; None where that is not so."""
        return self._start.arguments if self._start else None

    def entry(self) -> Path | None:
        """Return the file to load: the one that is started, the handler names, or an index file."""
        if self._start is not None:
            return self._start.program
        if self._handler:
            module = self._handler.rpartition(".")[0]
            for suffix in LANGUAGES:
                for path in (module, module.replace(".", "/")):
                    named = self._folder / f"{path}{suffix}"
                    if named.is_file():
                        return named
        found = [path for path in map(self._index, (*LANGUAGES, CLOUD_OBJECT)) if path.is_file()]
        if found and self._handler and not self._handler.startswith("index."):
            self._say(f"handler {self._handler}: there is no such file; {found[0].name} is used")
        if len({LANGUAGES[path.suffix] for path in found}) > 1:
            runtime = self._text_of("runtime").lower()
            found.sort(key=lambda path: LANGUAGES[path.suffix] not in runtime)
            if LANGUAGES[found[0].suffix] not in runtime:
                self._say("index.py and index.js: index.py is used; set runtime to choose")
        return found[0] if found else None

    def handlers(self) -> tuple[str, ...]:
        """Return the names to look for."""
        named = self._handler.rpartition(".")[2]
        return tuple(dict.fromkeys((*([named] if named else []), *HANDLERS)))

    def timeout_s(self) -> float:
        """Return the time-out within the platform's bounds."""
        own = self._own if self._own and self._own.timeout_s is not None else None
        wished = own.timeout_s if own else None
        if wished is None:
            wished = self._number("timeout", self._shared.timeout_s)
        bounded = min(max(wished, TIMEOUT_MIN_S), TIMEOUT_MAX_S)
        if bounded != wished:
            message = (
                f"timeout {wished:g}: the platform allows {TIMEOUT_MIN_S:g} to {TIMEOUT_MAX_S:g} "
                f"seconds; {bounded:g} is used"
            )
            self._say(message) if own is None else self._say_of(own, own.line, message, "warning")
        return bounded

    def memory_mb(self) -> int:
        """Return the memory."""
        wished = self._own.memory_mb if self._own else None
        return wished if wished is not None else int(self._number("memorySize", MEMORY_DEFAULT_MB))

    def runtime(self) -> Runtime:
        """Return where it runs; other tools write a version of a language under the same key."""
        if self._own is not None and self._own.runtime is not None:
            return self._own.runtime
        return RUNTIMES.get(self._text_of("runtime"), self._shared.runtime)

    def variables(self) -> dict[str, str]:
        """Return the environment variables, the more special ones on top."""
        own = self._config.get("envVariables")
        if own is not None and not (isinstance(own, dict) and all(map(_VARIABLE.fullmatch, own))):
            self._say("envVariables must be an object of names, without =, and texts; not read")
            own = None
        return {
            **self._shared.env,
            **(self._start.variables if self._start else {}),
            **{key: _variable(value) for key, value in (own or {}).items()},
            **(self._own.env if self._own else {}),
        }

    def openapi(self) -> tuple[str, ...]:
        """Return the permitted open APIs; what is unknown is kept, as the platform does."""
        if self._own is not None and self._own.openapi is not None:
            return self._own.openapi
        permissions = self._config.get("permissions")
        listed = permissions.get("openapi") if isinstance(permissions, dict) else None
        return tuple(map(str, listed)) if isinstance(listed, list) else ()

    def triggers(self) -> tuple[TriggerConfig, ...]:
        """Return the triggers that are as their kind wants them; others are problems."""
        if self._own is not None and self._own.triggers is not None:
            entries: Sequence[Value] = [
                {"name": each.name, "type": each.kind, "config": each.config}
                for each in self._own.triggers
            ]
        else:
            entries = self._config.get("triggers") or []
        if not isinstance(entries, list):
            self._say("triggers must be a list; it is ignored", "error")
            return ()
        kept: dict[str, TriggerConfig] = {}
        for number, entry in enumerate(entries, 1):
            fault = _trigger_fault(entry, kept)
            if fault is None:
                kept[entry["name"]] = TriggerConfig(
                    name=entry["name"], kind=entry["type"], config=entry.get("config")
                )
            else:
                name = entry.get("name") if isinstance(entry, dict) else None
                self._say_of_trigger(number, name, fault)
        return tuple(kept.values())

    def _say_of_trigger(self, number: int, name: str | None, fault: str) -> None:
        message = f"trigger {name or number}: {fault}"
        own = self._own
        if own is None or own.triggers is None:
            self._say(message, "error", self._line_of(name))
            return
        line = own.trigger_lines[number - 1] if own.trigger_lines else own.line
        self._say_of(own, line, message, "error")

    def _index(self, suffix: str) -> Path:
        return self._folder / f"index{suffix}"

    def _package_config(self) -> dict[str, Value]:
        """Return the part of `package.json` in which uniCloud keeps what others have elsewhere.

        Its `path` is where the function is reached over HTTP.
        """
        package = self._folder / "package.json"
        found = self._read_json(package).get("cloudfunction-config")
        if not isinstance(found, dict):
            return {}
        path, triggers = found.get("path"), found.get("triggers") or []
        if not isinstance(path, str) or not path.startswith("/") or not isinstance(triggers, list):
            return found
        reached = {"name": "path", "type": "http", "config": {"path": path}}
        return {**found, "triggers": [*triggers, reached]}

    def _read_json(self, file: Path) -> dict[str, Value]:
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as fault:
            self._problem(file, 0, f"cannot be read: {fault.strerror}")
            return {}
        try:
            self._text = data.decode(json.detect_encoding(data))
            found = json.loads(self._text, parse_constant=_no_number)
        except json.JSONDecodeError as fault:
            self._problem(file, fault.lineno, f"not JSON: {fault.msg}, column {fault.colno}")
            return {}
        except UnicodeDecodeError:
            self._problem(file, 0, "not UTF-8 text")
            return {}
        except RecursionError:
            self._problem(file, 0, "nested too deeply")
            return {}
        except ValueError as fault:
            self._problem(file, 0, f"not JSON: {fault}")
            return {}
        if not isinstance(found, dict):
            self._problem(file, 1, "must hold one JSON object")
            return {}
        return found

    def _text_of(self, key: str) -> str:
        found = self._config.get(key)
        return found if isinstance(found, str) else ""

    def _number(self, key: str, default: float) -> float:
        found = self._config.get(key, default)
        if isinstance(found, bool) or not isinstance(found, int | float) or abs(found) > NUMBER_MAX:
            self._say(f"{key} must be a number; {default:g} is used")
            return default
        return found

    def _line_of(self, name: object) -> int:
        mark = f'"{name}"'
        lines = self._text.splitlines()
        return next((at for at, line in enumerate(lines, 1) if mark in line), 0)

    def _say(
        self, message: str, severity: Literal["error", "warning"] = "warning", line: int = 0
    ) -> None:
        self._problem(self._file, line, message, severity)

    def _say_of(
        self, own: OwnSettings, line: int, message: str, severity: Literal["error", "warning"]
    ) -> None:
        """Tell of what the project says, where it says so."""
        file = Path(own.file) if own.file else self._file
        self._problem(file, line, message, severity)

    def _problem(
        self,
        file: Path,
        line: int,
        message: str,
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        self.problems.append(Problem(file=str(file), line=line, message=message, severity=severity))


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _variable(value: Value) -> str:
    return value.replace("\0", "") if isinstance(value, str) else json.dumps(value)


def _trigger_fault(entry: Any, known: Mapping[str, TriggerConfig]) -> str | None:
    """Return what is wrong with an entry of `triggers`, None when nothing is."""
    if not isinstance(entry, dict):
        return "must be an object with name, type and config"
    name, kind = entry.get("name"), entry.get("type")
    if not isinstance(name, str) or not _TRIGGER_NAME.match(name):
        return "a name begins with a letter and has up to 60 letters, digits, _ or -"
    if name in known:
        return "another trigger of the function has this name"
    if len(known) >= TRIGGERS_MAX:
        return f"a function may have {TRIGGERS_MAX} triggers"
    if not isinstance(kind, str) or kind not in _KINDS:
        return f"type {kind!r} is none of {', '.join(_KINDS)}"
    (schema, compiled), config = _KINDS[kind], entry.get("config")
    trigger = TriggerConfig(name=name, kind=kind, config=config)
    return _schema_fault(config, schema) or _fault_of(compiled, trigger)


def _fault_of(compiled: Callable[[TriggerConfig], object], trigger: TriggerConfig) -> str | None:
    """Return what a schema cannot tell."""
    try:
        compiled(trigger)
    except ConfigurationError as fault:
        return f"{fault.message.partition(': ')[2]}; {fault.hint}"
    return None


def _schema_fault(config: Value, schema: Mapping[str, Value]) -> str | None:
    if fits(config, schema):
        return None
    # What is plainly right, which is nearly everything, does without: the import costs 50 ms.
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    fault = best_match(Draft202012Validator(schema).iter_errors(config))
    if fault is None:
        return None
    place = ".".join(map(str, ("config", *fault.absolute_path)))
    return f"{place}: {fault.message}"
