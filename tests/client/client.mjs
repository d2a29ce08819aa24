// Drives the script against a suite: `node client.mjs SCRIPT_URL RESULT_FILE`. Each case is one name
// of the results; what it throws is told as `{ errCode, errMsg }`.
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [, , script, resultFile] = process.argv
const told = {}

async function run(name, work) {
  try {
    told[name] = await work()
  } catch (error) {
    told[name] = { errCode: error.errCode, errMsg: error.errMsg, message: error.message, code: error.code }
  }
}

const loaded = await import(pathToFileURL(script))
const { cloud, alipayCloud, uniCloud, install } = loaded.install ? loaded : loaded.default
const wx = {}
const my = {}
const Taro = {}
const everywhere = {}
install({ wx, my, Taro, global: everywhere })

await run('before_init', () => wx.cloud.callFunction({ name: 'echo' }))
await run('database_before_init', () => wx.cloud.database())
wx.cloud.init({ env: 'your-env-id', traceUser: true })

const db = wx.cloud.database()
const _ = db.command
const $ = _.aggregate
const todos = db.collection('todos')

// ---- documents
await run('add', () =>
  todos.add({
    data: {
      _id: 'one',
      title: 'a',
      n: 1,
      tags: ['x'],
      style: { color: 'red', size: 2 },
      at: new Date(1700000000000),
      now: db.serverDate({ offset: 60000 }),
      place: db.Geo.Point(113.3, 23.1),
      nothing: null,
      left: undefined
    }
  })
)
await run('add_no_data', () => todos.add({}))
await run('add_owner', () => todos.add({ data: { title: 'mine', _openid: 'oAda' } }))
await run('update_id', () => todos.doc('one').update({ data: { _id: 'one', n: 2 } }))
await run('set_id', () => todos.doc('one').set({ data: { _id: 'one', n: 2 } }))
await run('update_id_of_some', () => todos.where({ n: 1 }).update({ data: { _id: 'one', n: 2 } }))
await run('duplicate', () => todos.add({ data: { _id: 'one' } }))
await run('doc', async () => {
  const { data, errMsg } = await todos.doc('one').get()
  return {
    errMsg,
    at: data.at instanceof Date && data.at.getTime(),
    now: data.now instanceof Date && Math.round((data.now.getTime() - Date.now()) / 60000),
    longitude: data.place.longitude,
    latitude: data.place.latitude,
    style: data.style,
    owned: typeof data._openid === 'string',
    keys: Object.keys(data).sort()
  }
})
await run('doc_absent', () => todos.doc('none').get())
await run('doc_absent_null', () =>
  wx.cloud.database({ throwOnNotFound: false }).collection('todos').doc('none').get()
)
await run('update', () =>
  todos.doc('one').update({
    data: { n: _.inc(2), 'style.size': 3, style: { weight: 1 }, tags: _.push(['y', 'z']), nothing: _.remove() }
  })
)
await run('updated', async () => {
  const { data } = await todos.doc('one').field({ n: true, style: true, tags: true, nothing: true }).get()
  return data
})
await run('arrays', async () => {
  const doc = todos.doc('one')
  await doc.update({ data: { tags: _.unshift('w') } })
  await doc.update({ data: { tags: _.addToSet('w') } })
  await doc.update({ data: { tags: _.addToSet({ each: ['w', 'v'] }) } })
  await doc.update({ data: { tags: _.pull(_.in(['x'])) } })
  await doc.update({ data: { tags: _.push({ each: ['a'], position: 0, slice: 4 }) } })
  await doc.update({ data: { style: _.set({ only: true }) } })
  const { data } = await doc.get()
  return [data.tags, data.style]
})
await run('set_new', () => todos.doc('two').set({ data: { title: 'b', n: 5, tags: [] } }))
await run('set_again', () => todos.doc('two').set({ data: { title: 'b', n: 6, tags: ['q'] } }))
await run('remove', () => todos.doc('two').remove())
await run('bad_id', () => todos.doc())
await run('missing_collection', () => db.collection('nowhere').get())

// ---- queries
const many = db.collection('many')
for (let n = 0; n < 25; n += 1) {
  await many.add({ data: { _id: `d${n}`, n, even: n % 2 === 0, name: `name ${n}`, deep: { n } } })
}
const ids = async (query) => (await query.get()).data.map((each) => each.n).sort((a, b) => a - b)
await run('usual_limit', async () => (await many.get()).data.length)
await run('most_limit', async () => (await many.limit(100).get()).data.length)
await run('page', async () => {
  const { data } = await many.where({ even: true }).orderBy('n', 'desc').skip(1).limit(2).field({ n: true }).get()
  return data
})
await run('count', () => many.where({ n: _.gte(20) }).count())
await run('queries', async () => ({
  and: await ids(many.where({ n: _.gt(20).and(_.lt(23)) })),
  chained: await ids(many.where({ n: _.gt(20).lt(23) })),
  or: await ids(many.where({ n: _.or(_.lt(1), _.gt(23)) })),
  or_list: await ids(many.where({ n: _.or([_.lt(1), _.gt(23)]) })),
  whole: await ids(many.where(_.or([{ n: 1 }, { n: 2, even: true }, { even: true, n: 3 }]))),
  in: await ids(many.where({ n: _.in([3, 4]) })),
  not: await ids(many.where({ n: _.not(_.gt(1)) })),
  nor: await ids(many.where({ n: _.nor([_.gt(2), _.eq(0)]) })),
  nested: await ids(many.where({ deep: { n: 4 } })),
  dotted: await ids(many.where({ 'deep.n': _.eq(5) })),
  regexp: await ids(many.where({ name: db.RegExp({ regexp: '^NAME 7$', options: 'i' }) })),
  native: await ids(many.where({ name: /^name 8$/ })),
  mod: await ids(many.where({ n: _.mod(12, 0) })),
  exists: await ids(many.where({ none: _.exists(true) })),
  expr: await ids(many.where(_.expr($.eq(['$n', 9])))),
  two: await ids(many.where({ n: _.or(_.eq(1), _.eq(2)), even: _.or(_.eq(true), _.eq(null)) }))
}))
await run('geo', async () => {
  const square = db.Geo.Polygon([
    db.Geo.LineString([
      db.Geo.Point(113, 23),
      db.Geo.Point(114, 23),
      db.Geo.Point(114, 24),
      db.Geo.Point(113, 24),
      db.Geo.Point(113, 23)
    ])
  ])
  const within = await todos.where({ place: _.geoWithin({ geometry: square }) }).get()
  const line = new db.Geo.LineString([db.Geo.Point(0, 0), db.Geo.Point(1, 1)])
  const crossed = await todos.where({ place: _.geoIntersects({ geometry: line }) }).get()
  return [within.data.length, crossed.data.length]
})
await run('query_update', () => many.where({ n: _.lt(3) }).update({ data: { small: true } }))
await run('query_remove', () => many.where({ n: 24 }).remove())
await run('aggregate', async () => {
  const { list, errMsg } = await many
    .aggregate()
    .match({ n: $.gte(10) })
    .group({ _id: '$even', total: $.sum('$n'), count: $.sum(1) })
    .sort({ total: -1 })
    .end()
  return { list, errMsg }
})
await run('lookup', async () => {
  const pipeline = $.pipeline().match(_.expr($.eq(['$n', '$$n']))).project({ _id: 0, name: 1 }).done()
  const { list } = await many
    .aggregate()
    .match({ n: 3 })
    .lookup({ from: 'many', let: { n: '$n' }, pipeline, as: 'found' })
    .end()
  return list[0].found
})
await run('bad_operator', () => many.where({ n: { $nope: 1 } }).get())

// ---- callbacks
await run('callbacks', () =>
  new Promise((resolve) => {
    const heard = []
    const returned = todos.doc('one').get({
      success: (res) => heard.push(['success', res.errMsg]),
      fail: () => heard.push(['fail']),
      complete: (res) => {
        heard.push(['complete', res.errMsg])
        resolve({ heard, returned: returned === undefined })
      }
    })
  })
)
await run('callback_fail', () =>
  new Promise((resolve) => {
    db.collection('nowhere').get({ fail: (error) => resolve([error.errCode, error instanceof Error]) })
  })
)

// ---- functions
await run('function', async () => {
  const { result, errMsg, requestID } = await wx.cloud.callFunction({ name: 'echo', data: { a: 1, s: '中文' } })
  return { result, errMsg, named: typeof requestID === 'string' }
})
await run('function_no_data', async () => (await wx.cloud.callFunction({ name: 'echo' })).result)
await run('function_nothing', async () => (await wx.cloud.callFunction({ name: 'nothing' })).result)
await run('function_absent', () => wx.cloud.callFunction({ name: 'absent' }))
await run('function_late', () => wx.cloud.callFunction({ name: 'late', data: {} }))
await run('function_raises', () => wx.cloud.callFunction({ name: 'raises', data: {} }))
await run('function_unnamed', () => wx.cloud.callFunction({}))
await run('who', async () => (await wx.cloud.callFunction({ name: 'who' })).result)
await run('cloud_id', async () => {
  const data = { open: wx.cloud.CloudID('67_x'), made: new wx.cloud.CloudID('67_y') }
  data.deep = { list: [wx.cloud.CloudID('67_z')] }
  return (await wx.cloud.callFunction({ name: 'echo', data })).result
})
await run('other_user', async () => {
  const other = new wx.cloud.Cloud({ resourceEnv: 'x', openid: 'oBob' })
  await other.init()
  return (await other.callFunction({ name: 'who' })).result
})
await run('own_documents', async () => {
  const other = new wx.cloud.Cloud({ resourceEnv: 'x', openid: 'oBob' })
  await other.init()
  const { data } = await other.database().collection('todos').get()
  return data.length
})

// ---- files
const bytes = new Uint8Array(200000).map((_each, at) => at % 251)
let fileID = ''
await run('upload', async () => {
  const res = await wx.cloud.uploadFile({ cloudPath: 'images/测试 a.png', filePath: new Blob([bytes]) })
  fileID = res.fileID
  return { ...res, fileID: fileID.startsWith('cloud://') && fileID.endsWith('/images/测试 a.png') }
})
await run('upload_path', async () => {
  const heard = []
  const res = await new Promise((success, fail) => {
    const task = wx.cloud.uploadFile({ cloudPath: 'own.js', filePath: script, success, fail })
    task.onProgressUpdate((progress) => heard.push(progress.progress))
  })
  const { tempFilePath } = await wx.cloud.downloadFile({ fileID: res.fileID })
  const same = readFileSync(tempFilePath, 'utf8') === readFileSync(script, 'utf8')
  return { last: heard.pop(), same }
})
await run('download', async () => {
  const res = await wx.cloud.downloadFile({ fileID })
  const read = readFileSync(res.tempFilePath)
  return { statusCode: res.statusCode, errMsg: res.errMsg, same: Buffer.compare(read, Buffer.from(bytes)) }
})
await run('download_absent', () => wx.cloud.downloadFile({ fileID: fileID.replace('a.png', 'b.png') }))
await run('urls', async () => {
  const absent = fileID.replace('a.png', 'b.png')
  const res = await wx.cloud.getTempFileURL({ fileList: [fileID, { fileID, maxAge: 60 }, absent, '', null] })
  const answer = await fetch(res.fileList[0].tempFileURL)
  return {
    errMsg: res.errMsg,
    status: answer.status,
    list: res.fileList.map(({ status, errMsg, maxAge }) => [status, errMsg, maxAge])
  }
})
await run('delete', async () => {
  const { fileList, errMsg } = await wx.cloud.deleteFile({ fileList: [fileID] })
  return [fileList[0].status, fileList[0].errMsg, fileList[0].fileID === fileID, errMsg]
})
await run('too_many', () => wx.cloud.deleteFile({ fileList: new Array(51).fill('x') }))
await run('container_absent', async () => {
  const res = await wx.cloud.callContainer({ path: '/a', header: { 'X-WX-SERVICE': 'none' } })
  return [res.statusCode, res.errMsg]
})

// ---- Alipay, Taro, uni-app
await run('alipay', async () => {
  const context = my.cloud.createCloudContext({ env: 'env' })
  await context.init()
  const pets = context.database().collection('pets')
  const added = await pets.add({ data: { _id: 'p1', name: 'Rex' } })
  return {
    added,
    list: (await pets.where({ name: 'Rex' }).get()).map((each) => each.name),
    one: (await pets.doc('p1').get()).name,
    count: await pets.count(),
    updated: await pets.doc('p1').update({ data: { name: 'Max' } }),
    aggregated: (await pets.aggregate().project({ _id: 0, name: 1 }).end()),
    removed: await pets.doc('p1').remove(),
    result: (await context.callFunction({ name: 'echo', data: { a: 1 } })).result
  }
})
await run('alipay_absent', async () => {
  my.cloud.init({ env: 'env' })
  return my.cloud.database().collection('pets').doc('p9').get()
})
await run('taro', async () => {
  Taro.cloud.init({ env: 'env' })
  return (await Taro.cloud.callFunction({ name: 'echo', data: { taro: true } })).result
})
await run('uni', async () => {
  const list = everywhere.uniCloud.database().collection('list')
  const { result: added } = await list.add({ _id: 'u1', n: 1 })
  await list.doc('u1').update({ n: 2 })
  return {
    added,
    got: (await list.where({ n: 2 }).field('n').orderBy('n desc').get()).result.data,
    one: (await list.doc('u1').get()).result.data.length,
    none: (await list.doc('u9').get()).result.data.length,
    total: (await list.count()).result.total,
    removed: (await list.doc('u1').remove()).result.deleted,
    result: (await uniCloud.callFunction({ name: 'echo', data: { uni: 1 } })).result
  }
})
await run('same_objects', () => [wx.cloud === cloud, my.cloud === alipayCloud, Taro.cloud === cloud])

writeFileSync(resultFile, JSON.stringify(told))
