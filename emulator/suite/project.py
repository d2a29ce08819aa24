"""Owns how the functions on disk become parts of a suite: bundles, and their triggers.

Not here: loading code (`services.registry`). The one idea: triggers follow the bundles as last
found, so that a saved `config.json` is live as saved code is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final

from emulator.config import Config
from emulator.config.check import nearest
from emulator.config.sections import Profile
from emulator.core.errors import ConfigurationError
from emulator.functions.base import Bundle, DatabaseTrigger, StorageTrigger, TriggerConfig
from emulator.functions.bundle import find, scan
from emulator.functions.triggers.database import compile_database
from emulator.functions.triggers.http import compile_http
from emulator.functions.triggers.storage import compile_storage
from emulator.functions.triggers.timer import Weekdays, compile_timer
from emulator.services.dispatcher import ReactiveTriggers
from emulator.services.http_routes import HttpRoute
from emulator.services.timers import Timer
from emulator.suite.assembly import Parts
from emulator.suite.plugins import PYTHON_PACKAGES_FOLDER

WEEKDAYS: Final[Mapping[Profile, Weekdays]] = {
    "wechat": "sunday",
    "cloudbase": "sunday",
    "alipay": "quartz",
}
"""How each platform numbers the days of the week."""


class Project:
    """The functions of one project folder."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._packages = config.data_dir / PYTHON_PACKAGES_FOLDER
        self._wanted = config.only.functions if config.only else None
        self._apart = frozenset(str(path) for path in (config.hosting.root, *config.seed) if path)
        self._serves = config.only is None or "functions" in config.only.services
        self._notices: tuple[str, ...] = ()

    def notices(self) -> tuple[str, ...]:
        """Return what was odd when functions were last looked for, in sentences."""
        return self._notices

    def discover(self) -> list[Bundle]:
        """Return the functions on disk that this suite serves."""
        root, settings = self._config.functions_root, self._config.functions
        if root is None or not self._serves:
            return []
        found = scan(
            root,
            defaults=settings,
            overrides=settings.each,
            packages=self._packages,
            apart=self._apart,
        )
        self._notices = (
            *(each.message for each in found.problems if each.severity != "note"),
            *self._orphans({bundle.name for bundle in found.bundles}),
        )
        return [bundle for bundle in found.bundles if self._is_wanted(bundle.name)]

    def _orphans(self, names: set[str]) -> Iterator[str]:
        """Yield what `.emulator.toml` says of functions that are not there."""
        for name, said in self._config.functions.each.items():
            if said.line and name not in names:
                close = nearest(name, {each.lower(): each for each in names})
                hint = f'; did you mean "{close}"?' if close else ""
                yield f"{said.file}:{said.line}: functions.{name}: no such function{hint}"

    def rediscover(self, name: str) -> Bundle | None:
        """Return one function as it lies on disk now, None when it is not there or not served."""
        root, settings = self._config.functions_root, self._config.functions
        if root is None or not self._serves or not self._is_wanted(name):
            return None
        return find(
            root,
            name,
            defaults=settings,
            overrides=settings.each,
            packages=self._packages,
            apart=self._apart,
        )

    def open_paths(self, parts: Parts, bundles: Iterable[Bundle]) -> None:
        """Answer on the paths of functions that are still to be loaded; their calls wait for that.

        A trigger that is wrong is told by `listen`.
        """
        found = _Found(self._config, parts)
        for bundle in bundles:
            for trigger in bundle.triggers:
                if trigger.kind == "http":
                    with suppress(ConfigurationError):
                        found.add_http(bundle.name, trigger)
        parts.http_routes.listen(found.http)

    def listen(self, parts: Parts) -> None:
        """Have the parts react to the triggers of the functions as last found."""
        found = _Found(self._config, parts)
        for bundle in parts.registry.bundles():
            for trigger in bundle.triggers:
                found.add(bundle.name, trigger)
        parts.timers.listen(found.timers)
        parts.dispatcher.listen(
            ReactiveTriggers(database=tuple(found.database), storage=tuple(found.storage))
        )
        parts.http_routes.listen(found.http)

    def _is_wanted(self, name: str) -> bool:
        return self._wanted is None or name in self._wanted


class _Found:
    """Compiled triggers by kind."""

    def __init__(self, config: Config, parts: Parts) -> None:
        self._config = config
        self._recorder = parts.recorder
        self.timers: list[Timer] = []
        self.database: list[tuple[str, str, DatabaseTrigger]] = []
        self.storage: list[tuple[str, str, StorageTrigger]] = []
        self.http: list[HttpRoute] = []

    def add(self, function: str, trigger: TriggerConfig) -> None:
        """Compile a trigger; one that cannot be is said and left out."""
        compilers: Mapping[str, Callable[[str, TriggerConfig], None]] = {
            "timer": self._timer,
            "database": self._database,
            "storage": self._storage,
            "http": self.add_http,
        }
        try:
            compilers[trigger.kind](function, trigger)
        except ConfigurationError as fault:
            self._recorder.notice(
                "trigger_invalid",
                f"trigger {trigger.name} of {function}: {fault.message}",
                function=function,
                level="error",
            )

    def _timer(self, function: str, trigger: TriggerConfig) -> None:
        emulator = self._config.emulator
        compiled = compile_timer(
            trigger,
            time_zone=self._config.triggers.time_zone,
            weekdays=self._config.triggers.weekdays or WEEKDAYS[emulator.profile],
            strict=emulator.strict,
            tells_special_days=emulator.profile != "wechat",
        )
        self.timers.append(Timer(function, trigger.name, str(trigger.config), compiled))

    def _database(self, function: str, trigger: TriggerConfig) -> None:
        self.database.append((function, trigger.name, compile_database(trigger)))

    def _storage(self, function: str, trigger: TriggerConfig) -> None:
        self.storage.append((function, trigger.name, compile_storage(trigger)))

    def add_http(self, function: str, trigger: TriggerConfig) -> None:
        """Compile an HTTP trigger.

        Raises:
            ConfigurationError: it cannot be.
        """
        self.http.append(HttpRoute(function, trigger.name, compile_http(trigger)))
