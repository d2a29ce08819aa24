"""Owns whether what a request names is here: the environment, and the version of a function.

Not here: where a dialect writes them (`wire.named_env`). The one idea: a suite has one environment
and of each function the latest version. A strict project refuses any other name as the cloud does;
else it means the one that is here, and the first request with each name says so in the log.
"""

from collections.abc import Callable
from typing import Final

from emulator.core.errors import InvalidEnv, QualifierNotFound

LATEST: Final = frozenset({"$LATEST", "$DEFAULT"})
"""The versions that every function has: the code as it is, and where traffic goes by default."""
NAMES_MAX: Final = 100
NAME_SHOWN_MAX_LENGTH: Final = 60

Tell = Callable[[str, str], object]
"""Tell the developer an event and its sentence."""


class Scope:
    """What the names in requests to one suite may mean."""

    def __init__(self, env_id: str, *, strict: bool, tell: Tell) -> None:
        self.env_id = env_id
        self._is_strict = strict
        self._tell = tell
        self._told: set[str] = set()

    def require_env(self, name: str) -> None:
        """Let pass this environment, and no name at all.

        Raises:
            InvalidEnv: it is another, and the project is strict.
        """
        if not name or name == self.env_id:
            return
        shown = f"{name:.{NAME_SHOWN_MAX_LENGTH}}"
        if self._is_strict:
            raise InvalidEnv.instead_of(self.env_id, name)
        self._once(
            f"environment {shown}",
            f"requests name the environment {shown}; this suite has one, {self.env_id}, and takes "
            "it for that (strict = true refuses other names)",
        )

    def require_version(self, qualifier: str) -> None:
        """Let pass the version of a function that there is, and no name at all.

        Raises:
            QualifierNotFound: it is another, and the project is strict.
        """
        if not qualifier or qualifier in LATEST:
            return
        shown = f"{qualifier:.{NAME_SHOWN_MAX_LENGTH}}"
        if self._is_strict:
            raise QualifierNotFound(
                f"the version {shown} of the function could not be found",
                hint="here functions have $LATEST and $DEFAULT, both the code as it is",
            )
        self._once(
            f"version {shown}",
            f"requests name the version {shown} of a function; here there is the code as it is, "
            "and that is called (strict = true refuses other versions)",
        )

    def _once(self, name: str, message: str) -> None:
        if name not in self._told and len(self._told) < NAMES_MAX:
            self._told.add(name)
            self._tell("other_name", message)
