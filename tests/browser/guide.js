// The client code of a guide on Cloud Development, block by block; answers with what each one heard.
async (kind) => {
  const told = {}
  const wait = (start) => new Promise((success, fail) => start({ success, fail }))

  // Initialize, in WeChat's way, then in Alipay's and uni-app's
  const App = (app) => app.onLaunch()
  App({
    onLaunch: function () {
      if (!wx.cloud) console.error('Please use WeChat Developer Tools 1.02.1908232 or higher')
      else wx.cloud.init({ env: 'your-env-id', traceUser: true })
    }
  })
  my.cloud.init({ env: 'your-env-id' })
  told.init = true

  // Add a record
  const added = await wx.cloud
    .database()
    .collection('users')
    .add({
      data: {
        name: 'John Doe',
        age: 25,
        city: 'Shanghai',
        kind,
        createTime: wx.cloud.database().serverDate()
      }
    })
  told.added = typeof added._id

  // Query
  const db = wx.cloud.database()
  const users = db.collection('users')
  const id = `record-${kind}`
  await users.add({ data: { _id: id, name: 'Data', age: 30, city: 'Shanghai', kind } })
  await users.add({ data: { name: 'Older', age: 40, city: 'Shanghai', kind } })
  told.one = (await users.doc(id).get()).data.name
  const { gt, lt } = db.command
  told.between = (await users.where({ kind, age: db.command.gt(24).and(db.command.lt(40)) }).get()).data.length
  told.complex = (
    await users.where({ kind, city: 'Shanghai', age: gt(25) }).orderBy('age', 'desc').limit(10).get()
  ).data.map((each) => each.age)

  // Update and remove
  const { stats } = await users.doc(id).update({ data: { age: 26, 'address.city': 'Beijing' } })
  const { data: now } = await users.doc(id).get()
  told.updated = [stats.updated, now.age, now.address.city]
  told.removed = (await users.doc(id).remove()).stats.removed

  // Call functions, with a promise and with callbacks
  const profile = await wx.cloud.callFunction({
    name: 'echo',
    data: { nickname: 'John Doe', avatar: 'https://example.com/avatar.jpg', gender: 1 }
  })
  told.function = profile.result.nickname
  const who = await wait((callbacks) => wx.cloud.callFunction({ name: 'who', ...callbacks }))
  told.openid = typeof who.result.OPENID

  // Aggregate
  const $ = db.command.aggregate
  const orders = db.collection('orders')
  for (const [amount, status] of [[10, 'completed'], [20, 'completed'], [5, 'open']]) {
    await orders.add({ data: { productId: 'p1', amount, status, kind, createTime: new Date() } })
  }
  const top = await orders
    .aggregate()
    .match({ kind, status: 'completed', createTime: $.gte(new Date('2023-01-01')) })
    .group({ _id: '$productId', totalSales: $.sum('$amount'), count: $.sum(1) })
    .sort({ totalSales: -1 })
    .limit(10)
    .end()
  told.top = top.list

  // Watch
  const messages = db.collection('messages')
  told.watched = []
  await new Promise((resolve, fail) => {
    const watcher = messages.where({ roomId: `room-${kind}` }).watch({
      onChange: function (snapshot) {
        const [change] = snapshot.docChanges
        told.watched.push([change ? change.queueType : snapshot.type, snapshot.docs.length])
        if (told.watched.length === 2) watcher.close().then(resolve)
        else messages.add({ data: { roomId: `room-${kind}`, text: 'hello' } }).catch(fail)
      },
      onError: fail
    })
  })

  // Files: upload with progress, download, URL, delete, in batches
  const filePath = URL.createObjectURL(new Blob(['picture']))
  const cloudPath = `images/${kind}-${Date.now()}.jpg`
  const progress = []
  const uploaded = await wait((callbacks) => {
    const task = wx.cloud.uploadFile({ cloudPath, filePath, ...callbacks })
    task.onProgressUpdate((each) => progress.push(each.progress))
  })
  await db.collection('images').add({ data: { fileID: uploaded.fileID, uploadTime: db.serverDate() } })
  const { fileID } = uploaded
  const downloaded = await wait((callbacks) => wx.cloud.downloadFile({ fileID, ...callbacks }))
  const same = (await (await fetch(downloaded.tempFilePath)).text()) === 'picture'
  const { fileList } = await wait((callbacks) =>
    wx.cloud.getTempFileURL({ fileList: [fileID], ...callbacks })
  )
  const reached = (await (await fetch(fileList[0].tempFileURL)).text()) === 'picture'
  const absent = fileID.replace(/\.jpg$/, '-none.jpg')
  const both = await wx.cloud.getTempFileURL({ fileList: [fileID, absent] })
  told.batch = both.fileList.map((each) => each.status)
  const gone = await wait((callbacks) =>
    wx.cloud.deleteFile({ fileList: [fileID, absent], ...callbacks })
  )
  told.file = [fileID.slice(0, 5), progress.pop(), same, reached, gone.fileList[0].status]
  told.batch_deleted = gone.fileList.map((each) => each.status)

  told.alipay = (await my.cloud.callFunction({ name: 'echo', data: { n: 1 } })).result.n
  told.uni = (await uniCloud.callFunction({ name: 'echo', data: { n: 1 } })).result.n
  return told
}
