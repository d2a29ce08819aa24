"""What every trigger kind does: a schema for its configuration, a compiled form, a JSON event."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from emulator.core.changes import Change
from emulator.core.errors import ConfigurationError
from emulator.core.values import Date
from emulator.functions.base import StoredFile, TriggerConfig
from emulator.functions.triggers import database, http, storage, timer

CHANGE = Change(
    sequence=1,
    collection="orders",
    operation="insert",
    document_id="o1",
    before=None,
    after={"_id": "o1", "at": Date(0)},
)
FILE = StoredFile(cloud_path="a/b.png", file_id="cloud://e.b/a/b.png", operation="put")


@dataclass(frozen=True)
class Kind:
    module: Any
    compile: Any
    event: Any
    good: list[Any] = field(default_factory=list)
    bad: list[Any] = field(default_factory=list)


KINDS = {
    "timer": Kind(
        timer,
        timer.compile_timer,
        lambda compiled: compiled.event(0),
        ["0 0 0 * * * *", "0 2 * * *"],
        ["", 5, None, {"cron": "0 0 0 * * * *"}],
    ),
    "database": Kind(
        database,
        database.compile_database,
        lambda compiled: compiled.event([CHANGE], env_id="e", moment_ms=0),
        [{"collection": "orders"}, {"collection": "orders", "operations": ["insert", "remove"]}],
        [None, "orders", {}, {"collection": "orders", "operations": ["look"]}],
    ),
    "storage": Kind(
        storage,
        storage.compile_storage,
        lambda compiled: compiled.event(FILE, env_id="e", moment_ms=0),
        [{}, {"prefix": "a/"}, {"operations": ["put"]}],
        ["a/", {"operations": ["look"]}],
    ),
    "http": Kind(
        http,
        http.compile_http,
        lambda compiled: http.http_event(method="GET", path="/", request_id="r", env_id="e"),
        [{"path": "/"}, {"path": "/api", "methods": ["GET"], "auth": False}],
        [None, "/api", {}, {"path": "api"}, {"path": "/", "methods": ["LOOK"]}],
    ),
}

good = [
    pytest.param(name, each, id=f"{name} {each}") for name in KINDS for each in KINDS[name].good
]
bad = [pytest.param(name, each, id=f"{name} {each}") for name in KINDS for each in KINDS[name].bad]


def compiled(name: str, config: Any) -> Any:
    return KINDS[name].compile(TriggerConfig(name="mine", kind=name, config=config))


@pytest.mark.parametrize("name", KINDS)
def test_schema_is_one(name):
    Draft202012Validator.check_schema(KINDS[name].module.SCHEMA)


@pytest.mark.parametrize(("name", "config"), good)
def test_good_configuration_passes_the_schema_and_compiles(name, config):
    Draft202012Validator(KINDS[name].module.SCHEMA).validate(config)
    compiled(name, config)


@pytest.mark.parametrize(("name", "config"), bad)
def test_bad_configuration_is_refused_by_schema_and_compiler_alike(name, config):
    assert not Draft202012Validator(KINDS[name].module.SCHEMA).is_valid(config)
    with pytest.raises(ConfigurationError, match="mine") as refused:
        compiled(name, config)
    assert refused.value.hint


@pytest.mark.parametrize(("name", "config"), good)
def test_event_is_plain_json(name, config):
    event = KINDS[name].event(compiled(name, config))
    assert json.loads(json.dumps(event)) == event


@pytest.mark.parametrize(("name", "config"), good)
def test_compiled_trigger_does_not_change_by_being_asked(name, config):
    trigger = compiled(name, config)
    assert KINDS[name].event(trigger) == KINDS[name].event(trigger)
