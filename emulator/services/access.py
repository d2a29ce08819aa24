"""Owns the one question whether a caller may do something; nothing else asks it.

Not here: who the caller is (front doors) and what is done (the other services). The one idea: the
default is no. Administrators (server SDKs, functions, the command line) have full rights, as on
the platform; everyone else needs a permission that says yes.
"""

from emulator.core.errors import PermissionDenied, StorageDenied
from emulator.services.caller import Caller


class Access:
    """The verdicts of one environment."""

    def require_database(self, caller: Caller, operation: str, collection: str) -> None:
        """Let an administrator pass.

        Raises:
            PermissionDenied: anyone else, until a permission says otherwise.
        """
        if caller.kind != "administrator":
            raise PermissionDenied(
                f"{operation} on collection {collection} is not allowed for {_who(caller)}",
                hint="call a cloud function, which acts as administrator",
            )

    def allows_storage(self, operation: str, cloud_path: str, caller: Caller) -> bool:
        """Tell whether the caller may `read`, `write` or `delete` the file."""
        del operation, cloud_path
        return caller.kind == "administrator"

    def require_storage(self, caller: Caller, operation: str, cloud_path: str) -> None:
        """Let pass whom `allows_storage` allows.

        Raises:
            StorageDenied: anyone else.
        """
        if not self.allows_storage(operation, cloud_path, caller):
            raise StorageDenied(f"{operation} of {cloud_path} is not allowed for {_who(caller)}")


def _who(caller: Caller) -> str:
    return f"the user {caller.openid}" if caller.openid else "a caller who is not signed in"
