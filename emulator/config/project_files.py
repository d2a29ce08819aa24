"""Owns what the files of other tools say: `cloudbaserc.json` and `project.config.json`.

Not here: a function's own `config.json` (`functions.bundle`). The one idea: these files are written
for other programs, so nothing in them stops the suite; what cannot be used becomes a problem that
is shown, and everything found is handed on as plain settings.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from emulator.config.framework import with_plugin_functions
from emulator.config.hosting import website_of
from emulator.config.sections import FunctionSettings, IndexSettings, Preset
from emulator.config.text_files import parse_json, read_text, shown_path
from emulator.core.errors import ConfigurationError
from emulator.functions.base import TIMEOUT_MAX_S, Problem, TriggerConfig

CLOUDBASE_FILE: Final = "cloudbaserc.json"
UNREAD_FILES: Final = ("cloudbaserc.js", "cloudbaserc.yaml", "cloudbaserc.yml")
ENV_FILES: Final = (".env", ".env.local")
"""Read by the CloudBase CLI by itself, the stronger last (docs.cloudbase.net/cli-v1/config)."""
WECHAT_FILE: Final = "project.config.json"
WECHAT_PRIVATE_FILE: Final = "project.private.config.json"
"""What one developer says instead, kept out of the repository; the tools let it win."""
UID_LENGTH: Final = 24
"""Of `{{util.uid}}`, which is the same for a project each time."""
CLOUDBASE_FUNCTION_ROOT_DEFAULT: Final = "functions"
FUNCTION_ROOTS: Final = (
    "cloudfunctions",
    "functions",
    "cloud/functions",
    "cloud",
    "functions_examples",
    "uniCloud-aliyun/cloudfunctions",
    "uniCloud-tcb/cloudfunctions",
    "uniCloud-tencent/cloudfunctions",
    "uniCloud-alipay/cloudfunctions",
    "cloudfunctions-aliyun",
    "cloudfunctions-tcb",
)
"""Folders that are looked for when no file names one, in order."""

_USED: Final = frozenset(
    {
        *("$schema", "version", "envId", "functionRoot", "functions", "functionDefaultConfig"),
        *("database", "databases"),
    }
)
_USED_OF_FUNCTION: Final = frozenset(
    {
        *("name", "dir", "handler", "timeout", "memorySize", "envVariables", "triggers"),
        *("config", "aclRule"),
    }
)
_KINDS: Final = (
    ("envId", str, "text"),
    ("functionRoot", str, "text"),
    ("functions", list, "a list"),
)
_TEMPLATE: Final = re.compile(r"\{\{\s*(env|tcb|util)\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_ENV_LINE: Final = re.compile(
    r"""\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*"""
    r"""(?:(?P<quote>["'`])(?P<quoted>.*?)(?P=quote)\s*(?:\#.*)?|(?P<bare>.*?)(?:(?<=\s)\#.*)?)$"""
)
"""A `#` begins a comment after a value in quotes, or after a blank: others belong to a value."""
_PRESETS: Final[Mapping[str, Preset]] = {
    "READONLY": "READONLY",
    "PRIVATE": "PRIVATE",
    "ADMINWRITE": "ADMINWRITE",
    "ADMINONLY": "ADMINONLY",
}


@dataclass(slots=True)
class Found:
    """What one file of another tool says; filled while it is read."""

    file: Path
    function_root: str | None = None
    env: str | None = None
    appid: str | None = None
    website: tuple[str, str] | None = None
    functions: dict[str, FunctionSettings] = field(default_factory=dict)
    permissions: dict[str, Preset] = field(default_factory=dict)
    rules: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    invokes: dict[str, Any] = field(default_factory=dict)
    indexes: dict[str, tuple[IndexSettings, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def note(self, message: str, *, line: int = 0) -> None:
        """Remember something odd that does not stop the suite."""
        file = shown_path(self.file)
        problem = Problem(file=file, line=line, message=message, severity="warning")
        if problem not in self.problems:
            self.problems.append(problem)

    def leave_out(self, place: str, names: Iterable[str]) -> None:
        """Remember settings that mean nothing here; nobody did anything wrong."""
        listed = ", ".join(dict.fromkeys(names))
        if listed:
            message = f"{place}not used, as they concern deployment: {listed}"
            file = shown_path(self.file)
            self.problems.append(Problem(file=file, line=0, message=message, severity="note"))


def read_project_files(project: Path, environ: Mapping[str, str]) -> tuple[Found, ...]:
    """Return what the project's files of other tools say, the stronger file first."""
    readers: tuple[tuple[str, Callable[[Found, Mapping[str, Any]], None]], ...] = (
        (CLOUDBASE_FILE, _Cloudbase(project, environ).read),
        (WECHAT_PRIVATE_FILE, _read_wechat),
        (WECHAT_FILE, _read_wechat),
    )
    found = [_read(project / name, read) for name, read in readers if (project / name).is_file()]
    if not (project / CLOUDBASE_FILE).exists():
        for file in (project / name for name in UNREAD_FILES if (project / name).exists()):
            unread = Found(file)
            kind = "a script" if file.suffix == ".js" else "YAML"
            unread.note(f"{kind} is not read; write its data to {CLOUDBASE_FILE}")
            found.append(unread)
    return tuple(found)


def _read(path: Path, read: Callable[[Found, Mapping[str, Any]], None]) -> Found:
    found = Found(path)
    try:
        data = parse_json(read_text(path), name=shown_path(path))
    except ConfigurationError as fault:
        line, message = _split(fault.message, shown_path(path))
        found.note(f"{message}; the file was left out", line=line)
        return found
    if isinstance(data, dict):
        read(found, data)
    else:
        found.note("not a JSON object; the file was left out")
    return found


def _split(message: str, name: str) -> tuple[int, str]:
    rest = message.removeprefix(name).removeprefix(":")
    line, _, tail = rest.partition(":")
    return (int(line), tail.strip()) if line.isdigit() else (0, rest.strip())


def _read_wechat(found: Found, data: Mapping[str, Any]) -> None:
    root = data.get("cloudfunctionRoot")
    if isinstance(root, str) and root.strip():
        # The tools join it to the project's folder, with a slash before it or not.
        found.function_root = root.strip().lstrip("/\\") or "."
    appid = data.get("appid")
    if isinstance(appid, str) and appid.strip():
        found.appid = appid.strip()


class _Cloudbase:
    """Reads `cloudbaserc.json`, with `{{env.NAME}}` filled in from variables and `.env` files."""

    def __init__(self, project: Path, environ: Mapping[str, str]) -> None:
        self._files = [project / name for name in ENV_FILES]
        self._variables = dict(environ)
        self._uid = hashlib.sha256(str(project).encode()).hexdigest()[:UID_LENGTH]
        self._env = ""

    def read(self, found: Found, data: Mapping[str, Any]) -> None:
        for file in reversed(self._files):
            self._variables = {**_env_file(found, file), **self._variables}
        self._env = str(self._filled(Found(found.file), data.get("envId")) or "")
        data, has_plugin = with_plugin_functions(self._filled(found, data))
        for name, kind, what in _KINDS:
            if not isinstance(data.get(name), kind | None):
                found.note(f"{name}: not {what}; it was left out")
        root = data.get("functionRoot")
        found.function_root = root if isinstance(root, str) and root else None
        if found.function_root is None and data.get("functions"):
            found.function_root = CLOUDBASE_FUNCTION_ROOT_DEFAULT
        env = data.get("envId")
        found.env = env if isinstance(env, str) and env else None
        found.website = website_of(data)
        default = data.get("functionDefaultConfig")
        functions = [_merged(default, item) for item in _records(data.get("functions"))]
        for item in functions:
            self._function(found, item)
        used = {*_USED, "framework"} if has_plugin or found.website is not None else _USED
        found.leave_out("", (key for key in data if key not in used))
        unused = (key for item in functions for key in item if key not in _USED_OF_FUNCTION)
        found.leave_out("functions: ", unused)
        database = data.get("database")
        nested = database.get("collections") if isinstance(database, dict) else None
        for item in [*_records(data.get("databases")), *_records(nested)]:
            _collection(found, item)

    def _function(self, found: Found, item: Mapping[str, Any]) -> None:
        name = item.get("name")
        if not isinstance(name, str) or not name:
            found.note("functions: an entry without a name was left out")
            return
        if name in found.functions:
            found.note(f"functions: {name} is there twice; what is said last counts")
        old_form = item.get("config")
        item = {**(old_form if isinstance(old_form, dict) else {}), **item}
        if isinstance(item.get("aclRule"), dict):
            found.invokes[name] = item["aclRule"]
        variables = item.get("envVariables")
        triggers = item.get("triggers")
        found.functions[name] = FunctionSettings(
            timeout_s=_timeout_s(found, name, item.get("timeout")),
            memory_mb=_whole(item.get("memorySize")),
            handler=item["handler"] if isinstance(item.get("handler"), str) else None,
            folder=self._folder(found, name, item.get("dir")),
            env=MappingProxyType(_texts(variables) if isinstance(variables, dict) else {}),
            triggers=_triggers(found, name, triggers) if isinstance(triggers, list) else None,
            file=str(found.file),
        )

    def _folder(self, found: Found, name: str, said: object) -> Path | None:
        if not isinstance(said, str) or not said:
            return None
        folder = (found.file.parent / said).resolve()
        if folder.is_dir():
            return folder
        found.note(f"functions.{name}.dir: there is no folder {said}")
        return None

    def _filled(self, found: Found, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(found, item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled(found, item) for item in value]
        if isinstance(value, str) and "{{" in value:
            return _TEMPLATE.sub(lambda match: self._variable(found, *match.groups()), value)
        return value

    def _variable(self, found: Found, source: str, name: str) -> str:
        if source != "env":
            known = {"tcb.envId": self._env, "util.uid": self._uid}
            if f"{source}.{name}" not in known:
                found.note(f"{{{{{source}.{name}}}}}: there is only {' and '.join(known)}")
            return known.get(f"{source}.{name}", "")
        if name not in self._variables:
            found.note(f"{{{{env.{name}}}}}: no variable {name}, neither set nor in .env")
        return self._variables.get(name, "")


def _merged(default: Any, own: Any) -> Any:
    """Return one's own settings over the default ones, objects field by field, lists by place."""
    if isinstance(default, dict) and isinstance(own, dict):
        both = {key: _merged(default[key], own[key]) for key in default.keys() & own.keys()}
        return {**default, **own, **both}
    if isinstance(default, list) and isinstance(own, list):
        pairs = zip(default, own, strict=False)
        return [*(_merged(*pair) for pair in pairs), *default[len(own) :], *own[len(default) :]]
    return own


def _collection(found: Found, item: Mapping[str, Any]) -> None:
    name = item.get("collectionName") or item.get("name")
    if not isinstance(name, str):
        return
    preset = _PRESETS.get(str(item.get("aclTag")))
    if preset is not None:
        found.permissions[name] = preset
    elif item.get("aclTag") == "CUSTOM" and isinstance(item.get("aclRule"), dict):
        found.rules[name] = item["aclRule"]
    indexes = [_index(entry) for entry in _records(item.get("createIndexes"))]
    indexes += [_short_index(entry) for entry in _records(item.get("indexes"))]
    usable = tuple(index for index in indexes if index is not None)
    if usable:
        found.indexes[name] = usable


def _index(entry: Mapping[str, Any]) -> IndexSettings | None:
    keys = tuple(
        (str(key["name"]), -1 if str(key.get("direction")) == "-1" else 1)
        for key in _records(entry.get("keys"))
        if key.get("name")
    )
    if not keys:
        return None
    name = entry.get("name")
    return IndexSettings(
        name=name if isinstance(name, str) and name else index_name(keys),
        keys=keys,
        unique=bool(entry.get("unique")),
    )


def _short_index(entry: Mapping[str, Any]) -> IndexSettings | None:
    fields = entry.get("field")
    names = [fields] if isinstance(fields, str) else fields if isinstance(fields, list) else []
    return _index({**entry, "keys": [{"name": name} for name in names]})


def index_name(keys: tuple[tuple[str, int | str], ...]) -> str:
    """Return the name MongoDB gives an index that has none."""
    return "_".join(f"{name}_{direction}" for name, direction in keys)


def _triggers(found: Found, function: str, entries: list[Any]) -> tuple[TriggerConfig, ...]:
    triggers = []
    for entry in _records(entries):
        name, kind = entry.get("name"), entry.get("type")
        if isinstance(name, str) and isinstance(kind, str):
            triggers.append(TriggerConfig(name=name, kind=kind, config=entry.get("config")))
        else:
            found.note(f"functions.{function}.triggers: an entry without name or type")
    return tuple(triggers)


def _timeout_s(found: Found, name: str, value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except ValueError:
        found.note(f"functions.{name}.timeout: {value!r} is no number of seconds")
        return None
    if not 0 < seconds <= TIMEOUT_MAX_S:
        found.note(f"functions.{name}.timeout: {seconds:g} s is not within 0 to {TIMEOUT_MAX_S:g}")
        return TIMEOUT_MAX_S if seconds > 0 else None
    return seconds


def _whole(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isdigit() else None


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        str(key): item if isinstance(item, str) else json.dumps(item)
        for key, item in values.items()
        if isinstance(item, str | int | float)
    }


def _records(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _env_file(found: Found, path: Path) -> dict[str, str]:
    try:
        lines = read_text(path).splitlines() if path.is_file() else []
    except ConfigurationError as fault:
        found.note(fault.message)
        return {}
    matches = [match for line in lines if (match := _ENV_LINE.match(line)) is not None]
    return {match["name"]: match["quoted"] or (match["bare"] or "").rstrip() for match in matches}
