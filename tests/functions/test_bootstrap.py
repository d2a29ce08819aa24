"""What start files of HTTP functions start, found without running them."""

from pathlib import Path

import pytest

from emulator.functions.base import Bundle, TriggerConfig
from emulator.functions.bootstrap import FILE, roots_of, start_of

STARTS = {
    "one line": ("node index.js", "index.js"),
    "the platform's own path": ("#!/bin/bash\n/var/lang/node18/bin/node index.js\n", "index.js"),
    "flags": ("node --enable-source-maps --max-http-header-size=1 src/app.js", "src/app.js"),
    "quotes and dots": ('exec node "./src/app.js" > /tmp/log', "src/app.js"),
    "no suffix": ("node server", "server.cjs"),
    "a folder": ("node src", "src/index.js"),
    "a version": ("node16 index.js", "index.js"),
    "the last of several": ("node src/app.js && node index.js", "index.js"),
    "a script": ("npm start", "index.js"),
    "a script by its name": ("yarn run start:prod", "src/app.js"),
    "a package's program": ("node node_modules/x/bin/run.js --port 1", "node_modules/x/bin/run.js"),
    "the platform's own folder": ("exec node /var/user/src/app.js", "src/app.js"),
    "a program itself": ("#!/var/lang/node16/bin/node\nrequire('./index.js')", "scf_bootstrap"),
    "a program itself, found": ("#!/usr/bin/env node\nrequire('./index.js')", "scf_bootstrap"),
    "variables before": ("PORT=9000 exec /var/lang/node20/bin/node index.js", "index.js"),
    "other lines before": ("cd /opt\nset -e\nnode index.js", "index.js"),
}
NONE = {
    "nothing": "",
    "another language": "php -S 0.0.0.0:9000",
    "a Python file that is not there": "python3 gone.py",
    "a module that is not there": "python3 -m gone",
    "Python that is given code": "python3 -c 'print(1)'",
    "no such file": "node gone.js",
    "a script there is not": "npm run start:gone",
    "a framework that is not there": "npx tcb-ff",
    "a word that ends like it": "run-node.sh index.js",
}
FILES = (
    "index.js",
    "src/app.js",
    "src/index.js",
    "server.cjs",
    "node_modules/x/bin/run.js",
)
SCRIPTS = (
    '{"scripts": {"start": "NODE_ENV=production node index.js", "start:prod": "node src/app", '
    '"serve": "cross-env PORT=1 node index.js"}}'
)


@pytest.fixture
def folder(tmp_path):
    for name in FILES:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    (tmp_path / "package.json").write_text(SCRIPTS)
    return tmp_path


@pytest.mark.parametrize(("text", "program"), STARTS.values(), ids=STARTS)
def test_program_is_found_in_the_last_command(folder, text, program):
    (folder / FILE).write_text(text)
    start = start_of(folder)
    assert start is not None
    assert start.program == folder / program


@pytest.mark.parametrize("text", NONE.values(), ids=NONE)
def test_what_starts_nothing_of_ones_own_is_none(folder, text):
    (folder / FILE).write_text(text)
    assert start_of(folder) is None


def test_folder_without_a_start_file_has_none(folder):
    assert start_of(folder) is None


def test_scripts_that_are_odd_start_nothing(folder):
    (folder / FILE).write_text("npm start")
    for text in ("", "[]", '{"scripts": []}', '{"scripts": {"start": 1}}'):
        (folder / "package.json").write_text(text)
        assert start_of(folder) is None


def test_variables_are_those_that_are_plainly_set(folder):
    (folder / FILE).write_text(
        'export PORT=9000\nexport MODE="prod uction"\nexport P=$HOME/x\nX=1\nnode index.js\n'
    )
    start = start_of(folder)
    assert start is not None
    assert start.variables == {"PORT": "9000", "MODE": "prod uction"}


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("PORT=9000 exec /var/lang/node20/bin/node index.js", {"PORT": "9000"}),
        ("A='1' B=2 node index.js C=3", {"A": "1", "B": "2"}),
        ("export A=1\nA=2 node index.js", {"A": "2"}),
        ("P=$HOME/x node index.js", {}),
        ("export A=1; export B='2 3' && node index.js", {"A": "1", "B": "2 3"}),
        ('export A="x;y"\nexport B=\nnode index.js', {"A": "x;y", "B": ""}),
        ("export A=$X/y; export B=1 C=2; node index.js", {}),
        ("export A=1\nnpm start", {"A": "1", "NODE_ENV": "production"}),
        ("npm install\nnpm run serve\r\n", {"PORT": "1"}),
    ],
)
def test_variables_before_the_command_are_set_too(folder, text, variables):
    (folder / FILE).write_text(text)
    start = start_of(folder)
    assert start is not None
    assert start.variables == variables


ARGUMENTS = {
    "none": ("node index.js", ()),
    "some": ("node index.js --port 9000 'a' > /tmp/log", ("--port", "9000", "a")),
    "before the next command": ("node index.js -x && echo done", ("-x",)),
    "of a script": ("npm start", ("--stage=prod",)),
}


@pytest.mark.parametrize(("text", "arguments"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments_are_those_of_the_program(folder, text, arguments):
    (folder / "package.json").write_text('{"scripts": {"start": "node index.js --stage=prod"}}')
    (folder / FILE).write_text(f"{text}\n")
    start = start_of(folder)
    assert start is not None
    assert start.arguments == arguments


@pytest.mark.parametrize(
    "text", ["npx tcb-ff --port=9000", "./node_modules/.bin/tcb-ff --port=9000", "npm start"]
)
@pytest.mark.parametrize("place", [".", ".."])
def test_framework_is_a_program_like_others_where_it_is_installed(folder, text, place):
    own = folder / "fn"
    own.mkdir()
    program = own / place / "node_modules/@cloudbase/functions-framework/bin/tcb-ff.js"
    program.parent.mkdir(parents=True)
    program.write_text("")
    (own / "package.json").write_text('{"scripts": {"start": "tcb-ff --port=9000"}}')
    (own / FILE).write_text(text)
    start = start_of(own)
    assert start is not None
    assert start.program.samefile(program)
    assert start.arguments == ("--port=9000",)


PYTHON = {
    "a file": ("python3 app.py", "app.py", ("app.py",)),
    "flags and arguments": (
        "/var/lang/python310/bin/python3.10 -u -B web/run.py --name 'a b' > log",
        "web/run.py",
        ("web/run.py", "--name", "a b"),
    ),
    "where it lies on the platform": ("A=1 python3 /var/user/app.py", "app.py", ("app.py",)),
    "a module": ("python -m web.run", "web/run.py", ("-m", "web.run")),
    "a server and what it serves": (
        "exec python3 -m uvicorn app:api --port 9000",
        "app.py",
        ("-m", "uvicorn", "app:api", "--port", "9000"),
    ),
    "a server by its name": (
        "export A=1\r\nflask run --host 0.0.0.0",
        "app.py",
        ("-m", "flask", "run", "--host", "0.0.0.0"),
    ),
    "a module of another name": (
        "waitress-serve --port=9000 web.run:wsgi",
        "web/run.py",
        ("-m", "waitress", "--port=9000", "web.run:wsgi"),
    ),
    "odd quotes": ("python3 app.py 'a", "app.py", ("app.py", "'a")),
}


@pytest.mark.parametrize(("text", "program", "arguments"), PYTHON.values(), ids=PYTHON)
def test_python_programs_are_found_too(tmp_path, text, program, arguments):
    for name in ("app.py", "web/run.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / FILE).write_text(text)
    start = start_of(tmp_path)
    assert start is not None
    assert (start.program, start.arguments) == (tmp_path / program, arguments)
    assert start.variables == ({"A": "1"} if "A=1" in text else {})


def test_a_program_hears_its_own_paths_as_the_root():
    paths = ({"path": "/a"}, {"path": "/b", "pathTransmission": True})
    triggers = [TriggerConfig(name="t", kind="http", config=each) for each in paths]
    timer = TriggerConfig(name="t", kind="timer", config="0 0 * * * * *")
    bundle = Bundle(
        name="f",
        folder=Path(),
        language="python",
        entry=Path("app.py"),
        handlers=(),
        triggers=(*triggers, timer),
    )
    assert roots_of(bundle) == ["/a"]
