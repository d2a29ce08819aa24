"""A search path for each function, as if it had a process of its own."""

import io
import sys

import pytest

from emulator.functions.python_ambience import RoutedStream
from emulator.functions.python_path import OwnPath, PrivateSys

INSERT = """
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import common
def main(): return common.NAME
"""
APPEND = """
import sys
sys.path.append("./lib")
def main():
    import common
    return common.NAME
"""
REPLACE = """
import sys
sys.path = ["lib", *sys.path]
from common import NAME
def main(): return NAME
"""
LATE = """
import sys
try:
    import common
except ImportError:
    sys.path += ["lib"]
    import common
def main(): return common.NAME
"""


@pytest.mark.parametrize("code", [INSERT, APPEND, REPLACE, LATE])
async def test_two_functions_add_folders_with_modules_of_one_name(stage, code):
    path = list(sys.path)
    for name in ("first", "second"):
        generation = await stage.load(name, code, lib__common=f"NAME = {name!r}")
        assert await stage.result(generation) == name
    assert sys.path == path
    assert "common" not in sys.modules


async def test_saving_a_module_of_an_added_folder_makes_a_generation_old(stage):
    generation = await stage.load("fn", INSERT, lib__common="NAME = 1")
    assert await stage.result(generation) == 1
    stage.save("fn/lib/common.py", "NAME = 2")
    assert not generation.is_current()


async def test_folder_beside_the_functions_may_be_added(stage):
    stage.save("_shared/common.py", "NAME = 'shared'")
    code = INSERT.replace('"lib"', '"..", "_shared"')
    assert await stage.result(await stage.load("fn", code)) == "shared"


async def test_what_is_inserted_hides_the_standard_library_and_what_is_appended_does_not(stage):
    hidden = "import sys; sys.path.insert(0, 'lib')\nimport colorsys\ndef main(): return colorsys.X"
    generation = await stage.load("first", hidden, lib__colorsys="X = 1")
    assert await stage.result(generation) == 1
    seen = (
        "import sys; sys.path.append('lib')\nimport colorsys\n"
        "def main(): return hasattr(colorsys, 'X')"
    )
    generation = await stage.load("second", seen, lib__colorsys="X = 1")
    assert await stage.result(generation) is False


async def test_clearing_the_path_is_no_matter_for_others(stage):
    path = list(sys.path)
    code = "import sys\ndef main():\n    sys.path.clear()\n    return sys.path"
    assert await stage.result(await stage.load("fn", code)) == []
    assert sys.path == path


async def test_path_begins_with_the_functions_folder(stage):
    code = "import sys\ndef main(): return sys.path[0]"
    assert await stage.result(await stage.load("fn", code)) == str(stage.root / "fn")


def test_folder_of_installed_packages_is_the_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    vendored = tmp_path / "vendor"
    (vendored / "thing-1.0.dist-info").mkdir(parents=True)
    own = OwnPath(tmp_path)
    own.module.path.insert(0, "vendor")
    assert own.has_changed()
    assert not own.has_changed()
    assert (own.before, own.after) == ((), ())
    assert sys.path[-1] == str(vendored)


def test_everything_else_is_the_standard_module(tmp_path, monkeypatch):
    own = PrivateSys(tmp_path, {})
    assert own.modules is sys.modules
    assert own.stdout is sys.stdout
    assert set(dir(own)) == set(dir(sys))
    monkeypatch.setattr(sys, "tracebacklimit", 1, raising=False)
    own.tracebacklimit = 2
    assert sys.tracebacklimit == 2
    with pytest.raises(AttributeError):
        _ = own.nothing


STREAMS = [
    pytest.param(
        "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')", ["好"], id="wrapped"
    ),
    pytest.param(
        "sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8')",
        ["好"],
        id="detached",
    ),
    pytest.param("sys.stdout = codecs.getwriter('utf-8')(sys.stdout.detach())", ["好"], id="codec"),
    pytest.param("sys.stdout = io.StringIO()", [], id="kept"),
    pytest.param("sys.stdout = None", [], id="none"),
    pytest.param("sys.stdout = sys.__stdout__", ["好"], id="restored"),
    pytest.param(
        """
class Tee:
    def __init__(self): self.below = sys.stdout
    def write(self, text): self.below.write(text.replace("好", "teed"))
sys.stdout = Tee()""",
        ["teed"],
        id="tee",
    ),
]


@pytest.mark.parametrize(("statement", "lines"), STREAMS)
async def test_stream_that_a_function_puts_in_place_is_its_own(stage, statement, lines):
    code = f"import codecs, io, sys\n{statement}\ndef main(): print('好')"
    own = await stage.load("own", code)
    others = await stage.load("others", "def main(): print('others')")
    await stage.result(own)
    assert [line for _, line in stage.lines] == lines
    await stage.result(others)
    assert stage.lines[-1] == ("info", "others")
    assert type(sys.stdout) is RoutedStream


def test_stream_that_answers_nothing_does_not_stop_the_suites_own_output():
    """`codecs.StreamWriter.write` returns None, which no count can be made of."""

    class Mute(io.StringIO):
        def write(self, text):
            super().write(text)

    below = Mute()
    RoutedStream(below, "stdout", "info").write("said")
    assert below.getvalue() == "said"


async def test_limits_of_the_process_are_not_tightened_for_the_suite(stage):
    limit, interval_s = sys.getrecursionlimit(), sys.getswitchinterval()
    code = """
    import sys
    def main():
        sys.setrecursionlimit(50)
        sys.setswitchinterval(100)
        sys.setrecursionlimit(sys.getrecursionlimit() + 1)
    """
    try:
        await stage.result(await stage.load("fn", code))
        assert (sys.getrecursionlimit(), sys.getswitchinterval()) == (limit + 1, interval_s)
    finally:
        sys.setrecursionlimit(limit)
