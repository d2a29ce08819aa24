"""Owns precedence: flag > environment > file > default, and where each value came from.

Not here: what the values are put into (`config.load`). The one idea: a setting has one name on
every layer: `site_port` is the flag `--site-port`, the variable `CLOUD_EMU_SITE_PORT` and the key
`site_port` of its table.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from emulator.config.check import dotted, findings, nearest, setting_findings
from emulator.config.text_files import read_text, shown_path
from emulator.config.toml_lines import KeyPath, key_lines, line_of
from emulator.core.errors import ConfigurationError
from emulator.functions.base import Problem

VARIABLE_PREFIX: Final = "CLOUD_EMU_"
SETTINGS: Final[Mapping[str, tuple[str, str]]] = {
    "env": ("emulator", "env"),
    "profile": ("emulator", "profile"),
    "strict": ("emulator", "strict"),
    "host": ("emulator", "host"),
    "pairing": ("emulator", "pairing"),
    "port": ("emulator", "port"),
    "site_port": ("emulator", "site_port"),
    "data_dir": ("emulator", "data_dir"),
    "appid": ("emulator", "appid"),
    "deterministic": ("emulator", "deterministic"),
    "functions_root": ("functions", "root"),
    "timeout_s": ("functions", "timeout_s"),
    "runtime": ("functions", "runtime"),
    "cold": ("functions", "cold"),
    "journal": ("database", "journal"),
    "permission": ("database", "permission"),
    "require_indexes": ("database", "require_indexes"),
    "time_zone": ("triggers", "time_zone"),
}
"""Settings that a flag or a variable may give, and where they stand in the file."""

RUN_SETTINGS: Final = ("ephemeral", "only", "seed")
"""Settings of one run, which no file gives (`seed` has its own table there)."""

_OWN_VARIABLES: Final = frozenset(
    {"CLOUD_EMU_URL", "CLOUD_EMU_SITE_URL", "CLOUD_EMU_HOOK", "CLOUD_EMU_GUARDIAN"}
)
"""What a suite gives to what it starts, which may be another one."""
_WHOLE_NUMBERS: Final = frozenset({"port", "site_port", "require_indexes", "deterministic"})
_NUMBERS: Final = frozenset({"timeout_s"})
_SWITCHES: Final = frozenset({"cold", "strict", "ephemeral", "pairing"})
_LONG_NUMBER: Final = re.compile(r"[0-9_]{4000,}")
"""Python reads 4,300 digits unless told otherwise."""
_ON: Final = frozenset({"1", "true", "yes", "on"})
_OFF: Final = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A value with its origin; `given` tells a flag or variable from a file."""

    value: Any
    source: str
    given: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlFile:
    """`.emulator.toml` as read: its data and the line of each key."""

    path: Path
    data: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    def at(self, path: KeyPath) -> str:
        """Return file and line of a key, as an editor understands them."""
        return f"{shown_path(self.path)}:{self.line(path)}"

    def line(self, path: KeyPath) -> int:
        """Return the line of a key."""
        return line_of(self.lines, path)

    def fault(self, path: KeyPath, message: str) -> ConfigurationError:
        """Return the error for one key of the file."""
        return ConfigurationError(f"{self.at(path)}: {dotted(path)}: {message}")

    def section(self, name: str) -> Mapping[str, Any]:
        """Return one table, empty if it is not written."""
        found: Mapping[str, Any] = self.data.get(name, {})
        return found


def read_toml(path: Path) -> TomlFile:
    """Return the checked content of `.emulator.toml`, nothing when there is no such file.

    Raises:
        ConfigurationError: it is no TOML, or the schema refuses something; all faults are told,
            one a line.
    """
    if not path.exists():
        return TomlFile(path=path)
    text = read_text(path).replace("\r\n", "\n")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise ConfigurationError(_broken(path, text, str(fault))) from fault
    except RecursionError as fault:
        raise ConfigurationError(f"{shown_path(path)}: nested too deeply") from fault
    except ValueError as fault:  # a number of more digits than Python turns into one
        raise ConfigurationError(_overlong_number(path, text)) from fault
    file = TomlFile(path=path, data=data, lines=key_lines(text))
    faults = sorted(
        {(line_of(file.lines, where), dotted(where), message) for where, message in findings(data)}
    )
    if faults:
        name = shown_path(path)
        raise ConfigurationError(
            "\n".join(f"{name}:{line}: {key}: {message}" for line, key, message in faults)
        )
    return file


def _broken(path: Path, text: str, message: str) -> str:
    """Say where TOML breaks; the library puts the place in brackets behind its sentence."""
    sentence, _, place = message.partition(" (at ")
    words = place.replace(",", " ").replace(")", " ").split()
    line = int(words[1]) if words[:1] == ["line"] else text.rstrip().count("\n") + 1
    column = f", column {words[3]}" if words[2:3] == ["column"] else ""
    return f"{shown_path(path)}:{line}: not TOML{column}: {sentence[:1].lower()}{sentence[1:]}"


def _overlong_number(path: Path, text: str) -> str:
    """Say where a number stands that nothing could be set to."""
    found = _LONG_NUMBER.search(text)
    line = text.count("\n", 0, found.start()) + 1 if found else 1
    return f"{shown_path(path)}:{line}: a number has more digits than can be read"


class Layers:
    """The settings of one run, layer over layer; `sources` fills up as they are asked for."""

    def __init__(
        self, overrides: Mapping[str, object], environ: Mapping[str, str], file: TomlFile
    ) -> None:
        self._flags = {key: value for key, value in overrides.items() if value is not None}
        self._environ = environ
        self._file = file
        self.sources: dict[str, str] = {}
        self.problems: list[Problem] = []
        self._refuse_unknown_flags()
        self._note_unknown_variables()

    def pick(self, name: str, *fallbacks: Setting) -> Setting:
        """Return a setting: flag, variable, our file, then the fallbacks in order.

        Raises:
            ConfigurationError: a flag or variable has a value that the schema refuses.
        """
        section, key = SETTINGS[name]
        chosen = self.given(name) or self._from_file(section, key) or fallbacks[0]
        if chosen.given:
            for message in setting_findings(section, key, chosen.value):
                raise ConfigurationError(f"{chosen.source}: {message}")
        self.sources[f"{section}.{key}"] = chosen.source
        return chosen

    def given(self, name: str) -> Setting | None:
        """Return what a flag or a variable says of a setting."""
        if name in self._flags:
            value = self._flags[name]
            plain = os.fspath(value) if isinstance(value, os.PathLike) else value
            return Setting(value=plain, source=f"--{name.replace('_', '-')}", given=True)
        variable = VARIABLE_PREFIX + name.upper()
        text = self._environ.get(variable, "").strip()
        if text:
            return Setting(value=_value(name, text), source=variable, given=True)
        return None

    def switch(self, name: str) -> bool:
        """Return a yes-or-no setting of the run that no file gives."""
        setting = self.given(name)
        if setting is None:
            return False
        if not isinstance(setting.value, bool):
            raise ConfigurationError(
                f"{setting.source}: must be true or false, is {setting.value!r}"
            )
        self.sources[name] = setting.source
        return setting.value

    def _from_file(self, section: str, key: str) -> Setting | None:
        table = self._file.section(section)
        if key not in table:
            return None
        return Setting(value=table[key], source=self._file.at((section, key)))

    def _refuse_unknown_flags(self) -> None:
        known = [*SETTINGS, *RUN_SETTINGS]
        for name in self._flags:
            if name not in known:
                close = nearest(name, known)
                hint = f'did you mean "{close}"?' if close else f"known: {', '.join(known)}"
                raise ConfigurationError(f'no such setting "{name}"; {hint}')

    def _note_unknown_variables(self) -> None:
        known = {VARIABLE_PREFIX + name.upper() for name in (*SETTINGS, *RUN_SETTINGS)}
        for name in sorted(self._environ):
            if name.startswith(VARIABLE_PREFIX) and name not in known | _OWN_VARIABLES:
                close = nearest(name, {item.lower() for item in known})
                hint = f"; did you mean {close.upper()}?" if close else ""
                self.problems.append(
                    Problem(
                        file="environment",
                        line=0,
                        message=f"{name} is no setting{hint}",
                        severity="warning",
                    )
                )


def _value(name: str, text: str) -> object:
    """Return a variable's text as its setting's type, or as it is for the schema to refuse."""
    if name in _SWITCHES and text.lower() in _ON | _OFF:
        return text.lower() in _ON
    try:
        if name in _WHOLE_NUMBERS:
            return int(text)
        if name in _NUMBERS:
            return float(text)
    except ValueError:
        return text
    return text
