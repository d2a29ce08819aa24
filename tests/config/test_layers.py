"""Precedence, and telling where each value came from."""

import pytest

from emulator.config.layers import SETTINGS, read_toml
from emulator.core.errors import ConfigurationError

FILE = {".emulator.toml": "[emulator]\nport = 3\nenv = 'from-file'\n"}


@pytest.mark.parametrize(
    ("flags", "environ", "files", "port", "source"),
    [
        pytest.param({}, {}, {}, 8270, "default", id="default"),
        pytest.param({}, {}, FILE, 3, ".emulator.toml:2", id="file"),
        pytest.param({}, {"CLOUD_EMU_PORT": "2"}, FILE, 2, "CLOUD_EMU_PORT", id="variable"),
        pytest.param({"port": 1}, {"CLOUD_EMU_PORT": "2"}, FILE, 1, "--port", id="flag"),
        pytest.param({"port": None}, {}, FILE, 3, ".emulator.toml:2", id="flag-not-given"),
        pytest.param({"port": 0}, {}, FILE, 0, "--port", id="flag-of-zero"),
        pytest.param({}, {"CLOUD_EMU_PORT": " "}, FILE, 3, ".emulator.toml:2", id="empty-variable"),
    ],
)
def test_the_stronger_layer_wins_and_is_named(load, flags, environ, files, port, source):
    config = load(files, environ=environ, **flags)
    assert config.emulator.port == port
    assert config.sources["emulator.port"] == source


@pytest.mark.parametrize(
    ("variable", "text", "setting", "value"),
    [
        pytest.param("CLOUD_EMU_ENV", "other", "env", "other", id="env"),
        pytest.param("CLOUD_EMU_SITE_PORT", "9", "site_port", 9, id="site-port"),
        pytest.param("CLOUD_EMU_HOST", "0.0.0.0", "host", "0.0.0.0", id="host"),
        pytest.param("CLOUD_EMU_PROFILE", "alipay", "profile", "alipay", id="profile"),
        pytest.param("CLOUD_EMU_STRICT", "yes", "strict", True, id="switch-on"),
        pytest.param("CLOUD_EMU_STRICT", "0", "strict", False, id="switch-off"),
    ],
)
def test_variables_become_the_type_of_their_setting(load, variable, text, setting, value):
    assert getattr(load(environ={variable: text}).emulator, setting) == value


def test_a_timeout_may_come_by_variable(load):
    assert load(environ={"CLOUD_EMU_TIMEOUT_S": "1.5"}).functions.timeout_s == 1.5


@pytest.mark.parametrize(
    ("flags", "environ", "message"),
    [
        pytest.param({"port": 70000}, {}, "--port: must be 0 to 65535, is 70000", id="flag"),
        pytest.param(
            {"site_port": -1}, {}, "--site-port: must be 0 to 65535, is -1", id="flag-of-two-words"
        ),
        pytest.param(
            {},
            {"CLOUD_EMU_PORT": "http"},
            'CLOUD_EMU_PORT: must be a whole number, is the text "http"',
            id="variable",
        ),
        pytest.param(
            {},
            {"CLOUD_EMU_EPHEMERAL": "perhaps"},
            "CLOUD_EMU_EPHEMERAL: must be true or false, is 'perhaps'",
            id="switch",
        ),
        pytest.param(
            {"prot": 1}, {}, 'no such setting "prot"; did you mean "port"?', id="unknown-flag"
        ),
    ],
)
def test_a_wrong_flag_or_variable_is_told_by_name(load, flags, environ, message):
    with pytest.raises(ConfigurationError) as raised:
        load(environ=environ, **flags)
    assert raised.value.message == message


def test_a_misspelt_variable_is_told_but_does_not_stop_the_start(load):
    own = {"CLOUD_EMU_URL": "http://x", "CLOUD_EMU_GUARDIAN": "1.2"}
    config = load(environ={"CLOUD_EMU_PROT": "1", **own, "PORT": "5"})
    assert config.notes == (
        "environment: CLOUD_EMU_PROT is no setting; did you mean CLOUD_EMU_PORT?",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "[emulator]\nport =\n", ".emulator.toml:2: not TOML, column 7: ", id="no-value"
        ),
        pytest.param("\n\n[emulator\n", ".emulator.toml:3: not TOML, column 10: ", id="no-bracket"),
        pytest.param("a = 1\na = 2\n", ".emulator.toml:2: not TOML", id="twice"),
        pytest.param('[x]\ny = """\n', ".emulator.toml:2: not TOML: ", id="to-the-end"),
    ],
)
def test_broken_toml_is_told_with_its_line(load, text, message):
    with pytest.raises(ConfigurationError) as raised:
        load({".emulator.toml": text})
    assert raised.value.message.startswith(message)


def test_line_ends_of_windows_do_not_move_lines(load):
    with pytest.raises(ConfigurationError, match=r"^\.emulator\.toml:3: emulator\.x"):
        load({".emulator.toml": b"\xef\xbb\xbf# first\r\n[emulator]\r\nx = 1\r\n"})


def test_no_file_is_no_fault(tmp_path):
    assert read_toml(tmp_path / ".emulator.toml").section("emulator") == {}


def test_every_setting_stands_in_the_schema():
    from emulator.config.check import schema

    for section, key in SETTINGS.values():
        assert key in schema()["properties"][section]["properties"]
