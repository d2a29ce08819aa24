// Watches a query while documents change: `node watch.mjs SCRIPT RESULT_FILE`. Needs a WebSocket.
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [, , script, resultFile] = process.argv
const { cloud } = await import(pathToFileURL(script))
cloud.init({ env: 'env' })
const db = cloud.database()
const messages = db.collection('messages')
const snapshots = []
const errors = []
const waiting = []
const heard = (count) =>
  new Promise((resolve) => (snapshots.length >= count ? resolve() : waiting.push([count, resolve])))

await messages.add({ data: { _id: 'm1', room: 1, n: 1, at: new Date(9) } })
const watcher = messages.where({ room: 1 }).orderBy('n', 'asc').watch({
  onChange(snapshot) {
    snapshots.push({
      type: snapshot.type,
      changes: snapshot.docChanges.map(({ dataType, queueType, docId }) => [dataType, queueType, docId]),
      docs: snapshot.docs.map(({ _id, n, at }) => [_id, n, at instanceof Date])
    })
    for (const [count, resolve] of waiting) if (snapshots.length >= count) resolve()
  },
  onError: (error) => errors.push(error.errMsg)
})
await heard(1)
await messages.add({ data: { _id: 'm2', room: 1, n: 2, at: new Date(9) } })
await heard(2)
await messages.add({ data: { _id: 'm3', room: 2, n: 3 } })
await messages.doc('m1').update({ data: { n: 10 } })
await heard(3)
await messages.doc('m2').remove()
await heard(4)
await fetch(`${process.env.CLOUD_EMU_URL}/_emu/watchers/cut`, { method: 'POST', body: '{}' })
await messages.doc('m3').update({ data: { room: 1 } })
await heard(5)
await watcher.close()
// Many writes travel together, and are told one after the other, as the cloud's SDK tells them.
const many = { most: 0, docs: -1 }
const until = async (holds) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}
const burst = messages.where({ room: 9 }).watch({
  onChange ({ docChanges, docs, type }) {
    many.docs = docs.length
    if (type !== 'init') many.most = Math.max(many.most, docChanges.length)
  },
  onError: (error) => errors.push(error.errMsg)
})
await until(() => many.docs === 0)
await Promise.all(Array.from({ length: 30 }, (_, n) => messages.add({ data: { _id: `b${n}`, room: 9 } })))
await until(() => many.docs === 30)
await burst.close()
const lone = await new Promise((onChange, onError) => {
  const one = messages.doc('m1').watch({ onChange: (told) => one.close().then(() => onChange(told)), onError })
})
const refused = await new Promise((resolve, fail) => {
  db.collection('nowhere').where({}).watch({ onChange: fail, onError: (error) => resolve(error.errCode) })
})
writeFileSync(
  resultFile,
  JSON.stringify({ snapshots, errors, lone: lone.docs.map(({ _id }) => _id), refused, most: many.most })
)
process.exit(0)
