"""Owns what a request of a user becomes: whose documents, `{openid}` filled in, `_openid` set.

Not here: whether the request is allowed (`services.access`). The one idea: plain functions from a
filter, a pipeline or a document to another one; what was handed in is never changed.
"""

from collections.abc import Mapping
from typing import Final

from emulator.core.values import MISSING, Document, Filter, ObjectId, Value
from emulator.services.caller import Caller

OWNER: Final = "_openid"
"""The field that says who made a document; users cannot write it."""

_TEMPLATES: Final[Mapping[str, str]] = {"{openid}": "owner_id", "{uid}": "uid"}
_HOLDERS: Final = frozenset({str, dict, list})
_IDS: Final = frozenset({str, int, float, ObjectId})


def auth_of(caller: Caller) -> Value:
    """Return what rules see as `auth`, None for a caller who is not signed in."""
    said: Document = {}
    if caller.openid:
        said["openid"] = caller.openid
    if caller.uid:
        said["uid"] = caller.uid
    if not said:
        return None
    if caller.login_type:
        said["loginType"] = caller.login_type
    return said


def filled(value: Value, caller: Caller) -> Value:
    """Return a filter in which `{openid}` and `{uid}` stand for the caller's own.

    It is the same object where neither occurs. A caller without a uid is known by the openid.
    """
    kind = type(value)
    if kind is str:
        if value in _TEMPLATES and caller.owner_id:
            return getattr(caller, _TEMPLATES[value]) or caller.owner_id
    elif kind is dict:
        changed: Document = {}
        for key, each in value.items():
            # Most values are plain; they are passed over without a call.
            if type(each) in _HOLDERS and (other := filled(each, caller)) is not each:
                changed[key] = other
        return {**value, **changed} if changed else value
    elif kind is list:
        found = [filled(each, caller) for each in value]
        same = all(one is other for one, other in zip(found, value, strict=True))
        return value if same else found
    return value


def own(filter_: Filter, owner: str) -> Document:
    """Return the filter for documents of this owner alone, whatever owner it named itself."""
    return {**filter_, OWNER: owner}


def pinned(filter_: Filter) -> Value:
    """Return the `_id` of a filter that names one document and says nothing else, else None."""
    if len(filter_) == 1:
        document_id = filter_.get("_id")
        if type(document_id) in _IDS:
            return document_id
    return None


def first_filter(pipeline: tuple[Document, ...]) -> Document:
    """Return the condition that a pipeline begins with, empty when it begins otherwise."""
    for name, place in (("$match", None), ("$geoNear", "query")):
        if pipeline and name in pipeline[0]:
            found = pipeline[0][name]
            if place is not None and isinstance(found, dict):
                found = found.get(place) or {}
            return found if isinstance(found, dict) else {}
    return {}


def with_first_filter(pipeline: tuple[Document, ...], filter_: Document) -> tuple[Document, ...]:
    """Return the pipeline with another condition at its beginning."""
    if pipeline and "$geoNear" in pipeline[0] and isinstance(pipeline[0]["$geoNear"], dict):
        return ({"$geoNear": {**pipeline[0]["$geoNear"], "query": filter_}}, *pipeline[1:])
    if pipeline and "$match" in pipeline[0]:
        return ({"$match": filter_}, *pipeline[1:])
    return ({"$match": filter_}, *pipeline) if filter_ else pipeline


def written(update: Document, *, whole: bool) -> Document:
    """Return what rules see as `request.data` of an update: its values where they will stand.

    Operators other than `$set` show as themselves: `{"count": {"$inc": 1}}`.
    """
    if whole:
        return dict(update)
    data: Document = {}
    for operator, fields in update.items():
        if not isinstance(fields, dict):
            continue
        for path, value in fields.items():
            *above, last = path.split(".")
            place = data
            for part in above:
                inner = place.get(part)
                if not isinstance(inner, dict):
                    inner = place[part] = {}
                place = inner
            place[last] = value if operator in ("$set", "$setOnInsert") else {operator: value}
    return data


def owner_written(update: Document, *, whole: bool) -> Value:
    """Return the owner that an update writes, MISSING if it leaves the field alone.

    Anything but a plain value in its place comes as None, which is nobody's.
    """
    if whole:
        return update.get(OWNER, MISSING)
    for operator, fields in update.items():
        if not isinstance(fields, dict):
            continue
        for path, value in fields.items():
            if operator == "$rename" and _is_owner(str(value)):
                return None
            if _is_owner(path):
                return value if operator == "$set" and path == OWNER else None
    return MISSING


def _is_owner(path: str) -> bool:
    return path == OWNER or path.startswith(f"{OWNER}.")
