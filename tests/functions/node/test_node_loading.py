"""What is loaded and from where, when it is loaded again, and what is said when it cannot be."""

import json
import os

import pytest

from emulator.functions.base import LoadFailed

PROBLEMS = {
    "syntax": ("const a = 1\nconst b = (\n", 3, "SyntaxError: Unexpected end of input"),
    "thrown at the top": ("\nthrow new TypeError('not now')", 2, "TypeError: not now"),
    "file that is not there": ("require('./gone')", 1, "Cannot find module './gone'"),
    "nothing exported": ("", 0, "exports no function to call: write exports.main"),
    "handler that is no function": ("exports.main = 1", 0, "exports no function to call"),
}


@pytest.mark.parametrize(("code", "line", "message"), PROBLEMS.values(), ids=PROBLEMS)
async def test_problem_points_at_file_and_line(stage, code, line, message):
    problem = await stage.problem(code)
    assert problem.file == str(stage.root / "fn" / "index.js")
    assert problem.line == line
    assert message in problem.message


async def test_problem_in_a_required_file_points_there(stage):
    stage.save("fn/lib/broken.js", "const a =\n")
    problem = await stage.problem("require('./lib/broken')\nexports.main = () => 1")
    assert problem.file == str(stage.root / "fn" / "lib" / "broken.js")
    assert problem.line == 2


async def test_module_that_does_not_import_says_where(stage):
    stage.save("fn/index.mjs", "\nexport const main = (\n")
    problem = await stage.problem()
    assert problem.file.endswith("index.mjs")
    assert problem.line == 3


@pytest.mark.parametrize(
    ("request_", "package"),
    [("axios", "axios"), ("@cloudbase/node-sdk/lib/x", "@cloudbase/node-sdk")],
)
async def test_package_that_is_missing_is_told_with_the_command_to_run(stage, request_, package):
    problem = await stage.problem(f"require('{request_}')")
    assert f"Cannot find module '{request_}'" in problem.message
    assert "cloud-emu fn install" in problem.message
    assert f"npm install {package} in" in problem.message


async def test_package_missed_during_a_call_is_told_too(stage):
    failure = await stage.failure("exports.main = () => require('axios')")
    assert failure.message.startswith(
        "Error: Cannot find module 'axios'; run: cloud-emu fn install"
    )


async def test_lines_printed_while_loading_come_with_the_first_call(stage):
    generation = await stage.load("console.log('loading')\nexports.main = () => console.log('run')")
    assert stage.lines == []
    await stage.result(generation)
    assert [line for *_, line in stage.lines] == ["loading", "run"]


async def test_code_outside_the_folder_is_found_and_watched(stage):
    shared = stage.root.parent / "common" / "price.js"
    stage.save("../common/price.js", "module.exports = 1")
    generation = await stage.load("exports.main = () => require('../../common/price')")
    assert generation.is_current()
    assert await stage.result(generation) == 1
    await stage.eventually(lambda: str(shared) in generation._stamps)
    stage.save("../common/price.js", "module.exports = 2")
    assert not generation.is_current()
    assert await stage.result(await stage.load()) == 2


@pytest.mark.parametrize("name", ["index.js", "index.mjs"])
async def test_saved_file_makes_the_generation_outdated(stage, name):
    stage.save(f"fn/{name}", "")
    code = "export const main = () => 1" if name.endswith("mjs") else "exports.main = () => 1"
    stage.save(f"fn/{name}", code)
    generation = await stage.load()
    assert generation.is_current()
    stage.save(f"fn/{name}", code.replace("1", "2"))
    assert not generation.is_current()
    assert await stage.result(await stage.load()) == 2


async def test_json_that_was_required_is_watched(stage):
    stage.save("fn/prices.json", "[1]")
    generation = await stage.load("const p = require('./prices.json')\nexports.main = () => p")
    stage.save("fn/prices.json", "[2]")
    assert not generation.is_current()


async def test_installed_packages_are_found_and_their_installation_seen(stage):
    await stage.problem("const one = require('one')\nexports.main = () => one")
    before = stage.bundle().digest
    stage.save("fn/node_modules/one/index.js", "module.exports = 1")
    stage.save("fn/node_modules/.package-lock.json", "{}")
    assert stage.bundle().digest != before
    generation = await stage.load()
    assert await stage.result(generation) == 1
    stage.save("fn/node_modules/one/index.js", "module.exports = 2")
    assert generation.is_current()
    stage.save("fn/node_modules/.package-lock.json", '{"lockfileVersion": 3}')
    assert not generation.is_current()
    assert await stage.result(await stage.load()) == 2


async def test_first_installation_makes_the_generation_outdated(stage):
    generation = await stage.load("exports.main = () => 1")
    stage.save("fn/node_modules/.yarn-integrity", "{}")
    assert not generation.is_current()


async def test_shared_packages_serve_functions_that_have_none(stage, tmp_path):
    packages = tmp_path / "data" / "node" / "node_modules"
    for place, version in ((packages, "shared"), (stage.root / "own" / "node_modules", "own")):
        (place / "wx-server-sdk").mkdir(parents=True)
        (place / "wx-server-sdk" / "index.js").write_text(f"module.exports = '{version}'")
    code = "const sdk = require('wx-server-sdk')\nexports.main = () => sdk"
    assert await stage.run(code) == "shared"
    assert await stage.result(await stage.load(code, "own")) == "own"


@pytest.mark.parametrize("entry", ["index.mjs", "index.js"])
async def test_shared_packages_serve_modules_too(stage, tmp_path, entry):
    if entry.endswith(".js"):
        stage.save("fn/package.json", '{"type": "module"}')
    packages = tmp_path / "data" / "node" / "node_modules"
    for name, files in {
        "older": {"index.js": "exports.told = 'older'"},
        "newer": {
            "package.json": '{"type": "module", "exports": {".": "./a.js", "./b": "./b.js"}}',
            "a.js": "export default 'newer'",
            "b.js": "export const more = 'more'",
        },
    }.items():
        for file, text in files.items():
            (packages / name).mkdir(parents=True, exist_ok=True)
            (packages / name / file).write_text(text, encoding="utf-8")
    code = (
        "import older from 'older'\nimport newer from 'newer'\nimport { more } from 'newer/b'\n"
        "export const main = async () => "
        "[older.told, newer, more, (await import('older')).default.told]"
    )
    stage.save(f"fn/{entry}", code)
    assert await stage.result(await stage.load()) == ["older", "newer", "more", "older"]
    stage.save(f"fn/{entry}", "import x from 'none'\nexport const main = () => 1")
    problem = await stage.problem()
    assert "Cannot find package 'none'" in problem.message
    assert "cloud-emu fn install" in problem.message


async def test_function_runs_in_its_folder(stage):
    stage.save("fn/data.txt", "found")
    code = "exports.main = () => require('fs').readFileSync('data.txt', 'utf8')"
    assert await stage.run(code) == "found"


async def test_names_mean_files_of_the_folder_where_no_package_has_them(stage):
    stage.save("fn/project/price.js", "module.exports = require('framework/tax') + 1")
    stage.save("fn/framework/tax.js", "module.exports = 1")
    stage.save("fn/mine.js", "module.exports = 'own'")
    stage.save("fn/node_modules/mine/index.js", "module.exports = 'package'")
    generation = await stage.load(
        "exports.main = () => [require('project/price.js'), require('mine'), process.env.NODE_PATH,"
        " process.env.USER_CODE_ROOT]"
    )
    folder = str(stage.root / "fn")
    found = await stage.result(generation)
    assert found[:2] == [2, "package"]
    assert found[2].split(os.pathsep) == [folder, os.path.join(folder, "node_modules")]
    assert found[3] == folder + os.sep
    stage.save("fn/framework/tax.js", "module.exports = 5")
    assert not generation.is_current()


@pytest.mark.parametrize("manifest", ["../package.json", "package.json"])
async def test_functions_are_what_they_are_on_the_platform_whatever_stands_above(stage, manifest):
    stage.save(manifest, '{"type": "module"}')
    stage.save("_common/y.js", "\ufeffmodule.exports = 2")
    stage.save("fn/lib.js", "exports.x = 1")
    code = "exports.main = () => [require('./lib').x, require('../_common/y')]"
    assert await stage.run(code) == [1, 2]


async def test_modules_below_a_project_of_modules_are_modules_still(stage):
    stage.save("../package.json", '{"type": "module"}')
    stage.save("fn/one.js", "export const one = 1")
    generation = await stage.load("import { one } from './one.js'\nexport const main = () => one")
    assert await stage.result(generation) == 1


async def test_package_of_the_function_itself_decides(stage):
    stage.save("fn/package.json", '{"type": "module"}')
    generation = await stage.load("export const main = () => typeof require")
    assert await stage.result(generation) == "undefined"


async def test_functions_share_no_module_state(stage):
    stage.save("_shared/state.js", "let count = 0\nexports.next = () => ++count")
    code = "const { next } = require('../_shared/state')\nexports.main = () => next()"
    one, two = await stage.load(code, "one"), await stage.load(code, "two")
    assert [await stage.result(one), await stage.result(one), await stage.result(two)] == [1, 2, 1]


async def test_shells_options_for_node_do_not_reach_the_functions(stage, monkeypatch):
    monkeypatch.setenv("NODE_OPTIONS", "--require=./nowhere.js")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:1")
    found = await stage.run(
        "exports.main = () => [process.env.NODE_OPTIONS, process.env.NO_PROXY].map(String)"
    )
    assert found[0] == "undefined"
    assert "127.0.0.1" in found[1].split(",")


PRINTS = {
    "log": ("console.log('a', { b: 1 })", [("info", "a { b: 1 }")]),
    "warn": ("console.warn('w')", [("warning", "w")]),
    "debug": ("console.debug('d')", [("debug", "d")]),
    "error": ("console.error('e')", [("error", "e")]),
    "several lines": ("console.log('a\\nb')", [("info", "a"), ("info", "b")]),
    "no end of line": ("process.stdout.write('a')", [("info", "a")]),
    "in pieces": (
        "process.stdout.write('a'); process.stdout.write('b\\nc\\n')",
        [("info", "ab"), ("info", "c")],
    ),
    "bytes": ("process.stdout.write(Buffer.from('中'))", [("info", "中")]),
    "the cloud's own logger": (
        "console.__baseLog__({ a: 1 }, 'warn')",
        [("warning", '{"a":1}')],
    ),
    "streams that lead to the console": (
        "process.stdout.write = console._stderr.write = (...parts) => console.log(...parts)\n"
        "console.log('a', 1)\nprocess.stdout.write('b')\nconsole.error('c'); console.warn('d')",
        [("info", "a 1"), ("info", "b"), ("info", "c"), ("warning", "d")],
    ),
    "values that print": (
        "console.log({ [Symbol.for('nodejs.util.inspect.custom')]: "
        "() => { console.error(Symbol('s')); return 'v' } })",
        [("error", "Symbol(s)"), ("info", "v")],
    ),
    "groups": ("console.group('g'); console.log('in')", [("info", "g"), ("info", "  in")]),
}


@pytest.mark.parametrize(("code", "lines"), PRINTS.values(), ids=PRINTS)
async def test_printed_lines_have_a_level(stage, code, lines):
    await stage.run(f"exports.main = () => {{ {code} }}")
    assert [(level, line) for _, level, line in stage.lines] == lines


async def test_lines_of_work_left_behind_belong_to_the_call_that_began_it(stage):
    generation = await stage.load(
        "exports.main = async (name) => {\n"
        "  if (name) new Promise((go) => setTimeout(go, 60)).then(() => console.log(name))\n"
        "  else await new Promise((go) => setTimeout(go, 120))\n  console.log('now')\n}"
    )
    await stage.result(generation, "later")
    await stage.result(generation)
    assert stage.lines == [("r1", "info", "now"), ("r1", "info", "later"), ("r2", "info", "now")]


async def test_wait_of_a_stream_write_is_called_back(stage):
    assert (
        await stage.run(
            "exports.main = () => new Promise((go) => process.stdout.write('a', () => go(1)))"
        )
        == 1
    )


async def test_loading_that_never_ends_is_a_problem(stage, monkeypatch):
    from emulator.functions import process_runtime

    monkeypatch.setattr(process_runtime, "LOAD_TIMEOUT_S", 0.2)
    problem = await stage.problem("for (;;);")
    assert "did not return within 0.2 seconds" in problem.message


async def test_process_that_ends_while_loading_is_a_problem(stage):
    problem = await stage.problem("process.exit(2)")
    assert "2 code exit unexpected" in problem.message


async def test_what_was_printed_before_the_end_is_told(stage):
    stage.save("fn/index.js", "console.warn('no configuration')\nprocess.exit(2)\n")
    with pytest.raises(LoadFailed) as failed:
        await stage.load()
    assert failed.value.lines == (("warning", "no configuration"),)


def test_bundle_digest_follows_installations_only_by_their_markers(stage):
    stage.save("fn/index.js", "")
    before = stage.bundle().digest
    stage.save("fn/node_modules/a/index.js", "1")
    assert stage.bundle().digest == before
    for marker in (".package-lock.json", ".yarn-integrity", ".modules.yaml"):
        stage.save(f"fn/node_modules/{marker}", json.dumps(os.getpid()))
        assert stage.bundle().digest != before
        before = stage.bundle().digest
