"""Owns carrying out JQL: what is permitted, joined, found, stored.

Not here: the texts, schemas and stages (`core.jql`), where schemas lie (`config.uni_schemas`). The
one idea: a query becomes commands that any dialect gives; what a schema says is looked at first.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from emulator.ambient import Clock
from emulator.core.commands import Aggregate, Command, Find, Insert, Remove, Update
from emulator.core.jql import schemas
from emulator.core.jql.filters import Variables, filter_of
from emulator.core.jql.nodes import JqlSyntax, paths_in
from emulator.core.jql.parser import parse_condition
from emulator.core.jql.permission import Operation, Permission, Way
from emulator.core.jql.query import LIMIT_DEFAULT_DOCUMENTS, Asked, Query, Table, read_steps
from emulator.core.jql.schemas import Schema
from emulator.core.jql.stages import lookup_stages
from emulator.core.jql.trees import LEVELS_DEFAULT, LEVELS_MAX, path_to, tree
from emulator.core.records import dataclass
from emulator.core.rules.evaluate import LookUp
from emulator.core.values import Document, Value
from emulator.services.caller import Caller


class Carrier(Protocol):
    """Whatever carries out commands for a caller."""

    async def execute(self, command: Command, caller: Caller) -> Any:
        """Carry the command out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a query found, and how many there are if that was asked."""

    documents: Sequence[Document]
    count: int | None = None


class Jql:
    """JQL over the documents of one environment."""

    def __init__(
        self,
        carrier: Carrier,
        *,
        clock: Clock,
        schema_of: Callable[[str], Schema | None],
        look_ups: Callable[[int], LookUp],
    ) -> None:
        self._carrier = carrier
        self._clock = clock
        self._schema_of = schema_of
        self._look_ups = look_ups

    async def get(self, query: Query, caller: Caller) -> Read:
        """Return the documents that a query finds.

        Raises:
            JqlSyntax: a text is none.
            NotPermitted: a schema says no.
        """
        run = _Run(query, self._clock.now_ms(), self._schema_of, self._look_ups)
        asked = run.asked
        await self._permit_reading(run, caller)
        if _is_asked(query, "getTree") or _is_asked(query, "getTreePath"):
            return Read(documents=await self._trees(run, caller))
        before = run.stages()
        count = None
        if query.options.get("getCount"):
            await self._permit(run, 0, "count", caller)
            count = await self._count(run, caller)
        asked.limit = 1 if query.options.get("getOne") else asked.limit
        asked.limit = LIMIT_DEFAULT_DOCUMENTS if asked.limit is None else asked.limit
        pipeline = [*before, *asked.shaping(run.variables), *asked.cutting()]
        return Read(documents=await self._aggregate(run, pipeline, caller), count=count)

    async def count(self, query: Query, caller: Caller) -> int:
        """Return how many documents a query finds; raises as `get` does."""
        run = _Run(query, self._clock.now_ms(), self._schema_of, self._look_ups)
        for number in range(len(query.tables)):
            await self._permit(run, number, "read", caller)
        await self._permit(run, 0, "count", caller)
        return await self._count(run, caller)

    async def add(
        self, query: Query, documents: Sequence[Document], caller: Caller
    ) -> Sequence[Value]:
        """Store new documents as the schema says, and return their ids.

        Raises:
            ValidationFailed: one is not as the schema says.
            NotPermitted: the schema says no.
        """
        run = _Run(query, self._clock.now_ms(), self._schema_of, self._look_ups)
        schema, made = run.schema(0), list(documents)
        permission, forced = run.permission(0), set[str]()
        permission.rules("create")
        if schema is not None:
            forced = {n for n, each in schemas.fields_of(schema).items() if _is_set(each)}
            made = [schemas.completed(schema, each, run.variables) for each in made]
        for before, document in zip(documents, made, strict=True):
            rules = permission.rules("create", fields=before.keys() - forced, way="write")
            permission.require(rules, [document], now_ms=run.now_ms, look_up=run.look_up)
            if schema is not None:
                schemas.require_valid(schema, document, is_new=True, now_ms=run.now_ms)
        command = Insert(collection=run.name, documents=tuple(made))
        ids: Sequence[Value] = (await self._carrier.execute(command, caller)).ids
        return ids

    async def update(
        self, query: Query, data: Document, operators: Document, caller: Caller
    ) -> int:
        """Change the documents that a query finds, and return how many differ; raises as `add`."""
        run = _Run(query, self._clock.now_ms(), self._schema_of, self._look_ups)
        if any(name.startswith("$") and name != "$set" for name in operators):
            raise JqlSyntax("update() takes values, no operators such as db.command.inc")
        schema = run.schema(0)
        await self._permit(run, 0, "update", caller, fields=data.keys(), way="write")
        if schema is not None:
            data = schemas.trimmed(schema, data)
            schemas.require_valid(schema, data, is_new=False, now_ms=run.now_ms)
            operators = {"$set": _as_trimmed(operators.get("$set"), data)}
        command = Update(
            collection=run.name, filter=run.asked.filter(), update=operators, multi=True
        )
        return int((await self._carrier.execute(command, caller)).modified)

    async def remove(self, query: Query, caller: Caller) -> int:
        """Remove the documents that a query finds, and return how many; raises as `get`."""
        run = _Run(query, self._clock.now_ms(), self._schema_of, self._look_ups)
        if not run.asked.filters:
            raise JqlSyntax("remove() needs where() or doc() before it")
        await self._permit(run, 0, "delete", caller)
        command = Remove(collection=run.name, filter=run.asked.filter(), multi=True)
        return int((await self._carrier.execute(command, caller)).count)

    async def _permit_reading(self, run: "_Run", caller: Caller) -> None:
        for number in range(len(run.query.tables)):
            await self._permit(run, number, "read", caller, fields=run.fields(number))

    async def _permit(  # what is asked of what, and by whom
        self,
        run: "_Run",
        number: int,
        operation: Operation,
        caller: Caller,
        *,
        fields: Iterable[str] | None = (),
        way: Way = "read",
    ) -> None:
        """Refuse an operation on what a table holds of the documents asked for."""
        permission = run.permission(number)
        rules = permission.rules(operation, fields=fields, way=way)
        documents: Sequence[Document] = ()
        if any(rule.needs_document for rule in rules):
            command = Find(
                collection=run.query.tables[number].name, filter=run.own(number).filter()
            )
            documents = (await self._carrier.execute(command, caller)).documents
        permission.require(rules, documents, now_ms=run.now_ms, look_up=run.look_up)

    async def _aggregate(
        self, run: "_Run", pipeline: Sequence[Document], caller: Caller
    ) -> Sequence[Document]:
        command = Aggregate(collection=run.name, pipeline=tuple(pipeline))
        documents: Sequence[Document] = (await self._carrier.execute(command, caller)).documents
        return documents

    async def _count(self, run: "_Run", caller: Caller) -> int:
        stages = run.stages()
        if run.asked.group_by or run.asked.is_distinct:
            stages += run.asked.shaping(run.variables)
        counted: Document = {"$group": {"_id": None, "count": {"$sum": 1}}}
        found = await self._aggregate(run, [*stages, counted], caller)
        count = found[0]["count"] if found else 0
        return count if isinstance(count, int) else 0

    async def _trees(self, run: "_Run", caller: Caller) -> list[Any]:
        """Return documents as trees; the condition holds for every node."""
        options, asked = run.query.options, run.asked
        is_path = _is_asked(run.query, "getTreePath")
        told = options.get("getTreePath" if is_path else "getTree")
        told = told if isinstance(told, dict) else {}
        link = schemas.parent_key(run.schema(0) or {}, asked.parent_key)
        if link is None or len(run.query.tables) > 1:
            raise JqlSyntax(
                f"getTree: a field of {run.name}.schema.json must have a parentKey, and tables "
                "may not be joined"
            )
        levels = told.get("limitLevel", LEVELS_DEFAULT)
        if not isinstance(levels, int) or not 1 <= levels <= LEVELS_MAX:
            raise JqlSyntax(f"getTree: limitLevel is 1 to {LEVELS_MAX}, not {levels!r}")
        sort: list[Document] = [{"$sort": dict(asked.order)}] if asked.order else []
        whole = await self._aggregate(run, [{"$match": asked.filter()}, *sort], caller)
        shown = whole
        if asked.columns:
            pipeline = [{"$match": asked.filter()}, *asked.shaping(run.variables)]
            shown = await self._aggregate(run, pipeline, caller)
        forms = {repr(each.get("_id")): each for each in shown}
        begin = told.get("startWith")
        if not isinstance(begin, str):
            if is_path:
                raise JqlSyntax("getTreePath needs startWith, a condition of where it ends")
            begin = f'{link[0]} == null || {link[0]} == ""'
        first = filter_of(parse_condition(begin, now_ms=run.now_ms), run.variables)
        match: Document = {"$match": {"$and": [asked.filter(), first]}}
        cut = asked.cutting() if asked.limit is not None or asked.skip else []
        starts = await self._aggregate(run, [match, *sort, *cut], caller)
        known = {repr(each.get("_id")): each for each in whole}
        ends = [known[repr(each.get("_id"))] for each in starts]
        make = path_to if is_path else tree
        return make(
            whole,
            ends,
            link=link,
            levels=levels,
            shown=lambda each: forms.get(repr(each.get("_id")), each),
        )


class _Run:
    """One query while it is carried out: what its steps say, and what schemas say."""

    def __init__(
        self,
        query: Query,
        now_ms: int,
        schema_of: Callable[[str], Schema | None],
        look_ups: Callable[[int], LookUp],
    ) -> None:
        self.query = query
        self.now_ms = now_ms
        self.name = query.tables[0].name
        self.variables: Variables = query.variables(now_ms)
        self.look_up = look_ups(now_ms)
        self.asked = read_steps(query.steps, self.variables, now_ms=now_ms)
        self._schema_of = schema_of
        self._own = [self._read(table) for table in query.tables]
        self._schemas: dict[str, Schema | None] = {}

    def _read(self, table: Table) -> Asked:
        return read_steps(table.steps, self.variables, now_ms=self.now_ms)

    @property
    def is_joined(self) -> bool:
        """Tell whether the steps are those of a table made of several."""
        return len(self.query.tables) > 1

    def own(self, number: int) -> Asked:
        """Return what is asked of a table itself."""
        if self.is_joined:
            return self._own[number]
        steps = (*self.query.tables[0].steps, *self.query.steps)
        return read_steps(steps, self.variables, now_ms=self.now_ms)

    def schema(self, number: int) -> Schema | None:
        """Return the schema of a table."""
        name = self.query.tables[number].name
        if name not in self._schemas:
            self._schemas[name] = self._schema_of(name)
        return self._schemas[name]

    def permission(self, number: int) -> Permission:
        """Return what the user may do with a table."""
        return Permission(self.query.tables[number].name, self.schema(number), self.query.user)

    def fields(self, number: int) -> Sequence[str] | None:
        """Return the fields of a table that are read; None for all."""
        asked = self.own(number)
        columns = (*asked.columns, *(asked.group_by if not asked.columns else ()))
        columns = (*columns, *(asked.group_field if not asked.columns else ()))
        if not columns:
            return None
        return [path for column in columns for path in paths_in(column.node)]

    def stages(self) -> list[Document]:
        """Return the stages up to the filter of the query itself."""
        if not self.is_joined:
            own, temporary = self.own(0), self._own[0]
            if not self.query.tables[0].steps:
                return [{"$match": own.filter()}] if own.filters else []
            return [*self._table(temporary), *self._filtered()]
        stages = self._table(self._own[0])
        for number in range(1, len(self.query.tables)):
            stages += self._joining(number)
        return [*stages, *self._filtered()]

    def _filtered(self) -> list[Document]:
        return [{"$match": self.asked.filter()}] if self.asked.filters else []

    def _table(self, asked: Asked) -> list[Document]:
        """Return the stages of a temporary table."""
        match: list[Document] = [{"$match": asked.filter()}] if asked.filters else []
        return [*match, *asked.shaping(self.variables), *asked.cutting()]

    def _joining(self, number: int) -> list[Document]:
        main, other = self.query.tables[0].name, self.query.tables[number].name
        own = self._table(self._own[number])
        table, _, key = self.asked.foreign_key.rpartition(".")
        stages: list[Document] = []
        for ours, holder, held in ((True, 0, other), (False, number, main)):
            name = self.query.tables[holder].name
            for field, target, foreign in schemas.references(self.schema(holder) or {}):
                if target != held or (table and (table, key) != (name, field)):
                    continue
                local, there = (field, foreign) if ours else (foreign, field)
                stages += lookup_stages(
                    table=other, local=local, foreign=there, own=own, is_ours=ours
                )
        if not stages:
            raise JqlSyntax(
                f"{main} and {other} cannot be joined: no field of their schemas has the "
                f'foreignKey "{other}.…" or "{main}.…"'
            )
        return stages


def _is_asked(query: Query, option: str) -> bool:
    """Tell whether an option is given, which `{}` does too."""
    return query.options.get(option) not in (None, False)


def _is_set(each: Mapping[str, Any]) -> bool:
    return "forceDefaultValue" in each


def _as_trimmed(found: Value, data: Document) -> Document:
    """Return what is set, texts as they were trimmed."""
    held = found if isinstance(found, dict) else {}
    return {name: data.get(name, value) for name, value in held.items()}
