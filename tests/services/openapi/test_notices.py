"""Notices: how many are told again at a time."""

import asyncio

import pytest

from emulator.ambient import ManualClock
from emulator.services.openapi import notices
from emulator.services.openapi.notices import Notices


async def test_one_more_than_may_wait_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "WAITING_MAX", 1)
    told: list[str] = []

    async def notify(function: str, event: object) -> bool:
        told.append(function)
        return False

    clock = ManualClock()
    them = Notices(notify, clock)
    for name in ("a", "b"):
        await them.tell(name, {})
        await asyncio.sleep(0)
    clock.advance(notices.AGAIN_AFTER_S[0])
    for _ in range(3):
        await asyncio.sleep(0)
    assert told == ["a", "b", "a"]
    await them.close()
