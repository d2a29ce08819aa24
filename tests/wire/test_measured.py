"""What a collection's sizes are said to be."""

from types import SimpleNamespace
from typing import Any

import pytest

from emulator.core.commands import ListIndexes
from emulator.wire.measured import Sizes, measured


class Executor:
    def __init__(self, told: list[dict[str, Any]]) -> None:
        self.told = told

    async def execute(self, command: Any, caller: Any) -> Any:
        if isinstance(command, ListIndexes):
            return [{"name": "_id_"}, {"name": "by_n"}]
        return SimpleNamespace(documents=self.told)


@pytest.mark.parametrize(
    ("count", "told", "sizes"),
    [
        (0, [], Sizes(0, 2, 8192)),
        (2, [{"_id": None, "size": 131}], Sizes(131, 2, 8192)),
        (1_000, [{"_id": None, "size": 50_000}], Sizes(50_000, 2, 65_536)),
    ],
)
async def test_sizes(count, told, sizes):
    assert await measured(Executor(told), {"name": "rooms", "count": count}) == sizes
