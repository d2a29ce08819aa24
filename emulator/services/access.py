"""Owns the one question whether a caller may do something; nothing else asks a rule.

Not here: who the caller is (front doors), what is permitted (`services.permissions`) and what is
done (`services.permitted` and the other services). The one idea: the default is no. Administrators
(server SDKs, functions, the command line) have full rights, as on the platform; what a user's
query may find has to be allowed beforehand, as a whole: it is checked, never thinned out.

Presets act silently as the platform's do: where only creators may, `_openid` becomes part of the
query, so that foreign documents are not found. Rules refuse loudly.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Literal

from emulator.core.commands import Update
from emulator.core.documents import resolve
from emulator.core.errors import FunctionForbidden, PermissionDenied
from emulator.core.rules.evaluate import LookUp, NoLookUp, Scope
from emulator.core.rules.explain import why_not
from emulator.core.rules.files import FileOperation
from emulator.core.rules.implies import Refusal, refusal
from emulator.core.rules.ruleset import Operation, Preset, Rule
from emulator.core.values import MISSING, Document, Filter, Value
from emulator.services.access_explain import refused, visible
from emulator.services.access_look_ups import Ask, LookUps
from emulator.services.access_record import AccessRecord, Denial, shown
from emulator.services.access_rewrite import (
    OWNER,
    auth_of,
    filled,
    first_filter,
    own,
    owner_written,
    pinned,
    written,
)
from emulator.services.caller import Caller
from emulator.services.permissions import Permissions

VERDICTS_MAX: Final = 4_096
"""Answers of the subset check that are kept, the oldest goes first."""
DENIED: Final = "Permission denied"
"""The cloud's whole text; the reasons are for the developer."""

Reach = Literal["all", "own", "nobody"]

_REACH: Final[Mapping[Preset, Mapping[Operation, Reach]]] = {
    "READONLY": {"read": "all", "create": "own", "update": "own", "delete": "own"},
    "PRIVATE": {"read": "own", "create": "own", "update": "own", "delete": "own"},
    "ADMINWRITE": {"read": "all", "create": "nobody", "update": "nobody", "delete": "nobody"},
    "ADMINONLY": {"read": "nobody", "create": "nobody", "update": "nobody", "delete": "nobody"},
}
_NO_CLIENTS: Final = ("wx_http", "wx_trigger")
"""Chains whose calls the rules of functions say nothing of."""
_SIGNED_IN_MAY: Final = frozenset({"startTransaction"})
_NO_LOOK_UP: Final[LookUp] = NoLookUp()


class _Unknown:
    """No verdict yet."""


_UNKNOWN: Final = _Unknown()


class Access:
    """The verdicts of one environment."""

    def __init__(
        self, permissions: Permissions | None = None, record: AccessRecord | None = None
    ) -> None:
        self.permissions = permissions or Permissions()
        self.record = record or AccessRecord()
        # Ordered, for a plain dictionary that lost its oldest keys is slow to find the next one.
        self._verdicts: OrderedDict[tuple[object, ...], Refusal | None] = OrderedDict()

    def require_database(self, caller: Caller, operation: str, collection: str) -> None:
        """Let an administrator pass, and for a few operations whoever is signed in.

        Raises:
            PermissionDenied: anyone else.
        """
        if caller.kind == "administrator" or (operation in _SIGNED_IN_MAY and caller.owner_id):
            return
        reason = "only administrators may; call a cloud function, which acts as one"
        raise self._denial(caller, operation, collection, (reason,))

    def reach(self, ask: Ask, filter_: Document, data: Value = MISSING) -> Document:
        """Return the filter that this caller may use in place of the given one.

        It is the same object where nothing had to be changed. `data` is what an update writes.

        Raises:
            PermissionDenied: the caller may not do this with what the filter may find.
        """
        filter_ = filled(filter_, ask.caller)
        permission = self.permissions.of(ask.collection)
        if permission.preset is None:
            self._require_rule(ask, permission.rules.rule(ask.operation), filter_, data)
            return filter_
        reach = _REACH[permission.preset][ask.operation]
        if reach == "all":
            return filter_
        owner = ask.caller.owner_id
        if reach == "nobody" or not owner:
            raise self._by_preset(ask, permission.preset)
        document_id = pinned(filter_)
        if document_id is not None:
            found = ask.document(document_id)
            if found is not None and found.get(OWNER) == owner:
                return filter_
        return own(filter_, owner)

    def created(self, ask: Ask, document: Document) -> Document:
        """Return a new document with its owner.

        Raises:
            PermissionDenied: the caller may not create it, or not in this name.
        """
        owner = ask.caller.owner_id
        named = filled(document.get(OWNER, MISSING), ask.caller)
        if named is not MISSING and named != owner:
            raise self._owner_refused(ask)
        if owner:
            document = {**document, OWNER: owner}
        permission = self.permissions.of(ask.collection)
        if permission.preset is not None:
            if _REACH[permission.preset]["create"] == "nobody" or not owner:
                raise self._by_preset(replace(ask, operation="create"), permission.preset)
            return document
        rule = permission.rules.rule("create")
        data = resolve(document, now_ms=ask.now_ms)
        scope = _scope(ask, rule, data, {"data": data})
        self._require_one(replace(ask, operation="create"), rule, scope)
        return document

    def changed(self, ask: Ask, command: Update) -> Update:
        """Return the update that the caller may make, which leaves owners alone.

        Raises:
            PermissionDenied: the caller may not change what it may find, or not make what it would.
        """
        self._require_owner_kept(ask, command)
        filter_ = filled(command.filter, ask.caller)
        document_id = pinned(filter_)
        before = None if document_id is None else ask.document(document_id)
        if command.replace and document_id is None:
            reason = "a whole document can be replaced by its _id only"
            raise self._denial(ask.caller, "update", ask.collection, (reason,))
        if command.upsert and (document_id is None or before is None):
            return self._upsert(ask, replace(command, filter=filter_))
        reached = self.reach(ask, filter_, self._data(ask, command))
        update = command.update
        if command.replace:
            update = {name: value for name, value in update.items() if name != OWNER}
            kept = ask.caller.owner_id if before is None else before.get(OWNER, MISSING)
            if kept is not MISSING:
                update[OWNER] = kept
        return replace(command, filter=reached, update=update, upsert=False)

    def require_whole(self, caller: Caller, collection: str, now_ms: int) -> None:
        """Let pass who may read every document of a collection, as joining it does.

        Raises:
            PermissionDenied: the caller may read some of it at most.
        """
        if caller.kind == "administrator":
            return
        permission = self.permissions.of(collection)
        if permission.preset is not None:
            if _REACH[permission.preset]["read"] == "all":
                return
            reason = f"the preset {permission.preset} does not let everyone read everything"
        else:
            rule = permission.rules.rule("read")
            found = refusal(rule, {}, Scope(auth=auth_of(caller), now=now_ms))
            if found is None:
                return
            reason = found.reason
        raise self._denial(caller, "join", collection, (reason,))

    def require_function(self, caller: Caller, name: str) -> None:
        """Let pass whom the function's rule allows; only calls by clients are asked.

        Raises:
            FunctionForbidden: the rule refuses.
        """
        if caller.kind == "administrator" or caller.source.startswith(_NO_CLIENTS):
            return
        invoke = self.permissions.invoke_of(name)
        if invoke is True or (invoke == "auth != null" and caller.owner_id):
            return
        denial = self._kept(caller, "invoke", f"function {name}", str(invoke).lower(), ("",))
        raise FunctionForbidden(DENIED, hint=denial.sentence)

    def allows_storage(
        self, operation: str, cloud_path: str, caller: Caller, owner_of: Callable[[], str | None]
    ) -> bool:
        """Tell whether the caller may `read`, `write` or `delete` the file.

        `owner_of` returns whose file lies there, None without one: who writes a new file owns it.
        """
        if caller.kind == "administrator":
            return True
        key: FileOperation = "read" if operation == "read" else "write"
        file_rule = self.permissions.files.rules[key]
        owner = owner_of()
        resource_owner = caller.owner_id if owner is None else owner
        scope = Scope(auth=auth_of(caller))
        if file_rule.allows(scope, cloud_path, resource_owner):
            return True
        if self.permissions.file_grants.allow(key, cloud_path, caller.owner_id):
            return True
        reasons = (f"resource.openid is {resource_owner!r}, the path is /{cloud_path}",)
        self._kept(caller, operation, f"file {cloud_path}", file_rule.rule.text, reasons)
        return False

    def aggregated(self, ask: Ask, pipeline: tuple[Document, ...]) -> Document:
        """Return the condition that a pipeline may begin with; only its own first one counts."""
        return self.reach(ask, first_filter(pipeline))

    def _upsert(self, ask: Ask, command: Update) -> Update:
        """Return an update that may make a document: it must be allowed to do both."""
        owner = ask.caller.owner_id
        preset = self.permissions.of(ask.collection).preset
        made = written(command.update, whole=command.replace)
        equal = {name: value for name, value in command.filter.items() if not name.startswith("$")}
        document = self.created(ask, {**equal, **made})
        filter_ = command.filter
        if pinned(filter_) is None:
            filter_ = self.reach(ask, filter_, self._data(ask, command))
        if not owner:
            return replace(command, filter=filter_)
        if command.replace:
            return replace(command, filter=filter_, update={**command.update, OWNER: owner})
        if preset is not None or OWNER in filter_:
            return replace(command, filter=own(filter_, document[OWNER]))
        others = command.update.get("$setOnInsert", {})
        update = {**command.update, "$setOnInsert": {**others, OWNER: owner}}
        return replace(command, filter=filter_, update=update)

    def _data(self, ask: Ask, command: Update) -> Value:
        """Return what a rule sees as `request`, nothing where a preset decides."""
        if self.permissions.of(ask.collection).preset is not None:
            return MISSING
        data = written(command.update, whole=command.replace)
        return {"data": resolve(data, now_ms=ask.now_ms)}

    def _require_owner_kept(self, ask: Ask, command: Update) -> None:
        named = filled(owner_written(command.update, whole=command.replace), ask.caller)
        if named is MISSING:
            return
        preset = self.permissions.of(ask.collection).preset
        same = named == ask.caller.owner_id and bool(ask.caller.owner_id)
        # Whoever changes documents of others could make them theirs.
        if not same or (preset is None and not command.replace):
            raise self._owner_refused(ask)

    def _require_rule(self, ask: Ask, rule: Rule, filter_: Document, request: Value) -> None:
        document_id = pinned(filter_)
        by_reading = ask.operation != "read" or not self.permissions.subset_only
        if rule.doc_paths == frozenset() or (document_id is not None and by_reading):
            found: Value = MISSING
            if document_id is not None and rule.doc_paths != frozenset():
                stored = ask.document(document_id)
                found = MISSING if stored is None else stored
            self._require_one(ask, rule, _scope(ask, rule, found, request))
            return
        refused_for = self._subset(ask, rule, filter_, request)
        self.record.decided(ask.collection, rule, None, allowed=refused_for is None)
        if refused_for is not None:
            scope = _scope(ask, rule, MISSING, request)
            reasons = (*refused(refused_for, rule), *visible(ask, rule, filter_, scope))
            raise self._denial(
                ask.caller,
                ask.operation,
                ask.collection,
                reasons,
                rule=rule,
                example=refused_for.example,
            )

    def _require_one(self, ask: Ask, rule: Rule, scope: Scope) -> None:
        """Ask a rule about one document, or about none at all."""
        allowed = rule.allows(scope)
        self.record.decided(ask.collection, rule, scope, allowed=allowed)
        if allowed:
            return
        found = why_not(rule, scope)
        reasons = [f"{each.text!r} does not hold: {shown(each.values)}" for each in found]
        if isinstance(scope.look_up, LookUps) and scope.look_up.spent:
            reasons.append(scope.look_up.spent)
        raise self._denial(
            ask.caller,
            ask.operation,
            ask.collection,
            tuple(reasons),
            rule=rule,
            at=found[0].at if found else None,
        )

    def _subset(self, ask: Ask, rule: Rule, filter_: Document, request: Value) -> Refusal | None:
        """Return what speaks against a filter; of steady rules what was found once is kept."""
        if not rule.is_steady:
            scope = _scope(ask, rule, MISSING, request)
            return refusal(rule, resolve(filter_, now_ms=ask.now_ms), scope)
        # What is said of other fields can only make the filter find less.
        part = filter_ if rule.doc_paths is None else _spoken(filter_, rule.doc_paths)
        caller, version = ask.caller, self.permissions.version
        who = (caller.openid, caller.uid, caller.login_type)
        key = (version, ask.collection, rule.key, who, repr(part))
        found = self._verdicts.get(key, _UNKNOWN)
        if found is None:
            return None
        scope = _scope(ask, rule, MISSING, request)
        if isinstance(found, _Unknown):
            found = refusal(rule, resolve(part, now_ms=ask.now_ms), scope)
            if len(self._verdicts) >= VERDICTS_MAX:
                self._verdicts.popitem(last=False)
            self._verdicts[key] = found
        if found is None or len(part) == len(filter_):
            return found
        return refusal(rule, resolve(filter_, now_ms=ask.now_ms), scope)

    def _owner_refused(self, ask: Ask) -> PermissionDenied:
        reason = f"a user's {OWNER} is set by the platform and cannot be written"
        return self._denial(ask.caller, ask.operation, ask.collection, (reason,))

    def _by_preset(self, ask: Ask, preset: Preset) -> PermissionDenied:
        reason = f"the preset {preset} does not allow it"
        return self._denial(ask.caller, ask.operation, ask.collection, (reason,))

    def _denial(  # noqa: PLR0913  # what a denial tells, each once
        self,
        caller: Caller,
        operation: str,
        target: str,
        reasons: tuple[str, ...],
        *,
        rule: Rule | None = None,
        example: Value = None,
        at: int | None = None,
    ) -> PermissionDenied:
        text = rule.text if rule else ""
        denial = self._kept(caller, operation, target, text, reasons, example=example, at=at)
        return PermissionDenied(DENIED, hint=denial.sentence)

    def _kept(  # noqa: PLR0913  # what a denial tells, each once
        self,
        caller: Caller,
        operation: str,
        target: str,
        rule: str,
        reasons: tuple[str, ...],
        *,
        example: Value = None,
        at: int | None = None,
    ) -> Denial:
        denial = Denial(
            operation=operation,
            target=target,
            user=caller.owner_id,
            request_id=caller.request_id,
            rule=rule,
            reasons=reasons,
            example=example,
            at=at,
        )
        self.record.denied(denial)
        return denial


def _scope(ask: Ask, rule: Rule, doc: Value, request: Value) -> Scope:
    return Scope(
        auth=auth_of(ask.caller),
        doc=doc,
        request=request,
        now=ask.now_ms,
        look_up=LookUps(ask.store, ask.reader, ask.now_ms) if rule.looks_up else _NO_LOOK_UP,
    )


def _spoken(filter_: Filter, paths: frozenset[str]) -> Document:
    """Return the part of a filter that is about these fields, or about more than one."""
    part: Document = {}
    for path, condition in filter_.items():
        if path in paths or path[0:1] == "$":
            part[path] = condition
            continue
        for each in paths:
            # Fields inside each other; that it takes in names that only begin alike does no harm.
            if each.startswith(path) or path.startswith(each):
                part[path] = condition
                break
    return part
