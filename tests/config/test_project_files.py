"""Files of other tools: everything usable is used, nothing in them stops the start."""

import pytest

from emulator.config import IndexSettings
from emulator.functions.base import TriggerConfig


def test_functions_of_cloudbaserc_bring_their_settings(load):
    config = load(
        {
            "cloudbaserc.json": """{
  // written by hand
  "version": "2.0", "envId": "my-env-1", "functionRoot": "cloudfunctions",
  "functions": [
    {"name": "pay", "timeout": 20, "memorySize": "512", "handler": "index.main",
     "envVariables": {"A": "x", "N": 1, "B": true, "deep": {}},
     "triggers": [{"name": "t", "type": "timer", "config": "0 0 0 * * * *"}]},
    {"name": "old", "config": {"timeout": 7, "envVariables": {"A": "old"}}},
    {"timeout": 3},
    {"name": "long", "timeout": 900},
    {"name": "odd", "timeout": "soon", "triggers": [{"name": "x"}]},
  ],
}""",
            "cloudfunctions/pay/index.py": "",
        }
    )
    pay, old = config.functions.of("pay"), config.functions.of("old")
    assert (pay.timeout_s, pay.memory_mb, pay.handler) == (20, 512, "index.main")
    assert pay.env == {"A": "x", "N": "1", "B": "true"}
    assert pay.triggers == (TriggerConfig(name="t", kind="timer", config="0 0 0 * * * *"),)
    assert (old.timeout_s, old.env, old.triggers) == (7, {"A": "old"}, None)
    assert config.functions.of("long").timeout_s == 60
    assert config.functions.of("odd").timeout_s is None
    assert config.emulator.env == "my-env-1"
    assert config.notes == (
        "cloudbaserc.json: functions: an entry without a name was left out",
        "cloudbaserc.json: functions.long.timeout: 900 s is not within 0 to 60",
        "cloudbaserc.json: functions.odd.timeout: 'soon' is no number of seconds",
        "cloudbaserc.json: functions.odd.triggers: an entry without name or type",
    )


def test_functions_have_the_default_settings_of_cloudbaserc_below_their_own(load):
    config = load(
        {
            "cloudbaserc.json": """{
  "functionDefaultConfig": {"timeout": 10, "memorySize": 512, "envVariables": {"A": "1", "B": "1"},
    "triggers": [{"name": "t", "type": "timer", "config": "0 0 0 * * * *"}]},
  "functions": [
    {"name": "own", "timeout": 5,
     "envVariables": {"B": "2", "C": "2"}, "triggers": [{"name": "u"}]},
    {"name": "plain"}
  ]
}""",
            "functions/own/index.js": "",
        }
    )
    own, plain = config.functions.of("own"), config.functions.of("plain")
    assert (own.timeout_s, plain.timeout_s, own.memory_mb, plain.memory_mb) == (5, 10, 512, 512)
    assert (own.env, plain.env) == ({"A": "1", "B": "2", "C": "2"}, {"A": "1", "B": "1"})
    assert [trigger.name for trigger in own.triggers] == ["u"]
    assert own.triggers[0].config == plain.triggers[0].config == "0 0 0 * * * *"
    assert config.functions.of("unlisted").timeout_s is None
    assert config.problems == ()


def test_settings_of_deployment_are_noted_once_and_are_no_problem(load):
    config = load(
        {
            "cloudbaserc.json": '{"region": "ap-shanghai", "framework": {}, "functions": ['
            '{"name": "a", "runtime": "Nodejs18.15"}, {"name": "b", "runtime": "x", "ignore": []}'
            "]}",
            "functions/a/index.js": "",
        }
    )
    assert config.notes == ()
    assert [(problem.severity, problem.message) for problem in config.problems] == [
        ("note", "not used, as they concern deployment: region, framework"),
        ("note", "functions: not used, as they concern deployment: runtime, ignore"),
    ]


@pytest.mark.parametrize(
    "folder",
    [
        "uniCloud-aliyun/cloudfunctions",
        "uniCloud-tcb/cloudfunctions",
        "uniCloud-alipay/cloudfunctions",
        "cloudfunctions-tcb",
    ],
)
def test_functions_of_a_unicloud_project_are_found(load, project, folder):
    config = load({f"{folder}/login/index.js": ""})
    assert config.functions_root == project / folder


def test_the_local_env_file_goes_over_the_shared_one(load):
    functions = '[{"name": "f", "envVariables": {"A": "{{env.A}}", "B": "{{env.B}}"}}]'
    config = load(
        {
            "cloudbaserc.json": f'{{"functions": {functions}}}',
            ".env": "A=shared\nB=shared\n",
            ".env.local": "B=local\n",
        }
    )
    assert config.functions.of("f").env == {"A": "shared", "B": "local"}


def test_templates_name_the_environment_and_an_id_of_the_project(load):
    names = '{"E": "{{tcb.envId}}", "U": "{{util.uid}}", "N": "{{tcb.secret}}"}'
    files = {
        "cloudbaserc.json": '{"envId": "{{env.ID}}", "functions": [{"name": "f",'
        f' "envVariables": {names}}}]}}',
        ".env": "ID=my-env\n",
        "functions/f/index.js": "",
    }
    config = load(files)
    env = config.functions.of("f").env
    assert (env["E"], len(env["U"]), env["N"]) == ("my-env", 24, "")
    assert load(files).functions.of("f").env == env
    assert config.notes == (
        "cloudbaserc.json: {{tcb.secret}}: there is only tcb.envId and util.uid",
    )


def test_templates_are_filled_from_variables_and_then_from_the_env_file(load):
    files = {
        "cloudbaserc.json": '{"envId": "{{env.ENV_ID}}", "functions": [{"name": "a",'
        ' "envVariables": {"KEY": "{{ env.KEY }}!", "NO": "{{env.NO}}"}}]}',
        ".env": "# comment\nENV_ID=from-file\nexport KEY='secret'\n",
        "functions/a/index.py": "",
    }
    config = load(files)
    assert config.emulator.env == "from-file"
    assert config.functions.of("a").env == {"KEY": "secret!", "NO": ""}
    assert config.notes == (
        "cloudbaserc.json: {{env.NO}}: no variable NO, neither set nor in .env",
    )
    assert load(files, environ={"ENV_ID": "from-shell"}).emulator.env == "from-shell"


def test_collections_of_cloudbaserc_bring_permissions_and_indexes(load):
    config = load(
        {
            "cloudbaserc.json": """{
  "database": {"collections": [
    {"collectionName": "orders", "aclTag": "ADMINONLY", "createIndexes": [
      {"name": "by_user", "unique": true,
       "keys": [{"name": "user", "direction": "1"}, {"name": "at", "direction": "-1"}]}]},
    {"collectionName": "logs", "aclTag": "CUSTOM"}]},
  "databases": [{"name": "users", "aclTag": "READONLY", "indexes": [{"field": ["a", "b"]}]}]
}"""
        }
    )
    assert config.database.permissions == {"orders": "ADMINONLY", "users": "READONLY"}
    assert config.database.indexes == {
        "orders": (IndexSettings(name="by_user", keys=(("user", 1), ("at", -1)), unique=True),),
        "users": (IndexSettings(name="a_1_b_1", keys=(("a", 1), ("b", 1))),),
    }


def test_our_file_goes_over_the_database_of_cloudbaserc(load):
    config = load(
        {
            ".emulator.toml": "[database.permissions]\norders = 'PRIVATE'\n"
            "[[database.indexes.orders]]\nkeys = {z = -1}\n",
            "cloudbaserc.json": '{"databases": [{"name": "orders", "aclTag": "READONLY",'
            ' "indexes": [{"field": "a"}]}]}',
        }
    )
    assert config.database.permissions == {"orders": "PRIVATE"}
    assert config.database.indexes["orders"] == (IndexSettings(name="z_-1", keys=(("z", -1),)),)


@pytest.mark.parametrize(
    ("content", "note"),
    [
        pytest.param(
            '{"envId":\n "a"\n "b"}',
            "cloudbaserc.json:3: not JSON: Expecting ',' delimiter; the file was left out",
            id="broken",
        ),
        pytest.param("[]", "cloudbaserc.json: not a JSON object; the file was left out", id="list"),
        pytest.param(
            b"\xff\x80\xff",
            "cloudbaserc.json: not text in UTF-8; the file was left out",
            id="bytes",
        ),
    ],
)
def test_a_file_that_makes_no_sense_is_left_out_and_told(load, content, note):
    config = load({"cloudbaserc.json": content})
    assert config.notes == (note,)
    assert config.problems[0].severity == "warning"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param('{"envId": 1, "functionRoot": 2, "functions": 3, "database": []}', id="types"),
        pytest.param('{"functions": [1, null, []], "databases": [{"name": 1}]}', id="entries"),
        pytest.param('{"database": {"collections": [{"name": "a", "indexes": [{}]}]}}', id="index"),
    ],
)
def test_values_of_odd_types_never_stop_the_start(load, content):
    config = load({"cloudbaserc.json": content, "project.config.json": '{"appid": 7}'})
    assert config.emulator.env == "demo-env"
    assert config.database.indexes == {}


@pytest.mark.parametrize(
    ("setting", "note"),
    [
        ('"envId": 123456', "envId: not text; it was left out"),
        ('"functionRoot": ["functions"]', "functionRoot: not text; it was left out"),
        ('"functions": {"f": {"timeout": 5}}', "functions: not a list; it was left out"),
    ],
)
def test_settings_of_a_wrong_type_are_told(load, setting, note):
    config = load({"cloudbaserc.json": f"{{{setting}}}", "functions/f/index.js": ""})
    assert config.notes == (f"cloudbaserc.json: {note}",)


def test_functions_that_are_said_twice_are_told(load):
    content = '{"functions": [{"name": "f", "timeout": 5}, {"name": "f"}]}'
    assert load({"cloudbaserc.json": content, "functions/f/index.js": ""}).notes == (
        "cloudbaserc.json: functions: f is there twice; what is said last counts",
    )


def test_what_one_developer_says_wins(load, project):
    shared = '{"cloudfunctionRoot": "ours/", "appid": "wx1"}'
    own = '{"cloudfunctionRoot": "/mine/", "description": "not shared"}'
    files = {"project.config.json": shared, "project.private.config.json": own}
    config = load({**files, "mine/f/index.js": "", "ours/f/index.js": ""})
    assert (config.functions.root, config.emulator.appid) == (project / "mine", "wx1")
    assert config.notes == ()


def test_the_same_is_told_once(load):
    one = '{"name": "f", "envVariables": {"A": "{{env.X}}{{env.X}}", "B": "{{env.X}}"}}'
    config = load({"cloudbaserc.json": f'{{"functions": [{one}]}}', "functions/f/index.js": ""})
    assert config.notes == ("cloudbaserc.json: {{env.X}}: no variable X, neither set nor in .env",)


def test_utf_16_is_read(load):
    text = '{"envId": "wide-env"}'
    assert load({"cloudbaserc.json": text.encode("utf-16")}).emulator.env == "wide-env"


@pytest.mark.parametrize(
    ("file", "kind"),
    [("cloudbaserc.js", "a script"), ("cloudbaserc.yaml", "YAML"), ("cloudbaserc.yml", "YAML")],
)
def test_a_file_of_another_language_is_told_to_be_unread(load, file, kind):
    assert load({file: "envId: e"}).notes == (
        f"{file}: {kind} is not read; write its data to cloudbaserc.json",
    )


def test_files_that_were_read_are_listed_by_strength(load, project):
    config = load({"project.config.json": "{}", "cloudbaserc.json": "{}", ".emulator.toml": ""})
    assert [file.name for file in config.files] == [
        ".emulator.toml",
        "cloudbaserc.json",
        "project.config.json",
    ]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("export A = one two ", "one two"),
        ('A="in quotes" # a comment', "in quotes"),
        ("A='it is # no comment'", "it is # no comment"),
        ("A=bare # a comment", "bare"),
        ("A=#fff", "#fff"),
        ("A=pass#word", "pass#word"),
        ('A="never closed', '"never closed'),
        ("A=", ""),
    ],
)
def test_lines_of_the_env_file_are_read_as_dotenv_does(load, line, value):
    one = '{"name": "f", "envVariables": {"A": "{{env.A}}"}}'
    config = load(
        {".env": f"# first\n{line}\n", "cloudbaserc.json": f'{{"functions": [{one}]}}'},
    )
    assert config.functions.of("f").env["A"] == value


def test_folder_of_a_function_may_be_said(load, project):
    config = load(
        {
            "built/api/index.js": "",
            "functions/own/index.js": "",
            "cloudbaserc.json": '{"functions": [{"name": "api", "dir": "./built/api"},'
            ' {"name": "lost", "dir": "nowhere"}]}',
        }
    )
    assert config.functions.of("api").folder == (project / "built" / "api").resolve()
    assert config.functions.of("lost").folder is None
    assert [each.message for each in config.problems] == [
        "functions.lost.dir: there is no folder nowhere"
    ]
