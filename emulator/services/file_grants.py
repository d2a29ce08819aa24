"""Owns what `cloudbase.addPermission` lets callers do with files beside the rules.

Not here: rules (`services.permissions`). The one idea: the developers' guide calls an API that the
platform's own pages do not know; what it plainly says is granted, anything else has no effect.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from emulator.core.records import dataclass
from emulator.core.rules.files import FileOperation

GRANTS_MAX: Final = 1_000
ANYONE: Final = "cloudbase.anonymous"
_ACTIONS: Final[Mapping[str, FileOperation]] = {
    "storage.getObject": "read",
    "storage.putObject": "write",
    "storage.deleteObject": "write",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGrant:
    """One operation on the paths of a pattern (`/images/*`), for anyone or for who is signed in."""

    operation: FileOperation
    pattern: str
    anyone: bool


class FileGrants:
    """The grants of one environment, until it stops."""

    def __init__(self) -> None:
        self._grants: dict[FileGrant, None] = {}

    def add(self, data: Mapping[str, Any]) -> int:
        """Take in the data of a call and return how many grants it made."""
        actions = _texts(data.get("action"))
        condition, principal = data.get("condition"), data.get("principal")
        paths = _texts(condition.get("resource.path")) if isinstance(condition, Mapping) else []
        services = _texts(principal.get("service")) if isinstance(principal, Mapping) else []
        if not services:
            return 0
        made = [
            FileGrant(operation=_ACTIONS[action], pattern=path, anyone=ANYONE in services)
            for action in actions
            if action in _ACTIONS
            for path in paths
        ]
        for grant in made:
            if len(self._grants) < GRANTS_MAX:
                self._grants[grant] = None
        return len(made)

    def allow(self, operation: FileOperation, cloud_path: str, owner_id: str) -> bool:
        """Tell whether a grant reaches the path, for a caller or, with an empty id, for anybody."""
        return any(
            grant.operation == operation
            and (grant.anyone or bool(owner_id))
            and fnmatchcase(f"/{cloud_path}", grant.pattern)
            for grant in self._grants
        )


def _texts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [each for each in listed if isinstance(each, str)]
