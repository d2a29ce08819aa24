"""What commands print, and where."""

import io
import json
import sys
from pathlib import Path

import click
import pytest

from emulator.cli.output import (
    EXIT_FAILED,
    Failed,
    bold,
    colored,
    faint,
    json_option,
    never_fail_to_encode,
    say,
    say_json,
    say_json_for_people,
    tell,
    wants_json,
)


def test_the_answer_is_on_standard_output_and_the_rest_beside_it(capsys):
    say("answer")
    tell("beside")
    assert capsys.readouterr() == ("answer\n", "beside\n")


def test_json_for_programs_is_one_line_of_plain_ascii(capsys):
    say_json({"名": "a\nb", "path": Path("x")})
    out = capsys.readouterr().out
    assert out.isascii()
    assert out.count("\n") == 1
    assert json.loads(out) == {"名": "a\nb", "path": "x"}


def test_json_for_people_shows_chinese_as_it_is(capsys):
    say_json_for_people({"名": 1})
    assert capsys.readouterr().out == '{\n  "名": 1\n}\n'


@pytest.mark.parametrize("style", [bold, faint, lambda text: colored(text, "red")])
def test_no_color_takes_styles_away(style, capsys, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert style("text") != "text"
    say(style("text"))
    tell(style("text"))
    assert capsys.readouterr() == ("text\n", "text\n")


def test_a_failure_has_a_code_for_programs_and_one_for_the_shell():
    fault = Failed("no", hint="do")
    assert (fault.message, fault.hint, fault.code) == ("no", "do", "FAILED")
    assert fault.exit_code == EXIT_FAILED


@pytest.mark.parametrize(("arguments", "wanted"), [([], False), (["--json"], True)])
def test_the_wish_for_json_is_remembered(arguments, wanted):
    @click.command()
    @json_option
    def probe(*, as_json: bool) -> None:
        raise AssertionError(as_json)

    context = probe.make_context("probe", list(arguments))
    assert context.params == {"as_json": wanted}
    assert wants_json(context) is wanted
    assert not wants_json(None)


def test_a_character_that_the_console_lacks_is_a_question_mark(monkeypatch):
    raw = io.BytesIO()
    console = io.TextIOWrapper(raw, encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", console)
    never_fail_to_encode()
    say("名 fits")
    console.flush()
    assert raw.getvalue() == b"? fits\n"


def test_a_stream_that_cannot_be_told_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    never_fail_to_encode()
    say("名")
    assert sys.stdout.getvalue() == "名\n"
