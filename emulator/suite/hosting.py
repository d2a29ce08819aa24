"""Owns what the site port answers beside file transfers: the client script, functions, the site.

Not here: either of them (`wire.http_access`, `wire.hosting`). The one idea: what no function
listens to is the site's, and what the site has no file for may be a function's, by a rewrite.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from aiohttp import web

from emulator.config import Config
from emulator.functions.base import TriggerConfig
from emulator.functions.reload import FolderWatcher
from emulator.functions.triggers.http import compile_http
from emulator.services.file_ids import FILE_PATH, UPLOAD_PATH
from emulator.services.hosting import DEPLOYED_FOLDER, Hosting, Mount
from emulator.services.http_routes import HttpRoute
from emulator.suite.assembly import Parts
from emulator.wire import sdk_files
from emulator.wire.hosting import HostedSite
from emulator.wire.http_access import HttpAccess
from emulator.wire.short_way import Door

_NOT_OF_FUNCTIONS: Final = ("/_", UPLOAD_PATH, FILE_PATH)
"""How paths begin that other routes may take before any function hears of them."""


class Site:
    """The site of one suite."""

    def __init__(self, config: Config, parts: Parts, *, api_url: Callable[[], str]) -> None:
        hosting = config.hosting
        self._api_url = api_url
        self._mounts = _mounts(config)
        self._rewrites = {
            (rewrite.function, rewrite.prefix): HttpRoute(
                rewrite.function,
                "rewrite",
                compile_http(
                    TriggerConfig(name="rewrite", kind="http", config={"path": rewrite.prefix})
                ),
            )
            for rewrite in hosting.rules.rewrites
        }
        self._hosted = HostedSite(
            Hosting(self._mounts, hosting.rules, private=config.data_dir),
            self._call,
            ids=parts.ids,
            watch=self._watch if hosting.live_reload and self._mounts else None,
        )
        self._access = HttpAccess(
            parts.functions,
            parts.http_routes,
            ids=parts.ids,
            env_id=config.emulator.env,
            caller_of=parts.identity.auth.caller,
            domains=config.http.domains,
            otherwise=self._hosted.answer,
        )

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, the last of which takes every path that no other has."""
        scripts = sdk_files.routes(self._api_url)
        return [*scripts, *self._hosted.routes(), *self._access.routes()]

    def door(self, method: str, path: str) -> Door | None:
        """Return what answers a request that arrives whole, if that is a function."""
        return None if path.startswith(_NOT_OF_FUNCTIONS) else self._access.door(method, path)

    async def close(self) -> None:
        """End what waits for saved files."""
        await self._hosted.close()

    async def _call(self, function: str, prefix: str, request: web.Request) -> web.StreamResponse:
        return await self._access.call(self._rewrites[function, prefix], request)

    def _watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        loop = asyncio.get_running_loop()
        watchers = [
            FolderWatcher(mount.folder, lambda _: changed(), loop=loop) for mount in self._mounts
        ]
        for watcher in watchers:
            watcher.start()

        def close() -> None:
            for watcher in watchers:
                watcher.close()

        return close


def _mounts(config: Config) -> list[Mount]:
    if config.only is not None and "hosting" not in config.only.services:
        return []
    hosting, deployed = config.hosting, Mount(folder=config.data_dir / DEPLOYED_FOLDER)
    if config.hosting.root is None:
        return [deployed]
    return [Mount(folder=config.hosting.root, prefix=hosting.prefix), deployed]
