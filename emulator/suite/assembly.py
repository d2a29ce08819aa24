"""Owns the only place where services and plug-ins are constructed, from a configuration's values.

Not here: when they start and stop (`suite.lifecycle`). The one idea: read top to bottom, this is
the list of everything a suite consists of and what each part is given.
"""

from collections.abc import Mapping
from typing import Final

from emulator.ambient import Ids, SuiteClock
from emulator.config import Config
from emulator.config.sections import FunctionsSection
from emulator.core.indexes import IndexDefinition
from emulator.core.limits import PROFILES, Limits
from emulator.core.records import dataclass
from emulator.functions.base import FunctionRuntime
from emulator.services.access import Access
from emulator.services.access_record import AccessRecord
from emulator.services.activity import Activity
from emulator.services.advisor import Advisor
from emulator.services.bus import Bus
from emulator.services.caller import Caller
from emulator.services.clock import Clockwork
from emulator.services.database import Database
from emulator.services.datasets import Datasets
from emulator.services.delayed import Delayed
from emulator.services.dispatcher import Dispatcher
from emulator.services.executor import Executor
from emulator.services.expiry import Expiry
from emulator.services.exporting import Exporting
from emulator.services.file_ids import bucket_of
from emulator.services.functions import Functions
from emulator.services.handed import Place
from emulator.services.http_routes import HttpRoutes
from emulator.services.importing import Importing
from emulator.services.indexes import Indexes
from emulator.services.instances import Lifetimes
from emulator.services.openapi.service import OpenApi
from emulator.services.permitted import PermittedDatabase
from emulator.services.pieces import Pieces
from emulator.services.planning import Reader
from emulator.services.policy import Policy
from emulator.services.recorder import Recorder
from emulator.services.registry import Registry
from emulator.services.storage import Storage
from emulator.services.tickets import Tickets, signing_key
from emulator.services.timers import Timers
from emulator.services.transactions import Transactions
from emulator.services.watch import Watches
from emulator.services.wechat_users import WechatUsers
from emulator.stores.base import BlobStore, DocumentStore
from emulator.stores.versions import PatientStore, VersionedStore
from emulator.suite.identity import Identity, open_identity
from emulator.suite.openapi import build_openapi
from emulator.suite.platform import Figures, count_figures
from emulator.suite.plugins import open_runtimes, open_stores
from emulator.suite.rule_files import RuleWatch
from emulator.suite.surroundings import Surroundings, appid_of

REGION: Final = "ap-shanghai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything a running suite consists of, but its servers."""

    clock: SuiteClock
    ids: Ids
    recorder: Recorder
    store: DocumentStore
    blobs: BlobStore
    runtimes: Mapping[str, FunctionRuntime]
    registry: Registry
    functions: Functions
    openapi: OpenApi
    access: Access
    rules: RuleWatch
    database: Database
    transactions: Transactions
    indexes: Indexes
    reader: Reader
    expiry: Expiry
    storage: Storage
    executor: Executor
    dispatcher: Dispatcher
    timers: Timers
    delayed: Delayed
    clockwork: Clockwork
    figures: Figures
    http_routes: HttpRoutes
    datasets: Datasets
    importing: Importing
    exporting: Exporting
    activity: Activity
    identity: Identity
    watches: Watches


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What most parts stand on."""

    clock: SuiteClock
    ids: Ids
    recorder: Recorder
    bus: Bus
    access: Access
    store: VersionedStore
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reactions:
    """The parts that call functions by themselves."""

    dispatcher: Dispatcher
    timers: Timers
    delayed: Delayed
    openapi: OpenApi
    expiry: Expiry
    clockwork: Clockwork
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class _Documents:
    """The parts that carry out commands about documents."""

    database: Database
    transactions: Transactions
    indexes: Indexes
    reader: Reader


def assemble(config: Config, around: Surroundings) -> Parts:
    """Build every part of a suite; raises ConfigurationError, StoreError for a bad data folder."""
    clock, ids, env_id = around.clock, around.ids, config.emulator.env
    recorder, bus = Recorder(clock), Bus()
    rules = RuleWatch(config, recorder)
    access = Access(rules.permissions, AccessRecord(recorder))
    kept, blobs = open_stores(config, around)
    store, policy, place = VersionedStore(kept), _policy(config), _place(config, around)
    runtimes = open_runtimes(config, around, place)
    registry, functions = _functions(
        place, around, runtimes, recorder, access, limits=policy.limits, settings=config.functions
    )
    storage = _storage(blobs, env_id, around, bus, access)
    ground = _Ground(
        clock=clock, ids=ids, recorder=recorder, bus=bus, access=access, store=store, policy=policy
    )
    documents, identity = _documents(config, ground), open_identity(config, around, place)
    reactions = _reactions(config, ground, documents.database, functions, identity, place=place)
    return Parts(
        clock=clock,
        ids=ids,
        recorder=recorder,
        store=store,
        blobs=blobs,
        runtimes=runtimes,
        registry=registry,
        functions=functions,
        openapi=reactions.openapi,
        access=access,
        rules=rules,
        database=documents.database,
        transactions=documents.transactions,
        indexes=documents.indexes,
        reader=documents.reader,
        expiry=reactions.expiry,
        storage=storage,
        executor=_executor(documents, functions, reactions.openapi, storage, ground),
        dispatcher=reactions.dispatcher,
        timers=reactions.timers,
        delayed=reactions.delayed,
        clockwork=reactions.clockwork,
        figures=reactions.figures,
        http_routes=HttpRoutes(),
        datasets=Datasets(store, storage, recorder, bus=bus, clock=clock, ids=ids, policy=policy),
        importing=Importing(store, clock=clock, ids=ids, policy=policy),
        exporting=Exporting(store),
        activity=Activity(),
        identity=identity,
        watches=_watches(ground, documents.reader),
    )


def _openapi(
    config: Config,
    ground: _Ground,
    functions: Functions,
    delayed: Delayed,
    *,
    users: WechatUsers,
    place: Place,
) -> OpenApi:
    return build_openapi(
        config.openapi,
        functions,
        ground.recorder,
        ground.access,
        delayed,
        appid=place.appid,
        users=users,
        clock=ground.clock,
        ids=ground.ids,
    )


def _documents(config: Config, ground: _Ground) -> _Documents:
    store, access, clock, ids = ground.store, ground.access, ground.clock, ground.ids
    indexes = Indexes(store, access=access, limits=ground.policy.limits)
    indexes.configure(ground.policy)
    reader = Reader(
        clock=clock,
        advisor=Advisor(clock),
        recorder=ground.recorder,
        scan_max_documents=config.database.require_indexes,
    )

    def open_database(over: DocumentStore, hears: Bus) -> Database:
        return PermittedDatabase(
            over,
            access=access,
            bus=hears,
            clock=clock,
            ids=ids,
            reader=reader,
            policy=ground.policy,
        )

    return _Documents(
        database=open_database(PatientStore(store), ground.bus),
        transactions=Transactions(
            store, access=access, bus=ground.bus, clock=clock, ids=ids, open_database=open_database
        ),
        indexes=indexes,
        reader=reader,
    )


def _reactions(
    config: Config,
    ground: _Ground,
    database: Database,
    functions: Functions,
    identity: Identity,
    *,
    place: Place,
) -> _Reactions:
    clock, recorder, emulator = ground.clock, ground.recorder, config.emulator
    dispatcher = Dispatcher(
        functions,
        bus=ground.bus,
        clock=clock,
        recorder=recorder,
        env_id=emulator.env,
        limits=ground.policy.limits,
        in_order=emulator.deterministic is not None,
    )
    if emulator.deterministic is not None:
        functions.keep_order(dispatcher.running)
    timers = Timers(functions, clock=clock, recorder=recorder, misfire=config.triggers.misfire)
    delayed = Delayed(functions, clock=clock, recorder=recorder, limits=ground.policy.limits)
    openapi = _openapi(config, ground, functions, delayed, users=identity.auth.wechat, place=place)
    expiry = Expiry(database, ground.store, clock=clock, recorder=recorder, machine=clock.machine)
    sources = (dispatcher.running, timers.running, delayed.running, openapi.payments.running)
    return _Reactions(
        dispatcher=dispatcher,
        timers=timers,
        delayed=delayed,
        openapi=openapi,
        expiry=expiry,
        figures=count_figures(config.usage, recorder, dispatcher, bus=ground.bus, clock=clock),
        clockwork=Clockwork(
            clock,
            timers,
            recorder=recorder,
            others=[expiry],
            running=sources,
            carry=functions.carry,
        ),
    )


def _watches(ground: _Ground, reader: Reader) -> Watches:
    return Watches(
        ground.store,
        access=ground.access,
        reader=reader,
        bus=ground.bus,
        clock=ground.clock,
        ids=ground.ids,
    )


def _executor(
    documents: _Documents,
    functions: Functions,
    openapi: OpenApi,
    storage: Storage,
    ground: _Ground,
) -> Executor:
    pieces = Pieces(documents.database, ground.store, documents.reader, ground.clock)
    return Executor(
        database=documents.database,
        indexes=documents.indexes,
        transactions=documents.transactions,
        functions=functions,
        openapi=openapi,
        storage=storage,
        store=ground.store,
        trace=ground.recorder.trace,
        order=functions.order,
        pieces=None if functions.order else pieces,
    )


def _place(config: Config, around: Surroundings) -> Place:
    return Place(
        env_id=config.emulator.env,
        appid=config.emulator.appid or appid_of(config.emulator.env),
        region=REGION,
        variables=around.variables,
        is_strict=config.emulator.strict,
    )


def _policy(config: Config) -> Policy:
    return Policy(
        limits=PROFILES[config.emulator.profile],
        indexes={
            name: tuple(
                IndexDefinition(
                    name=each.name,
                    keys=each.keys,
                    unique=each.unique,
                    sparse=each.sparse,
                    expire_after_s=each.expire_after_s,
                )
                for each in wanted
            )
            for name, wanted in config.database.indexes.items()
        },
        creates_collections=config.database.auto_create_collections,
    )


def _functions(  # noqa: PLR0913  # what both are built of, each once
    place: Place,
    around: Surroundings,
    runtimes: Mapping[str, FunctionRuntime],
    recorder: Recorder,
    access: Access,
    *,
    limits: Limits,
    settings: FunctionsSection,
) -> tuple[Registry, Functions]:
    registry = Registry(
        runtimes,
        recorder=recorder,
        rediscover=around.rediscover,
        variables_of=place.variables_of,
        lifetimes=Lifetimes(around.clock, idle_s=settings.idle_s, lifetime_s=settings.lifetime_s),
    )
    functions = Functions(
        runtimes,
        registry,
        place=place,
        clock=around.clock,
        ids=around.ids,
        recorder=recorder,
        access=access,
        limits=limits,
        cold=settings.cold,
    )
    return registry, functions


def _storage(
    blobs: BlobStore, env_id: str, around: Surroundings, bus: Bus, access: Access
) -> Storage:
    def owner_of(cloud_path: str) -> str | None:
        info = blobs.info(cloud_path)
        return None if info is None else info.owner

    def allow(operation: str, cloud_path: str, caller: Caller) -> bool:
        return access.allows_storage(operation, cloud_path, caller, lambda: owner_of(cloud_path))

    return Storage(
        blobs,
        Tickets(signing_key(around.folder, around.ids), around.clock),
        clock=around.clock,
        ids=around.ids,
        env_id=env_id,
        bucket=bucket_of(env_id),
        site_url=around.site_url,
        publish=bus.publish,
        allow=allow,
    )
