"""Functions and cloud objects of a uniCloud project, as they are, run by a suite."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from emulator.config import load_config
from emulator.suite import Suite

SETTINGS = '[emulator]\nenv = "test-env"\nport = 0\nsite_port = 0\n'
HEAD = (
    "const db = uniCloud.database(), _ = db.command, $ = _.aggregate\n"
    "const c = db.collection('todo')\n"
)

ACTIONS = {
    "one document is added": ("c.add({ _id: 'd' })", {"id": "d"}),
    "documents are found": (
        "c.where({ n: _.gt(1) }).orderBy('n', 'desc').limit(1).field({ _id: true }).get()",
        {"affectedDocs": 1, "data": [{"_id": "c"}]},
    ),
    "a document by its id is a list": (
        "c.doc('a').field({ at: true }).get()",
        {"affectedDocs": 1, "data": [{"_id": "a", "at": "1970-01-01T00:00:00.000Z"}]},
    ),
    "dates are dates": ("c.doc('a').get().then((r) => r.data[0].at instanceof Date)", True),
    "no document is no failure": ("c.doc('z').get()", {"affectedDocs": 0, "data": []}),
    "documents are counted": ("c.where({ t: /x|y/ }).count()", {"affectedDocs": 2, "total": 2}),
    "a document is changed": (
        "c.doc('a').update({ n: _.inc(5), 'deep.x': 1 })",
        {"affectedDocs": 1, "updated": 1, "upsertedId": None},
    ),
    "documents are changed": (
        "c.where({ n: _.lt(3) }).update({ flag: true })",
        {"affectedDocs": 2, "updated": 2, "upsertedId": None},
    ),
    "a document is made by its id": (
        "c.doc('s').set({ n: 1 })",
        {"affectedDocs": 1, "updated": 0, "upsertedId": "s"},
    ),
    "a document is changed and returned": (
        "c.doc('a').updateAndReturn({ n: _.inc(5) }).then((r) => [r, r.doc.at instanceof Date])",
        [
            {"updated": 1, "doc": {"_id": "a", "n": 6, "t": "x", "at": "1970-01-01T00:00:00.000Z"}},
            True,
        ],
    ),
    "the first document that matches is changed and returned": (
        "c.where({ n: _.gt(1) }).updateAndReturn({ flag: true })"
        ".then(async (r) => [r.updated, r.doc._id, (await c.where({ flag: true }).count()).total])",
        [1, "b", 1],
    ),
    "nothing is changed and returned": (
        "c.where({ n: 9 }).updateAndReturn({ n: 1 })",
        {"updated": 0, "doc": None},
    ),
    "a document is changed and returned in a transaction": (
        "db.startTransaction().then(async (t) => {\n"
        "  const { doc } = await t.collection('todo').doc('a').updateAndReturn({ n: _.inc(1) })\n"
        "  await t.rollback()\n"
        "  return [doc.n, (await c.doc('a').get()).data[0].n]\n"
        "})",
        [2, 1],
    ),
    "failures are told to programs": (
        "db.collection('nowhere').get().catch((e) => [e.errMsg === e.message, e.toJson().errCode])",
        [True, "DATABASE_COLLECTION_NOT_EXIST"],
    ),
    "who asks is known": (
        "Promise.resolve([uniCloud.getRequestList()[0], uniCloud.getClientInfos()[0].requestId,"
        " uniCloud.getCloudInfos()[0].requestId]).then((all) => new Set(all).size)",
        1,
    ),
    "where it runs is known": (
        "(({ provider, spaceId, functionName, functionType }) =>"
        " [provider, spaceId, functionName, functionType])(uniCloud.getCloudInfos()[0])",
        ["aliyun", "test-env", "fn", "cloudfunction"],
    ),
    "a text message is written to the log": (
        "uniCloud.sendSms({ phone: '13800000000', templateId: '1', data: { code: '1234' } })",
        {"code": 0, "errCode": 0, "errMsg": "", "success": True},
    ),
    "a text message needs a number": (
        "uniCloud.sendSms({ templateId: '1' }).catch((e) => e.errCode)",
        "INVALID_PARAM",
    ),
    "documents are removed": ("c.where({ n: 1 }).remove()", {"affectedDocs": 1, "deleted": 1}),
    "documents are aggregated": (
        "c.aggregate().group({ _id: null, sum: $.sum('$n') }).end()",
        {"affectedDocs": 1, "data": [{"_id": None, "sum": 6}]},
    ),
    "failures have the cloud's code": (
        "db.collection('nowhere').get().catch((e) => [e.name, e.code === e.errCode, e.code])",
        ["UniCloudError", True, "DATABASE_COLLECTION_NOT_EXIST"],
    ),
    "a transaction is committed": (
        "db.runTransaction(async (t) => {\n"
        "  await t.collection('todo').doc('a').update({ n: _.inc(1) })\n"
        "  return (await t.collection('todo').doc('a').get()).data.n\n"
        "}).then(async (n) => [n, (await c.doc('a').get()).data[0].n])",
        [2, 2],
    ),
    "a transaction is rolled back with a reason": (
        "db.runTransaction(async (t) => {\n"
        "  await t.collection('todo').doc('a').update({ n: 0 })\n"
        "  await t.rollback('why')\n"
        "}).catch(async (e) => [e, (await c.doc('a').get()).data[0].n])",
        ["why", 1],
    ),
    "a function is called": (
        "uniCloud.callFunction({ name: 'other', data: { a: 1 } })"
        ".then((r) => [r.success, r.result.a, r.result.source])",
        [True, 1, "function"],
    ),
    "the project's own modules are found": ("require('own-config/name')", "of common"),
    "modules know modules": ("require('own-config').other", "other of common"),
    "what is not here says what to do": (
        "Promise.resolve().then(() => uniCloud.getPushManager()).catch((e) => e.code)",
        "NOT_SUPPORTED",
    ),
}


@pytest.fixture
async def project(tmp_path: Path) -> AsyncIterator[Any]:
    """Return a function that starts a suite over functions given by path and text."""
    suites: list[Suite] = []

    async def start(**files: str) -> Suite:
        root = tmp_path / "uniCloud-aliyun" / "cloudfunctions"
        for name, text in files.items():
            file = root / name.replace("__", "/")
            file = file.with_name(file.name.replace("_obj", ".obj") + ".js")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        linked = {"own-config": "file:../common/own-config"}
        settings = {"path": "/http/fn", "timeout": 10}
        package = {"name": "fn", "dependencies": linked, "cloudfunction-config": settings}
        (root / "fn" / "package.json").write_text(json.dumps(package), encoding="utf-8")
        (tmp_path / ".emulator.toml").write_text(SETTINGS, encoding="utf-8")
        suite = Suite(load_config(tmp_path, environ={}))
        suites.append(suite)
        await suite.start()
        return suite

    (tmp_path / "uniCloud-aliyun" / "cloudfunctions" / "fn").mkdir(parents=True)
    for folder, text in {
        "own-config": "module.exports = { other: require('own-other') }",
        "own-other": "module.exports = 'other of common'",
    }.items():
        common = tmp_path / "uniCloud-aliyun" / "cloudfunctions" / "common" / folder
        common.mkdir(parents=True)
        (common / "index.js").write_text(text, encoding="utf-8")
        (common / "name.js").write_text("module.exports = 'of common'", encoding="utf-8")
        needs = '{"dependencies": {"own-other": "file:../own-other"}}'
        (common / "package.json").write_text(needs, encoding="utf-8")
    yield start
    for suite in suites:
        await suite.stop()


async def result(suite: Suite, name: str, event: Any = None) -> Any:
    told = await suite.control.invoke(name, event or {}, openid=None, source="wx_client")
    assert "error" not in told, told
    return told["result"]


OTHER = "exports.main = async (event, context) => ({ ...event, source: context.SOURCE })"


async def test_functions_find_unicloud_in_their_global_scope(project):
    cases = ",\n".join(f"{json.dumps(name)}: () => {code}" for name, (code, _) in ACTIONS.items())
    suite = await project(
        fn__index=f"{HEAD}const cases = {{ {cases} }}\n"
        "exports.main = async ({ name }) => {\n"
        "  await db.createCollection('todo').catch(() => {})\n"
        "  await c.where({ _id: _.exists(true) }).remove()\n"
        "  const { ids } = await c.add([{ _id: 'a', n: 1, t: 'x', at: new Date(0) },\n"
        "    { _id: 'b', n: 2, t: 'y' }, { _id: 'c', n: 3 }])\n"
        "  if (ids.join() !== 'a,b,c') throw new Error(`added ${ids}`)\n"
        "  return cases[name]()\n"
        "}\n",
        other__index=OTHER,
    )
    for name, (_, expected) in ACTIONS.items():
        assert await result(suite, "fn", {"name": name}) == expected, name


async def test_files_are_buffers(project):
    suite = await project(
        fn__index="exports.main = async () => {\n"
        "  const { Readable } = require('stream')\n"
        "  const files = []\n"
        "  for (const fileContent of [Buffer.from('字'), Readable.from(['in ', 'parts'])]) {\n"
        "    const { fileID } = await uniCloud.uploadFile({ cloudPath: 'a/字.txt', fileContent })\n"
        "    files.push(fileID)\n"
        "    files.push(String((await uniCloud.downloadFile({ fileID: files[0] })).fileContent))\n"
        "  }\n"
        "  const list = { fileList: [files[0]] }\n"
        "  const { tempFileURL } = (await uniCloud.getTempFileURL(list)).fileList[0]\n"
        "  const as = { dataType: 'text' }\n"
        "  const { status, data } = await uniCloud.httpclient.request(tempFileURL, as)\n"
        "  const { fileList } = await uniCloud.deleteFile(list)\n"
        "  const gone = await uniCloud.downloadFile({ fileID: files[0] }).catch((e) => e.code)\n"
        "  return [files[1], files[3], status, data, fileList[0].code, gone]\n"
        "}\n"
    )
    gone = "STORAGE_FILE_NONEXIST"
    assert await result(suite, "fn") == ["字", "in parts", 200, "in parts", "SUCCESS", gone]


async def test_context_says_who_calls_and_where(project):
    suite = await project(
        fn__index="exports.main = async (event, context) => {\n"
        "  const { OS, PLATFORM, APPID, CLIENTIP, SPACEINFO, SOURCE } = context\n"
        "  return [typeof OS, PLATFORM, APPID.slice(0, 2), CLIENTIP, SPACEINFO.spaceId, SOURCE]\n"
        "}\n"
    )
    assert await result(suite, "fn") == [
        "string",
        "mp-weixin",
        "wx",
        "127.0.0.1",
        "test-env",
        "client",
    ]


async def test_path_of_a_function_is_reached_over_http(project):
    suite = await project(fn__index="exports.main = async (event) => ({ ...event.headers, at: 1 })")
    url = suite.urls["site"].rstrip("/") + "/http/fn"
    answer = await asyncio.to_thread(lambda: urllib.request.urlopen(url).read())
    assert json.loads(answer)["at"] == 1


OBJECT = """
module.exports = {
  _before () {
    this.began = true
    if (this.getMethodName() === 'secret') throw { errCode: 'TOKEN', errMsg: 'no token' }
  },
  _after (error, result) {
    if (error) throw error
    return { ...result, began: this.began, params: this.getParams() }
  },
  add (title) {
    return title ? { title, by: this.helper() } : { errCode: 'EMPTY', errMsg: 'no title' }
  },
  secret () {},
  boom () { throw new Error('boom') },
  helper () { return this.getClientInfo().source },
  who () {
    const { uniIdToken, uniPlatform, source, clientIP } = this.getClientInfo()
    const token = this.getUniIdToken() === uniIdToken && uniIdToken
    return { told: [token, uniPlatform, source, clientIP, this.getCloudInfo().functionType] }
  },
  refuse () {
    throw Object.assign(new Error('not you'), { errCode: 'NO', errSubject: 'todo' })
  },
  strange () { throw 'a text' },
  nothing () { return { http: this.getHttpInfo() === undefined } },
  _timing (event) { return { name: event.TriggerName } },
  _hidden () { return 1 }
}
"""


async def test_methods_of_cloud_objects_are_called_with_what_goes_before_and_after(project):
    suite = await project(
        todo__index_obj=OBJECT,
        fn__index="exports.main = async ({ method, params }) => {\n"
        "  const todo = await uniCloud.importObject('todo')\n"
        "  return todo[method](...params).catch((e) => [e.errCode, e.errMsg.slice(0, 12)])\n"
        "}\n",
    )

    async def call(method: str, *params: Any) -> Any:
        return await result(suite, "fn", {"method": method, "params": params})

    added = await call("add", "milk")
    assert added == {"title": "milk", "by": "function", "began": True, "params": ["milk"]}
    assert await call("add") == ["EMPTY", "no title"]
    assert await call("secret") == ["TOKEN", "no token"]
    assert await call("boom") == ["FUNCTIONS_EXECUTE_FAIL", "Error: boom\n"]
    assert await call("refuse") == ["NO", "not you"]
    assert (await call("nothing"))["http"] is True
    assert (await call("strange"))[0] == "FUNCTIONS_EXECUTE_FAIL"
    info = {"uniPlatform": "app", "clientIP": "8.8.8.8", "source": "server"}
    asked = {"method": "who", "params": [], "uniIdToken": "t", "clientInfo": info}
    told = await result(suite, "todo", asked)
    assert told["told"] == ["t", "app", "client", "127.0.0.1", "cloudobject"]
    for name in ("_hidden", "toString", "absent"):
        assert (await call(name))[0] == "METHOD_NOT_FOUND", name
    timed = await result(suite, "todo", {"Type": "Timer", "TriggerName": "daily"})
    assert timed["name"] == "daily"


async def test_other_projects_have_no_unicloud(tmp_path):
    folder = tmp_path / "cloudfunctions" / "fn"
    folder.mkdir(parents=True)
    (folder / "index.js").write_text("exports.main = () => typeof uniCloud", encoding="utf-8")
    (tmp_path / ".emulator.toml").write_text(SETTINGS, encoding="utf-8")
    suite = Suite(load_config(tmp_path, environ={}))
    await suite.start()
    try:
        assert await result(suite, "fn") == "undefined"
    finally:
        await suite.stop()


ASK = """
const http = require('http')
const { request } = uniCloud.httpclient
const answers = {
  '/moved': (asked, answer) => answer.writeHead(302, { location: '/plain' }).end(),
  '/plain': (asked, answer) => answer.end('plain'),
  '/late': () => {},
  '/packed': (asked, answer) =>
    answer.writeHead(200, { 'content-encoding': 'gzip' }).end(require('zlib').gzipSync('packed'))
}
const server = http.createServer((asked, answer) => {
  const own = answers[asked.url]
  if (own) return own(asked, answer)
  const parts = []
  asked.on('data', (part) => parts.push(part)).on('end', () => {
    const type = (asked.headers['content-type'] || '').split(';')[0]
    answer.statusCode = asked.url === '/gone' ? 404 : 200
    answer.end(JSON.stringify([asked.method, asked.url, type, Buffer.concat(parts).toString()]))
  })
})
const asked = (url, options) => request(url, { ...options, dataType: 'json' })
const CASES = {
  get: (url) => asked(url + '/a?x=1', { data: { b: 'c d' } }),
  form: (url) => asked(url, { method: 'POST', data: { a: 1, b: '&' } }),
  json: (url) => asked(url, { method: 'PUT', data: { a: 1 }, contentType: 'json' }),
  typed: (url) => asked(url, { method: 'POST', data: { a: 1 },
    headers: { 'content-type': 'application/json; charset=utf-8' } }),
  nested: (url) => asked(url, { data: { a: { b: [1] } }, nestedQuerystring: true }),
  content: (url) => asked(url, { method: 'POST', content: 'raw', data: { a: 1 } }),
  query: (url) => asked(url, { method: 'POST', data: { a: 1 }, dataAsQueryString: true }),
  files: async (url) => {
    const { data } = await asked(url, { files: Buffer.from('bytes'), data: { a: 1 } })
    return { data: [data[0], data[2], data[3].includes('name="a"'), data[3].includes('bytes')] }
  },
  curl: (url) => uniCloud.httpclient.curl(url + '/plain', { dataType: 'text' }),
  buffer: (url) => request(url + '/plain').then(({ data }) => ({ data: Buffer.isBuffer(data) })),
  gone: (url) => request(url + '/gone').then(({ status }) => ({ data: status })),
  stays: (url) => request(url + '/moved').then(({ status }) => ({ data: status })),
  follows: (url) => request(url + '/moved', { followRedirect: true, dataType: 'text' }),
  packed: (url) => request(url + '/packed', { gzip: true, dataType: 'text' }),
  noJson: (url) => asked(url + '/plain', {}).catch((e) => ({ data: [e.name, e.status] })),
  late: (url) => request(url + '/late', { timeout: [1000, 20] }).catch((e) => ({ data: e.name })),
  refused: () => request('http://127.0.0.1:1').catch((e) => ({ data: [e.name, e.code] })),
  page: (url) => uniCloud.request({ url, method: 'POST', data: { a: 1 } }),
  pageForm: (url) => uniCloud.request({ url, method: 'POST', data: { a: 1 },
    header: { 'Content-Type': 'application/x-www-form-urlencoded' } }),
  pageText: (url) => uniCloud.request({ url: url + '/plain' }),
  pageStatus: (url) => uniCloud.request({ url: url + '/gone' }).then(({ statusCode, header }) =>
    ({ data: [statusCode, 'date' in header] }))
}
exports.main = async () => {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}`
  const told = {}
  for (const [name, ask] of Object.entries(CASES)) told[name] = (await ask(url)).data
  server.closeAllConnections()
  server.close()
  return told
}
"""
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


async def test_other_servers_are_asked_as_in_the_cloud(project):
    suite = await project(fn__index=ASK)
    assert await result(suite, "fn") == {
        "get": ["GET", "/a?x=1&b=c%20d", "", ""],
        "form": ["POST", "/", FORM, "a=1&b=%26"],
        "json": ["PUT", "/", JSON, '{"a":1}'],
        "typed": ["POST", "/", JSON, '{"a":1}'],
        "nested": ["GET", "/?a%5Bb%5D%5B0%5D=1", "", ""],
        "content": ["POST", "/", "", "raw"],
        "query": ["POST", "/?a=1", "", ""],
        "files": ["POST", "multipart/form-data", True, True],
        "curl": "plain",
        "buffer": True,
        "gone": 404,
        "stays": 302,
        "follows": "plain",
        "packed": "packed",
        "noJson": ["JSONResponseFormatError", 200],
        "late": "ResponseTimeoutError",
        "refused": ["RequestError", "ECONNREFUSED"],
        "page": ["POST", "/", JSON, '{"a":1}'],
        "pageForm": ["POST", "/", FORM, "a=1"],
        "pageText": "plain",
        "pageStatus": [404, True],
    }
