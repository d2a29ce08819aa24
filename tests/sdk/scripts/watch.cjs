// watch() of the client SDKs in Node: watch.cjs MODULE WS OPTIONS RESULT
const { writeFileSync } = require('node:fs')
const { adapter } = require('./web_adapter.cjs')

const [module_, sockets, optionsText, result] = process.argv.slice(2)
const options = JSON.parse(optionsText)
const loaded = require(module_)
const cloudbase = loaded.default ?? loaded
cloudbase.useAdapters(adapter(require(sockets)))
// The SDKs tell onError of a refused watch, and reject a promise of their own that nobody has.
process.on('unhandledRejection', () => {})
for (const name of ['log', 'warn', 'error']) console[name] = () => {}

const app = cloudbase.init({ env: options.env })
if (options.major === 1) app.registerEndPoint(`${options.api}/web`)
else {
  const host = options.api.replace('http:', '')
  for (const [key, path] of [['CLOUD_API', '/web'], ['GATEWAY', '/v1']]) {
    app.registerEndPointWithKey({ key, url: host + path, protocol: 'http:' })
  }
}

const until = async (true_) => {
  for (let turn = 0; turn < 3000; turn += 1) {
    if (true_()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`it never came to be: ${true_}`)
}

const control = (path, body) =>
  fetch(`${options.api}/_emu/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

class Heard {
  constructor() { this.changes = []; this.docs = undefined; this.failed = undefined; this.first = undefined }
  options() {
    return {
      onChange: (snapshot) => {
        this.first ??= snapshot.type ?? snapshot.msgType
        this.docs = snapshot.docs
        this.changes.push(...snapshot.docChanges.map((each) => `${each.dataType} ${each.queueType} ${each.docId}`))
      },
      onError: (error) => { this.failed = error },
    }
  }
  ids() { return (this.docs ?? []).map((each) => each._id).sort().join() }
}

const main = async () => {
  const auth = app.auth({ persistence: 'local' })
  if (options.major === 1) await auth.anonymousAuthProvider().signIn()
  else await auth.signInAnonymously({})
  const db = app.database()
  const notes = db.collection(options.collection)
  const told = {}

  const top = new Heard()
  const listener = notes.where({ g: 'x' }).orderBy('n', 'desc').limit(2).watch(top.options())
  await until(() => top.docs)
  told.empty = [top.first, top.ids()]
  for (const [_id, n] of [['a', 1], ['b', 2], ['c', 3]]) await notes.add({ _id, n, g: 'x', deep: { at: 1, gone: true } })
  await until(() => top.ids() === 'b,c')
  await notes.doc('c').update({ n: 13, deep: { at: 2, gone: db.command.remove() } })
  await until(() => top.docs.some((each) => each.n === 13))
  told.updated = top.docs.find((each) => each._id === 'c').deep
  await notes.doc('b').set({ n: 2, g: 'y' })
  await until(() => top.ids() === 'a,c')
  await notes.doc('c').remove()
  await until(() => top.ids() === 'a')
  told.changes = [...top.changes]

  const one = new Heard()
  const second = notes.doc('a').watch(one.options())
  await until(() => one.ids() === 'a')
  await control('watchers/cut', {})
  await notes.add({ _id: 'd', n: 4, g: 'x' })
  await notes.doc('a').update({ n: 5 })
  await until(() => top.ids() === 'a,d' && one.docs[0].n === 5)
  await notes.where({ g: 'x' }).remove()
  await until(() => top.ids() === '' && one.ids() === '')
  told.cut = [top.failed ?? null, one.failed ?? null]

  // Many writes at once travel as several numbered steps in one message.
  const many = new Heard()
  const third = notes.where({ g: 'many' }).watch(many.options())
  await until(() => many.docs)
  const names = Array.from({ length: 120 }, (_, number) => `m${number}`)
  await Promise.all(names.map((_id, n) => notes.add({ _id, n, g: 'many' })))
  await Promise.all(names.map((_id, n) => (n % 3 ? notes.doc(_id).update({ n: n + 1000 }) : notes.doc(_id).remove())))
  const left = names.filter((_, n) => n % 3).sort().join()
  await until(() => many.ids() === left && many.docs.every((each) => each.n > 1000))
  told.many = [many.failed ?? null, many.changes.length >= 120]
  await third.close()

  const secret = new Heard()
  db.collection('secret').watch(secret.options())
  await until(() => secret.failed)
  told.secret = secret.failed.msgData ? secret.failed.msgData.code : String(secret.failed.errMsg ?? secret.failed.message)
  await second.close()
  await listener.close()
  let open = 1
  await (async () => {
    for (let turn = 0; turn < 500 && open; turn += 1) {
      const { connections } = await (await fetch(`${options.api}/_emu/watchers`)).json()
      open = connections.filter((each) => each.watchers.length).length
      if (open) await new Promise((resolve) => setTimeout(resolve, 10))
    }
  })()
  told.open = open
  return told
}

main().then(
  (told) => { writeFileSync(result, JSON.stringify(told)); process.exit(0) },
  (error) => { writeFileSync(result, JSON.stringify({ error: String(error.stack ?? JSON.stringify(error)) })); process.exit(0) },
)
