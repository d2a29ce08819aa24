"""Owns COS's own API for the environment's buckets, which manager-node and the CLI upload by.

Not here: what is done with objects (`wire.cos_bucket`), tickets and temporary URLs
(`wire.storage`). The one idea: it stands at the API port, where no hosted page can act as an
administrator, and answers only what carries a signature in its header, which no page can add; a
strict project checks it.
"""

from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web

from emulator.ambient import Ids
from emulator.core.auth_errors import SignatureInvalid
from emulator.core.errors import EmulatorError, StorageDenied, StorageFileNotExist
from emulator.services.call_signatures import CallSignatures
from emulator.wire.cos_bucket import Bucket
from emulator.wire.cos_objects import Objects
from emulator.wire.guard import Guard
from emulator.wire.named_env import FORWARDED_HOST
from emulator.wire.storage import refusal

PREFIX: Final = "/_cos"
_SIGNED: Final = "q-sign-algorithm="


class NoSuchBucket(StorageFileNotExist):
    """The bucket is none of the environment's."""


class CosApi:
    """The buckets of one suite by name."""

    def __init__(
        self,
        buckets: Mapping[str, Objects],
        *,
        ids: Ids,
        guard: Guard,
        signatures: CallSignatures | None = None,
    ) -> None:
        self._buckets = {name: Bucket(name, each, ids) for name, each in buckets.items()}
        self._ids = ids
        self._guard = guard
        self._signatures = signatures

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the bucket and of its objects."""
        return [web.route("*", f"{PREFIX}/{{bucket}}/{{key:.*}}", self.answer)]

    async def close(self) -> None:
        """Forget uploads in parts that were not completed."""
        for bucket in self._buckets.values():
            await bucket.close()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any request, a refusal as COS's XML."""
        try:
            self._guard.require_own_origin(request)
            key = request.match_info["key"]
            self._require_signed(request, key)
            bucket = self._buckets.get(request.match_info["bucket"])
            if bucket is None:
                raise NoSuchBucket(f"the buckets here are {', '.join(self._buckets)}")
            return await bucket.find(request, key)(request, key)
        except EmulatorError as fault:
            return refusal(fault, self._ids.request_id())
        except ConnectionError:
            return web.Response(status=400)  # the client left; nobody hears this

    def _require_signed(self, request: web.Request, key: str) -> None:
        if not request.headers.get(hdrs.AUTHORIZATION, "").startswith(_SIGNED):
            raise StorageDenied("the request carries no signature of COS")
        if self._signatures is None:
            return
        headers = {name.lower(): value for name, value in request.headers.items()}
        headers["host"] = headers.get(FORWARDED_HOST.lower(), headers.get("host", ""))
        try:
            self._signatures.require_object(request.method, f"/{key}", request.query, headers)
        except SignatureInvalid as fault:
            raise StorageDenied(fault.message, hint=fault.hint) from fault
