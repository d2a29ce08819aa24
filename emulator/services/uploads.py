"""Owns an upload: what a client is given for one, and one on its way in.

Not here: who may upload where (`services.storage`) and the bytes' place (`stores`).
"""

from collections.abc import Callable
from typing import Final

from emulator.core.errors import RequestTooLarge
from emulator.core.records import dataclass
from emulator.stores.base import BlobInfo, BlobWriter

UPLOAD_BYTES_MAX: Final = 5 * 1024**3
"""COS takes this much in one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadTicket:
    """What a client needs to upload one file; every field is ASCII but `file_id`."""

    url: str
    token: str
    authorization: str
    file_id: str
    cos_file_id: str
    download_url: str


class Upload:
    """A file on its way in; a failed or unfinished one leaves no trace."""

    def __init__(self, writer: BlobWriter, announce: Callable[[BlobInfo], None]) -> None:
        self._writer = writer
        self._announce = announce
        self._size_bytes = 0

    async def write(self, chunk: bytes | memoryview) -> None:
        """Append bytes.

        Raises:
            RequestTooLarge: that is more than one file may have.
            StoreError: the store takes no more.
        """
        self._size_bytes += len(chunk)
        if self._size_bytes > UPLOAD_BYTES_MAX:
            raise RequestTooLarge(f"a file may have {UPLOAD_BYTES_MAX} bytes, this one has more")
        await self._writer.write(chunk)

    async def commit(self) -> BlobInfo:
        """Make the file visible and tell the triggers; raises StoreError when the disk refuses."""
        info = await self._writer.commit()
        self._announce(info)
        return info

    async def abort(self) -> None:
        """Forget the bytes; does nothing after `commit`."""
        await self._writer.abort()
