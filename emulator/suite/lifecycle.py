"""Owns the life of a suite: what starts after what, and stops in reverse.

Not here: what the parts are (`suite.assembly`) and how the suite is asked and told
(`suite.control`). The one idea: one exit stack; what was started is stopped in reverse order,
whatever fails in between.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from emulator.ambient import Clock, Ids
from emulator.config import Config
from emulator.config.seed_files import read_seed_files
from emulator.core.ejson import decode
from emulator.core.values import Value
from emulator.functions.reload import FolderWatcher
from emulator.server import Port, Server
from emulator.services.caller import Caller
from emulator.services.executor import Crossing, LocalTransport
from emulator.services.scope import Scope
from emulator.services.signatures import Signatures
from emulator.suite.assembly import Parts, assemble
from emulator.suite.cloud_api import make_cloud_apis
from emulator.suite.control import SuiteControl
from emulator.suite.gateway import forwarded_routes, make_gateway
from emulator.suite.hosting import Site
from emulator.suite.identity import Doors, client_routes, make_users
from emulator.suite.index_control import IndexControl
from emulator.suite.pairing import open_pairing
from emulator.suite.platform import ambience_of
from emulator.suite.platform_control import PlatformControl
from emulator.suite.project import Project
from emulator.suite.realtime import Realtime
from emulator.suite.rules_control import RulesControl
from emulator.suite.surroundings import Surroundings
from emulator.suite.unicloud import make_collections, unicloud_actions
from emulator.suite.variables import LOCAL_SECRETS, sdk_variables
from emulator.suite.wechat import wechat_routes
from emulator.wire import control as control_wire
from emulator.wire import control_indexes, control_platform, control_rules
from emulator.wire import storage as storage_wire
from emulator.wire import transfer as transfer_wire
from emulator.wire.actions import Actions
from emulator.wire.admin import AdminDoor
from emulator.wire.alerts import AlertSender
from emulator.wire.callers import Callers
from emulator.wire.forwarding import Forwarder
from emulator.wire.guard import Guard
from emulator.wire.http_over_call import HttpOverCall
from emulator.wire.openapi import OpenApiActions
from emulator.wire.platform_actions import PlatformActions

READY_WAIT_MAX_S: Final = 5.0
"""Code that hangs while it loads does not keep the others waiting longer than this."""


class Suite:
    """A local cloud: construct, `await start()`, use its addresses, `await stop()`.

    `looks` is for a process of its own: how often its loop looks for a reply before it sleeps.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock | None = None,
        ids: Ids | None = None,
        looks: int = 0,
    ) -> None:
        self.config = config
        self.clock, self._ids = ambience_of(config.emulator.deterministic, clock, ids)
        self._looks = looks
        self._project = Project(config)
        self.pairing = open_pairing(config, site_url=lambda: self.urls["site"])
        self._server: Server | None = None
        self._parts: Parts | None = None
        self._control: SuiteControl | None = None
        self._running = AsyncExitStack()

    @property
    def urls(self) -> Mapping[str, str]:
        """Return the addresses of the API port and the site port, once started."""
        server = self._server
        return {"api": server.url, "site": server.site_url} if server else {"api": "", "site": ""}

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment variables that point SDKs at this suite."""
        return sdk_variables(self.config.emulator.env, self.urls)

    @property
    def control(self) -> SuiteControl:
        """Return how a started suite is asked and told."""
        assert self._control is not None, "the suite was not started"
        return self._control

    @property
    def parts(self) -> Parts:
        """Return what a started suite consists of."""
        assert self._parts is not None, "the suite was not started"
        return self._parts

    def info(self) -> dict[str, Value]:
        """Return what there is to know: addresses, functions, timers, data folder, notices."""
        return self.control.info()

    def subscribe(self, heard: Callable[[dict[str, Value]], None]) -> Callable[[], None]:
        """Call `heard` on the suite's loop with everything that happens from now on."""
        return self.parts.recorder.follow(heard)

    def _site_url(self, request_id: str) -> str:
        """Return the site's address by the name that whoever reads it uses for this suite.

        That is the client whose call led to the invocation, without one of the request under way.
        """
        url = self.urls["site"]
        return self.pairing.as_reached(url, request_id) if self.pairing else url

    def _transport(self, crossing: Crossing, caller: Caller, request_id: str) -> LocalTransport:
        # A trigger's call has no client, whatever request made it due.
        if self.pairing is not None and caller.depth == 0:
            self.pairing.follow(request_id, asked_by=caller.request_id)
        return LocalTransport(crossing, caller, request_id)

    async def start(self) -> None:
        """Open the data, load the functions, listen on both ports.

        Raises:
            ConfigurationError: a port, a folder or a file of the project cannot be used.
        """
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._running = stack.pop_all()

    async def stop(self) -> None:
        """Close the ports, let go of user code, write the checkpoint."""
        if self._control is not None:
            self._control.ready = False
        await self._running.aclose()

    async def _start(self, stack: AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()
        # Functions see the addresses, so the ports are opened before anything is loaded.
        variables: dict[str, str] = {}
        parts = assemble(
            self.config,
            Surroundings(
                folder=self._data_folder(stack),
                clock=self.clock,
                ids=self._ids,
                site_url=self._site_url,
                rediscover=self._project.rediscover,
                variables=variables,
                at_end=stack.push_async_callback,
                looks=self._looks,
            ),
        )
        self._parts = parts
        parts.recorder.attach(loop)
        stack.push_async_callback(parts.transactions.close)
        for runtime in parts.runtimes.values():
            stack.push_async_callback(runtime.close)
        crossing = Crossing(parts.executor, loop)
        parts.functions.connect(partial(self._transport, crossing))
        self._watch_activity(parts, crossing)
        self._control = SuiteControl(
            self.config,
            parts,
            urls=lambda: self.urls,
            variables=lambda: self.variables,
            notices=self._project.notices,
        )
        realtime = Realtime(parts)
        self._server = self._build_server(parts, self._control, realtime)
        await self._server.start()
        stack.push_async_callback(self._server.stop)
        stack.push_async_callback(realtime.close)
        # Requests that wait for a transaction to end would keep the ports open.
        stack.callback(parts.transactions.abort_all)
        variables.update(self.variables)
        await make_users(parts.identity, self.config.users)
        await self._seed(parts)
        make_collections(parts, self.config.functions_root)
        await self._start_functions(parts, stack)
        for endless in self._endless(parts):
            stack.push_async_callback(_cancel, {loop.create_task(endless)})
        self._control.ready = True

    def _endless(self, parts: Parts) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield what goes on for as long as the suite runs."""
        yield parts.store.tend()
        yield parts.identity.store.tend()
        yield parts.rules.run()
        yield parts.expiry.run()
        webhook = self.config.usage.webhook
        if webhook:
            alerts = AlertSender(webhook, parts.recorder, env_id=self.config.emulator.env)
            parts.activity.add_source(alerts.running)
            yield alerts.run()

    async def _start_functions(self, parts: Parts, stack: AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()
        reloading: set[asyncio.Task[None]] = set()
        stack.push_async_callback(_cancel, reloading)
        await self._load(parts, reloading)
        parts.timers.start()
        stack.push_async_callback(parts.timers.close)
        stack.push_async_callback(parts.dispatcher.close)
        root = self.config.functions_root
        if root is None:
            return

        def changed(names: set[str]) -> None:
            task = loop.create_task(self._reload(parts, names))
            reloading.add(task)
            task.add_done_callback(reloading.discard)

        parts.activity.add_source(lambda: ["a reload"] if reloading else [])
        watcher = FolderWatcher(root, changed, loop=loop)
        stack.callback(watcher.close)
        watcher.start()
        if watcher.fault:
            parts.recorder.notice(
                "not_watched", f"{watcher.fault}; each call looks at its own files", level="warn"
            )

    async def _load(self, parts: Parts, reloading: "set[asyncio.Task[None]]") -> None:
        loop = asyncio.get_running_loop()
        bundles = self._project.discover()
        self._project.open_paths(parts, bundles)
        loading = loop.create_task(parts.registry.load_all(bundles))
        reloading.add(loading)
        await asyncio.wait({loading}, timeout=READY_WAIT_MAX_S)
        if loading.done():
            loading.result()
        self._project.listen(parts)
        loading.add_done_callback(lambda _: self._project.listen(parts))
        loading.add_done_callback(reloading.discard)

    async def _reload(self, parts: Parts, names: set[str]) -> None:
        if "" in names:
            await parts.registry.load_all(self._project.discover())
        for name in sorted(names - {""}):
            await parts.registry.reload(name)
        self._project.listen(parts)

    async def _seed(self, parts: Parts) -> None:
        if not self.config.seed:
            return
        found = read_seed_files(self.config.seed)
        there = set(parts.store.names()) if self.config.seed_once else set()
        await parts.datasets.seed(
            {name: decode(each) for name, each in found.items() if name not in there},
            replace=False,
        )

    def _watch_activity(self, parts: Parts, crossing: Crossing) -> None:
        for source in (
            parts.functions.running,
            parts.dispatcher.running,
            parts.timers.running,
            parts.openapi.payments.running,
            parts.delayed.running,
            parts.watches.running,
            crossing.running,
        ):
            parts.activity.add_source(source)

    def _build_server(self, parts: Parts, control: SuiteControl, realtime: Realtime) -> Server:
        emulator, pairing = self.config.emulator, self.pairing
        guard = Guard(bound_host=emulator.host, pairing=pairing)
        paired = pairing.routes() if pairing else []
        platform = _platform(parts, emulator.env, api_url=lambda: self.urls["api"])
        scope = Scope(emulator.env, strict=emulator.strict, tell=parts.recorder.notice)
        door = _admin_door(parts, guard, platform, scope, self.config)
        site = Site(self.config, parts, api_url=lambda: self.urls["api"])
        stored = storage_wire.routes(parts.storage)
        over_call = HttpOverCall(parts.functions, url=lambda: self.urls["api"])
        doors = Doors(
            executor=parts.executor,
            functions=over_call,
            storage=parts.storage,
            platform=platform,
            scope=scope,
            ids=parts.ids,
            open_data=parts.openapi.people.open_data,
        )
        gateway = make_gateway(parts.identity, doors, parts.recorder, parts.functions)
        forwarder = Forwarder(Callers(parts.identity.auth), ids=parts.ids)
        cloud = make_cloud_apis(self.config, parts, guard, scope)
        closing = [over_call.close, site.close, forwarder.close, cloud.close, *_waiting(parts)]
        return Server(
            api=Port(
                emulator.port,
                [
                    *door.routes(),
                    *control_wire.routes(control),
                    *control_indexes.routes(IndexControl(parts)),
                    *control_rules.routes(RulesControl(parts)),
                    *control_platform.routes(PlatformControl(self.config, parts)),
                    *transfer_wire.routes(parts.importing, parts.exporting),
                    *cloud.routes(),
                    *wechat_routes(parts, guard, scope, strict=emulator.strict),
                    *client_routes(parts.identity, doors),
                    *forwarded_routes(self.config, forwarder),
                    *gateway.routes(),
                    *realtime.routes(),
                    *paired,
                ],
                doors=lambda *asked: door.door(*asked) or gateway.door(*asked),
            ),
            site=Port(emulator.site_port, [*stored, *paired, *site.routes()], site.door),
            guard=guard,
            ids=parts.ids,
            host=emulator.host,
            on_stop=closing,
        )

    def _data_folder(self, stack: AsyncExitStack) -> Path:
        if not self.config.ephemeral:
            return self.config.data_dir
        folder = Path(tempfile.mkdtemp(prefix="cloud-emu-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder


def _waiting(parts: Parts) -> list[Callable[[], Awaitable[None]]]:
    """Return what ends the parts that wait for a moment to come."""
    return [parts.delayed.close, parts.openapi.payments.close]


def _admin_door(
    parts: Parts, guard: Guard, platform: PlatformActions, scope: Scope, config: Config
) -> AdminDoor:
    open_apis = OpenApiActions(parts.openapi, ids=parts.ids, clock=parts.clock)
    unicloud = unicloud_actions(parts, config.functions_root)
    actions = Actions(
        parts.executor,
        parts.functions,
        parts.storage,
        others={**open_apis.table(), **platform.table(), **unicloud},
        stand_ins=platform.stand_ins(),
    )
    return AdminDoor(
        actions,
        ids=parts.ids,
        guard=guard,
        caller_of=parts.functions.caller_of,
        scope=scope,
        signatures=Signatures(LOCAL_SECRETS) if config.emulator.strict else None,
    )


def _platform(parts: Parts, env_id: str, *, api_url: Callable[[], str]) -> PlatformActions:
    return PlatformActions(
        parts.storage,
        parts.openapi.outbox,
        env_id=env_id,
        find_user=parts.identity.auth.users.named,
        sign_socket=parts.identity.auth.administrator_signature,
        api_url=api_url,
    )


async def _cancel(tasks: "set[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
