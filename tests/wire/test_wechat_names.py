import pytest

from emulator.cloud.command import Command, Condition
from emulator.cloud.expressions import Pipeline
from emulator.cloud.naming import snake_case
from emulator.wire.wechat_names import (
    _COMMAND,
    _CONDITIONS,
    _STAGES,
    Method,
    Named,
    Namespace,
    member_of,
    members_of,
    names_at,
)

NAMES = names_at(5, None)


@pytest.mark.parametrize("name", [name for name in dir(Command) if not name.startswith("_")])
def test_every_command_of_the_cloud_object_has_a_name_here(name: str):
    known = {snake_case(each) for each in _COMMAND.members}
    assert name in known


def test_stages_and_conditions_are_the_cloud_object_s():
    stages = {name for name in vars(Pipeline) if not name.startswith("_")} - {"stages", "done"}
    assert {snake_case(name) for name in _STAGES} == stages
    conditions = {name for name in vars(Condition) if not name.startswith("_")}
    assert {snake_case(name) for name in _CONDITIONS} == conditions


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (NAMES["db"], "__class__"),
        (NAMES["db"], "members"),
        (NAMES["$"], "__class__"),
        (NAMES["$"], "_x"),
        (NAMES["$"], "Upper"),
        (NAMES["$"], ""),
        (Named("c"), "name"),
        (Named("c"), "query"),
        (Method(len), "call"),
        ("text", "upper"),
        ({}, "keys"),
    ],
)
def test_nothing_of_python_can_be_reached(owner: object, name: str):
    assert member_of(owner, name) is None


def test_members_are_listed_for_messages():
    assert "collection" in members_of(NAMES["db"])
    assert "where" in members_of(Named("c"))
    assert members_of("text") == []
    assert isinstance(NAMES["Date"], Namespace)
