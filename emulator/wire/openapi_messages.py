"""Owns the protobuf messages that wx-server-sdk packs open API calls into.

Not here: what a call means (`wire.openapi`). The one idea: of protobuf only variable-length
integers and length-delimited fields occur, so a message is a list of (number, value) in both
directions. Numbers and names follow `openapi.proto` as compiled into wx-server-sdk 1.8 to 4.0.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from emulator.core.errors import InvalidParam
from emulator.core.records import dataclass

FIELDS_MAX: Final = 10_000
VARINT_BYTES_MAX: Final = 10
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIDTHS: Final = {_FIXED64: 8, _FIXED32: 4}
_UINT64: Final = (1 << 64) - 1

ApiType = Literal["open", "inner", "svrkit", "token"]
_API_TYPES: Final[Sequence[ApiType]] = ("open", "inner", "svrkit", "token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One argument of an open API: JSON text, or a file when it has a name."""

    key: str
    value: bytes
    file_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiData:
    """CommApiData: the kind of call and what belongs to it."""

    api_type: ApiType = "open"
    pairs: tuple[Pair, ...] = ()
    svrkit_name: str = ""
    svrkit_data: bytes = b""


def read_api_data(data: bytes) -> ApiData:
    """Return a CommApiData message.

    Raises:
        InvalidParam: it is no such message.
    """
    api_type: ApiType = "open"
    pairs: list[Pair] = []
    svrkit: list[tuple[int, int | bytes]] = []
    for number, value in _fields(data):
        if number == 1 and isinstance(value, int) and value < len(_API_TYPES):
            api_type = _API_TYPES[value]
        elif number == 2:
            pairs += [_pair(_bytes(each)) for n, each in _fields(_bytes(value)) if n == 1]
        elif number == 4:
            svrkit = _fields(_bytes(value))
    return ApiData(
        api_type=api_type,
        pairs=tuple(pairs),
        svrkit_name=_text(svrkit, 1),
        svrkit_data=_content(svrkit, 2),
    )


def read_cloud_ids(data: bytes) -> list[str]:
    """Return the `cloudidList` of an ApiGetOpenDataByCloudIdReq."""
    return [_decoded(_bytes(value)) for number, value in _fields(data) if number == 2]


def write_open_data(items: Iterable[tuple[str, bytes]]) -> bytes:
    """Return an ApiGetOpenDataByCloudIdResp of CloudIDs and their JSON."""
    return b"".join(
        _field(1, _field(1, cloud_id.encode()) + _field(2, content)) for cloud_id, content in items
    )


def write_signature(text: str) -> bytes:
    """Return an ApiVoipSignResp or GetCloudCallSignResp."""
    return _field(1, text.encode())


def write_credentials(*, secret_id: str, secret_key: str, token: str) -> bytes:
    """Return an AuthorizationInfo."""
    credentials = b"".join(
        _field(number, text.encode())
        for number, text in enumerate((secret_id, secret_key, token), 1)
    )
    return _field(1, credentials) + _field(2, b"local")


def write_answer(content: bytes, content_type: str) -> bytes:
    """Return a CommOpenApiResp that carries an answer."""
    return _field(1, content) + _field(2, content_type.encode()) + _number(3, 0) + _number(4, 200)


def write_refusal(error_code: int) -> bytes:
    """Return a CommOpenApiResp that carries only the platform's own error code."""
    return _number(3, error_code) + _number(4, 200)


def _fields(data: bytes) -> list[tuple[int, int | bytes]]:
    found: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        value: int | bytes
        if kind == _VARINT:
            value, at = _varint(data, at)
        else:
            length, at = _varint(data, at) if kind == _BYTES else (_WIDTHS.get(kind, -1), at)
            if length < 0 or at + length > len(data):
                raise _malformed()
            value = data[at : at + length]
            at += length
        found.append((number, value))
        if len(found) > FIELDS_MAX:
            raise _malformed()
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(VARINT_BYTES_MAX):
        if at + count >= len(data):
            break
        byte = data[at + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value & _UINT64, at + count + 1
    raise _malformed()


def _pair(data: bytes) -> Pair:
    fields = _fields(data)
    return Pair(key=_text(fields, 1), value=_content(fields, 2), file_name=_text(fields, 4))


def _content(fields: list[tuple[int, int | bytes]], wanted: int) -> bytes:
    """Return the last value of a field, as protobuf says, empty without one."""
    return next((_bytes(value) for number, value in reversed(fields) if number == wanted), b"")


def _text(fields: list[tuple[int, int | bytes]], wanted: int) -> str:
    return _decoded(_content(fields, wanted))


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise _malformed()
    return value


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as fault:
        raise _malformed() from fault


def _field(number: int, content: bytes) -> bytes:
    return _written(number << 3 | _BYTES) + _written(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _written(number << 3 | _VARINT) + _written(value & _UINT64)


def _written(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _malformed() -> InvalidParam:
    return InvalidParam("requestData is not the protobuf message of an open API call")
