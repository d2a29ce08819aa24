"""Owns which part of a file a request gets, if any: conditions and byte ranges of RFC 9110.

Not here: reading or sending it. The one idea: the request's headers and three facts about the file
give a status and a slice; several ranges in one request are answered with the whole file, which the
RFC allows and no client of the SDKs asks for.
"""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime
from typing import Final

from emulator.core.records import dataclass

OK: Final = 200
PARTIAL: Final = 206
NOT_MODIFIED: Final = 304
PRECONDITION_FAILED: Final = 412
NOT_SATISFIABLE: Final = 416

_RANGE: Final = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a request's conditions are about; `tag` is the entity tag without its quotes."""

    tag: str
    updated_ms: int
    size_bytes: int

    def headers(self) -> dict[str, str]:
        """Return the headers that let a client ask with conditions and ranges next time."""
        return {
            "ETag": f'"{self.tag}"',
            "Last-Modified": formatdate(self.updated_ms // 1000, usegmt=True),
            "Accept-Ranges": "bytes",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the request gets: a status and so many bytes from `start`."""

    status: int
    start: int = 0
    size_bytes: int = 0

    def headers(self, facts: Facts) -> dict[str, str]:
        """Return the headers that say which part of the file this is."""
        if self.status == PARTIAL:
            end = self.start + self.size_bytes - 1
            return {"Content-Range": f"bytes {self.start}-{end}/{facts.size_bytes}"}
        if self.status == NOT_SATISFIABLE:
            return {"Content-Range": f"bytes */{facts.size_bytes}"}
        return {}


def select(headers: Mapping[str, str], method: str, facts: Facts) -> Selection:
    """Return what a GET or HEAD request with these headers gets, in the RFC's order."""
    if not _preconditions_hold(headers, facts):
        return Selection(status=PRECONDITION_FAILED)
    if _is_known(headers, facts):
        return Selection(status=NOT_MODIFIED)
    wanted = headers.get("Range")
    if wanted is None or method != "GET" or not _range_counts(headers.get("If-Range"), facts):
        return Selection(status=OK, size_bytes=facts.size_bytes)
    return _select_range(wanted, facts.size_bytes)


def _preconditions_hold(headers: Mapping[str, str], facts: Facts) -> bool:
    tags = headers.get("If-Match")
    if tags is not None:
        return _lists(tags, facts.tag, weak=False)
    since_s = _seconds(headers.get("If-Unmodified-Since"))
    return since_s is None or facts.updated_ms // 1000 <= since_s


def _is_known(headers: Mapping[str, str], facts: Facts) -> bool:
    tags = headers.get("If-None-Match")
    if tags is not None:
        return _lists(tags, facts.tag, weak=True)
    since_s = _seconds(headers.get("If-Modified-Since"))
    return since_s is not None and facts.updated_ms // 1000 <= since_s


def _range_counts(condition: str | None, facts: Facts) -> bool:
    if condition is None:
        return True
    if condition.startswith('"'):
        return condition == f'"{facts.tag}"'
    return _seconds(condition) == facts.updated_ms // 1000


def _select_range(wanted: str, size_bytes: int) -> Selection:
    found = _RANGE.fullmatch(wanted.strip())
    if found is None or not (found[1] or found[2]):
        return Selection(status=OK, size_bytes=size_bytes)
    if not found[1]:
        start, end = max(0, size_bytes - int(found[2])), size_bytes
    else:
        start = int(found[1])
        end = min(int(found[2]) + 1, size_bytes) if found[2] else size_bytes
        if found[2] and int(found[2]) < start:
            return Selection(status=OK, size_bytes=size_bytes)
    if start >= end:
        return Selection(status=NOT_SATISFIABLE)
    return Selection(status=PARTIAL, start=start, size_bytes=end - start)


def _lists(tags: str, tag: str, *, weak: bool) -> bool:
    known = {each.strip() for each in tags.split(",")}
    return "*" in known or f'"{tag}"' in known or (weak and f'W/"{tag}"' in known)


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp())
