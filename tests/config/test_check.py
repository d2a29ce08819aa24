"""What the schema refuses, as sentences with file, line, key and suggestion."""

import jsonschema
import pytest

from emulator.config.check import dotted, nearest, schema, setting_findings
from emulator.core.errors import ConfigurationError

REFUSED = [
    pytest.param(
        "[emulator]\nprot = 1\n",
        '.emulator.toml:2: emulator.prot: no such setting; did you mean "port"?',
        id="misspelt-key",
    ),
    pytest.param(
        "\n[function]\n",
        '.emulator.toml:2: function: no such setting; did you mean "functions"?',
        id="misspelt-table",
    ),
    pytest.param(
        "site_port = 1\n",
        ".emulator.toml:1: site_port: no such setting; it belongs under [emulator]",
        id="key-outside-its-table",
    ),
    pytest.param(
        "[storage]\nsize = 1\n",
        ".emulator.toml:2: storage.size: no such setting; known here: rules",
        id="unlike-anything",
    ),
    pytest.param(
        "[functions]\ntiemout_s = 3\n",
        '.emulator.toml:2: functions.tiemout_s: no such setting; did you mean "timeout_s"?',
        id="misspelt-beside-function-names",
    ),
    pytest.param(
        "[functions.pay]\nmemory = 3\n",
        '.emulator.toml:2: functions.pay.memory: no such setting; did you mean "memory_mb"?',
        id="misspelt-in-a-function",
    ),
    pytest.param(
        '[emulator]\nport = "8270"\n',
        '.emulator.toml:2: emulator.port: must be a whole number, is the text "8270"; write 8270'
        " without quotes",
        id="number-in-quotes",
    ),
    pytest.param(
        "[emulator]\nport = true\n",
        ".emulator.toml:2: emulator.port: must be a whole number, is true",
        id="boolean-for-number",
    ),
    pytest.param(
        "[emulator]\nport = 65536\n",
        ".emulator.toml:2: emulator.port: must be 0 to 65535, is 65536",
        id="port-too-high",
    ),
    pytest.param(
        "[emulator]\nport = -1\n",
        ".emulator.toml:2: emulator.port: must be 0 to 65535, is -1",
        id="port-too-low",
    ),
    pytest.param(
        '[emulator]\nstrict = "true"\n',
        '.emulator.toml:2: emulator.strict: must be true or false, is the text "true"; write true'
        " without quotes",
        id="boolean-in-quotes",
    ),
    pytest.param(
        '[emulator]\nprofile = "WeChat"\n',
        '.emulator.toml:2: emulator.profile: must be one of "wechat", "cloudbase", "alipay", is the'
        ' text "WeChat"; did you mean "wechat"?',
        id="near-choice",
    ),
    pytest.param(
        '[database]\njournal = "none"\n',
        '.emulator.toml:2: database.journal: must be one of "os", "group", "always", "memory", is'
        ' the text "none"',
        id="far-choice",
    ),
    pytest.param(
        '[emulator]\nenv = "Demo_1"\n',
        ".emulator.toml:2: emulator.env: must be an environment id: lower-case letters, digits and"
        ' inner hyphens, at most 63, is the text "Demo_1"',
        id="env-id",
    ),
    pytest.param(
        '[emulator]\ndata_dir = ""\n',
        ".emulator.toml:2: emulator.data_dir: must not be empty",
        id="empty-path",
    ),
    pytest.param(
        "[functions]\ntimeout_s = 0\n",
        ".emulator.toml:2: functions.timeout_s: must be above 0 to 60, is 0",
        id="no-time",
    ),
    pytest.param(
        "[functions.env]\nA = 1\n",
        '.emulator.toml:2: functions.env.A: must be a text in quotes, is 1; write "1" in quotes',
        id="variable-that-is-no-text",
    ),
    pytest.param(
        '[functions."1st"]\n',
        ".emulator.toml:1: functions.1st: must be a function's name: a letter, then letters,"
        ' digits, - and _, at most 60, is the text "1st"',
        id="function-name",
    ),
    pytest.param(
        '[[functions.pay.triggers]]\nname = "a"\ntype = "timer"\n',
        '.emulator.toml:1: functions.pay.triggers[0]: "config" is missing',
        id="missing",
    ),
    pytest.param(
        '[functions.pay]\ntriggers = [\n  {name = "a", type = "cron", config = "x"},\n]\n',
        '.emulator.toml:3: functions.pay.triggers[0].type: must be one of "timer", "database",'
        ' "storage", "http", is the text "cron"',
        id="trigger-kind",
    ),
    pytest.param(
        "[database.indexes.orders]\nkeys = {a = 1}\n",
        ".emulator.toml:1: database.indexes.orders: must be a list, is a table; write"
        " [[database.indexes.orders]]",
        id="single-brackets",
    ),
    pytest.param(
        "[[database.indexes.orders]]\nkeys = {a = 2}\n",
        '.emulator.toml:2: database.indexes.orders[0].keys.a: must be one of 1, -1, "2dsphere",'
        " is 2",
        id="index-direction",
    ),
    pytest.param(
        "[[database.indexes.orders]]\nkeys = {}\n",
        ".emulator.toml:2: database.indexes.orders[0].keys: must not be empty",
        id="index-without-fields",
    ),
    pytest.param(
        "[database.rules.orders]\nreed = true\n",
        '.emulator.toml:2: database.rules.orders.reed: no such setting; did you mean "read"?',
        id="rule-operation",
    ),
    pytest.param(
        "[seed]\npaths = 'a.json'\n",
        '.emulator.toml:2: seed.paths: must be a list, is the text "a.json"',
        id="text-for-list",
    ),
    pytest.param(
        "[triggers]\ntime_zone = 2026-01-01\n",
        ".emulator.toml:2: triggers.time_zone: must be a text in quotes, is the date 2026-01-01",
        id="date-for-text",
    ),
    pytest.param(
        '[emulator]\nenv = """\na\n"""\n',
        ".emulator.toml:2: emulator.env: must be an environment id: lower-case letters, digits and"
        ' inner hyphens, at most 63, is the text "a\\n"',
        id="end-of-line-in-env",
    ),
    pytest.param(
        '[emulator]\ndata_dir = "a\\u0000b"\n',
        ".emulator.toml:2: emulator.data_dir: must not hold the character NUL",
        id="nul-in-path",
    ),
    pytest.param(
        '[seed]\npaths = ["a", "b\\u0000"]\n',
        ".emulator.toml:2: seed.paths[1]: must not hold the character NUL",
        id="nul-in-list",
    ),
    pytest.param(
        "[functions]\ntimeout_s = nan\n",
        ".emulator.toml:2: functions.timeout_s: must be a number, is nan",
        id="nan",
    ),
    pytest.param(
        '[functions]\nenv = { "A=B" = "x" }\n',
        ".emulator.toml:2: functions.env.A=B: must be the name of a variable, which has no =, is"
        ' the text "A=B"',
        id="variable-name",
    ),
    pytest.param(
        f"[emulator]\nport = 1{'0' * 5000}\n",
        ".emulator.toml:2: a number has more digits than can be read",
        id="endless-number",
    ),
    pytest.param(
        f"a = {'[' * 5000}{']' * 5000}\n", ".emulator.toml: nested too deeply", id="too-deep"
    ),
    pytest.param(
        "[[database.indexes.orders]]\nname = 'x'\nkeys = {a = 1}\n"
        "[[database.indexes.orders]]\nname = 'x'\nkeys = {b = 1}\n",
        '.emulator.toml:4: database.indexes.orders[1]: another index of orders is called "x" too',
        id="index-name-twice",
    ),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_wrong_is_told_with_line_key_and_cure(load, text, message):
    with pytest.raises(ConfigurationError) as raised:
        load({".emulator.toml": text})
    assert raised.value.message == message


def test_all_faults_are_told_at_once_in_order_of_lines(load):
    with pytest.raises(ConfigurationError) as raised:
        load({".emulator.toml": "[seed]\nx = 1\n[emulator]\nstrict = 1\nport = 'a'\n"})
    assert [line.split(": ")[0] for line in raised.value.message.splitlines()] == [
        ".emulator.toml:2",
        ".emulator.toml:4",
        ".emulator.toml:5",
    ]


def test_the_schema_is_a_valid_schema_itself():
    jsonschema.Draft202012Validator.check_schema(dict(schema()))


def test_every_choice_and_pattern_of_the_schema_can_be_said():
    """A pattern without `says` would be shown to people as it is."""

    def patterns(part):
        if isinstance(part, dict):
            if "pattern" in part:
                yield part
            for inner in part.values():
                yield from patterns(inner)

    assert all("says" in part for part in patterns(schema()))


@pytest.mark.parametrize(
    ("key", "value", "fine"),
    [
        pytest.param("port", 0, True, id="any-port"),
        pytest.param("port", 70000, False, id="port-too-high"),
        pytest.param("env", "a", True, id="short-env"),
        pytest.param("env", "a" * 63, True, id="longest-env"),
        pytest.param("env", "a" * 64, False, id="env-too-long"),
        pytest.param("env", "cloud1-0gx7abc", True, id="env-of-the-cloud"),
        pytest.param("env", "-a", False, id="env-starts-with-hyphen"),
        pytest.param("env", "a.b", False, id="env-with-dot"),
        pytest.param("host", "::1", True, id="address"),
        pytest.param("host", "a b", False, id="no-address"),
    ],
)
def test_a_single_setting_is_checked_like_the_file(key, value, fine):
    assert (setting_findings("emulator", key, value) == []) is fine


def test_paths_are_written_as_people_write_them():
    assert dotted(("functions", "pay", "triggers", 0, "name")) == "functions.pay.triggers[0].name"


def test_nothing_is_suggested_for_what_resembles_nothing():
    assert nearest("zzz", ["port", "env"]) is None
