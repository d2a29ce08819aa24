"""Owns which requests a local server may answer at all: Host and Origin.

Not here: who the caller is. The one idea: any website can make a browser send requests to this
machine. A name that was rebound to 127.0.0.1 shows in the Host header, a page of another origin in
the Origin header; programs other than browsers send no Origin.
"""

import ipaddress
from collections.abc import Collection
from typing import Final

from aiohttp import hdrs, web

from emulator.wire.envelope import ForeignRequest
from emulator.wire.pairing import Pairing

CLOUD_HOST_SUFFIXES: Final = (".tencentcloudapi.com", ".tencentyun.com", ".tcloudbasegateway.com")
"""Requests that an SDK meant for the cloud and that a hook or proxy sent here keep their Host."""

HOSTS_REMEMBERED_MAX: Final = 64


class Guard:
    """The checks of one suite; `hosts` are further names it goes by, such as a container's.

    With a `pairing` other machines are let in only when paired.
    """

    def __init__(
        self,
        *,
        bound_host: str,
        hosts: Collection[str] = (),
        origins: Collection[str] = (),
        pairing: Pairing | None = None,
    ) -> None:
        self._pairing = pairing
        self._hosts = {"localhost", bound_host.lower(), *(host.lower() for host in hosts)}
        self._origins = frozenset(origins)
        self._any_address = not is_loopback(bound_host)
        self._admitted: set[str | None] = {None}

    def require_host(self, request: web.BaseRequest) -> None:
        """Let pass what was addressed to this suite by who may.

        Raises:
            ForeignRequest: the Host header names something else.
            PairingRequired: it comes from another machine that is not paired.
        """
        host = request.headers.get(hdrs.HOST)
        if not self.admits(host):
            raise ForeignRequest(
                f"the request is for {host!r:.100}, which is not a name of this suite",
                hint="use http://127.0.0.1 or allow the name in the configuration",
            )

        if self._pairing is not None:
            self._pairing.require(request)

    def admits_by_host(self, host: str | None) -> bool:
        """Tell whether the Host header alone decides, and says that the request is for us."""
        return self._pairing is None and self.admits(host)

    def admits(self, host: str | None) -> bool:
        """Tell whether a Host header, or the lack of one, names this suite."""
        if host in self._admitted:
            return True
        if host is None or not self._is_ours(_without_port(host).lower()):
            return False
        if len(self._admitted) < HOSTS_REMEMBERED_MAX:
            self._admitted.add(host)
        return True

    def require_own_origin(self, request: web.BaseRequest) -> None:
        """Let pass what no page of another origin sent.

        Raises:
            ForeignRequest: a browser sent it for some other site.
        """
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or origin in self._origins:
            return
        if origin.partition("://")[2] != request.headers.get(hdrs.HOST):
            raise ForeignRequest(
                f"a page of {origin!r:.100} sent the request; only this suite's own pages may"
            )

    def _is_ours(self, host: str) -> bool:
        if host in self._hosts or host.endswith((".localhost", *CLOUD_HOST_SUFFIXES)):
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return address.is_loopback or self._any_address


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a suite that listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
