"""Owns who is let in from other machines when a suite listens to the network: paired devices.

Not here: Host and Origin (`wire.guard`) and who the caller is. The one idea: a link that is shown
on this machine's terminal gives a browser a cookie, and a key that is shown there lets a program
in; whoever has neither reaches nothing. Requests of this machine are as free as ever. The control
API is this machine's alone, and the doors of administrators open to programs with the key only, so
that a link may be shown to a room.
"""

import hmac
import ipaddress
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from emulator.ambient import Clock, Ids
from emulator.services.file_ids import FILE_PATH
from emulator.wire.cors import allowed, preflight_headers
from emulator.wire.envelope import ForeignRequest, PairingRequired, TooManyTries

PATH: Final = "/_emu/pair"
COOKIE: Final = "cloud_emu_pairing"
HEADER: Final = "X-Emu-Pairing"
_HEADER_LOWER: Final = HEADER.lower()
COOKIE_AGE_S: Final = 7 * 86_400
CHAINS_MAX: Final = 10_000
"""Invocations of which is kept by what name their client reached the suite, the newest."""
TRIES_MAX: Final = 60
"""So many wrong links in a minute, of all devices, and none is looked at until it has passed."""
TRIES_WINDOW_S: Final = 60.0
LINK_LENGTH: Final = 10
LINK_SIGNS: Final = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without signs that people take for others; ten different ones are 46 bits."""

_CONTROL: Final = re.compile(r"(?:/e/[^/]*)?/_emu(?:/(?!sdk/|pair\Z)|\Z)")
_ADMINISTRATORS: Final = re.compile(
    r"(?:/e/[^/]*)?/(?:admin|tcb|cgi-bin|wxa|wxaapi|sns)(?:/|\Z)|/__host/"
)
_PAGE: Final = """\
<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Cloud Emu</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1rem}}
p[lang]{{opacity:.75}}</style>
<h1>{title}</h1><p>{text}</p><p lang="zh">{text_zh}</p></html>
"""
_UNPAIRED_PAGE: Final = _PAGE.format(
    title="This device is not paired",
    text="Open the link that <code>cloud-emu start --host …</code> shows in its terminal, or scan "
    "the code there. A link of an earlier start no longer works.",
    text_zh="此设备尚未配对。请打开 <code>cloud-emu start --host …</code> 在终端中显示的链接，"
    "或扫描其二维码。以前启动时的链接已失效。",
)
_PAIRED_PAGE: Final = _PAGE.format(
    title="This device is paired",
    text="The suite now answers it, until the suite stops.",
    text_zh="此设备已配对，在本次运行期间有效。",
)
_PAGE_HEADERS: Final[Mapping[str, str]] = {
    hdrs.CACHE_CONTROL: "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


class Pairing:
    """The pairing of one run of a suite: `link` is for browsers, `key` for programs.

    `bound_host` is where the suite listens; `landing` tells where a paired browser goes on.
    """

    def __init__(
        self,
        *,
        bound_host: str,
        ids: Ids,
        clock: Clock,
        landing: Callable[[], str] = str,
    ) -> None:
        self.link = "".join(LINK_SIGNS[at] for at in ids.sample(len(LINK_SIGNS), LINK_LENGTH))
        self.key = ids.token()
        self._cookie = ids.token()
        self._bound_host = bound_host
        self._clock = clock
        self._landing = landing
        self._wrong: deque[float] = deque(maxlen=TRIES_MAX)
        self._reached: ContextVar[str] = ContextVar("reached", default="")
        self._chains: OrderedDict[str, str] = OrderedDict()

    def routes(self) -> list[web.RouteDef]:
        """Return the route of the link."""
        return [web.get(PATH, self._pair)]

    def path(self) -> str:
        """Return the path of the link, with what makes it one."""
        return f"{PATH}?token={self.link}"

    def require(self, request: web.BaseRequest) -> None:
        """Let pass what comes from this machine or from a paired device.

        Raises:
            PairingRequired: it comes from another machine that is not paired.
            ForeignRequest: only this machine, or a program with the key, may ask for it.
            HTTPException: a browser is told the same as a page, or may go on to ask.
        """
        if self._is_here(request.remote) or _is_own_file(request):
            self._reached.set("")
            return
        self._reached.set(_address_of(request.headers.get(hdrs.HOST, "")))
        # As it was sent: nothing but the route of the link answers exactly this.
        if request.raw_path.partition("?")[0] == PATH and request.method == hdrs.METH_GET:
            return
        has_key = _same(request.headers.get(HEADER, ""), self.key)
        if not has_key and not _same(request.cookies.get(COOKIE, ""), self._cookie):
            raise _refusal(request)
        if _CONTROL.match(request.path):
            raise ForeignRequest(
                "the control API answers programs of its own machine only",
                hint="run cloud-emu there",
            )
        if not has_key and _ADMINISTRATORS.match(request.path):
            raise ForeignRequest(
                "a device that was paired by a link is no administrator",
                hint=f"programs send the key that cloud-emu start shows, as {HEADER}",
            )

    def follow(self, request_id: str, *, asked_by: str) -> None:
        """Have an invocation know this suite by the name that the client of its chain used.

        `asked_by` is the invocation that called it, "" for the request under way.
        """
        host = self._chains.get(asked_by) or self._reached.get()
        if host:
            self._chains[request_id] = host
            if len(self._chains) > CHAINS_MAX:
                self._chains.popitem(last=False)

    def as_reached(self, url: str, request_id: str = "") -> str:
        """Return an address of this suite by the name that the request under way used for it.

        For an invocation it is the name that the client of its chain used.
        """
        host = self._chains.get(request_id) or self._reached.get()
        return f"http://{host}:{urlsplit(url).port}" if host and url else url

    def _is_here(self, peer: str | None) -> bool:
        address = _ip(peer or "")
        # Bound to one address, a suite hears this machine from that address.
        return address is not None and (address.is_loopback or address == _ip(self._bound_host))

    async def _pair(self, request: web.Request) -> web.StreamResponse:
        now_s = self._clock.elapsed_s()
        wrong = self._wrong
        if len(wrong) == TRIES_MAX and now_s - wrong[0] < TRIES_WINDOW_S:
            raise TooManyTries(
                f"{TRIES_MAX} wrong links were opened within a minute", hint="wait for a minute"
            )
        if not _same(request.query.get("token", ""), self.link):
            wrong.append(now_s)
            raise _refusal(request)
        landing = self.as_reached(self._landing())
        response = web.Response(text=_PAIRED_PAGE, content_type="text/html", headers=_PAGE_HEADERS)
        if landing:
            # On to another address: this one is not to stay where it can be read.
            response.set_status(303)
            response.headers[hdrs.LOCATION] = f"{landing}/"
        response.set_cookie(
            COOKIE, self._cookie, max_age=COOKIE_AGE_S, httponly=True, samesite="Lax", path="/"
        )
        return response


def without_proof(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the headers of a request without what lets a device in; user code needs none of it."""
    shown = []
    for name, value in headers.items():
        kept, known = value, name.lower()
        if known == "cookie" and COOKIE in value:
            parts = (part.strip() for part in value.split(";"))
            kept = "; ".join(part for part in parts if not part.startswith(f"{COOKIE}="))
        if kept and known != _HEADER_LOWER:
            shown.append((name, kept))
    return shown


def _refusal(request: web.BaseRequest) -> Exception:
    """Return the error for a device that is not paired, in the form that it understands."""
    if (
        request.method == hdrs.METH_OPTIONS
        and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    ):
        # Browsers ask this without cookies; it lets nothing in.
        return web.HTTPNoContent(headers=preflight_headers(request))
    if request.method == hdrs.METH_GET and "text/html" in request.headers.get(hdrs.ACCEPT, ""):
        headers = {**_PAGE_HEADERS, **allowed(request)}
        return web.HTTPUnauthorized(text=_UNPAIRED_PAGE, content_type="text/html", headers=headers)
    return PairingRequired(
        "this device is not paired with the suite",
        hint=f"open the link that cloud-emu start shows, or send its key as {HEADER}",
    )


def _is_own_file(request: web.BaseRequest) -> bool:
    """Tell whether this machine, by an address it shows to others, asks for a file by its ticket.

    Code of functions does so with an address that was made for the client who called it.
    """
    if request.method != hdrs.METH_GET or not request.path.startswith(f"{FILE_PATH}/"):
        return False
    ours = request.get_extra_info("sockname")
    return bool(ours) and _ip(ours[0]) is not None and _ip(ours[0]) == _ip(request.remote or "")


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _address_of(host: str) -> str:
    """Return the address of a Host header as it stands in a URL, "" for a name."""
    name = host.rpartition(":")[0] if re.search(r":\d+\Z", host) else host
    return name if _ip(name.strip("[]")) is not None else ""
