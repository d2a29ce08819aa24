"""What people read when the suite is ready."""

import subprocess
import sys

import click
import pytest

from emulator.cli.banner import banner, exports, failures, short

INFO = {
    "env": "demo-env",
    "profile": "wechat",
    "version": "1.2.3",
    "urls": {"api": "http://127.0.0.1:8270", "site": "http://127.0.0.1:8271"},
    "data_dir": "/p/.cloud-emu",
    "functions": [
        {
            "name": "pay",
            "language": "python",
            "state": "ready",
            "file": "/p/functions/pay/index.py",
            "problem": None,
            "problems": [{"file": "functions/pay/config.json", "line": 2, "message": "odd"}],
            "triggers": [{"name": "nightly", "type": "timer"}, {"name": "api", "type": "http"}],
        },
        {"name": "js", "language": "node", "state": "idle", "triggers": []},
        {"name": "plain", "language": "python", "state": "ready", "triggers": []},
        {
            "name": "broken",
            "state": "failed",
            "problem": {
                "file": "functions/broken/index.py",
                "line": 3,
                "message": "SyntaxError: invalid syntax",
            },
            "triggers": [],
        },
    ],
    "timers": [
        {
            "function": "pay",
            "trigger": "nightly",
            "expression": "0 0 0 * * * *",
            "next_fire": "2026-01-01T00:00:00+08:00",
            "notes": ["five fields: seconds and year were filled in"],
        },
        {
            "function": "pay",
            "trigger": "once",
            "expression": "0 0 0 1 1 * 2020",
            "next_fire": None,
            "notes": [],
        },
    ],
    "notices": ["a torn record was dropped", "cloudbaserc.json:3: odd"],
    "variables": {"TCB_ENV": "demo-env", "TCB_CONTEXT_CNFG": '{"URL": "http://a/admin"}'},
}

EXPECTED = """\
Cloud Emu 1.2.3   environment demo-env   profile wechat
  API       http://127.0.0.1:8270
  Site      http://127.0.0.1:8271
  Data      /p/.cloud-emu

Functions (4)
  ok      pay     timer nightly, http api
    ! functions/pay/config.json:2: odd
  ok      js      node
  ok      plain
  failed  broken  functions/broken/index.py:3: SyntaxError: invalid syntax

Timers
  pay/nightly               0 0 0 * * * *         next 2026-01-01 00:00:00 +08:00
    five fields: seconds and year were filled in
  pay/once                  0 0 0 1 1 * 2020      never fires again

Notices
  ! cloudbaserc.json:3: odd
  ! a torn record was dropped

To point a Node or Python program here, paste into its shell (or run it with: cloud-emu exec -- CMD)
  export TCB_ENV=demo-env
  export TCB_CONTEXT_CNFG='{"URL": "http://a/admin"}'

Ctrl-C stops.
"""


def text(**changes) -> str:
    return click.unstyle(
        banner({**INFO, **changes}, notes=["cloudbaserc.json:3: odd"], windows=False)
    )


def test_the_banner_tells_all_there_is_to_know_and_each_notice_once():
    assert text() == EXPECTED


def test_a_suite_that_keeps_nothing_says_so():
    assert "Data      kept nowhere; gone when the suite stops" in text(data_dir=None)


def test_the_console_is_told_where_there_is_one():
    assert "Console   http://a/_emu/" in text(urls={**INFO["urls"], "console": "http://a/_emu/"})


def test_hosted_pages_are_worth_opening():
    shown = text(site_root="/p/dist")
    assert "Site      http://127.0.0.1:8271   open it: the pages of dist/" in shown
    assert "open it" not in text(site_root=None)


def test_debuggers_are_told_where_to_attach_and_why_one_is_not_open():
    debuggers = [
        {"function": "pay", "url": "debugpy://127.0.0.1:5678", "problem": ""},
        {"function": "broken", "url": "", "problem": "it did not load"},
    ]
    assert """
Debuggers (attach an editor; for ws:// also chrome://inspect)
  pay     debugpy://127.0.0.1:5678
  broken  not open: it did not load
""" in text(debuggers=debuggers)


def test_no_functions_is_told_with_the_way_to_one():
    assert "none found; cloud-emu fn new hello makes one" in text(functions=[])


def test_parts_that_are_empty_leave_no_headings():
    bare = click.unstyle(
        banner({**INFO, "timers": [], "notices": [], "variables": {}}, notes=[], windows=False)
    )
    assert "Timers" not in bare
    assert "Notices" not in bare
    assert "paste" not in bare


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        pytest.param("2026-01-01T00:00:00.000+08:00", "next 2026-01-01 00:00:00 +08:00", id="zone"),
        pytest.param("2026-01-01T00:00:00Z", "next 2026-01-01 00:00:00 UTC", id="utc"),
    ],
)
def test_moments_are_shown_in_their_zone(moment, shown):
    timer = {**INFO["timers"][0], "next_fire": moment}
    assert shown in text(timers=[timer])


def test_lines_for_powershell_quote_as_it_does():
    variables = {"A": 'x "y"', "B": "it's"}
    assert list(exports(variables, windows=True)) == ["$env:A = 'x \"y\"'", "$env:B = 'it''s'"]


@pytest.mark.skipif(sys.platform == "win32", reason="asks a POSIX shell")
def test_lines_for_a_shell_give_the_variables_exactly():
    variables = {"A": "it's", "B": '{"URL": "x"}', "C": "$HOME `x` \\", "D": ""}
    lines = "\n".join(exports(variables, windows=False))
    show = 'printf "%s|" "$A" "$B" "$C" "$D"'
    done = subprocess.run(
        ["sh", "-c", f"{lines}\n{show}"], capture_output=True, text=True, check=True, timeout=10
    )
    assert done.stdout == "".join(f"{value}|" for value in variables.values())


def test_beside_a_command_one_line_and_the_failures_are_enough():
    assert short(INFO) == "cloud-emu: environment demo-env at http://127.0.0.1:8270"
    assert failures(INFO) == [
        "function broken did not load: functions/broken/index.py:3: SyntaxError: invalid syntax"
    ]
