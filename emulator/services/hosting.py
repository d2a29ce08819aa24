"""Owns what a hosted site answers on a path: a file, another address, a function, or a refusal.

Not here: sending it (`wire.hosting`) and putting files there (`services.deploying`). The one idea:
a site's rules are data, asked in the platform's order: lists of who may come, redirects by prefix,
the file or the folder's index document, functions, redirects by error code, the error document.
Files are looked up on the disk each time, so a saved page is live. Platform: 管理静态托管; COS's
routing rules for what it leaves out.
"""

import ipaddress
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote, urlsplit

from emulator.core.records import dataclass

INDEX_DEFAULT: Final = "index.html"
NAME_LENGTH_MAX: Final = 255
"""Characters of a hosted file's path, as on the platform."""
DEPLOYED_FOLDER: Final = "hosting"
"""Below the data folder: what was deployed."""
NOT_FOUND: Final = 404
FORBIDDEN: Final = 403
SERVED_HIDDEN: Final = ".well-known"
"""The only name with a leading dot that is served; `.git` and `.env` belong to nobody else."""

_UNFIT: Final = re.compile(
    r"[\x00-\x1f\x7f\\:*?\"<>|]|[. ]\Z|\A(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|\Z)",
    re.IGNORECASE,
)
"""Names that are a place, a device or another name on some system; they are served on none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """Paths that start with `prefix`, or are answered with `error_code` ("404", "4xx"), moved.

    `replacement` takes the place of the prefix, or of the whole path after an error.
    """

    replacement: str
    prefix: str | None = None
    error_code: str | None = None

    def target(self, key: str) -> str:
        """Return the path that a path is sent to."""
        return self.replacement + (key[len(self.prefix) :] if self.prefix is not None else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRule:
    """How long browsers may keep files: `match` is `.suffix`, `folder/`, a file or `*`."""

    match: str
    max_age_s: int

    def holds_for(self, key: str) -> bool:
        """Tell whether the rule speaks of a file."""
        if self.match == "*":
            return True
        if self.match.startswith(".") and "/" not in self.match:
            return key.endswith(self.match)
        return key.startswith(self.match) if self.match.endswith("/") else key == self.match


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """A function answers what no file does, below a path that starts with a slash."""

    prefix: str
    function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitors:
    """Who is let in: hosts of the Referer (with `*`) and addresses or networks."""

    allow_referers: tuple[str, ...] = ()
    deny_referers: tuple[str, ...] = ()
    without_referer: bool = True
    allow_addresses: tuple[str, ...] = ()
    deny_addresses: tuple[str, ...] = ()

    def admit(self, referer: str, address: str) -> bool:
        """Tell whether a visitor is let in; an empty list lets all in or none out."""
        return self._admits_referer(referer) and self._admits_address(address)

    def _admits_referer(self, referer: str) -> bool:
        if not (self.allow_referers or self.deny_referers):
            return True
        host = _host_of(referer)
        if not host:
            return self.without_referer
        if any(fnmatchcase(host, each.lower()) for each in self.deny_referers):
            return False
        allowed = self.allow_referers
        return not allowed or any(fnmatchcase(host, each.lower()) for each in allowed)

    def _admits_address(self, address: str) -> bool:
        if _is_among(address, self.deny_addresses):
            return False
        return not self.allow_addresses or _is_among(address, self.allow_addresses)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRules:
    """The rules of one site; with `spa` the index answers what is no file."""

    index: str = INDEX_DEFAULT
    error: str | None = None
    error_status: int = NOT_FOUND
    spa: bool = False
    redirects: tuple[Redirect, ...] = ()
    cache: tuple[CacheRule, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    visitors: Visitors = field(default_factory=Visitors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A folder whose files are hosted below a path, which is "" or ends in a slash."""

    folder: Path
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A file is the answer; `key` is its path on the site, `max_age_s` None without a rule."""

    file: Path
    key: str
    status: int = 200
    max_age_s: int | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """Another path of the site is the answer, as a Location header says it."""

    location: str


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no answer but a status; `reason` is for the developer."""

    status: Literal[403, 404]
    reason: str


Verdict = Page | Moved | Rewrite | Refused


class Hosting:
    """The site of one environment; of two mounts with the same file the first has it.

    Nothing below `private`, the data folder, is served but what is mounted from there.
    """

    def __init__(self, mounts: Sequence[Mount], rules: SiteRules, *, private: Path) -> None:
        self._mounts = tuple(mounts)
        self._rules = rules
        self._private = Path(os.path.realpath(private))

    def find(self, path: str, *, referer: str = "", address: str = "") -> Verdict:
        """Return what the site answers on a decoded path that starts with a slash."""
        rules, key = self._rules, path.removeprefix("/")
        if not rules.visitors.admit(referer, address):
            return Refused(FORBIDDEN, "the site's lists of referers and addresses keep it out")
        for rule in rules.redirects:
            if rule.prefix is not None and key.startswith(rule.prefix):
                return Moved(_location(rule.target(key)))
        page = self._page(key)
        if page is not None:
            return page
        if key and not key.endswith("/") and self._page(f"{key}/") is not None:
            return Moved(_location(f"{key}/"))
        for rewrite in rules.rewrites:
            below = rewrite.prefix.rstrip("/")
            if path == below or path.startswith(f"{below}/"):
                return rewrite
        return self._missing(key)

    def _page(self, key: str, *, status: int = 200) -> Page | None:
        name = key + self._rules.index if not key or key.endswith("/") else key
        for file in self._places(name):
            return Page(file, name, status, self._max_age_s(name))
        return None

    def _places(self, name: str) -> Iterator[Path]:
        """Yield the files that a path names, the first mount's first."""
        if not is_hosted_name(name):
            return
        for mount in self._mounts:
            if not name.startswith(mount.prefix):
                continue
            root = os.path.realpath(mount.folder)
            found = Path(os.path.realpath(os.path.join(root, name[len(mount.prefix) :])))  # noqa: PTH118  # beside realpath
            if found.is_relative_to(root) and self._is_public(found, Path(root)):
                yield found

    def _is_public(self, file: Path, root: Path) -> bool:
        inside = file.is_relative_to(self._private) and not root.is_relative_to(self._private)
        if inside or any(_is_hidden(part) for part in file.relative_to(root).parts):
            return False
        try:
            return stat.S_ISREG(file.stat().st_mode)
        except (OSError, ValueError):
            return False

    def _missing(self, key: str) -> Verdict:
        rules = self._rules
        for rule in rules.redirects:
            if rule.error_code in ("404", "4xx") and rule.target(key) != key:
                return Moved(_location(rule.target(key)))
        # A script that is missing is better missing: as a page it would be a riddle.
        if rules.spa and "." not in key.rpartition("/")[2]:
            page = self._page("")
            if page is not None:
                return page
        if rules.error is not None:
            page = self._page(rules.error, status=rules.error_status)
            if page is not None:
                return page
        return Refused(NOT_FOUND, f"there is no file {ascii(key)[:200]}")

    def _max_age_s(self, key: str) -> int | None:
        """Return what the last rule that speaks of the file says, as rules override upwards."""
        for rule in reversed(self._rules.cache):
            if rule.holds_for(key):
                return rule.max_age_s
        return None


def is_hosted_name(name: str) -> bool:
    """Tell whether a file of this path can be hosted, on any system."""
    if len(name) > NAME_LENGTH_MAX:
        return False
    return not any(
        not part or _is_hidden(part) or _UNFIT.search(part) is not None for part in name.split("/")
    )


def _is_hidden(part: str) -> bool:
    return part.startswith(".") and part != SERVED_HIDDEN


def _location(key: str) -> str:
    # One slash: two would name a host.
    return "/" + quote(key.lstrip("/"), safe="/~!$&'()*+,;=:@")


def _host_of(referer: str) -> str:
    try:
        return (urlsplit(referer).hostname or "").lower()
    except ValueError:
        return ""


def _is_among(address: str, networks: Sequence[str]) -> bool:
    if not networks:
        return False
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in ipaddress.ip_network(each, strict=False) for each in networks)
