"""Owns the cloud's bounds as data: one record for each profile.

Not here: who keeps to a bound; each is refused where it is met. The one idea: a number the cloud
documents has one name and one place, with its unit, and profiles differ in nothing but data.

Sources: the platform's pages on system limits, index management and naming; MongoDB 4.0 for what
they leave out. Where a profile's own number is not published, it has the WeChat one.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from emulator.core.commands import QUERY_LIMIT_DEFAULT_DOCUMENTS, QUERY_LIMIT_MAX_DOCUMENTS
from emulator.core.documents import DOCUMENT_SIZE_MAX_BYTES, NESTING_MAX_LEVELS
from emulator.core.records import dataclass

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the cloud allows.

    `client_` is a program on a phone or in a browser; without it a server's. An index's key is what
    one document has in it. `aggregate_` bounds what a pipeline answers without a `$limit` of its
    own and with one; no page tells, developers found out. An asynchronous event is that of a call
    nobody waits for; `client_function_result` bounds what goes to a mini program.
    """

    client_query_default_documents: int = 20
    client_query_max_documents: int = 20
    query_default_documents: int = QUERY_LIMIT_DEFAULT_DOCUMENTS
    query_max_documents: int = QUERY_LIMIT_MAX_DOCUMENTS
    aggregate_default_documents: int = 20
    aggregate_max_documents: int = 10_000
    document_max_bytes: int = DOCUMENT_SIZE_MAX_BYTES
    nesting_max_levels: int = NESTING_MAX_LEVELS
    result_max_bytes: int = 16 * MIB
    collections_max: int = 100
    collection_name_max_characters: int = 64
    indexes_max: int = 20
    index_fields_max: int = 31
    index_name_max_characters: int = 128
    index_key_max_bytes: int = 1024
    function_event_max_bytes: int = 6 * MIB
    function_asynchronous_event_max_bytes: int = 128 * 1024
    function_result_max_bytes: int = 6 * MIB
    client_function_result_max_bytes: int = MIB


WECHAT: Final = Limits()
PROFILES: Final[Mapping[str, Limits]] = {
    "wechat": WECHAT,
    "cloudbase": replace(
        WECHAT,
        client_query_default_documents=100,
        client_query_max_documents=1000,
        collections_max=800,
        client_function_result_max_bytes=6 * MIB,
    ),
    "alipay": replace(
        WECHAT, client_query_max_documents=100, client_function_result_max_bytes=6 * MIB
    ),
}
"""By the name a project's configuration gives as its profile."""
