"""Owns the frozen records a configuration consists of, and their defaults.

Not here: where values come from (`config.load`) or what a file may say (`config/schema.json`).
The one idea: a value in a record is final; paths are absolute, and None means "nobody said".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from emulator.functions.base import TIMEOUT_DEFAULT_S, Problem, Runtime, TriggerConfig
from emulator.functions.triggers.timer import Weekdays
from emulator.services.hosting import SiteRules
from emulator.services.openapi.settings import OpenApiSettings
from emulator.services.usage import PLAN_DEFAULT
from emulator.stores.base import JournalMode

if TYPE_CHECKING:  # it lies among all that carries timers out
    from emulator.services.timers import Misfire

Profile = Literal["wechat", "cloudbase", "alipay"]
Preset = Literal["READONLY", "PRIVATE", "ADMINWRITE", "ADMINONLY"]
RuleSet = Mapping[str, Any]
"""What a rule set says for each operation: `read`, `write`, `create`, `update`, `delete`."""

ENV_DEFAULT: Final = "demo-env"
HOST_DEFAULT: Final = "127.0.0.1"
PORT_DEFAULT: Final = 8270
SITE_PORT_DEFAULT: Final = 8271
DATA_FOLDER_DEFAULT: Final = ".cloud-emu"
TIME_ZONE_DEFAULT: Final = "Asia/Shanghai"
CONFIG_FILE: Final = ".emulator.toml"


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorSection:
    """The suite itself; a port of 0 means any free one.

    With `pairing` a suite that listens to the network lets in paired machines only.
    `deterministic` is the seed of a run that gives the same bytes each time.
    """

    data_dir: Path
    env: str = ENV_DEFAULT
    profile: Profile = "wechat"
    strict: bool = False
    host: str = HOST_DEFAULT
    pairing: bool = True
    port: int = PORT_DEFAULT
    site_port: int = SITE_PORT_DEFAULT
    appid: str = ""
    deterministic: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """What the project's files say of one function beside its own folder; None is unsaid.

    `folder` is where it lies, if not in the folder of its name.
    `file`, `line` and `trigger_lines` tell where it is said; 0 is not known.
    """

    timeout_s: float | None = None
    memory_mb: int | None = None
    runtime: Runtime | None = None
    handler: str | None = None
    folder: Path | None = None
    env: Mapping[str, str] = field(default_factory=_nothing)
    triggers: tuple[TriggerConfig, ...] | None = None
    openapi: tuple[str, ...] | None = None
    file: str = ""
    line: int = 0
    trigger_lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionsSection:
    """Every function: where they lie, what all share, and `each` by name."""

    root: Path | None = None
    timeout_s: float = TIMEOUT_DEFAULT_S
    runtime: Runtime = "inline"
    cold: bool = False
    idle_s: float | None = None
    lifetime_s: float | None = None
    env: Mapping[str, str] = field(default_factory=_nothing)
    each: Mapping[str, FunctionSettings] = field(default_factory=_nothing)

    def of(self, name: str) -> FunctionSettings:
        """Return the settings of one function, empty ones when no file speaks of it."""
        return self.each.get(name, FunctionSettings())


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSettings:
    """An index to be built: fields in order, each 1, -1 or "2dsphere"."""

    name: str
    keys: tuple[tuple[str, int | str], ...]
    unique: bool = False
    sparse: bool = False
    expire_after_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSection:
    """The database: `permission` is the preset of a new collection, `permissions` by name.

    A permission is a preset, or rules where `cloudbaserc.json` has some; `rules` are stronger.
    With `require_indexes` a query may read so many documents without an index, and no more.
    """

    permission: Preset = "PRIVATE"
    permissions: Mapping[str, Preset | RuleSet] = field(default_factory=_nothing)
    journal: JournalMode = "os"
    auto_create_collections: bool = False
    require_indexes: int | None = None
    rules: Mapping[str, RuleSet] = field(default_factory=_nothing)
    indexes: Mapping[str, tuple[IndexSettings, ...]] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSection:
    """Cloud storage; no rules means the platform's default: all read, the creator writes."""

    rules: RuleSet | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionsSection:
    """Who may call functions by name (`*` for all others), and how reads by id are checked.

    With `subset_only` a rule has to allow what the query says even where it names one document.
    """

    functions: Mapping[str, Any] = field(default_factory=_nothing)
    subset_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HostingSection:
    """Static hosting: `root` is the project's folder of pages, at `prefix` of the site."""

    root: Path | None = None
    prefix: str = ""
    live_reload: bool = True
    rules: SiteRules = field(default_factory=SiteRules)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggersSection:
    """Triggers: the zone that timer expressions speak of, and what becomes of late firings.

    `weekdays` says what weekday numbers mean, None what the profile's platform says.
    """

    time_zone: str = TIME_ZONE_DEFAULT
    weekdays: Weekdays | None = None
    misfire: "Misfire" = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSection:
    """HTTP access to functions: the domains whose pages may read answers."""

    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSection:
    """Usage: the price list it is told against, and amounts a day that are told when passed.

    Alerts also go to `webhook`, an address of this machine, unless it is empty.
    """

    plan: str = PLAN_DEFAULT
    alerts: Mapping[str, float] = field(default_factory=_nothing)
    webhook: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """What `--only` leaves running; `functions` is None for all of them."""

    services: frozenset[str]
    functions: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All that one suite is told.

    `users` are made at start unless they are there, `seed` holds existing files to load then;
    with `seed_once` they fill no collection that is there already.
    `sources` says for a dotted setting where its value came from, `files` which files were read,
    `problems` what was odd in files that belong to other tools.
    """

    project: Path
    emulator: EmulatorSection
    functions: FunctionsSection = field(default_factory=FunctionsSection)
    database: DatabaseSection = field(default_factory=DatabaseSection)
    storage: StorageSection = field(default_factory=StorageSection)
    permissions: PermissionsSection = field(default_factory=PermissionsSection)
    hosting: HostingSection = field(default_factory=HostingSection)
    triggers: TriggersSection = field(default_factory=TriggersSection)
    http: HttpSection = field(default_factory=HttpSection)
    usage: UsageSection = field(default_factory=UsageSection)
    openapi: OpenApiSettings = field(default_factory=OpenApiSettings)
    containers: Mapping[str, str] = field(default_factory=_nothing)
    services: Mapping[str, str] = field(default_factory=_nothing)
    users: tuple[Mapping[str, str], ...] = ()
    ephemeral: bool = False
    only: Only | None = None
    seed: tuple[Path, ...] = ()
    seed_once: bool = False
    sources: Mapping[str, str] = field(default_factory=_nothing)
    files: tuple[Path, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def data_dir(self) -> Path:
        """Return the folder that outlives the suite; an ephemeral suite leaves it alone."""
        return self.emulator.data_dir

    @property
    def functions_root(self) -> Path | None:
        """Return the folder the functions lie in, None when there is none."""
        return self.functions.root

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the problems as sentences that start with file and line; mere notes are none."""
        return tuple(
            f"{problem.file}:{problem.line}: {problem.message}"
            if problem.line
            else f"{problem.file}: {problem.message}"
            for problem in self.problems
            if problem.severity != "note"
        )
