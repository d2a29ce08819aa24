// watch() of the server SDKs in Node: watch_server.cjs MODULE WS RESULT
const { writeFileSync } = require('node:fs')

const [module_, sockets, result] = process.argv.slice(2)
// Node has a WebSocket of its own from version 22 on; the SDKs look for that.
globalThis.WebSocket = require(sockets)
const sdk = require(module_)
process.on('unhandledRejection', () => {})
for (const name of ['log', 'warn', 'error']) console[name] = () => {}

const until = async (true_) => {
  for (let turn = 0; turn < 1000; turn += 1) {
    if (true_()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`it never came to be: ${true_}`)
}

const main = async () => {
  const context = JSON.parse(process.env.TCB_CONTEXT_CNFG)
  const app = sdk.init({
    env: process.env.TCB_ENV,
    secretId: process.env.TENCENTCLOUD_SECRETID,
    secretKey: process.env.TENCENTCLOUD_SECRETKEY,
    serviceUrl: context.URL,
  })
  const db = app.database()
  // node-sdk 2 and tcb-admin-node give watch() no environment, and it fails by itself for want of one.
  db.config.env ??= process.env.TCB_ENV
  const name = `watched_${Math.random().toString(16).slice(2)}`
  await db.createCollection(name)
  const notes = db.collection(name)
  await notes.add({ _id: 'a', n: 1, when: new Date(0) })
  await notes.add({ _id: 'b', n: 5, when: new Date(0) })

  const watched = (query) => {
    const heard = { ids: () => (heard.docs ?? []).map((each) => each._id).sort().join() }
    heard.listener = query.watch({
      onChange: (snapshot) => {
        heard.docs = snapshot.docs
        heard.kinds = [...(heard.kinds ?? []), ...snapshot.docChanges.map((each) => `${each.dataType} ${each.docId}`)]
      },
      onError: (error) => { heard.failed = String(error) },
    })
    return heard
  }
  const all = watched(notes)
  const some = watched(notes.where({ n: db.command.gt(2), when: new Date(0) }))
  const one = watched(notes.doc('a'))
  await until(() => all.docs && some.docs && one.docs)
  const told = { first: [all.ids(), some.ids(), one.ids()] }
  await notes.doc('a').update({ n: 3 })
  await notes.add({ _id: 'c', n: 9, when: new Date(0) })
  await notes.doc('b').remove()
  await until(() => all.ids() === 'a,c' && some.ids() === 'a,c' && one.docs[0].n === 3)
  told.kinds = some.kinds
  const control = context.URL.replace('/admin', '/_emu/watchers')
  const { connections } = await (await fetch(control)).json()
  told.watchers = connections.map((each) => each.watchers.length)
  await fetch(`${control}/cut`, { method: 'POST' })
  await notes.doc('c').update({ n: 10 })
  await until(() => some.docs.some((each) => each.n === 10))
  told.failed = [all.failed, some.failed, one.failed].filter(Boolean)
  for (const each of [all, some, one]) await each.listener.close()
  return told
}

main().then(
  (told) => { writeFileSync(result, JSON.stringify(told)); process.exit(0) },
  (error) => { writeFileSync(result, JSON.stringify({ error: String(error.stack ?? JSON.stringify(error)) })); process.exit(0) },
)
