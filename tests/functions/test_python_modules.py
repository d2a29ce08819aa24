"""Modules of a generation: found in the function's own folder, known to nobody else."""

import sys

import pytest

from emulator.functions import python_modules


async def test_two_functions_have_their_own_helpers_of_one_name(stage):
    code = "import utils\nfrom utils import NAME\ndef main(): return [utils.NAME, NAME]"
    first = await stage.load("first", code, utils="NAME = 'first'")
    second = await stage.load("second", code, utils="NAME = 'second'")
    assert await stage.result(first) == ["first", "first"]
    assert await stage.result(second) == ["second", "second"]


IMPORTS = [
    pytest.param("import utils; found = utils.NAME", "utils", id="import"),
    pytest.param("import utils as u; found = u.NAME", "utils", id="import as"),
    pytest.param("from utils import NAME as found", "utils", id="from import"),
    pytest.param("from utils import *; found = NAME", "utils", id="star"),
    pytest.param("from . import utils; found = utils.NAME", "utils", id="relative"),
    pytest.param("from .utils import NAME as found", "utils", id="relative from"),
    pytest.param("import pkg; found = pkg.NAME", "pkg", id="package"),
    pytest.param("import pkg.sub; found = pkg.sub.NAME", "pkg.sub", id="submodule"),
    pytest.param("import pkg.sub as s; found = s.NAME", "pkg.sub", id="submodule as"),
    pytest.param("from pkg import sub; found = sub.NAME", "pkg.sub", id="from package"),
    pytest.param("from pkg.sub import NAME as found", "pkg.sub", id="from submodule"),
    pytest.param("from pkg.up import NAME as found", "pkg", id="relative within a package"),
    pytest.param("from plain.deep import NAME as found", "plain.deep", id="plain folder"),
    pytest.param("found = __import__('utils').NAME", "utils", id="__import__"),
    pytest.param(
        "import importlib; found = importlib.import_module('pkg.sub').NAME",
        "pkg.sub",
        id="import_module",
    ),
    pytest.param(
        "from importlib import import_module; found = import_module('utils').NAME",
        "utils",
        id="import_module by name",
    ),
    pytest.param(
        "import importlib as i; found = i.import_module('.utils', __package__).NAME",
        "utils",
        id="import_module relative",
    ),
    pytest.param(
        "import importlib.util; found = importlib.util.find_spec('json').name",
        "json",
        id="importlib's own parts",
    ),
    pytest.param(
        "from importlib.util import find_spec; found = find_spec('json').name",
        "json",
        id="names of importlib's own parts",
    ),
]
IN_A_FUNCTION = [each for each in IMPORTS if "*" not in each.values[0]]
"""Python has no star import in a function."""
MODULES = {
    "utils": "NAME = 'utils'",
    "pkg/__init__": "NAME = 'pkg'",
    "pkg/sub": "NAME = 'pkg.sub'",
    "pkg/up": "from . import NAME",
    "plain/deep": "NAME = 'plain.deep'",
}


@pytest.fixture
def with_modules(stage):
    for file, text in MODULES.items():
        stage.save(f"fn/{file}.py", text)
    return stage


@pytest.mark.parametrize(("statement", "value"), IMPORTS)
async def test_every_way_to_import_finds_the_functions_own(with_modules, statement, value):
    code = f"{statement}\ndef main(): return found"
    assert await with_modules.run(code) == value


@pytest.mark.parametrize(("statement", "value"), IN_A_FUNCTION)
async def test_every_way_to_import_in_a_handler_finds_the_functions_own(
    with_modules, statement, value
):
    body = statement.replace("\n", "\n    ").replace("; ", "\n    ")
    code = f"def main():\n    {body}\n    return found"
    assert await with_modules.run(code) == value


async def test_entry_in_a_folder_of_its_own_is_found(stage):
    stage.save("fn/config.json", '{"handler": "src/app.serve"}')
    stage.save("fn/src/app.py", "from helper import x\ndef serve(): return x")
    stage.save("fn/helper.py", "x = 'top'")
    stage.save("fn/index.py", "")
    assert await stage.result(await stage.runtime.load(stage.bundle("fn"))) == "top"


async def test_helpers_may_import_each_other_in_a_circle(stage):
    code = "import one\ndef main(): return one.call()"
    generation = await stage.load(
        "fn",
        code,
        one="import two\nNAME = 'one'\ndef call(): return two.call()",
        two="import one\ndef call(): return one.NAME",
    )
    assert await stage.result(generation) == "one"


async def test_standard_library_is_shared_and_not_shadowed_by_data_folders(stage):
    stage.save("fn/json/data.txt", "not a module")
    code = "import json, sys\ndef main(): return [json.dumps([1]), json is sys.modules['json']]"
    assert await stage.run(code) == ["[1]", True]


async def test_file_named_like_a_standard_module_is_the_functions_own(stage):
    stage.save("fn/calendar.py", "NAME = 'mine'")
    assert await stage.run("import calendar\ndef main(): return calendar.NAME") == "mine"
    assert not hasattr(sys.modules.get("calendar"), "NAME")


async def test_code_shared_beside_the_functions_is_found_and_watched(stage):
    stage.save("_shared/__init__.py", "")
    stage.save("_shared/money.py", "RATE = 7")
    generation = await stage.load("fn", "from _shared.money import RATE\ndef main(): return RATE")
    assert await stage.result(generation) == 7
    stage.save("_shared/money.py", "RATE = 8")
    assert not generation.is_current()


async def test_dataclasses_pickles_types_and_enums_work(stage):
    code = """
    from __future__ import annotations
    import copy, enum, pickle, typing
    from dataclasses import dataclass, field
    @dataclass
    class Point:
        x: int
        seen: typing.ClassVar[int] = 0
        tags: list[str] = field(default_factory=list)
    class Colour(enum.Enum):
        RED = 1
    class Pair(typing.NamedTuple):
        a: int
        b: Colour
    def main():
        point = pickle.loads(pickle.dumps(Point(1, ["a"])))
        assert pickle.loads(pickle.dumps(Colour.RED)) is Colour.RED
        assert copy.deepcopy(Pair(1, Colour.RED)) == Pair(1, Colour.RED)
        assert typing.get_type_hints(Point)["x"] is int
        return point
    """
    assert await stage.run(code) == {"x": 1, "tags": ["a"]}


async def test_module_knows_its_file_and_has_a_name_that_is_importable(stage):
    code = "import sys\ndef main(): return [__file__, sys.modules[__name__].main is main]"
    assert await stage.run(code) == [str(stage.root / "fn/index.py"), True]


async def test_files_beside_the_code_are_read_by_its_path(stage):
    stage.save("fn/data/rates.json", "{}")
    code = """
    import importlib.resources, os, pkgutil
    from pathlib import Path
    def main():
        here = Path(__file__).parent
        return [(here / "data/rates.json").read_text(), os.path.dirname(__file__) == str(here)]
    """
    assert await stage.run(code) == ["{}", True]


async def test_encoding_cookie_and_byte_order_mark_are_understood(stage):
    folder = stage.root / "fn"
    folder.mkdir(parents=True)
    (folder / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\nNAME = '\xe9'\n")
    (folder / "index.py").write_bytes(
        b"\xef\xbb\xbffrom latin import NAME\ndef main(): return NAME\n"
    )
    assert await stage.result(await stage.runtime.load(stage.bundle("fn"))) == "é"


async def test_loading_leaves_no_compiled_files_in_the_folder(stage):
    await stage.load("fn", "import helper\ndef main(): pass", helper="")
    assert not list(stage.root.rglob("*.pyc"))


async def test_package_that_pip_put_there_keeps_its_own_name(stage):
    stage.save("fn/vendored_lib/__init__.py", "import vendored_lib.inner\nNAME = __name__")
    stage.save("fn/vendored_lib/inner.py", "import sys\nASKED = sys.modules['vendored_lib']")
    stage.save("fn/vendored_lib-1.0.dist-info/RECORD", "vendored_lib/__init__.py,,\n")
    path = list(sys.path)
    generation = await stage.load("fn", "import vendored_lib\ndef main(): return vendored_lib.NAME")
    assert await stage.result(generation) == "vendored_lib"
    await stage.runtime.close()
    assert sys.path == path
    for name in [name for name in sys.modules if name.startswith("vendored_lib")]:
        del sys.modules[name]


async def test_error_in_a_lazy_import_names_the_module_as_the_user_does(stage):
    failure = await stage.fail("def main():\n    import missing_helper")
    assert failure.message == "ModuleNotFoundError: No module named 'missing_helper'"


async def test_traceback_shows_the_line_as_it_was_loaded(stage):
    generation = await stage.load("fn", "def main():\n    raise ValueError('first')")
    stage.save("fn/index.py", "# saved since\n# then\n")
    outcome = await stage.call(generation)
    assert outcome.failure.stack.endswith("raise ValueError('first')")


async def test_a_helper_that_is_just_being_saved_in_place_is_waited_for(stage, monkeypatch):
    class Saving:
        """Stands for the time in which an editor goes on."""

        def wait(self, timeout_s):
            (stage.root / "first" / "helper.py").write_text("NAME = 'saved'")

    monkeypatch.setattr(python_modules, "Event", Saving)
    first = await stage.load("first", "import helper\ndef main(): return helper.NAME", helper="")
    assert await stage.result(first) == "saved"


async def test_a_module_that_stays_empty_is_one(stage):
    first = await stage.load(
        "first", "import empty\ndef main(): return vars(empty).get('x')", empty=""
    )
    assert await stage.result(first) is None
