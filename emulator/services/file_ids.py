"""Owns what a cloud path may be, and the file ids and URLs that name the same file.

Not here: whether there is such a file (`services.storage`). The one idea: a path is checked once,
on its way in, against a table of reasons; it is a name and never a place on a disk. The limits are
the platform's (文件名命名限制) and COS's for object keys; `..` is refused as well, because
whoever exports files into a folder would follow it.
"""

import re
from collections.abc import Callable
from typing import Final

from emulator.core.errors import InvalidName
from emulator.core.records import dataclass

CLOUD_PATH_BYTES_MAX: Final = 850
SCHEME: Final = "cloud://"
ACCOUNT: Final = "1250000000"
"""The account of Tencent Cloud that the environment would be of; nobody has it."""
UPLOAD_PATH: Final = "/_storage/upload"
FILE_PATH: Final = "/_storage/file"
URL_NAME_LENGTH_MAX: Final = 100

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_SEPARATORS: Final = re.compile(r"[/\\]")
_NOT_IN_URLS: Final = re.compile(r"[^A-Za-z0-9._-]")

_REFUSALS: Final[tuple[tuple[Callable[[str], bool], str], ...]] = (
    (lambda path: not path, "it is empty"),
    (lambda path: path.startswith(SCHEME), "it is a file id; give the part after the bucket"),
    (lambda path: path.startswith(("/", "\\")), "it starts with a slash"),
    (lambda path: "//" in path, "it has an empty part (//)"),
    (lambda path: _CONTROL.search(path) is not None, "it has a control character"),
    (lambda path: ".." in _SEPARATORS.split(path), "it has a part that is `..`"),
    (lambda path: _size_bytes(path) is None, "it is not Unicode text"),
    (
        lambda path: (_size_bytes(path) or 0) > CLOUD_PATH_BYTES_MAX,
        f"it is longer than {CLOUD_PATH_BYTES_MAX} bytes in UTF-8",
    ),
)


def check_cloud_path(cloud_path: object) -> str:
    """Return the path when the cloud takes it.

    Raises:
        InvalidName: it does not; the message says why.
    """
    if not isinstance(cloud_path, str):
        raise InvalidName("the cloud path is not a text", hint='give one like "images/a.png"')
    for refuses, reason in _REFUSALS:
        if refuses(cloud_path):
            shown = ascii(cloud_path[:80])
            raise InvalidName(
                f"the cloud path {shown} is not allowed: {reason}",
                hint='give one like "images/a.png"',
            )
    return cloud_path


def bucket_of(env_id: str) -> str:
    """Return the name of an environment's bucket, in the platform's manner."""
    return f"{env_id[:2].encode().hex()}-{env_id}-{ACCOUNT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where an environment's files are found; the site's port is known once it listens.

    The SDKs encode the URLs they are given once more and add to their end, so there are only
    ASCII letters, digits and marks in them that stay as they are, and no query. `site_url` is given
    the id of the invocation that asks, "" for none, since clients know the site by different names.
    """

    env_id: str
    bucket: str
    site_url: Callable[[str], str]

    def file_id(self, cloud_path: str) -> str:
        """Return the file id of a path."""
        return f"{SCHEME}{self.env_id}.{self.bucket}/{cloud_path}"

    def upload_url(self) -> str:
        """Return the URL that takes uploads; which file one is tells its ticket."""
        return self.site_url("") + UPLOAD_PATH

    def file_url(self, cloud_path: str, ticket: str, request_id: str = "") -> str:
        """Return the URL of a file, ending in a name that shows its extension."""
        name = _NOT_IN_URLS.sub("_", cloud_path.rpartition("/")[2])[-URL_NAME_LENGTH_MAX:]
        # Clients drop a last part of one or two dots before they ask.
        site = self.site_url(request_id)
        return f"{site}{FILE_PATH}/{ticket}/{name if name.strip('.') else 'file'}"


def path_of(file_id: object) -> str:
    """Return the cloud path of a file id, whatever environment and bucket it names.

    Data that was exported from another environment holds that environment's ids.

    Raises:
        InvalidName: it is no file id.
    """
    if not isinstance(file_id, str) or not file_id.startswith(SCHEME):
        raise InvalidName(
            f"{ascii(file_id)[:100]} is not a file id", hint="file ids start with cloud://"
        )
    authority, _, cloud_path = file_id.removeprefix(SCHEME).partition("/")
    if not authority:
        raise InvalidName(f"the file id {ascii(file_id)[:100]} names no environment")
    return check_cloud_path(cloud_path)


def _size_bytes(text: str) -> int | None:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return None
