"""Owns what is permitted to whom: presets and rules by collection, rules of files and functions.

Not here: the verdict on a request (`services.access`), the language (`core.rules`). The one idea:
one table that can be replaced while requests are served; what cannot be read never takes the place
of something that could.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final

from emulator.core.errors import InvalidParam
from emulator.core.records import dataclass
from emulator.core.rules.files import DEFAULT, FileRules, compile_file_rules
from emulator.core.rules.ruleset import PRESETS, Fault, Preset, RuleSet, compile_rules
from emulator.core.values import Value
from emulator.services.file_grants import FileGrants

PRESET_DEFAULT: Final[Preset] = "PRIVATE"
EVERY: Final = "*"
FUNCTIONS_DEFAULT: Final[Mapping[str, Value]] = {EVERY: {"invoke": "auth != null"}}
INVOKES: Final[Sequence[Value]] = (True, False, "true", "false", "auth != null")
"""What the platform takes as a function's rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What a collection permits: a preset, or rules where `preset` is None."""

    preset: Preset | None
    rules: RuleSet
    source: Value

    def told(self) -> dict[str, Value]:
        """Return it as JSON data."""
        return {
            "preset": self.preset or "CUSTOM",
            "rules": dict(PRESETS[self.preset]) if self.preset else self.source,
            "faults": [told_fault(each) for each in self.rules.faults],
            "notes": list(self.rules.notes),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionSettings:
    """What a project says: a preset's name or a rule object each; None where it says nothing.

    `subset_only`: a read of one document by its id is held to the subset check too, as one of the
    platform's pages tells; without it the document is read and checked, as the other one does.
    """

    default: Preset = PRESET_DEFAULT
    collections: Mapping[str, Value] = field(default_factory=dict)
    files: Value = None
    functions: Mapping[str, Value] | None = None
    subset_only: bool = False


class Permissions:
    """The permissions of one environment; `version` changes with them."""

    def __init__(self, settings: PermissionSettings | None = None) -> None:
        self.version = 0
        self._settings = settings or PermissionSettings()
        self._presets = {name: permission_of(name) for name in PRESETS}
        self._collections: dict[str, Permission] = {}
        self._overrides: dict[str, Permission] = {}
        self._files = compile_file_rules(dict(DEFAULT))
        self._file_override: Value = None
        self._function_override: Mapping[str, Value] | None = None
        self._invokes: dict[str, Value] = {}
        self.file_grants = FileGrants()
        self.notices: tuple[str, ...] = ()
        self.replace(self._settings, keep=False)

    @property
    def default(self) -> Preset:
        """Return the preset of a collection that nothing is said of."""
        return self._settings.default

    @property
    def subset_only(self) -> bool:
        """Tell whether a read by id is held to the subset check."""
        return self._settings.subset_only

    @property
    def files(self) -> FileRules:
        """Return the rules of stored files."""
        return self._files

    def of(self, collection: str) -> Permission:
        """Return what a collection permits."""
        found = self._collections.get(collection)
        return self._presets[self._settings.default] if found is None else found

    def named(self) -> list[str]:
        """Return the collections that something is said of."""
        return sorted(self._collections)

    def invoke_of(self, function: str) -> Value:
        """Return who may call a function: True, False or "auth != null"."""
        said = self._invokes.get(function, self._invokes.get(EVERY, "auth != null"))
        return {"true": True, "false": False}.get(said, said) if isinstance(said, str) else said

    def replace(self, settings: PermissionSettings, *, keep: bool = True) -> tuple[str, ...]:
        """Take what a project says now, and return what was wrong with it.

        With `keep` something that cannot be read leaves in force what held before; without, it
        refuses its operation.
        """
        notices: list[str] = []
        collections: dict[str, Permission] = {}
        for name, source in settings.collections.items():
            made = permission_of(source)
            notices += [f"{name}.{sentence(each)}" for each in made.rules.faults]
            notices += [f"{name}: {note}" for note in made.rules.notes]
            before = self._collections.get(name)
            collections[name] = before if made.rules.faults and keep and before else made
        files = compile_file_rules(DEFAULT if settings.files is None else settings.files)
        notices += [f"storage.{sentence(each)}" for each in files.faults]
        if self._file_override is None and not (files.faults and keep):
            self._files = files
        wanted = settings.functions if self._function_override is None else self._function_override
        self._invokes = dict(_checked_invokes(wanted, notices))
        self._collections = {**collections, **self._overrides}
        self._settings = settings
        self.notices = tuple(notices)
        self.version += 1
        return self.notices

    def put(self, collection: str, source: Value) -> Permission:
        """Replace what one collection permits until the suite stops.

        Raises:
            InvalidParam: a rule cannot be read; what held before holds.
        """
        made = permission_of(source)
        if made.rules.faults:
            raise InvalidParam(f"{collection}.{sentence(made.rules.faults[0])}")
        self._overrides[collection] = made
        self._collections[collection] = made
        self.version += 1
        return made

    @property
    def file_source(self) -> Value:
        """Return the rules of stored files as they were written."""
        said = self._settings.files if self._file_override is None else self._file_override
        return dict(DEFAULT) if said is None else said

    @property
    def function_source(self) -> Mapping[str, Value]:
        """Return who may call which function, as it was written."""
        said = self._settings.functions
        said = said if self._function_override is None else self._function_override
        return FUNCTIONS_DEFAULT if said is None else said

    def put_functions(self, source: Value) -> None:
        """Replace who may call which function until the suite stops.

        Raises:
            InvalidParam: a rule cannot be read; what held before holds.
        """
        if not isinstance(source, dict):
            raise InvalidParam("the rules of functions are an object of rules by name")
        notices: list[str] = []
        made = dict(_checked_invokes(source, notices))
        if notices:
            raise InvalidParam(notices[0])
        self._function_override, self._invokes = source, made
        self.version += 1

    def put_files(self, source: Value) -> None:
        """Replace the rules of stored files until the suite stops.

        Raises:
            InvalidParam: a rule cannot be read; what held before holds.
        """
        made = compile_file_rules(source)
        if made.faults:
            raise InvalidParam(f"storage.{sentence(made.faults[0])}")
        self._file_override = source
        self._files = made
        self.version += 1


def permission_of(source: Value) -> Permission:
    """Return the permission of a preset's name or of a rule object."""
    preset: Preset | None = None
    if isinstance(source, str):
        preset = next((name for name in PRESETS if name == source), None)
    return Permission(preset=preset, rules=compile_rules(source), source=source)


def sentence(fault: Fault) -> str:
    """Return a fault with its key and character, counted from 1."""
    where = f"{fault.key or 'rules'}: character {fault.position + 1}"
    return f"{where}: {fault.message}; the operation is refused"


def told_fault(fault: Fault) -> dict[str, Value]:
    """Return a fault as JSON data."""
    return {"key": fault.key, "position": fault.position, "message": fault.message}


def _checked_invokes(
    functions: Mapping[str, Value] | None, notices: list[str]
) -> Mapping[str, Value]:
    said = FUNCTIONS_DEFAULT if functions is None else functions
    found: dict[str, Value] = {}
    for name, rule in said.items():
        invoke = rule.get("invoke") if isinstance(rule, Mapping) else rule
        if any(invoke == each and type(invoke) is type(each) for each in INVOKES):
            found[name] = invoke
        else:
            notices.append(
                f"functions.{name}.invoke: {invoke!r:.60} is none of true, false and "
                '"auth != null"; nobody may call it'
            )
            found[name] = False
    found.setdefault(EVERY, "auth != null")
    return found
