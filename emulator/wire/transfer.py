"""Owns the part of the control API by which collections come and go as files, streamed both ways.

Not here: formats and modes (`services.interchange`, `services.importing`). The one idea: a file's
bytes are handed on as they come; nothing here knows how long it is.
"""

from collections.abc import AsyncIterator
from typing import Final, cast
from urllib.parse import quote

from aiohttp import ClientPayloadError, web

from emulator.core.errors import InvalidCommonParam
from emulator.services.exporting import Exporting
from emulator.services.importing import Imported, Importing, Mode
from emulator.wire.control import guarded
from emulator.wire.control_json import Json, answer

FORMAT_DEFAULT: Final = "jsonl"
MODE_DEFAULT: Final = "insert"
_CONTENT_TYPES: Final = {"jsonl": "application/x-ndjson", "csv": "text/csv"}


def routes(importing: Importing, exporting: Exporting) -> list[web.RouteDef]:
    """Return the routes of imports and exports."""

    async def take_in(request: web.Request) -> web.StreamResponse:
        imported = await importing.load(
            request.match_info["name"],
            _chunks(request),
            file_format=request.query.get("format", FORMAT_DEFAULT),
            mode=cast("Mode", request.query.get("mode", MODE_DEFAULT)),
        )
        return answer(_told(imported))

    async def give_out(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        file_format = request.query.get("format", FORMAT_DEFAULT)
        chunks = exporting.stream(name, file_format=file_format)
        file_name = quote(f"{name}.{file_format}", safe="")
        response = web.StreamResponse(
            headers={
                "Content-Type": _CONTENT_TYPES[file_format],
                "Content-Disposition": f"attachment; filename*=UTF-8''{file_name}",
                "Cache-Control": "no-store",
            }
        )
        await response.prepare(request)
        async for chunk in chunks:
            await response.write(chunk)
        return response

    return [
        web.post("/_emu/collections/{name}/import", guarded(take_in)),
        web.get("/_emu/collections/{name}/export", guarded(give_out)),
    ]


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.content.iter_any():
            yield chunk
    except (web.RequestPayloadError, ClientPayloadError, ConnectionError) as fault:
        raise InvalidCommonParam(f"the file could not be read to its end: {fault}") from fault


def _told(imported: Imported) -> Json:
    return {
        "collection": imported.collection,
        "inserted": imported.inserted,
        "replaced": imported.replaced,
        "conflicts": imported.conflicts,
        "failed": imported.failed,
        "problems": [{"line": each.line, "message": each.problem} for each in imported.problems],
    }
