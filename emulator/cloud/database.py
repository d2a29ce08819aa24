"""Owns `cloud.database()`.

Not here: collections (`collection`), transactions (`transaction`), commands (`command`). The one
idea: these objects hold names and options only, so they may be made once at the top of a module;
who asks and how the question travels is looked up in each call.
"""

from collections.abc import Callable
from typing import Any, Final

from emulator.cloud.calls import Answer, Options, Request, answering, options_of, require_name
from emulator.cloud.collection import Collection
from emulator.cloud.command import Command
from emulator.cloud.geo import Geo
from emulator.cloud.markers import ObjectId, RegExp, ServerDate
from emulator.cloud.naming import BothSpellings
from emulator.cloud.settings import settings
from emulator.cloud.transaction import (
    RETRIES_DEFAULT,
    Transaction,
    run_transaction,
    start_transaction,
)
from emulator.core.commands import CreateCollection
from emulator.core.values import Value

__all__ = ["CloudDatabase", "Collection", "database"]

_CREATE: Final = "createCollection"


class CloudDatabase(BothSpellings):
    """The documents of the environment, as `cloud.database()` returns it."""

    __slots__ = ("_throws",)

    command: Final = Command()
    Geo: Final = Geo()
    RegExp: Final = RegExp
    ObjectId: Final = ObjectId

    def __init__(self, *, throw_on_not_found: bool) -> None:
        self._throws = throw_on_not_found

    def collection(self, name: str) -> Collection:
        """Return the collection of that name, there or not."""
        require_name("database.collection", "name", name)
        return Collection(name, throw_on_not_found=self._throws)

    def server_date(self, options: Value = None, /, *, offset: float = 0) -> ServerDate:
        """Return a marker for the database's own time, plus an offset in milliseconds."""
        return ServerDate(options, offset=offset)

    @answering(_CREATE)
    def create_collection(self, name: str) -> Request:
        """Create an empty collection: `{"errMsg"}`."""
        require_name(_CREATE, "name", name)
        return Request(CreateCollection(collection=name), _read_created)

    def start_transaction(self) -> Answer:
        """Open a transaction; it ends by `commit()`, `rollback()` or 30 seconds later."""
        return start_transaction(throw_on_not_found=self._throws)

    def run_transaction(
        self, callback: Callable[[Transaction], Any], times: int = RETRIES_DEFAULT
    ) -> Answer:
        """Call back with a new transaction and commit it; a conflict starts it over."""
        return run_transaction(callback, times, throw_on_not_found=self._throws)


def database(options: Options = None, /, **named: Value) -> CloudDatabase:
    """Return the database; with `throw_on_not_found=False` a missing document is None to `get`.

    An `env` is accepted and means the one environment there is.
    """
    given = options_of("database", options, named, env=None, throw_on_not_found=None)
    throws = given["throw_on_not_found"]
    return CloudDatabase(
        throw_on_not_found=settings().throw_on_not_found if throws is None else bool(throws)
    )


def _read_created(_: None) -> dict[str, Any]:
    return {"errMsg": f"{_CREATE}:ok"}
