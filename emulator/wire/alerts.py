"""Owns sending alerts to a local address, as one POST of JSON each.

Not here: when there is an alert (`services.usage`) and which addresses are allowed
(`config.usage`). The one idea: an alert waits in a short queue and nobody waits for it; what cannot
be delivered is said in the log, once until the address answers again.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from emulator.services.recorder import Recorder
from emulator.services.usage import ALERT_EVENT

WAITING_MAX: Final = 100
"""Of more alerts than this the newest are dropped; the log has them all."""
SENDING_MAX_S: Final = 5.0


class AlertSender:
    """The alerts of one suite on their way to an address."""

    def __init__(self, url: str, recorder: Recorder, *, env_id: str) -> None:
        self._url = url
        self._recorder = recorder
        self._env_id = env_id
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(WAITING_MAX)
        self._sending = 0
        self._unreachable = False
        self._stop_hearing = recorder.follow(self._heard)

    def running(self) -> list[str]:
        """Return the alerts that are not sent yet."""
        left = self._waiting.qsize() + self._sending
        return [f"{left} alerts to {self._url}"] if left else []

    async def run(self) -> None:
        """Send what there is, for ever."""
        try:
            timeout = ClientTimeout(total=SENDING_MAX_S)
            async with ClientSession(timeout=timeout) as session:
                while True:
                    alert = await self._waiting.get()
                    self._sending = 1
                    await self._send(session, alert)
                    self._sending = 0
        finally:
            self._stop_hearing()

    def _heard(self, entry: Mapping[str, Any]) -> None:
        if entry["event"] == ALERT_EVENT and not self._waiting.full():
            self._waiting.put_nowait({**entry, "env": self._env_id})

    async def _send(self, session: ClientSession, alert: dict[str, Any]) -> None:
        try:
            # Redirects are not followed: they could lead off this machine.
            async with session.post(self._url, json=alert, allow_redirects=False) as answer:
                why = "" if answer.status < 300 else f"it answered {answer.status}"
        except (ClientError, TimeoutError, OSError) as fault:
            why = str(fault) or type(fault).__name__
        if why and not self._unreachable:
            self._recorder.notice(
                "alert_not_sent",
                f"an alert did not reach {self._url}: {why}; later ones are tried all the same",
                level="warn",
            )
        self._unreachable = bool(why)
