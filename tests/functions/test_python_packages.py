"""Installed packages: each function sees its own, and two versions never mix."""

import sys
from pathlib import Path

import pytest

from emulator.ambient import SystemClock, SystemIds
from emulator.functions.base import LoadFailed, NeedsProcess
from emulator.functions.bundle import find
from emulator.functions.python_packages import (
    Installed,
    PackageClaims,
    PackageConflict,
    current_of,
    needs_of,
)
from emulator.functions.python_process import PythonProcessRuntime
from tests.wheels import put_package

READS = "import shelf_lib\ndef main(): return shelf_lib.VERSION"


@pytest.fixture(autouse=True)
def modules_and_path_as_before():
    path = list(sys.path)
    yield
    for name in [name for name in sys.modules if name.startswith("shelf_")]:
        del sys.modules[name]
    sys.path[:] = path


def installed(folder: Path, version: str, name: str = "shelf_lib") -> Installed:
    put_package(folder, name, version)
    return Installed(folder)


async def test_package_is_importable_by_the_function_that_brings_it_alone(stage):
    put_package(stage.root / "one", "shelf_lib", "1.0")
    one = await stage.load("one", READS)
    assert await stage.result(one) == "1.0"
    for code in (READS, "from importlib import import_module\nimport_module('shelf_lib')"):
        with pytest.raises(LoadFailed) as failed:
            await stage.load("two", code)
        assert "No module named 'shelf_lib'" in failed.value.problem.message
    lazy = await stage.load("three", "def main():\n    from shelf_lib import VERSION")
    assert "No module named 'shelf_lib'" in (await stage.call(lazy)).failure.message


async def test_same_version_is_shared(stage):
    for name in ("one", "two"):
        put_package(stage.root / name, "shelf_lib", "1.0")
        assert await stage.result(await stage.load(name, READS)) == "1.0"


async def test_another_version_asks_for_a_process_of_its_own(stage):
    put_package(stage.root / "one", "shelf_lib", "1.0")
    put_package(stage.root / "two", "shelf_lib", "2.0")
    one = await stage.load("one", READS)
    with pytest.raises(NeedsProcess) as failed:
        await stage.load("two", READS)
    message = failed.value.problem.message
    assert message.startswith("it brings shelf_lib 2.0, and the suite's process has 1.0 from ")
    runtime = PythonProcessRuntime(clock=SystemClock(), ids=SystemIds())
    try:
        two = await runtime.load(stage.bundle("two"))
        stage.runtime, inline = runtime, stage.runtime
        assert await stage.result(two) == "2.0"
        stage.runtime = inline
    finally:
        await runtime.close()
    assert await stage.result(one) == "1.0"


async def test_process_has_the_functions_version_of_what_the_suite_has_too(stage):
    put_package(stage.root / "fn", "orjson", "0.1")
    put_package(stage.root / "fn", "tinydb", "0.2")
    code = "import orjson, tinydb\ndef main(): return [orjson.VERSION, tinydb.VERSION]"
    with pytest.raises(NeedsProcess):
        await stage.load("fn", code)
    runtime = PythonProcessRuntime(clock=SystemClock(), ids=SystemIds())
    stage.runtime, inline = runtime, stage.runtime
    try:
        assert await stage.result(await runtime.load(stage.bundle("fn"))) == ["0.1", "0.2"]
    finally:
        await runtime.close()
        stage.runtime = inline


async def test_new_installation_is_seen_by_the_next_call(stage, tmp_path):
    stage.save("fn/requirements.txt", "shelf_lib\n")
    code = "def main():\n    import shelf_lib\n    return shelf_lib.VERSION"
    stage.write("fn", code)
    home = tmp_path / "data" / "fn"

    def bundle():
        return find(stage.root, "fn", packages=tmp_path / "data")

    before = await stage.runtime.load(bundle())
    digest = bundle().digest
    message = (await stage.call(before)).failure.message
    assert message.endswith("No module named 'shelf_lib'; run: cloud-emu fn install fn")
    assert before.is_current()
    put_package(home / "first", "shelf_lib", "1.0")
    (home / "current").write_text("first\n")
    assert not before.is_current()
    assert bundle().digest != digest
    assert await stage.result(await stage.runtime.load(bundle())) == "1.0"


async def test_module_that_does_not_load_for_want_of_a_requirement_names_the_command(stage):
    stage.save("fn/requirements.txt", "shelf-lib==1.0\n")
    with pytest.raises(LoadFailed) as failed:
        await stage.load("fn", READS)
    assert failed.value.problem.message.endswith("run: cloud-emu fn install fn")
    assert failed.value.problem.line == 1


def test_claims_end_with_the_last_holder_unless_it_was_imported(tmp_path):
    claims = PackageClaims()
    first, second = (installed(tmp_path / name, name) for name in ("1.0", "2.0"))
    path = list(sys.path)
    claims.claim(first)
    claims.claim(first)
    claims.release(first)
    assert sys.path == [*path, str(tmp_path / "1.0")]
    claims.release(first)
    assert sys.path == path
    claims.claim(second)
    import shelf_lib  # type: ignore[import-not-found]  # made above

    assert shelf_lib.VERSION == "2.0"
    claims.release(second)
    with pytest.raises(PackageConflict):
        claims.claim(first)


def test_names_are_hidden_from_who_does_not_bring_them(tmp_path):
    claims = PackageClaims()
    mine, nobodys = installed(tmp_path / "a", "1.0"), Installed(tmp_path / "b")
    claims.claim(mine)
    assert claims.hides("shelf_lib", nobodys)
    assert not claims.hides("shelf_lib", mine)
    assert not claims.hides("json", nobodys)
    claims.release(mine)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("shelf-lib==1.0  # why\n\n# comment\n-r other.txt\n--no-index\n", ("shelf-lib",)),
        ("Shelf.Lib[extra]>=1; python_version > '3'\n", ()),
        ("TinyDB\naiohttp>=3\n", ()),
        ("", ()),
    ],
)
def test_missing_are_requirements_that_lie_nowhere(tmp_path, text, missing):
    (tmp_path / "requirements.txt").write_text(text)
    needs = needs_of(tmp_path, None)
    assert needs is not None
    assert (needs.missing, needs.is_met) == (missing, not missing)


def test_spelling_of_a_requirement_does_not_matter(tmp_path):
    (tmp_path / "requirements.txt").write_text("Shelf.Lib\n")
    put_package(tmp_path, "shelf_lib", "1.0")
    needs = needs_of(tmp_path, None)
    assert needs is not None
    assert needs.is_met


def test_function_without_requirements_needs_nothing(tmp_path):
    assert needs_of(tmp_path, None) is None


def test_installation_that_counts_is_the_one_that_is_named(tmp_path):
    assert current_of(tmp_path) is None
    (tmp_path / "current").write_text("a1-1\n")
    assert current_of(tmp_path) == tmp_path / "a1-1"
