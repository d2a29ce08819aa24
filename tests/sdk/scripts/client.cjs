// Every case of the client SDKs: js-sdk 1.x, 2.x and 3.x, the same in Node and in a browser.
// A case answers with plain data; one that fails is told by its code and message.

const failure = (error) => {
  let told = error
  try { told = JSON.parse(error.message) } catch { /* the newer SDKs reject with the object itself */ }
  return { failed: { code: told.code ?? told.error ?? '', message: String(told.msg ?? told.message ?? told.error_description ?? told) } }
}

const point = (app, { api, major }) => {
  if (major <= 1) return app.registerEndPoint(`${api}/web`)
  const host = api.replace('http:', '')
  for (const [key, path] of [['CLOUD_API', '/web'], ['GATEWAY', '/v1']]) {
    app.registerEndPointWithKey({ key, url: host + path, protocol: 'http:' })
  }
  return undefined
}

const authOf = (app) => app.auth({ persistence: 'local' })

const anonymously = async (auth, major) =>
  major <= 1 ? auth.anonymousAuthProvider().signIn() : thrown(await auth.signInAnonymously({}))

const byName = async (auth, major, { username, password }) => {
  if (major <= 1) return auth.signInWithUsernameAndPassword(username, password)
  if (major === 2) return auth.signIn({ username, password })
  return thrown(await auth.signInWithPassword({ username, password }))
}

// 3.x resolves with the error beside the data.
const thrown = (told) => { if (told && told.error) throw told.error; return told }

const text = (content) => (typeof File === 'undefined' ? Buffer.from(content) : new File([content], 'f.txt', { type: 'text/plain' }))

const listed = (told) => {
  if (told.code) throw told
  return told
}

const signIns = ({ auth, options }) => ({
  'nobody is signed in': async () => Boolean(await auth.getLoginState()),
  'sign in with a wrong password': async () => byName(auth, options.major, { username: options.user.username, password: 'wrong-1' }),
  'sign in by name': async () => {
    await byName(auth, options.major, options.user)
    return Boolean(await auth.getLoginState())
  },
  'sign out': async () => {
    await auth.signOut()
    return Boolean(await auth.getLoginState())
  },
  'sign in anonymously': async () => {
    await anonymously(auth, options.major)
    return Boolean(await auth.getLoginState())
  },
})

const documents = ({ app, options }) => {
  const db = app.database()
  const _ = db.command
  const notes = db.collection(`notes_${options.prefix}`)
  const when = new Date(1700000000000)
  let id
  return {
    'create a collection': async () => listed(await db.createCollection('made_by_a_user')),
    'add': async () => {
      id = listed(await notes.add({ n: 1, text: '中', when, on: db.serverDate(), at: new db.Geo.Point(113, 23), tags: ['a'] })).id
      return typeof id
    },
    'add two more': async () => {
      for (const n of [2, 3]) listed(await notes.add({ n, tags: [] }))
      return 'added'
    },
    'get a document': async () => {
      const { data: [it] } = listed(await notes.doc(id).get())
      return { n: it.n, text: it.text, when: it.when.getTime(), on: it.on instanceof Date, at: [it.at.longitude, it.at.latitude], own: '_openid' in it }
    },
    'where, order, limit, field': async () => {
      const { data } = listed(await notes.where({ n: _.gt(1) }).orderBy('n', 'desc').limit(1).field({ n: true }).get())
      return data.map((it) => it.n)
    },
    'or and regular expression': async () => {
      const { data } = listed(await notes.where(_.or([{ text: db.RegExp({ regexp: '^中' }) }, { n: 3 }])).orderBy('n', 'asc').get())
      return data.map((it) => it.n)
    },
    'where a date': async () => listed(await notes.where({ when: _.lte(when) }).get()).data.length,
    'count': async () => listed(await notes.where({ n: _.gte(2) }).count()).total,
    'update a document': async () => listed(await notes.doc(id).update({ n: _.inc(10), tags: _.push(['b']) })).updated,
    'update many': async () => listed(await notes.where({ n: _.gte(0) }).update({ seen: true })).updated,
    'set a document': async () => {
      listed(await notes.doc(`set_${options.prefix}`).set({ n: 100 }))
      return listed(await notes.doc(`set_${options.prefix}`).get()).data[0].n
    },
    'aggregate': async () => {
      const told = listed(await notes.aggregate().match({ n: _.gt(2) }).group({ _id: null, sum: db.command.aggregate.sum('$n') }).end())
      return told.data.map((it) => it.sum)
    },
    'transaction': async () => {
      if (options.major <= 1) return undefined
      const transaction = await db.startTransaction()
      const collection = transaction.collection(`notes_${options.prefix}`)
      await collection.doc(id).update({ n: 50 })
      const during = (await notes.doc(id).get()).data[0].n
      await transaction.commit()
      return [during, (await notes.doc(id).get()).data[0].n]
    },
    'run commands': async () => {
      if (options.major <= 1) return undefined
      const commands = [{ find: `notes_${options.prefix}`, filter: { _id: id } }, { count: `notes_${options.prefix}` }]
      const [found, counted] = listed(await db.runCommands({ commands })).list
      return [found[0].n, counted[0].ok]
    },
    'remove a document': async () => listed(await notes.doc(id).remove()).deleted,
    'remove many': async () => listed(await notes.where({ n: _.gt(0) }).remove()).deleted,
    'watch': () => new Promise((resolve, reject) => {
      const sizes = []
      const listener = notes.where({ room: options.prefix }).watch({
        onError: reject,
        onChange: (snapshot) => {
          sizes.push(snapshot.docs.length)
          if (sizes.length === 1) notes.add({ room: options.prefix }).then(listed).catch(reject)
          else Promise.resolve(listener.close()).then(() => resolve(sizes), reject)
        },
      })
    }),
    'get of no collection': async () => listed(await db.collection('no_such_collection').get()),
    'get what is forbidden': async () => listed(await db.collection('secret').get()),
  }
}

const calls = ({ app, options }) => ({
  'call a function': async () => (await app.callFunction({ name: 'echo', data: { a: '中' } })).result,
  'call a function without data': async () => (await app.callFunction({ name: 'echo' })).result,
  'call a function that is not there': async () => app.callFunction({ name: 'none', data: {} }),
  'call a function that fails': async () => app.callFunction({ name: 'fails', data: {} }),
  'call a container': async () => {
    if (options.major <= 1) return undefined
    const told = await app.callContainer({ name: 'shop', path: '/hello', method: 'POST', header: {}, data: { n: 1 } })
    return told
  },
})

const files = ({ app, options }) => {
  const cloudPath = `${options.prefix}/中 a.txt`
  let id
  return {
    'upload a file': async () => {
      id = (await app.uploadFile({ cloudPath, filePath: text('hello') })).fileID
      return id.endsWith(cloudPath)
    },
    'temporary address': async () => {
      const { fileList: [{ tempFileURL }] } = await app.getTempFileURL({ fileList: [id] })
      return (await fetch(tempFileURL)).text()
    },
    'temporary address of no file': async () => (await app.getTempFileURL({ fileList: ['cloud://e.b/none.txt'] })).fileList[0].code,
    'file info': async () => {
      if (options.major < 3) return undefined
      const { fileList: [it] } = await app.getFileInfo({ fileList: [id] })
      return [it.code, Number(it.size)]
    },
    'storage.from': async () => {
      if (options.major < 3) return undefined
      const told = async (promise) => {
        const { data, error } = await promise
        if (error) throw error
        return data
      }
      const bucket = app.storage.from()
      const { id: made } = await told(bucket.upload(`${options.prefix}/from.txt`, text('hello')))
      await told(bucket.copy(`${options.prefix}/from.txt`, `${options.prefix}/copied.txt`))
      const { size } = await told(bucket.info(made.replace('from.txt', 'copied.txt')))
      const content = await told(bucket.download(made))
      const removed = await told(bucket.remove([made]))
      return [Number(size), await content.text(), removed.length]
    },
    'delete a file': async () => (await app.deleteFile({ fileList: [id] })).fileList[0].code,
  }
}

async function run(cloudbase, options) {
  const app = cloudbase.init({ env: options.env })
  if (!options.unpointed) point(app, options)
  const auth = authOf(app)
  const told = {}
  for (const group of [signIns, documents, calls, files]) {
    for (const [name, carryOut] of Object.entries(group({ app, auth, options }))) {
      try { told[name] = { ok: (await carryOut()) ?? null } } catch (error) { told[name] = failure(error) }
    }
  }
  return told
}

module.exports = { run }
