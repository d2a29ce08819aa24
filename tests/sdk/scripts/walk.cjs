// One step of a developer's walk with wx-server-sdk, pointed here by environment variables alone:
//   node walk.cjs SDK_FOLDER RESULT_FILE STEP
const fs = require('fs')

const [module_, file, step] = process.argv.slice(2)
const cloud = require(module_)
cloud.init()
const db = cloud.database()

const steps = {
  async prepare() {
    for (const name of ['orders', 'seen', 'ticks']) await db.createCollection(name)
    return (await cloud.callFunction({ name: 'greet', data: { name: 'Ada' } })).result
  },
  async call() {
    return (await cloud.callFunction({ name: 'greet', data: { name: 'Ada' } })).result
  },
  async order() {
    const data = { status: 'new', amount: 12.5, at: new Date('2026-01-02T03:04:05.678Z') }
    return (await db.collection('orders').add({ data }))._id
  },
  async read() {
    const all = {}
    for (const name of ['orders', 'seen', 'ticks']) {
      all[name] = (await db.collection(name).limit(1000).get()).data
    }
    return all
  },
}

steps[step]().then(
  (value) => fs.writeFileSync(file, JSON.stringify({ value })),
  (error) => fs.writeFileSync(file, JSON.stringify({ error: String(error.errMsg || error.message) })),
)
