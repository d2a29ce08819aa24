"""Owns unit tests of rules: what a user may do to seeded documents at a moment, without a suite.

Not here: files of tests and reports (`cli.rules`). The one idea: each question is asked of a fresh
database in memory through the very code that answers users, so that a test passes here exactly
when the request would.

    rules = Rules({"orders": {"read": "doc._openid == auth.openid"}},
                  documents={"orders": [{"_id": "1", "_openid": "alice"}]})
    rules.assert_allows("read", "orders", user="alice", id="1")
    rules.assert_denies("read", "orders", user="bob", id="1")
"""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import field
from typing import Any, Final

from emulator.ambient import CountedIds, ManualClock
from emulator.core.commands import Find, Insert, Remove, Update
from emulator.core.errors import EmulatorError, InvalidParam, PermissionDenied
from emulator.core.records import dataclass
from emulator.core.rules.ruleset import KEYS, Operation
from emulator.core.values import Document, Value
from emulator.services.access import Access
from emulator.services.access_record import AccessRecord
from emulator.services.advisor import Advisor
from emulator.services.bus import Bus
from emulator.services.caller import Caller
from emulator.services.permissions import Permissions, PermissionSettings
from emulator.services.permitted import PermittedDatabase
from emulator.services.planning import Reader
from emulator.stores.base import Create, Put
from emulator.stores.memory import MemoryDocumentStore

AT_DEFAULT_MS: Final = 1_700_000_000_000
OPERATIONS: Final[Sequence[Operation]] = ("read", "create", "update", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May this user do this to this collection?

    `user` is an openid, an object with openid, uid and loginType, or None for nobody signed in.
    `id` names one document, `where` many; `data` is written, plain fields or update operators.
    """

    operation: Operation
    collection: str
    user: Value = None
    at_ms: int = AT_DEFAULT_MS
    id: str | None = None
    where: Document = field(default_factory=dict)
    data: Document = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a question: why it was denied, or how many documents it reached.

    `fault` is an error that has nothing to do with permission.
    """

    allowed: bool
    reached: int = 0
    why: str = ""
    fault: str = ""


class Rules:
    """Permissions under test, and the documents they are about.

    Raises:
        InvalidParam: a rule cannot be read.
    """

    def __init__(
        self,
        collections: Mapping[str, Value],
        *,
        documents: Mapping[str, Sequence[Document]] | None = None,
        default: Value = "PRIVATE",
        subset_only: bool = False,
    ) -> None:
        self.permissions = Permissions(
            PermissionSettings(default=default, collections=collections, subset_only=subset_only)
        )
        faults = [
            notice
            for name in collections
            for notice in self.permissions.notices
            if notice.startswith(f"{name}.")
        ]
        if faults:
            raise InvalidParam("; ".join(dict.fromkeys(faults)))
        self._record = AccessRecord()
        self._documents = documents or {}

    def ask(self, question: Question) -> Verdict:
        """Return what comes of a question; nothing of it is left behind."""
        denied = len(self._record.denials())
        database = self._database(question)
        try:
            reached = _carried_out(database, question, _caller(question.user))
        except PermissionDenied as denial:
            new = self._record.denials()[denied:]
            why = "; ".join(new[-1].reasons) if new else denial.hint
            return Verdict(allowed=False, why=why)
        except EmulatorError as fault:
            return Verdict(allowed=True, fault=f"{fault.code}: {fault.message}")
        return Verdict(allowed=True, reached=reached)

    def assert_allows(self, operation: Operation, collection: str, **asked: Any) -> Verdict:
        """Fail with the reasons if the user is denied; the fields are those of `Question`."""
        verdict = self.ask(Question(operation=operation, collection=collection, **asked))
        if not verdict.allowed:
            raise AssertionError(f"{operation} of {collection} is denied: {verdict.why}")
        return verdict

    def assert_denies(self, operation: Operation, collection: str, **asked: Any) -> Verdict:
        """Fail if the user may; the fields are those of `Question`."""
        verdict = self.ask(Question(operation=operation, collection=collection, **asked))
        if verdict.allowed:
            raise AssertionError(
                f"{operation} of {collection} is allowed and reaches {verdict.reached} documents"
            )
        return verdict

    def coverage(self) -> list[dict[str, Value]]:
        """Return for each rule how often it was asked, and which parts never decided."""
        asked = [
            (name, permission.rules.rules[key])
            for name in self.permissions.named()
            if (permission := self.permissions.of(name)).preset is None
            for key in KEYS
            if key in permission.source
        ]
        return self._record.coverage(asked)

    def _database(self, question: Question) -> PermittedDatabase:
        clock, store = ManualClock(question.at_ms), MemoryDocumentStore()
        for name in dict.fromkeys([*self._documents, question.collection]):
            documents = self._documents.get(name, ())
            store.commit([Create(name), *(Put(name, dict(each)) for each in documents)])
        return PermittedDatabase(
            store,
            access=Access(self.permissions, self._record),
            bus=Bus(),
            clock=clock,
            ids=CountedIds(),
            reader=Reader(clock=clock, advisor=Advisor(clock)),
        )


def _caller(user: Value) -> Caller:
    if user is None:
        return Caller(kind="anonymous", source="wx_client")
    said = {"openid": user} if isinstance(user, str) else user
    if not isinstance(said, dict) or not said.keys() <= {"openid", "uid", "loginType"}:
        raise InvalidParam(f"a user is an openid or openid, uid and loginType, not {user!r:.80}")
    return Caller(
        kind="user",
        openid=str(said.get("openid", "")),
        uid=str(said.get("uid", "")),
        login_type=str(said.get("loginType", "")),
        source="wx_client",
    )


def _carried_out(database: PermittedDatabase, question: Question, caller: Caller) -> int:
    """Carry a question out and return how many documents it reached."""
    name, operation = question.collection, question.operation
    filter_ = question.where if question.id is None else {"_id": question.id}
    if operation == "read":
        found = _result(database.find(Find(collection=name, filter=filter_), caller))
        return len(found.documents)
    if operation == "create":
        identified = {} if question.id is None else {"_id": question.id}
        document = {**identified, **question.data}
        return len(database.insert(Insert(collection=name, documents=(document,)), caller).ids)
    if operation == "update":
        plain = not any(key.startswith("$") for key in question.data)
        change = {"$set": question.data or {"updated": True}} if plain else question.data
        command = Update(collection=name, filter=filter_, update=change, multi=True)
        return database.update(command, caller).matched
    return database.remove(Remove(collection=name, filter=filter_, multi=True), caller).count


def _result(running: Coroutine[Any, Any, Any]) -> Any:
    """Return what a coroutine comes to that waits for nothing but its turn."""
    try:
        while True:
            running.send(None)
    except StopIteration as end:
        return end.value
