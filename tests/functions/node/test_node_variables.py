"""`process.env` as user code sees it, call by call."""

import json

USER = {"OPENID": "oAda", "SOURCE": "wx_client"}


async def test_each_call_sees_its_own_id_and_caller_wherever_it_looks(stage):
    generation = await stage.load(
        """
        const { execFileSync } = require('child_process')
        const { inspect } = require('util')
        const { Worker } = require('worker_threads')
        const names = ['TCB_SESSIONTOKEN', 'WX_OPENID']
        const print = 'JSON.stringify([process.env.TCB_SESSIONTOKEN, process.env.WX_OPENID])'
        const told = (thread) => new Promise((resolve) => thread.once('message', resolve))
        const thread = "require('worker_threads').parentPort.postMessage(" + print + ')'
        exports.main = async () => [
          eval(print),
          execFileSync(process.execPath, ['-p', print], { encoding: 'utf8' }).trim(),
          await told(new Worker(thread, { eval: true })),
          JSON.stringify(names.map((name) => ({ ...process.env })[name])),
          'TCB_SESSIONTOKEN' in process.env && Object.keys(process.env).includes('WX_OPENID'),
          inspect(process.env).includes(process.env.TCB_SESSIONTOKEN)
        ]
        """
    )
    for number in (1, 2):
        seen = await stage.result(generation, wx_context=USER)
        assert [json.loads(each) for each in seen[:4]] == [[f"r{number}", "oAda"]] * 4
        assert seen[4:] == [True, True]
    *_, shown, _ = await stage.result(generation)
    assert shown is False


async def test_what_a_function_sets_is_set_as_everywhere(stage):
    generation = await stage.load(
        """
        const { execFileSync } = require('child_process')
        exports.main = () => {
          const { env } = process
          env.NUMBER = 5
          env.TZ = 'Asia/Tokyo'
          Object.assign(env, { ONE: '1', GONE: '1' })
          delete env.GONE
          const usual = { configurable: true, writable: true, enumerable: true }
          Object.defineProperty(env, 'LAID', { value: 'x', ...usual })
          const refused = [
            () => { env[Symbol('s')] = '1' },
            () => Object.defineProperty(env, 'GOT', { get: () => 1 })
          ].map((set) => { try { set() } catch (error) { return error.name } })
          const child = String(execFileSync(process.execPath, ['-p', 'process.env.NUMBER'])).trim()
          const hour = new Date(0).getHours()
          return [env.NUMBER, hour, env.ONE, 'GONE' in env, env.LAID, refused, child]
        }
        """
    )
    refused = ["TypeError", "TypeError"]
    assert await stage.result(generation) == ["5", 9, "1", False, "x", refused, "5"]


async def test_what_inherits_from_it_has_variables_of_its_own_and_nobody_freezes_it(stage):
    generation = await stage.load(
        """
        exports.main = () => {
          const child = Object.create(process.env)
          child.CHILD = '1'
          const refused = [Object.freeze, Object.preventExtensions].map((bind) => {
            try { bind(process.env) } catch (error) { return error.name }
          })
          return [Object.keys(child), 'CHILD' in process.env, refused, child.TCB_SESSIONTOKEN]
        }
        """
    )
    for number in (1, 2):
        told = [["CHILD"], False, ["TypeError", "TypeError"], f"r{number}"]
        assert await stage.result(generation) == told


async def test_a_frozen_environment_put_in_its_place_fails_no_call(stage):
    generation = await stage.load(
        "process.env = Object.freeze({ ...process.env, OWN: '1' })\n"
        "exports.main = () => [process.env.OWN, process.env.TCB_SESSIONTOKEN || '']"
    )
    assert [await stage.result(generation) for _ in range(2)] == [["1", ""]] * 2


async def test_what_changes_with_calls_is_shown_in_an_environment_put_in_its_place(stage):
    generation = await stage.load(
        "process.env = { ...process.env, OWN: '1' }\n"
        "exports.main = () => [process.env.OWN, process.env.TCB_SESSIONTOKEN]"
    )
    assert [await stage.result(generation) for _ in range(2)] == [["1", "r1"], ["1", "r2"]]


async def test_what_changes_with_calls_is_not_set_for_good(stage):
    """The C library would keep every value that there ever was."""
    generation = await stage.load(
        """
        const { Worker } = require('worker_threads')
        const Bare = Object.getPrototypeOf(Worker)
        const seen = "process.env.TCB_SESSIONTOKEN || ''"
        const thread = `require('worker_threads').parentPort.postMessage(${seen})`
        exports.main = () => new Promise((resolve) => {
          new Bare(thread, { eval: true }).once('message', resolve)
        })
        """
    )
    assert await stage.result(generation) == ""
