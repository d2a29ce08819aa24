"""How handlers are found, called and answered, as on the platform."""

import json

import pytest

HANDLERS = {
    "async": "exports.main = async () => 1",
    "sync": "exports.main = () => 1",
    "promise": "exports.main = () => new Promise((done) => setTimeout(done, 1, 1))",
    "thenable": "exports.main = () => ({ then (done) { done(1) } })",
    "callback": "exports.main = (event, context, callback) => { callback(null, 1) }",
    "late callback": "exports.main = (event, context, done) => { setTimeout(done, 5, null, 1) }",
    "async with callback": "exports.main = async (event, context, done) => { done(null, 1) }",
    "async that returns before its callback": (
        "exports.main = async (event, context, done) => { setTimeout(done, 5, null, 1) }"
    ),
    "the first answer counts": "exports.main = (e, c, done) => { done(null, 1); done(null, 2) }",
    "sloppy mode": "exports.main = () => { one = 1; return one }",
    "module.exports": "module.exports = { main: () => 1 }",
    "main_handler": "exports.main_handler = () => 1",
    "this is the module": "exports.one = 1\nexports.main = function () { return this.one }",
}


@pytest.mark.parametrize("code", HANDLERS.values(), ids=HANDLERS)
async def test_handler_answers(stage, code):
    assert await stage.run(code) == 1


RESULTS = {
    "undefined": ("undefined", "null"),
    "a date": ("new Date(0)", '"1970-01-01T00:00:00.000Z"'),
    "undefined members": ("{ a: undefined, b: [undefined] }", '{"b":[null]}'),
    "text": ("'text'", '"text"'),
    "not a number": ("NaN", "null"),
    "bytes": ("Buffer.from('a')", '{"type":"Buffer","data":[97]}'),
    "toJSON": ("{ toJSON: () => 5 }", "5"),
    "other scripts": ("'\\u4e2d\\ud83d\\ude00'", '"中😀"'),
}


@pytest.mark.parametrize(("value", "text"), RESULTS.values(), ids=RESULTS)
async def test_result_is_what_json_makes_of_it(stage, value, text):
    outcome = await stage.call(await stage.load(f"exports.main = () => ({value})"))
    assert outcome.result.decode() == text


async def test_callback_that_can_never_come_answers_null(stage):
    assert await stage.run("exports.main = (event, context, callback) => {}") is None


FAILURES = {
    "thrown": ("() => { throw new TypeError('no') }", "TypeError: no"),
    "rejected": ("async () => { throw new Error('no') }", "Error: no"),
    "told by callback": ("(e, c, done) => done(new Error('no'))", "Error: no"),
    "text thrown": ("() => { throw 'just text' }", "just text"),
    "object thrown": ("() => { throw { code: 7 } }", "{ code: 7 }"),
    "nothing thrown": ("() => Promise.reject()", "undefined"),
    "reading nothing": (
        "(event) => event.a.b",
        "TypeError: Cannot read properties of null (reading 'a')",
    ),
}


@pytest.mark.parametrize(("handler", "message"), FAILURES.values(), ids=FAILURES)
async def test_failure_tells_type_and_text(stage, handler, message):
    failure = await stage.failure(f"exports.main = {handler}")
    assert (failure.kind, failure.message) == ("exception", message)


async def test_stack_holds_the_users_frames_from_the_functions_folder_on(stage):
    stage.save("fn/lib/deep.js", "module.exports = () => {\n  throw new Error('deep')\n}\n")
    failure = await stage.failure("const deep = require('./lib/deep')\nexports.main = () => deep()")
    assert failure.stack.splitlines() == [
        "    at module.exports (fn/lib/deep.js:2:9)",
        "    at exports.main (fn/index.js:2:22)",
    ]


async def test_cause_of_a_failure_is_told(stage):
    failure = await stage.failure(
        "exports.main = () => { throw new Error('outer', { cause: new Error('inner') }) }"
    )
    assert failure.message == "Error: outer"
    assert "caused by Error: inner" in failure.stack


@pytest.mark.parametrize("value", ["10n", "{ get a () { throw new Error('JSON no') } }"])
async def test_result_that_json_cannot_hold_is_a_failure(stage, value):
    failure = await stage.failure(f"exports.main = () => ({value})")
    assert failure.kind == "result"
    assert "JSON" in failure.message


async def test_result_over_six_megabytes_is_refused(stage):
    generation = await stage.load("exports.main = (size) => 'x'.repeat(size)")
    assert len(await stage.result(generation, 6 * 1024 * 1024 - 2)) == 6 * 1024 * 1024 - 2
    outcome = await stage.call(generation, 6 * 1024 * 1024 - 1)
    assert outcome.failure.kind == "result"
    assert "6,291,457 bytes" in outcome.failure.message


async def test_large_events_travel_whole(stage):
    event = {"text": "中" * 2_000_000}
    assert await stage.run("exports.main = (event) => event.text.length", event) == 2_000_000


async def test_context_has_the_platforms_fields(stage):
    context = await stage.run(
        "exports.main = (event, context) => ({\n"
        "  ...context, left: context.getRemainingTimeInMillis()\n})",
        context={"request_id": "r1", "function_name": "fn", "memory_limit_in_mb": 256},
        variables={"STAGE": "test"},
        wx_context={"OPENID": "oUser", "SOURCE": "wx_client"},
    )
    assert context["request_id"] == "r1"
    assert context["memory_limit_in_mb"] == 256
    assert 0 < context["left"] <= 30_000
    environment = json.loads(context["environment"])
    assert (environment["STAGE"], environment["WX_OPENID"]) == ("test", "oUser")
    assert "TCB_SOURCE=wx_client" in context["environ"].split(";")
    assert environment["WX_API_TOKEN"] == context["request_id"]
    assert f"WX_API_TOKEN={context['request_id']}" in context["environ"].split(";")


async def test_identity_is_that_of_the_call_and_of_no_other(stage):
    generation = await stage.load(
        "exports.main = () => [process.env.WX_OPENID, process.env.TCB_SOURCE,"
        " process.env.TRIGGER_SRC].map(String)"
    )
    user = {"OPENID": "oUser", "SOURCE": "wx_client"}
    assert await stage.result(generation, wx_context=user) == ["oUser", "wx_client", "undefined"]
    timer = {"OPENID": "", "SOURCE": "wx_trigger"}
    assert await stage.result(generation, wx_context=timer) == ["undefined", "wx_trigger", "timer"]
    assert await stage.result(generation) == ["undefined"] * 3


async def test_time_zone_is_the_platforms_unless_the_function_sets_another(stage):
    code = "exports.main = () => new Date(0).getHours()"
    generation = await stage.load(code)
    assert await stage.result(generation) == 0
    assert await stage.result(generation, variables={"TZ": "Asia/Shanghai"}) == 8


async def test_variables_are_seen_while_the_module_loads(stage):
    stage.save("fn/config.json", '{"envVariables": {"STAGE": "test"}}')
    assert await stage.run("const stage = process.env.STAGE\nexports.main = () => stage") == "test"


async def test_named_handler_is_called(stage):
    stage.save("fn/config.json", '{"handler": "app.start"}')
    stage.save("fn/app.js", "exports.start = () => 'started'\nexports.main = () => 'main'")
    assert await stage.result(await stage.load()) == "started"


MODULES = {
    "index.mjs": {"fn/index.mjs": "export const main = async () => 1"},
    "type module": {
        "fn/package.json": '{"type": "module"}',
        "fn/index.js": "export async function main () { return 1 }",
    },
    "default export": {"fn/index.mjs": "export default { main: () => 1 }"},
    "import beside": {
        "fn/one.mjs": "export const one = 1",
        "fn/index.mjs": "import { one } from './one.mjs'\nexport const main = () => one",
    },
    "top-level await": {"fn/index.mjs": "const one = await 1\nexport const main = () => one"},
    "index.cjs": {"fn/index.cjs": "exports.main = () => 1"},
}


@pytest.mark.parametrize("files", MODULES.values(), ids=MODULES)
async def test_modules_of_both_kinds_are_loaded(stage, files):
    for path, text in files.items():
        stage.save(path, text)
    assert await stage.result(await stage.load()) == 1


async def test_work_at_the_end_of_an_answer_is_done_in_the_background(stage):
    generation = await stage.load(
        "let done = 0\nexports.main = async (what) => {\n"
        "  if (what === 'ask') return done\n"
        "  new Promise((go) => setTimeout(go, 30)).then(() => { done++ })\n}"
    )
    await stage.result(generation, "begin")
    await stage.idle()
    assert await stage.result(generation, "ask") == 1


HALVES = {
    "printed": ("() => console.log('a' + half)", "null"),
    "answered": ("() => ({ [half]: [half + half, '\\\\' + half] })", '{"�":["��","\\\\�"]}'),
    "written with a backslash": ("() => ['\\\\ud83d', half]", '["\\\\ud83d","�"]'),
    "whole": ("() => '😀'", '"😀"'),
}


@pytest.mark.parametrize(("handler", "result"), HALVES.values(), ids=HALVES)
async def test_half_of_an_emoji_is_told_as_unknown(stage, handler, result):
    generation = await stage.load(f"const half = '😀'[0]\nexports.main = {handler}")
    outcome = await stage.call(generation)
    assert (outcome.failure, outcome.result.decode()) == (None, result)


async def test_half_of_an_emoji_in_a_failure_is_told_as_unknown(stage):
    failure = await stage.failure("exports.main = () => { throw new Error('😀'.slice(0, 1)) }")
    assert failure.message == "Error: �"


async def test_promises_are_printed_as_outside(stage):
    await stage.run(
        "exports.main = async () => {\n"
        "  const done = Promise.resolve({ a: [1] }), never = new Promise(() => {})\n"
        "  console.log(done, { never })\n"
        "  console.log(Object.keys(Object.freeze(Promise.resolve(1))), Object.freeze({ done }))\n"
        "  console.log(done, [Promise.reject(new Error('no')).catch(() => 1)])\n"
        "}"
    )
    assert [line for _, _, line in stage.lines] == [
        "Promise { { a: [ 1 ] } } { never: Promise { <pending> } }",
        "[] { done: Promise { { a: [ 1 ] } } }",
        "Promise { { a: [ 1 ] } } [ Promise { <pending> } ]",
    ]


async def test_printed_stacks_end_where_the_function_was_called(stage):
    await stage.run(
        "const fail = () => { throw new Error('no') }\n"
        "exports.main = () => { try { fail() } catch (error) { console.error(error, 'seen') } }"
    )
    first, *frames = [line for _, _, line in stage.lines]
    assert first == "Error: no"
    assert len(frames) == 2
    assert "at fail (" in frames[0]
    assert "exports.main (" in frames[1]
    assert frames[-1].endswith("seen")


async def test_what_throws_when_it_is_looked_at_fails_like_anything(stage):
    failure = await stage.failure(
        "exports.main = () => {\n"
        "  throw new Proxy({}, { get () { throw new Error('not for you') } })\n}"
    )
    assert failure.kind == "exception"


async def test_prototypes_that_were_added_to_are_no_variables(stage):
    generation = await stage.load(
        "Object.prototype.added = 'x'\n"
        "exports.main = () => Object.keys(process.env).includes('added')"
    )
    for number in range(2):
        user = {"OPENID": f"o{number}"}
        assert await stage.result(generation, wx_context=user) is False


async def test_loggers_of_the_sdks_find_what_they_ask_for(stage):
    told = await stage.run(
        "exports.main = () => {\n"
        "  console.__baseLog__({ cost: 10 }, 'warn')\n"
        "  return process.env._SCF_TCB_LOG\n}"
    )
    assert told == "1"
    assert [(level, line) for _, level, line in stage.lines] == [("warning", '{"cost":10}')]


WRITTEN = {
    "text": "fs.writeSync(1, 'a 中\\n')",
    "text with place and encoding": "fs.writeSync(1, 'a 中\\n', null, 'utf8')",
    "bytes": "fs.writeSync(1, Buffer.from('a 中\\n'))",
    "part of bytes": "fs.writeSync(1, Buffer.from('..a 中\\n..'), 2, 6)",
    "part of bytes by name": "fs.writeSync(1, Buffer.from('..a 中\\n'), { offset: 2 })",
    "in halves": (
        "{ const b = Buffer.from('a 中\\n'); fs.writeSync(1, b, 0, 3); fs.writeSync(1, b, 3) }"
    ),
    "with a callback": "fs.write(1, 'a 中\\n', () => {})",
    "promised": "require('util').promisify(fs.write)(1, Buffer.from('a 中\\n'))",
}


@pytest.mark.parametrize("code", WRITTEN.values(), ids=WRITTEN)
async def test_what_loggers_write_to_the_descriptor_is_printed(stage, code):
    await stage.run(f"const fs = require('fs')\nexports.main = () => {{ {code} }}")
    assert stage.lines == [("r1", "info", "a 中")]


async def test_writing_elsewhere_is_as_ever(stage):
    told = await stage.run(
        "const fs = require('fs'), { promisify } = require('util')\n"
        "exports.main = async () => {\n"
        "  const file = require('path').join(__dirname, 'out'), fd = fs.openSync(file, 'w')\n"
        "  const sizes = [fs.writeSync(fd, 'abc'), fs.writeSync(fd, Buffer.from('xdefx'), 1, 3)]\n"
        "  sizes.push((await promisify(fs.write)(fd, 'gh')).bytesWritten)\n"
        "  sizes.push(await new Promise((done) => fs.write(fd, 'i', (_, size) => done(size))))\n"
        "  fs.closeSync(fd)\n"
        "  return [sizes, fs.readFileSync(file, 'utf8')]\n}"
    )
    assert told == [[3, 3, 2, 1], "abcdefghi"]


async def test_what_another_program_wrote_is_the_last_calls_even_after_its_answer(stage):
    await stage.run(
        "const { spawnSync } = require('child_process')\n"
        "exports.main = () => {\n"
        "  spawnSync(process.execPath, ['-e', 'console.log(1)'], { stdio: 'inherit' })\n"
        "}"
    )
    await stage.eventually(lambda: stage.lines)
    assert stage.lines == [("r1", "info", "1")]
