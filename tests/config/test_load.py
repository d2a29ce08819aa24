"""Whole configurations out of whole projects."""

from pathlib import Path

import pytest

from emulator.config import Config, IndexSettings, load_config
from emulator.core.errors import ConfigurationError
from emulator.functions.base import TriggerConfig

CONTRACT = """\
[emulator]
env = "demo-env"
profile = "wechat"             # wechat | cloudbase | alipay
port = 8270
site_port = 8271
data_dir = ".cloud-emu"

[functions]
root = "functions_examples"
timeout_s = 3
env = { STAGE = "local" }

[database]
permission = "PRIVATE"
journal = "os"
[database.rules.orders]
read = true
write = "auth.openid == doc._openid"
[[database.indexes.orders]]
name = "userId_status"
keys = { userId = 1, status = 1 }

[storage]
rules = { read = true, write = "auth.openid != null" }

[hosting]
root = "site"
index = "index.html"
error = "404.html"

[triggers]
time_zone = "Asia/Shanghai"

[seed]
paths = ["seed/*.jsonl"]
"""


def test_an_empty_project_has_all_defaults(load, project):
    config = load()
    assert isinstance(config, Config)
    assert config.project == project
    assert config.data_dir == project / ".cloud-emu"
    assert config.functions_root is None
    assert (config.emulator.env, config.emulator.profile) == ("demo-env", "wechat")
    assert (config.emulator.host, config.emulator.port, config.emulator.site_port) == (
        "127.0.0.1",
        8270,
        8271,
    )
    assert config.functions.timeout_s == 3
    assert (config.database.permission, config.database.journal) == ("PRIVATE", "os")
    assert config.database.auto_create_collections is False
    assert config.storage.rules is None
    assert config.triggers.time_zone == "Asia/Shanghai"
    assert (config.ephemeral, config.only, config.seed) == (False, None, ())
    assert (config.files, config.problems) == ((), ())


def test_every_line_of_the_documented_file_is_understood(load, project):
    config = load(
        {
            ".emulator.toml": CONTRACT,
            "functions_examples/a/index.py": "",
            "site/index.html": "",
            "seed/orders.jsonl": "",
        }
    )
    assert config.functions_root == project / "functions_examples"
    assert config.functions.env == {"STAGE": "local"}
    assert config.database.rules["orders"] == {
        "read": True,
        "write": "auth.openid == doc._openid",
    }
    assert config.database.indexes["orders"] == (
        IndexSettings(name="userId_status", keys=(("userId", 1), ("status", 1))),
    )
    assert config.storage.rules == {"read": True, "write": "auth.openid != null"}
    assert config.hosting.root == project / "site"
    assert config.hosting.rules.error == "404.html"
    assert config.seed == (project / "seed" / "orders.jsonl",)
    assert config.problems == ()


def test_folders_that_are_not_there_are_problems_with_a_line_but_no_end(load, project):
    config = load({".emulator.toml": CONTRACT, "functions_exampels/a/index.py": ""})
    assert config.functions_root == project / "functions_examples"
    assert config.notes == (
        ".emulator.toml:9: functions.root: no folder functions_examples; did you mean"
        ' "functions_exampels"?',
        ".emulator.toml:27: hosting.root: no folder site",
        '.emulator.toml:35: seed.paths[0]: nothing matches "seed/*.jsonl"',
    )
    assert [problem.severity for problem in config.problems] == ["error", "error", "warning"]


def test_a_function_of_its_own_overrides_what_all_share(load):
    config = load(
        {
            ".emulator.toml": """
[functions.pay]
timeout_s = 20
memory_mb = 512
handler = "index.main_handler"
env = { KEY = "k" }
openapi = ["wxacode.get"]
[[functions.pay.triggers]]
name = "nightly"
type = "timer"
config = "0 0 0 * * * *"
[[functions.pay.triggers]]
name = "api"
type = "http"
config = { path = "/pay" }
"""
        }
    )
    pay = config.functions.of("pay")
    assert (pay.timeout_s, pay.memory_mb, pay.handler) == (20, 512, "index.main_handler")
    assert (pay.env, pay.openapi) == ({"KEY": "k"}, ("wxacode.get",))
    assert pay.triggers == (
        TriggerConfig(name="nightly", kind="timer", config="0 0 0 * * * *"),
        TriggerConfig(name="api", kind="http", config={"path": "/pay"}),
    )
    assert config.functions.of("other").timeout_s is None
    assert config.functions.of("other").triggers is None


def test_our_file_goes_over_cloudbaserc_field_by_field(load):
    config = load(
        {
            ".emulator.toml": "[functions.pay]\ntimeout_s = 5\nenv = { A = '2' }\n",
            "cloudbaserc.json": '{"functions": [{"name": "pay", "timeout": 20, "memorySize": 256,'
            ' "envVariables": {"A": "1", "B": "1"}}]}',
            "functions/pay/index.py": "",
        }
    )
    pay = config.functions.of("pay")
    assert (pay.timeout_s, pay.memory_mb, pay.env) == (5, 256, {"A": "2", "B": "1"})


@pytest.mark.parametrize(
    ("files", "root", "source"),
    [
        pytest.param(
            {
                ".emulator.toml": "[functions]\nroot = 'mine'",
                "mine/x": "",
                "cloudbaserc.json": '{"functionRoot": "theirs"}',
                "theirs/x": "",
            },
            "mine",
            ".emulator.toml:2",
            id="our-file-first",
        ),
        pytest.param(
            {
                "cloudbaserc.json": '{"functionRoot": "./theirs"}',
                "theirs/x": "",
                "project.config.json": '{"cloudfunctionRoot": "wx/"}',
                "wx/x": "",
            },
            "theirs",
            "cloudbaserc.json",
            id="cloudbaserc-second",
        ),
        pytest.param(
            {"cloudbaserc.json": '{"functions": [{"name": "a"}]}', "functions/x": ""},
            "functions",
            "cloudbaserc.json",
            id="cloudbaserc-without-a-root",
        ),
        pytest.param(
            {
                "cloudbaserc.json": '{"functionRoot": "gone"}',
                "project.config.json": '{"cloudfunctionRoot": "wx\\\\fn/"}',
                "wx/fn/x": "",
            },
            "wx/fn",
            "project.config.json",
            id="the-next-when-the-folder-is-gone",
        ),
        pytest.param(
            {"functions/x": "", "cloudfunctions/x": ""},
            "cloudfunctions",
            "the folder cloudfunctions",
            id="folders-in-order",
        ),
        pytest.param({"cloud/x": ""}, "cloud", "the folder cloud", id="cloud"),
        pytest.param(
            {"cloud/functions/x": ""},
            "cloud/functions",
            "the folder cloud/functions",
            id="functions-inside-cloud",
        ),
        pytest.param(
            {"functions_examples/x": ""},
            "functions_examples",
            "the folder functions_examples",
            id="examples-last",
        ),
    ],
)
def test_the_folder_of_the_functions_is_found_and_told_why(load, project, files, root, source):
    config = load(files)
    assert config.functions_root == project / root
    assert config.sources["functions.root"] == source


def test_a_folder_that_another_tool_names_but_is_not_there_is_told(load):
    config = load({"project.config.json": '{"cloudfunctionRoot": "cloudfunctions/"}'})
    assert config.functions_root is None
    assert config.notes == (
        "project.config.json: no folder cloudfunctions/, where the functions should be",
    )


def test_the_env_id_of_cloudbaserc_counts_unless_it_is_none(load):
    assert load({"cloudbaserc.json": '{"envId": "prod-1a2b"}'}).emulator.env == "prod-1a2b"
    config = load({"cloudbaserc.json": '{"envId": "Not Valid"}'})
    assert config.emulator.env == "demo-env"
    assert config.notes[0].startswith("cloudbaserc.json: env: must be an environment id")


def test_the_appid_is_that_of_the_mini_program(load):
    assert load({"project.config.json": '{"appid": "wx123"}'}).emulator.appid == "wx123"


def test_paths_of_flags_start_here_and_those_of_files_at_the_project(project, monkeypatch):
    (project / "sub").mkdir()
    (project / ".emulator.toml").write_text("[emulator]\ndata_dir = 'kept'\n")
    monkeypatch.chdir(project / "sub")
    assert load_config(project, environ={}).data_dir == project / "kept"
    assert load_config(project, {"data_dir": "here"}, environ={}).data_dir == project / "sub/here"
    assert load_config(project, {"data_dir": Path("/x/y")}, environ={}).data_dir == Path("/x/y")
    assert load_config(Path(".."), environ={}).project == project


@pytest.mark.parametrize(
    ("files", "flags", "message"),
    [
        pytest.param(
            {},
            {"data_dir": "."},
            "--data-dir: emulator.data_dir: .* holds the project",
            id="itself",
        ),
        pytest.param(
            {},
            {"data_dir": ".."},
            "--data-dir: emulator.data_dir: .* holds the project",
            id="above",
        ),
        pytest.param(
            {"functions/x": ""},
            {"data_dir": "functions/data"},
            "lies among the functions",
            id="among-functions",
        ),
        pytest.param(
            {".emulator.toml": "[emulator]\nport = 8271\n"},
            {},
            r"^\.emulator\.toml:2: emulator\.port: 8271 is the port of the site too$",
            id="port-of-the-site",
        ),
        pytest.param(
            {},
            {"site_port": 8270},
            "^--site-port: emulator.site_port: 8270 is the port of the API too$",
            id="port-of-the-api",
        ),
        pytest.param(
            {".emulator.toml": "[triggers]\ntime_zone = 'Asia/Shangai'\n"},
            {},
            r'^\.emulator\.toml:2: triggers\.time_zone: no time zone "Asia/Shangai"; did you mean'
            r' "Asia/Shanghai"\?$',
            id="time-zone",
        ),
        pytest.param(
            {".emulator.toml": "[triggers]\ntime_zone = '../etc/passwd'\n"},
            {},
            "no time zone",
            id="time-zone-as-a-path",
        ),
        pytest.param(
            {".emulator.toml": "[seed]\npaths = [\n  'a.json',\n]\n"},
            {},
            r'^\.emulator\.toml:3: seed\.paths\[0\]: no file or folder "a\.json"$',
            id="seed-file",
        ),
    ],
)
def test_values_that_cannot_be_are_refused(load, files, flags, message):
    with pytest.raises(ConfigurationError, match=message):
        load(files, **flags)


def test_a_hidden_data_folder_may_lie_beside_functions_in_the_project_itself(load, project):
    config = load({"project.config.json": '{"cloudfunctionRoot": "./"}'})
    assert config.functions_root == project
    assert config.data_dir == project / ".cloud-emu"


def test_any_two_ports_may_be_free_ones(load):
    config = load(port=0, site_port=0)
    assert (config.emulator.port, config.emulator.site_port) == (0, 0)


def test_a_project_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="no such folder"):
        load_config(tmp_path / "nowhere")


def test_the_configuration_of_this_repository_is_right():
    root = Path(__file__).parents[2]
    config = load_config(root, environ={})
    assert config.emulator.env == "demo-env"
    assert config.functions_root == root / "functions_examples"
    assert [problem for problem in config.problems if problem.severity == "error"] == []


def test_indexes_and_the_bound_on_scans(tmp_path):
    (tmp_path / ".emulator.toml").write_text(
        """
        [database]
        require_indexes = 100
        [[database.indexes.orders]]
        keys = { at = 1 }
        sparse = true
        expire_after_s = 60
        """
    )
    database = load_config(tmp_path, environ={}).database
    assert database.require_indexes == 100
    (index,) = database.indexes["orders"]
    assert (index.name, index.keys) == ("at_1", (("at", 1),))
    assert (index.unique, index.sparse, index.expire_after_s) == (False, True, 60)
    variable = {"CLOUD_EMU_REQUIRE_INDEXES": "7"}
    assert load_config(tmp_path, environ=variable).database.require_indexes == 7
    flag = {"require_indexes": 0}
    assert load_config(tmp_path, flag, environ=variable).database.require_indexes == 0
    with pytest.raises(ConfigurationError, match="CLOUD_EMU_REQUIRE_INDEXES"):
        load_config(tmp_path, environ={"CLOUD_EMU_REQUIRE_INDEXES": "-1"})


def test_triggers_of_the_file_know_their_lines(load):
    text = (
        "[functions.pay]\ntimeout_s = 9\n"
        "[[functions.pay.triggers]]\nname = 'a'\ntype = 'timer'\nconfig = '0 0 0 * * * *'\n"
        "[[functions.pay.triggers]]\nname = 'b'\ntype = 'timer'\nconfig = 'soon'\n"
    )
    config = load({".emulator.toml": text})
    said = config.functions.of("pay")
    assert said.file.endswith(".emulator.toml")
    assert (said.line, said.trigger_lines) == (1, (3, 7))
