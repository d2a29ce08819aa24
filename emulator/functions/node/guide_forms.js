'use strict'
// Owns the calls that the developers' guide writes and wx-server-sdk does not have.
//
// Not here: what is done (the suite) and loading (loader.js). The one idea: what the SDK has is left
// as it is; a name that it lacks leads to the SDK's own calls, and what would work in the cloud is
// told once. A strict project has none of them, as the cloud has none.

const SDK = /[\\/]wx-server-sdk[\\/]index\.js$/
const VERBS = ['get', 'set', 'update', 'remove']
const extended = new WeakSet()
const told = new Set()

/** Has the SDK, once it is loaded from a file, know the guide's forms too. */
function extend (file, cloud) {
  if (!SDK.test(file) || cloud === null || typeof cloud !== 'object' || extended.has(cloud)) return
  const found = Object.getOwnPropertyDescriptor(cloud, 'database')
  if (found === undefined || !found.writable || typeof found.value !== 'function') return
  extended.add(cloud)
  cloud.database = function () {
    return withForms(found.value.apply(this, arguments))
  }
}

function withForms (db) {
  const { runTransaction, startTransaction } = db
  if (typeof runTransaction === 'function') {
    db.runTransaction = function (run, ...rest) {
      const known = typeof run === 'function' ? (transaction) => run(withCalls(transaction)) : run
      return runTransaction.call(this, known, ...rest)
    }
  }
  if (typeof startTransaction === 'function') {
    db.startTransaction = async function () {
      return withCalls(await startTransaction.apply(this, arguments))
    }
  }
  add(Object.getPrototypeOf(db.collection('any')), 'createIndex', createIndex)
  return db
}

/** Returns a transaction whose calls may be given the document that they are about. */
function withCalls (transaction) {
  const calls = Object.getPrototypeOf(transaction)
  for (const verb of VERBS) {
    add(calls, verb, function (reference, ...options) {
      tell(`transaction.${verb}`, `transaction.collection(...).doc(...).${verb}(...)`)
      if (!reference || !reference.collection || reference._id === undefined) {
        throw new TypeError(`transaction.${verb} wants db.collection(...).doc(...)`)
      }
      return this.collection(reference.collection.collectionName).doc(reference._id)[verb](...options)
    })
  }
  return transaction
}

async function createIndex (options) {
  tell('collection.createIndex', "the console's page of the collection's indexes")
  const { keys, name, unique } = options || {}
  const asked = { collectionName: this.collectionName, keys: keys || options, indexName: name, unique }
  const request = this._collection._request
  // Some versions give the refusal back, others throw it.
  const answer = await request.send('database.createIndex', asked).catch((error) => { throw refusalOf(error) })
  if (answer.code) throw refusalOf(answer)
  return { errMsg: 'collection.createIndex:ok' }
}

function refusalOf ({ code, message }) {
  const errMsg = `collection.createIndex:fail ${message}`
  return Object.assign(new Error(errMsg), { errCode: -1, errMsg, code })
}

function add (prototype, name, value) {
  if (name in prototype) return
  Object.defineProperty(prototype, name, { value, writable: true, configurable: true })
}

/** Says once what the cloud has instead; in a strict project there is no such call. */
function tell (form, real) {
  if (process.env.CLOUD_EMU_STRICT === '1') throw new TypeError(`${form} is not a function`)
  if (told.has(form)) return
  told.add(form)
  console.warn(`${form} works here, but wx-server-sdk has no such call; in the cloud use ${real}`)
}

module.exports = { extend }
