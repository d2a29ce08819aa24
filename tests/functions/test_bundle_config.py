"""What applies to one function: the project's word above the function's own."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from emulator.functions.base import TriggerConfig
from emulator.functions.bundle import discover, find
from emulator.functions.bundle_config import Shared


@dataclass
class Own:
    timeout_s: float | None = None
    memory_mb: int | None = None
    runtime: str | None = None
    handler: str | None = None
    folder: Path | None = None
    env: dict[str, str] = field(default_factory=dict)
    triggers: tuple[TriggerConfig, ...] | None = None
    openapi: tuple[str, ...] | None = None
    file: str = ""
    line: int = 0
    trigger_lines: tuple[int, ...] = ()


CONFIG = {
    "timeout": 10,
    "memorySize": 128,
    "envVariables": {"B": "config", "C": "config"},
    "permissions": {"openapi": ["a.b"]},
    "triggers": [{"name": "own", "type": "timer", "config": "0 0 0 * * * *"}],
}


def function(tmp_path, config, defaults=None, own=None):
    folder = tmp_path / "fn"
    folder.mkdir()
    for file in ("index.py", "app.py"):
        (folder / file).write_text("")
    (folder / "config.json").write_text(json.dumps(config))
    overrides = {"fn": own} if own else None
    assert (
        find(tmp_path, "fn", defaults=defaults, overrides=overrides)
        == (discover(tmp_path, defaults=defaults, overrides=overrides)[0])
    )
    return find(tmp_path, "fn", defaults=defaults, overrides=overrides)


def test_shared_settings_hold_where_a_function_says_nothing(tmp_path):
    found = function(tmp_path, {}, Shared(timeout_s=5, env={"A": "shared"}))
    assert (found.timeout_s, found.variables) == (5, {"A": "shared"})


def test_functions_own_file_beats_shared_settings(tmp_path):
    found = function(tmp_path, CONFIG, Shared(timeout_s=5, env={"A": "shared", "B": "shared"}))
    assert found.timeout_s == 10
    assert found.variables == {"A": "shared", "B": "config", "C": "config"}


def test_projects_word_on_a_function_beats_its_own_file(tmp_path):
    own = Own(
        timeout_s=20,
        memory_mb=1024,
        handler="app.serve",
        env={"C": "project"},
        triggers=(TriggerConfig(name="hourly", kind="timer", config="0 0 * * * * *"),),
        openapi=("c.d",),
    )
    found = function(tmp_path, CONFIG, Shared(env={"A": "shared"}), own)
    assert (found.timeout_s, found.memory_mb, found.entry.name) == (20, 1024, "app.py")
    assert found.handlers[0] == "serve"
    assert found.variables == {"A": "shared", "B": "config", "C": "project"}
    assert [each.name for each in found.triggers] == ["hourly"]
    assert found.openapi == ("c.d",)


def test_project_may_take_all_triggers_away(tmp_path):
    assert function(tmp_path, CONFIG, own=Own(triggers=())).triggers == ()


def test_triggers_of_the_project_are_checked_too(tmp_path):
    own = Own(triggers=(TriggerConfig(name="x", kind="http", config={"path": "no"}),))
    found = function(tmp_path, {}, own=own)
    assert found.triggers == ()
    assert "trigger x" in found.problems[0].message


def test_a_path_that_no_request_has_is_told_with_its_file(tmp_path):
    given = {"triggers": [{"name": "api", "type": "http", "config": {"path": "/api?x=1"}}]}
    found = function(tmp_path, given)
    assert found.triggers == ()
    assert found.problems[0].file.endswith("config.json")
    assert "trigger api: no request has the path /api?x=1" in found.problems[0].message


def test_silence_of_the_project_leaves_the_functions_own_word(tmp_path):
    found = function(tmp_path, CONFIG, own=Own())
    assert (found.timeout_s, found.memory_mb, found.openapi) == (10, 128, ("a.b",))
    assert [each.name for each in found.triggers] == ["own"]


def test_what_the_project_says_wrongly_is_told_where_it_says_so(tmp_path):
    own = Own(
        timeout_s=0.5,
        triggers=(
            TriggerConfig(name="a", kind="timer", config="0 0 0 * * * *"),
            TriggerConfig(name="b", kind="timer", config="soon"),
        ),
        file="/project/.emulator.toml",
        line=3,
        trigger_lines=(7, 11),
    )
    told = [(each.file, each.line) for each in function(tmp_path, {}, own=own).problems]
    assert told == [("/project/.emulator.toml", 3), ("/project/.emulator.toml", 11)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"timeout": 1e400}', id="endless"),
        pytest.param('{"memorySize": NaN}', id="no-number"),
        pytest.param('{"memorySize": Infinity}', id="infinite"),
        pytest.param(f'{{"timeout": 1{"0" * 5000}}}', id="digits"),
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_numbers_and_depths_beyond_reason_leave_the_function_as_it_is(tmp_path, text):
    function(tmp_path, {})
    (tmp_path / "fn" / "config.json").write_text(text)
    found = find(tmp_path, "fn")
    assert (found.timeout_s, found.memory_mb) == (3, 256)
    assert len(found.problems) == 1


def test_what_no_system_takes_as_a_variable_is_not_read(tmp_path):
    found = function(tmp_path, {"envVariables": {"C": "a\0b", "D": 4}})
    assert found.variables == {"C": "ab", "D": "4"}
    (tmp_path / "fn" / "config.json").write_text('{"envVariables": {"A=B": "1"}}')
    found = find(tmp_path, "fn")
    assert found.variables == {}
    assert "names, without =" in found.problems[0].message
