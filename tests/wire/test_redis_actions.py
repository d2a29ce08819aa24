"""The action by which functions reach Redis."""

import json

import pytest

from emulator.ambient import CountedIds, ManualClock
from emulator.core.errors import InvalidParam
from emulator.services.caller import ADMINISTRATOR
from emulator.services.redis import Redis
from emulator.wire.redis_actions import COMMANDS_MAX, RedisActions


async def told(commands: object) -> object:
    run = RedisActions(Redis(ManualClock(), CountedIds())).table()["redis.run"]
    answer = await run({"commands": commands}, ADMINISTRATOR, "r1")
    return json.loads(answer)["data"]["answers"]


async def test_answers_are_json_and_refusals_are_objects():
    asked = [["mset", "a", "1", "b", "字"], ["mget", "a", "b", "c"], ["incr", "b"]]
    no_number = {"error": "ERR value is not an integer or out of range"}
    assert await told(asked) == ["OK", ["1", "字", None], no_number]


@pytest.mark.parametrize(
    "commands", [None, "get a", ["get"], [["get", 1]], [[]] * (COMMANDS_MAX + 1)]
)
async def test_what_is_no_list_of_texts_is_refused(commands):
    with pytest.raises(InvalidParam):
        await told(commands)
