"""Owns how other machines find and are let into a suite that listens to the network.

Not here: what lets them in (`wire.pairing`). The one idea: which addresses this machine has is
asked of its routes, which needs no name server and sends nothing.
"""

import ipaddress
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Final
from urllib.parse import urlsplit

from emulator.cli.output import bold, colored, faint

Info = Mapping[str, Any]

_FAR: Final = (
    *("8.8.8.8", "10.255.255.254", "172.31.255.254", "192.168.255.254", "169.254.255.254"),
    *("100.127.255.254", "2001:4860:4860::8888"),
)
"""One address in each kind of network: the route to it begins at an address of ours."""
_ANY_V4: Final = "0.0.0.0"
_ANY: Final = frozenset({_ANY_V4, "::", ""})
_PORT: Final = 9
_BORDER: Final = 2
_BLOCKS: Final = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
"""Two rows of modules a line; on a dark terminal the light ones have to be drawn."""


def links(bound_host: str, api_url: str, path: str) -> list[str]:
    """Return the link for each network that this machine is in."""
    hosts = [bound_host]
    if bound_host in _ANY:
        hosts = [each for each in addresses() if bound_host != _ANY_V4 or ":" not in each]
    port = urlsplit(api_url).port
    return [f"http://{f'[{host}]' if ':' in host else host}:{port}{path}" for host in hosts]


def addresses(far: Sequence[str] = _FAR) -> list[str]:
    """Return the addresses by which other machines reach this one, the usual one first."""
    return list(dict.fromkeys(_own_addresses(far)))


def section(pairing: Info, encoding: str | None = None) -> list[str]:
    """Return what people read of a pairing: the links, the first one as a picture, and the key.

    There is no picture where the terminal's encoding lacks its signs.
    """
    found = list(pairing["links"])
    lines = [bold("Phones and other machines") + faint(" (nobody else is let in)")]
    lines += [f"  {colored(link, 'cyan')}" for link in found]
    if not found:
        lines.append("  this machine is in no network")
    elif _can_show("".join(_BLOCKS.values()), encoding or sys.stdout.encoding):
        lines += [f"  {line}" for line in picture(found[0])]
    lines.append(f"  programs send the header  X-Emu-Pairing: {pairing['key']}")
    return lines


def picture(text: str) -> list[str]:
    """Return a QR code of the text as lines of a terminal."""
    import segno

    code = segno.make_qr(text, error="l")
    rows = [list(row) for row in code.matrix_iter(scale=1, border=_BORDER)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    return [
        "".join(
            _BLOCKS[int(bool(upper)), int(bool(lower))] for upper, lower in zip(*pair, strict=True)
        )
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]


def _can_show(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _own_addresses(far: Sequence[str]) -> Iterator[str]:
    for there in far:
        family = socket.AF_INET6 if ":" in there else socket.AF_INET
        try:
            with closing(socket.socket(family, socket.SOCK_DGRAM)) as route:
                # Of a datagram socket this only chooses the route.
                route.connect((there, _PORT))
                own = str(route.getsockname()[0])
        except OSError:
            continue
        address = ipaddress.ip_address(own.partition("%")[0])
        if not (address.is_loopback or address.is_unspecified or address.is_link_local):
            yield own
