"""Owns passwords: text to what is kept of it, and whether a text is the one.

Not here: whose password it is. The one idea: scrypt (RFC 7914) of the standard library, with its
cost written beside the hash so that it can be raised; it runs on a thread, as it takes as long as
hundreds of queries.
"""

import asyncio
import hashlib
import hmac
from base64 import b64decode, b64encode
from typing import Final

from emulator.ambient import Ids
from emulator.core.auth_errors import InvalidArgument

COST: Final = 2**14
BLOCK_SIZE: Final = 8
PARALLEL: Final = 1
HASH_BYTES: Final = 32
MEMORY_MAX_BYTES: Final = 64 * 1024 * 1024
PASSWORD_LENGTH_MAX: Final = 256


async def hashed(password: str, ids: Ids) -> str:
    """Return what to keep of a password; raises InvalidArgument when it is none."""
    if not 1 <= len(password) <= PASSWORD_LENGTH_MAX:
        raise InvalidArgument(f"a password has 1 to {PASSWORD_LENGTH_MAX} characters")
    salt = ids.token()
    found = await asyncio.to_thread(_scrypt, password, salt, COST)
    return f"scrypt${COST}${salt}${b64encode(found).decode()}"


async def matches(password: str, kept: str) -> bool:
    """Tell whether this is the password; without one it takes as long, and never is."""
    # Whether somebody is known must not show in the time that an answer takes.
    _, cost, salt, found = (kept or f"scrypt${COST}$nobody$").split("$")
    if len(password) > PASSWORD_LENGTH_MAX:
        return False
    made = await asyncio.to_thread(_scrypt, password, salt, int(cost))
    return hmac.compare_digest(made, b64decode(found))


def _scrypt(password: str, salt: str, cost: int) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=salt.encode(),
        n=cost,
        r=BLOCK_SIZE,
        p=PARALLEL,
        maxmem=MEMORY_MAX_BYTES,
        dklen=HASH_BYTES,
    )
