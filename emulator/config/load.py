"""Owns putting a configuration together from flags, variables, the project's files and defaults.

Not here: the schema's sentences (`config.check`), precedence (`config.layers`), the files of other
tools (`config.project_files`). The one idea: what is ours and wrong stops the start with file,
line and key; what is another tool's and odd is told and left out.
"""

import glob
import os
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from emulator.config.check import nearest, setting_findings
from emulator.config.hosting import site_prefix, site_rules
from emulator.config.layers import Layers, Setting, TomlFile, read_toml
from emulator.config.local_addresses import services
from emulator.config.openapi import openapi_settings
from emulator.config.project_files import FUNCTION_ROOTS, index_name, read_project_files
from emulator.config.run_settings import absolute, given_seed, only_of, seed_matches
from emulator.config.sections import (
    CONFIG_FILE,
    DATA_FOLDER_DEFAULT,
    ENV_DEFAULT,
    HOST_DEFAULT,
    PORT_DEFAULT,
    SITE_PORT_DEFAULT,
    TIME_ZONE_DEFAULT,
    Config,
    DatabaseSection,
    EmulatorSection,
    FunctionSettings,
    FunctionsSection,
    HostingSection,
    HttpSection,
    IndexSettings,
    PermissionsSection,
    StorageSection,
    TriggersSection,
)
from emulator.config.text_files import shown_path
from emulator.config.uni_schemas import creates_collections
from emulator.config.usage import usage_section
from emulator.core.errors import ConfigurationError
from emulator.functions.base import TIMEOUT_DEFAULT_S, Problem, TriggerConfig


def load_config(
    project: Path,
    overrides: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Return the configuration of the project's suite.

    `overrides` are flags by setting name (`port`, `data_dir`, `ephemeral`, `only`, `seed`, ...);
    None means not given. Paths in flags and variables are relative to the current folder, those in
    files to the project.

    Raises:
        ConfigurationError: a flag, a variable or `.emulator.toml` is wrong.
    """
    project = absolute(Path.cwd(), os.fspath(project))
    if not project.is_dir():
        raise ConfigurationError(
            f"{shown_path(project)}: no such folder", hint="name the project's folder"
        )
    variables = os.environ if environ is None else environ
    return _Loading(project, overrides or {}, variables).config()


class _Loading:
    """One project being read."""

    def __init__(
        self, project: Path, overrides: Mapping[str, object], environ: Mapping[str, str]
    ) -> None:
        self._project = project
        self._file = read_toml(project / CONFIG_FILE)
        self._layers = Layers(overrides, environ, self._file)
        self._found = read_project_files(project, environ)
        self._problems = list(self._layers.problems)

    def config(self) -> Config:
        emulator = self._emulator()
        functions = self._functions()
        self._refuse_entangled(emulator.data_dir, functions.root)
        read = [self._file.path] if self._file.path.exists() else []
        hosting = self._hosting()
        triggers = TriggersSection(
            time_zone=self._time_zone(),
            weekdays=self._file.section("triggers").get("weekdays"),
            misfire=self._file.section("triggers").get("misfire", "skip"),
        )
        seed = self._seed()
        return Config(
            project=self._project,
            emulator=emulator,
            functions=functions,
            database=self._database(functions.root),
            storage=StorageSection(rules=_frozen(self._file.section("storage").get("rules"))),
            permissions=self._permissions(),
            hosting=hosting,
            triggers=triggers,
            http=HttpSection(domains=tuple(self._file.section("http").get("domains", ()))),
            usage=usage_section(self._file),
            openapi=openapi_settings(self._file.section("openapi"), self._project),
            containers=_frozen(self._file.section("containers")),
            services=services(self._file),
            users=tuple(map(_frozen, self._file.section("auth").get("users", ()))),
            ephemeral=self._layers.switch("ephemeral"),
            only=only_of(self._layers.given("only")),
            seed=seed,
            seed_once=self._seeds_once(),
            sources=MappingProxyType(self._layers.sources),
            files=(*read, *(found.file for found in self._found)),
            problems=(
                *self._problems,
                *(problem for found in self._found for problem in found.problems),
            ),
        )

    def _refuse_entangled(self, data_dir: Path, functions: Path | None) -> None:
        """Refuse a data folder whose content would be taken for the project or its functions."""
        place = f"{self._layers.sources['emulator.data_dir']}: emulator.data_dir: "
        if data_dir == self._project or data_dir in self._project.parents:
            raise ConfigurationError(
                f"{place}{shown_path(data_dir)} holds the project itself",
                hint="give a folder of its own, such as .cloud-emu",
            )
        if functions is not None and _is_watched(data_dir, functions):
            raise ConfigurationError(
                f"{place}{shown_path(data_dir)} lies among the functions, where every write"
                " would look like changed code",
                hint="give a folder outside them, such as .cloud-emu",
            )

    def _pick(self, name: str, default: object, *others: Setting | None) -> Any:
        weaker = [other for other in others if other is not None]
        return self._layers.pick(name, *weaker, Setting(value=default, source="default")).value

    def _emulator(self) -> EmulatorSection:
        section = EmulatorSection(
            data_dir=self._path("data_dir", DATA_FOLDER_DEFAULT),
            env=self._pick("env", ENV_DEFAULT, self._foreign("env")),
            profile=self._pick("profile", "wechat"),
            strict=self._pick("strict", default=False),
            host=self._pick("host", HOST_DEFAULT),
            pairing=self._pick("pairing", default=True),
            port=int(self._pick("port", PORT_DEFAULT)),
            site_port=int(self._pick("site_port", SITE_PORT_DEFAULT)),
            appid=self._pick("appid", "", self._foreign("appid")),
            deterministic=self._pick("deterministic", None),
        )
        if section.port and section.port == section.site_port:
            raise self._one_port_twice(section.port)
        return section

    def _one_port_twice(self, port: int) -> ConfigurationError:
        sources = self._layers.sources
        key, other = "emulator.site_port", "API"
        if sources[key] == "default":
            key, other = "emulator.port", "site"
        return ConfigurationError(
            f"{sources[key]}: {key}: {port} is the port of the {other} too",
            hint="give each a number of its own, or 0 for any free port",
        )

    def _foreign(self, key: str) -> Setting | None:
        """Return what another tool's file says of an emulator setting, if it can be used."""
        for found in self._found:
            value = getattr(found, key)
            if value is None:
                continue
            wrong = setting_findings("emulator", key, value)
            if not wrong:
                return Setting(value=value, source=shown_path(found.file))
            found.note(f"{key}: {wrong[0]}; it was left out")
        return None

    def _path(self, name: str, default: str) -> Path:
        setting = self._layers.pick(name, Setting(value=default, source="default"))
        base = Path.cwd() if setting.given else self._project
        return absolute(base, setting.value)

    def _functions(self) -> FunctionsSection:
        table = self._file.section("functions")
        each: dict[str, FunctionSettings] = {}
        for found in reversed(self._found):
            each |= found.functions
        for name, said in table.items():
            if isinstance(said, dict) and name != "env":
                each[name] = _over(each.get(name, FunctionSettings()), self._file, name)
        return FunctionsSection(
            root=self._functions_root(),
            timeout_s=float(self._pick("timeout_s", TIMEOUT_DEFAULT_S)),
            runtime=self._pick("runtime", "inline"),
            cold=self._pick("cold", default=False),
            idle_s=table.get("idle_s"),
            lifetime_s=table.get("lifetime_s"),
            env=MappingProxyType(dict(table.get("env", {}))),
            each=MappingProxyType(each),
        )

    def _functions_root(self) -> Path | None:
        named = self._layers.given("functions_root")
        if named is not None or "root" in self._file.section("functions"):
            root = self._path("functions_root", "")
            self._tell_missing(root, "functions.root")
            return root
        for found in self._found:
            if found.function_root is None:
                continue
            root = absolute(self._project, found.function_root.replace("\\", "/"))
            if root.is_dir():
                self._layers.sources["functions.root"] = shown_path(found.file)
                return root
            found.note(f"no folder {found.function_root}, where the functions should be")
        for folder in FUNCTION_ROOTS:
            if (self._project / folder).is_dir():
                self._layers.sources["functions.root"] = f"the folder {folder}"
                return self._project / folder
        return None

    def _tell_missing(self, folder: Path, setting: str) -> None:
        if folder.is_dir():
            return
        source = self._layers.sources[setting]
        neighbours = _folder_names(folder.parent)
        close = nearest(folder.name, neighbours)
        hint = f'; did you mean "{close}"?' if close else ""
        file, _, line = source.rpartition(":")
        self._problems.append(
            Problem(
                file=file or source,
                line=int(line) if file and line.isdigit() else 0,
                message=f"{setting}: no folder {shown_path(folder)}{hint}",
                severity="error",
            )
        )

    def _database(self, root: Path | None) -> DatabaseSection:
        table = self._file.section("database")
        permissions: dict[str, Any] = {}
        indexes: dict[str, tuple[IndexSettings, ...]] = {}
        for found in reversed(self._found):
            permissions |= {**found.permissions, **found.rules}
            indexes |= found.indexes
        permissions |= table.get("permissions", {})
        indexes |= {key: self._indexes(key, each) for key, each in table.get("indexes", {}).items()}
        rules = {name: _frozen(said) for name, said in table.get("rules", {}).items()}
        return DatabaseSection(
            permission=self._pick("permission", "PRIVATE"),
            permissions=MappingProxyType(permissions),
            journal=self._pick("journal", "os"),
            auto_create_collections=table.get("auto_create_collections", creates_collections(root)),
            require_indexes=self._pick("require_indexes", None),
            rules=MappingProxyType(rules),
            indexes=MappingProxyType(indexes),
        )

    def _indexes(
        self, collection: str, entries: Sequence[Mapping[str, Any]]
    ) -> tuple[IndexSettings, ...]:
        """Return the indexes of a collection; one name twice would leave one of them out."""
        indexes = tuple(map(_index, entries))
        names = [index.name for index in indexes]
        for at, name in enumerate(names):
            if name in names[:at]:
                raise self._file.fault(
                    ("database", "indexes", collection, at),
                    f'another index of {collection} is called "{name}" too',
                )
        return indexes

    def _permissions(self) -> PermissionsSection:
        table = self._file.section("permissions")
        functions: dict[str, Any] = {}
        for found in reversed(self._found):
            functions |= found.invokes
        functions |= table.get("functions", {})
        return PermissionsSection(
            functions=MappingProxyType(functions), subset_only=table.get("subset_only", False)
        )

    def _hosting(self) -> HostingSection:
        table = self._file.section("hosting")
        root, prefix = self._website()
        if "root" in table:
            root = absolute(self._project, table["root"])
            self._layers.sources["hosting.root"] = self._file.at(("hosting", "root"))
            self._tell_missing(root, "hosting.root")
            prefix = ""
        return HostingSection(
            root=root,
            prefix=site_prefix(table.get("prefix", prefix)),
            live_reload=table.get("live_reload", True),
            rules=site_rules(table, self._file.fault),
        )

    def _website(self) -> tuple[Path | None, str]:
        """Return the folder of a website that another tool's file names, and its place."""
        for found in self._found:
            if found.website is not None:
                folder, place = found.website
                self._layers.sources["hosting.root"] = shown_path(found.file)
                return absolute(self._project, folder.replace("\\", "/")), place
        return None, ""

    def _time_zone(self) -> str:
        zone: str = self._pick("time_zone", TIME_ZONE_DEFAULT)
        try:
            zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as fault:
            zones = {name.lower(): name for name in zoneinfo.available_timezones()}
            close = nearest(zone, zones)
            hint = f'; did you mean "{zones[close]}"?' if close else ""
            source = self._layers.sources["triggers.time_zone"]
            raise ConfigurationError(
                f'{source}: triggers.time_zone: no time zone "{zone}"{hint}'
            ) from fault
        return zone

    def _seed(self) -> tuple[Path, ...]:
        given = self._layers.given("seed")
        if given is not None:
            self._layers.sources["seed.paths"] = given.source
            return given_seed(given)
        files: list[Path] = []
        for index, pattern in enumerate(self._file.section("seed").get("paths", [])):
            matches = seed_matches(self._project, pattern)
            if not matches and not glob.has_magic(pattern):
                raise self._file.fault(("seed", "paths", index), f'no file or folder "{pattern}"')
            if not matches:
                self._note_empty_pattern(index, pattern)
            files += matches
        return tuple(dict.fromkeys(files))

    def _seeds_once(self) -> bool:
        """Tell it of the files that the file names; what is asked for one run is wanted now."""
        return self._layers.given("seed") is None and self._file.section("seed").get("once", False)

    def _note_empty_pattern(self, index: int, pattern: str) -> None:
        file, _, line = self._file.at(("seed", "paths", index)).rpartition(":")
        message = f'seed.paths[{index}]: nothing matches "{pattern}"'
        self._problems.append(
            Problem(file=file, line=int(line), message=message, severity="warning")
        )


def _is_watched(folder: Path, functions: Path) -> bool:
    """Tell whether a folder lies where code is looked for: below the root and nowhere hidden."""
    if not folder.is_relative_to(functions):
        return False
    return not any(part.startswith(".") for part in folder.relative_to(functions).parts)


def _folder_names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir() if entry.is_dir()] if folder.is_dir() else []


def _frozen(table: Mapping[str, Any] | None) -> Any:
    return None if table is None else MappingProxyType(dict(table))


def _over(weaker: FunctionSettings, file: TomlFile, name: str) -> FunctionSettings:
    """Return a function's settings with what `.emulator.toml` says on top."""
    said = file.section("functions")[name]
    changes: dict[str, Any] = {
        key: said[key] for key in ("timeout_s", "memory_mb", "runtime", "handler") if key in said
    }
    changes |= {"file": str(file.path), "line": file.line(("functions", name))}
    if "env" in said:
        changes["env"] = MappingProxyType({**weaker.env, **said["env"]})
    if "openapi" in said:
        changes["openapi"] = tuple(said["openapi"])
    if "triggers" in said:
        changes["triggers"] = tuple(
            TriggerConfig(name=item["name"], kind=item["type"], config=item["config"])
            for item in said["triggers"]
        )
        changes["trigger_lines"] = tuple(
            file.line(("functions", name, "triggers", at)) for at in range(len(said["triggers"]))
        )
    return replace(weaker, **changes)


def _index(entry: Mapping[str, Any]) -> IndexSettings:
    keys = tuple(entry["keys"].items())
    name = entry.get("name") or index_name(keys)
    return IndexSettings(
        name=name,
        keys=keys,
        unique=entry.get("unique", False),
        sparse=entry.get("sparse", False),
        expire_after_s=entry.get("expire_after_s"),
    )
