"""Options that commands share, and what they override."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from emulator.cli.options import event_of, load, project_argument, project_option, suite_options
from emulator.config.layers import RUN_SETTINGS, SETTINGS


@click.command()
@project_argument
@suite_options
@click.pass_context
def probe(context: click.Context, **options: object) -> None:
    context.obj.update(options)


def parsed(*arguments: str) -> dict[str, object]:
    found: dict[str, object] = {}
    done = CliRunner().invoke(probe, arguments, obj=found, standalone_mode=False)
    assert done.exception is None
    return found


def test_every_option_is_the_name_of_a_setting():
    names = {parameter.name for parameter in probe.params} - {"project"}
    assert names <= {*SETTINGS, *RUN_SETTINGS}


def test_what_is_not_given_is_nothing():
    options = parsed()
    assert options.pop("project") == Path()
    assert set(options.values()) == {None, ()}


def test_a_switch_that_is_not_given_does_not_override_a_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("CLOUD_EMU_EPHEMERAL", "1")
    options = parsed()
    del options["project"]
    assert load(tmp_path, options).ephemeral


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        pytest.param(["--port", "0"], "port", 0, id="zero is given"),
        pytest.param(["--data-dir", "a b"], "data_dir", Path("a b"), id="folder"),
        pytest.param(["--ephemeral"], "ephemeral", True, id="switch"),
        pytest.param(["--seed", "a", "--seed", "b"], "seed", (Path("a"), Path("b")), id="twice"),
    ],
)
def test_options_arrive_as_what_they_are(arguments, name, value):
    assert parsed(*arguments)[name] == value


def test_given_options_override_the_projects_file(tmp_path):
    (tmp_path / ".emulator.toml").write_text('[emulator]\nport = 9000\nenv = "filed"\n')
    config = load(tmp_path, {"port": 0, "env": None, "seed": ()})
    assert (config.emulator.port, config.emulator.env) == (0, "filed")
    assert config.sources["emulator.port"] == "--port"


def test_the_project_is_an_argument_or_an_option_and_here_by_default():
    @click.command()
    @project_option
    @click.pass_context
    def other(context: click.Context, project: Path) -> None:
        context.obj.append(project)

    seen: list[Path] = []
    for arguments in ([], ["--project", "x"]):
        CliRunner().invoke(other, arguments, obj=seen, standalone_mode=False)
    assert seen == [Path(), Path("x")]
    assert parsed("x")["project"] == Path("x")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param("{", "--data is not JSON: ", id="broken"),
        pytest.param("[" * 100_000, "--data is nested too deeply", id="deep"),
        pytest.param("NaN", "--data is not JSON: NaN is no number of JSON", id="nan"),
        pytest.param("1" + "0" * 5000, "--data is not JSON: ", id="digits"),
    ],
)
def test_event_that_is_none_is_told_as_wrong_usage(data, message):
    with pytest.raises(click.BadParameter, match=message):
        event_of(data)
