'use strict'
// Owns the database as functions of uniCloud have it: results, transactions, `updateAndReturn`.
//
// Not here: queries and commands as such, which are the client's own (client/wx-cloud.cjs), and how the
// suite is asked (unicloud.js). The one idea: the client's classes ask an `api` and answer by a `shape`;
// both are those of a server here.
//
// Facts: doc.dcloud.net.cn/uniCloud/cf-database.

const { cloud } = require('../../client/wx-cloud.cjs')
const { refusedAs } = require('./unicloud_errors')

/** How results look to a server: as they are. */
const shape = {
  ...cloud.shape,
  usualLimit: 100,
  mostLimit: 1000,
  data: (options) => options,
  ok: (api, result) => result,
  refuse: (api, error) => refusedAs(error),
  list: (data) => ({ affectedDocs: data.length, data }),
  one: (data) => shape.list(data ? [data] : []),
  absentFails: false,
  reserved: [],
  counted: (total) => ({ affectedDocs: total, total }),
  added: (ids) => ids.length > 1 ? { ids, inserted: ids.length } : { id: ids[0] },
  updated: (updated) => ({ affectedDocs: updated, updated, upsertedId: null }),
  removed: (deleted) => ({ affectedDocs: deleted, deleted }),
  replaced: (id, made, updated) => ({
    affectedDocs: made ? 1 : updated, updated: made ? 0 : updated, upsertedId: made ? id : null
  }),
  aggregated: (data) => shape.list(data),
  file: (fileID, code, others) => ({ fileID, ...others, code })
}

/** In a transaction one document is told as such. */
const shapeWithin = { ...shape, one: (data) => ({ data }) }

/** Returns the database of an object of the cloud; `open` is the client's, `doorOf` who is asked. */
function databaseOf (open, owner, doorOf) {
  const of = (id) => {
    const database = open.call({ ...owner, shape: id ? shapeWithin : shape, api: () => doorOf(id) })
    const { collection } = database
    database.collection = (name) => returning(collection.call(database, name))
    return database
  }
  const door = doorOf()
  const start = async () => {
    const { transactionId } = await door.ask('database.startTransaction', {})
    const end = (action) => door.ask(action, { transactionId })
    const { collection } = of(transactionId)
    return { collection, commit: () => end('database.commitTransaction'), rollback: () => end('database.abortTransaction') }
  }
  return Object.assign(of(undefined), {
    startTransaction: start,
    runTransaction: (work) => within(start, work),
    createCollection: (collectionName) => door.act('database.addCollection', { collectionName })
  })
}

/** Gives what a collection leads to, queries and single documents, `updateAndReturn`. */
function returning (found) {
  for (const verb of ['where', 'doc', 'orderBy', 'limit', 'skip']) {
    const lead = found[verb]
    if (lead !== undefined) found[verb] = (...given) => returning(lead.apply(found, given))
  }
  found.updateAndReturn = (data) => updateAndReturn(found, data)
  return found
}

/** Changes one document and returns it as it became. */
async function updateAndReturn (found, data) {
  const { _database: database } = found
  const door = database.api()
  let told
  const modify = async (action, body) => {
    told = (await door.ask('database.modifyAndReturnDoc', body)).data
    return { updated: told.updated }
  }
  const updated = await answeredBy(found, modify, { ...shape, updated: (count) => count }).update(data)
  return { updated, doc: told.doc === null ? null : (await read(found, [JSON.parse(told.doc)]))[0] }
}

/** Returns the same query or document, whose requests are answered otherwise. */
function answeredBy (found, act, shape_) {
  const { _database: database } = found
  const other = { ...database, shape: shape_, api: () => ({ ...database.api(), act }) }
  return Object.assign(Object.create(found), { _database: other })
}

/** Reads documents as the client does: it knows how dates and places are written. */
async function read (found, list) {
  return (await answeredBy(found, async () => ({ list }), shape).get()).data
}

/** Returns what the client would send for new documents or changes; `get` reads documents. */
async function captured (database, verb, given) {
  const found = database.collection('any')
  if (verb === 'get') return given.length ? read(found.where({}), given) : []
  let body
  const keep = async (action, sent) => {
    body = sent
    return verb === 'add' ? { insertedIds: [0] } : { updated: 0 }
  }
  await answeredBy(verb === 'add' ? found : found.where({}), keep, shape)[verb](given)
  return body
}

/** Runs work in a transaction; what it rolls back with is what fails. */
async function within (start, work) {
  const transaction = await start()
  let given
  const rollback = async (reason) => {
    given = { reason }
    await transaction.rollback()
  }
  try {
    const result = await work({ ...transaction, rollback })
    if (given === undefined) await transaction.commit()
    else throw given.reason
    return result
  } catch (error) {
    if (given === undefined) await transaction.rollback().catch(() => {})
    throw error
  }
}

module.exports = { captured, databaseOf, shape }
