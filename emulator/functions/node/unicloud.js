'use strict'
// Owns `uniCloud`, which functions of uniCloud projects find in their global scope, and cloud objects.
//
// Not here: queries and files as such, which are the client's own (client/wx-cloud.cjs). The one
// idea: what a server has differs from what a client has in three things: who asks, what results
// look like (a server has no `result` around them) and that files are buffers.
//
// Facts: doc.dcloud.net.cn/uniCloud (cf-functions, cf-database, cloud-obj).

const http = require('http')
const https = require('https')
const path = require('path')

const { cloud } = require('../../client/wx-cloud.cjs')

const BOUNDARY = '----cloud-emu-file'
const SOURCES = { wx_http: 'http', wx_trigger: 'timing', scf: 'function', wx_client: 'client' }
const NOT_HERE = {
  databaseForJQL: "write the query for uniCloud.database(), as in db.collection('todo').where({ done: false }).get(); " +
    'schemas and their permissions are not looked at either',
  redis: 'keep it in the database, or ask a server of your own on this machine',
  getPhoneNumber: 'take a number from the event',
  sendSms: 'write what would be sent to the log',
  getPushManager: 'write what would be pushed to the log',
  httpProxyForEip: 'ask with uniCloud.httpclient.request()'
}

class UniCloudError extends Error {
  constructor ({ code, message, requestId }) {
    super(message)
    this.name = 'UniCloudError'
    this.code = this.errCode = code
    this.errMsg = message
    if (requestId) this.requestId = requestId
  }
}

const refusedAs = (error) => error instanceof UniCloudError
  ? error
  : new UniCloudError({ code: error.code || 'SYS_ERR', message: error.message || String(error) })

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

/** Sends a request and returns its answer, the body as a buffer. */
function send ({ url, method = 'GET', header = {}, data, timeout }) {
  return new Promise((resolve, reject) => {
    const { request } = url.startsWith('https:') ? https : http
    const headers = data === undefined ? header : { ...header, 'content-length': Buffer.byteLength(data) }
    const sent = request(url, { method, headers, timeout }, (answer) => {
      const parts = []
      answer.on('data', (part) => parts.push(part)).on('error', reject).on('end', () => {
        resolve({ statusCode: answer.statusCode, header: answer.headers, body: Buffer.concat(parts) })
      })
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${timeout} ms: ${url}`)))
    sent.on('error', reject).end(data)
  })
}

/** Returns the bytes of a buffer, a text or a stream. */
async function bytesOf (content) {
  if (content === null || typeof content.pipe !== 'function') return Buffer.from(content)
  const parts = []
  for await (const part of content) parts.push(Buffer.from(part))
  return Buffer.concat(parts)
}

const transport = {
  request: send,

  async upload ({ url, header, fields, file, name }) {
    const parts = Object.entries(fields).map(([key, value]) =>
      Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${key}"\r\n\r\n${value}\r\n`))
    const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${encodeURIComponent(name)}"\r\n\r\n`
    const data = Buffer.concat([...parts, Buffer.from(head), await bytesOf(file), Buffer.from(`\r\n--${BOUNDARY}--\r\n`)])
    const type = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }
    return send({ url, method: 'POST', header: { ...header, ...type }, data })
  }
}

/** The suite's door, as the function that runs; what belongs to a transaction names it. */
const doorOf = (transactionId) => ({
  base: process.env.CLOUD_EMU_URL,
  proof: {},
  identity: {},
  transport,

  async ask (action, body) {
    const { TCB_ENV: envName, TCB_SESSIONTOKEN: token } = process.env
    const data = JSON.stringify({ action, envName, tcb_sessionToken: token, transactionId, ...body })
    const header = { 'content-type': 'application/json' }
    const answer = await send({ url: `${process.env.CLOUD_EMU_URL}/admin`, method: 'POST', header, data })
    const told = JSON.parse(answer.body)
    if (told.code) throw new UniCloudError(told)
    return told
  },

  async act (action, body) {
    if (!Array.isArray(body.data)) return (await this.ask(action, body)).data
    // The door takes one new document at a time.
    const insertedIds = []
    for (const data of body.data) insertedIds.push((await this.act(action, { ...body, data }))._id)
    return { insertedIds }
  }
})

/** What functions find as `uniCloud`. */
class UniCloud extends cloud.constructor {
  constructor () {
    super(shape)
    this._api = doorOf()
    this.httpclient = { request }
    const say = (level) => (...values) => console[level](...values)
    this.logger = { log: say('log'), info: say('info'), warn: say('warn'), error: say('error') }
    for (const [name, instead] of Object.entries(NOT_HERE)) {
      const message = `uniCloud.${name} is not understood here: ${instead}`
      this[name] = () => { throw new UniCloudError({ code: 'NOT_SUPPORTED', message }) }
    }
  }

  /** Another space is this one. */
  init () {
    return this
  }

  async callFunction ({ name, data }) {
    const { result, requestId } = await super.callFunction({ name, data })
    return { errCode: 0, success: true, requestId, result }
  }

  async downloadFile ({ fileID }) {
    const { fileList: [{ code, tempFileURL }] } = await this.getTempFileURL({ fileList: [fileID] })
    if (code !== 'SUCCESS') throw new UniCloudError({ code, message: `${fileID} cannot be downloaded` })
    const { body } = await send({ url: tempFileURL })
    return { fileContent: body }
  }

  /** Returns a cloud object of the project, whose methods are called over the suite. */
  importObject (name) {
    const call = (method) => async (...params) => {
      const { result } = await this.callFunction({ name, data: { method, params } })
      if (result && result.errCode) {
        throw Object.assign(new UniCloudError({ code: result.errCode, message: result.errMsg }), { detail: result })
      }
      return result
    }
    // It is no promise.
    return new Proxy({}, { get: (_, method) => method === 'then' ? undefined : call(String(method)) })
  }

  database () {
    const { act } = this._api
    const of = (id) => super.database.call({ ...this, shape: id ? shapeWithin : shape, api: () => doorOf(id) })
    const start = async () => {
      const { transactionId } = await this._api.ask('database.startTransaction', {})
      const end = (action) => this._api.ask(action, { transactionId })
      const { collection } = bound(of(transactionId))
      return { collection, commit: () => end('database.commitTransaction'), rollback: () => end('database.abortTransaction') }
    }
    return Object.assign(of(undefined), {
      startTransaction: start,
      runTransaction: (work) => within(start, work),
      createCollection: (collectionName) => act.call(this._api, 'database.addCollection', { collectionName })
    })
  }

  /** Returns texts in languages, as `vue-i18n` has them: `{name}` stands for a value. */
  initI18n ({ locale, fallbackLocale = 'en', messages = {} } = {}) {
    return {
      locale: locale || fallbackLocale,
      fallbackLocale,
      messages,
      getLocale () { return this.locale },
      setLocale (told) { this.locale = told },
      join (told, texts) { messages[told] = { ...messages[told], ...texts } },
      t (key, values = {}) {
        const texts = [this.locale, fallbackLocale].map((each) => messages[each] && messages[each][key])
        const text = texts.find((each) => typeof each === 'string')
        if (text === undefined) return key
        return text.replace(/\{([^{}]+)\}/g, (whole, name) => values !== null && name in Object(values) ? values[name] : whole)
      }
    }
  }

  getCloudInfos () {
    return [cloudInfo()]
  }

  getClientInfos () {
    return [clientInfo()]
  }

  getRequestList () {
    return [process.env.TCB_SESSIONTOKEN]
  }
}

const bound = (database) => ({ collection: (name) => database.collection(name) })

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

/** `httpclient.request`: the answer's `data` is a buffer unless `dataType` says text or json. */
async function request (address, options = {}) {
  const { method = 'GET', data, content, contentType, dataType, timeout = 5000, dataAsQueryString } = options
  const url = new URL(address)
  const header = { ...options.headers }
  let body = content
  const isQuery = dataAsQueryString || ['GET', 'HEAD'].includes(method.toUpperCase())
  if (data !== undefined && isQuery) {
    for (const [name, value] of Object.entries(data)) url.searchParams.append(name, value)
  } else if (data !== undefined && body === undefined) {
    const isPlain = typeof data === 'string' || Buffer.isBuffer(data)
    body = isPlain ? data : contentType === 'json' ? JSON.stringify(data) : new URLSearchParams(data).toString()
    const type = contentType === 'json' ? 'application/json' : 'application/x-www-form-urlencoded'
    if (!isPlain) header['content-type'] = header['Content-Type'] || header['content-type'] || type
  }
  const answer = await send({ url: url.href, method, header, data: body, timeout: [timeout].flat().pop() })
  const text = dataType === undefined ? answer.body : answer.body.toString()
  const { statusCode: status, header: headers } = answer
  return { status, headers, data: dataType === 'json' ? JSON.parse(text) : text, res: { status, headers } }
}

const spaceId = () => process.env.TCB_ENV
const sourceOf = () => SOURCES[(process.env.TCB_SOURCE || '').split(',').pop()] || 'server'
const cloudInfo = () => ({
  provider: 'tencent', spaceId: spaceId(), functionName: process.env.SCF_FUNCTIONNAME, functionType: 'cloudfunction'
})
const clientInfo = () => ({
  os: '', platform: 'mp-weixin', appId: process.env.WX_APPID, locale: 'zh-Hans', deviceId: '', userAgent: '',
  clientIP: process.env.WX_CLIENTIP || '127.0.0.1', source: sourceOf(), requestId: process.env.TCB_SESSIONTOKEN
})

/** Returns what a function's context has beside that of other functions. */
function contextOf () {
  const { platform, appId, locale, deviceId, clientIP, source, requestId } = clientInfo()
  return {
    OS: '', PLATFORM: platform, APPID: appId, LOCALE: locale, DEVICEID: deviceId, CLIENTIP: clientIP, CLIENTUA: '',
    SPACEINFO: { spaceId: spaceId(), provider: 'tencent' }, FUNCTION_NAME: process.env.SCF_FUNCTIONNAME,
    FUNCTION_TYPE: 'cloudfunction', SOURCE: source, requestId
  }
}

/** Returns the handler that calls the methods of a cloud object. */
function mainOf (object) {
  return async (event, context) => {
    const asked = event || {}
    const method = asked.Type === 'Timer' ? '_timing' : asked.method || (asked.httpMethod && path.posix.basename(asked.path || ''))
    const isOpen = typeof method === 'string' && (method === '_timing' || !method.startsWith('_')) &&
      !(method in Object.prototype)
    if (!isOpen || typeof object[method] !== 'function') {
      return { errCode: 'METHOD_NOT_FOUND', errMsg: `the cloud object has no method ${method}` }
    }
    const params = method === '_timing' ? [asked] : asked.params || []
    const own = Object.assign(Object.create(object), {
      getClientInfo: clientInfo,
      getCloudInfo: () => ({ ...cloudInfo(), functionType: 'cloudobject' }),
      getMethodName: () => method,
      getParams: () => params,
      getUniIdToken: () => asked.uniIdToken,
      getUniCloudRequestId: () => context.request_id,
      getHttpInfo: () => asked
    })
    try {
      return await called(own, method, params)
    } catch (error) {
      // Errors that were meant for the caller; others are failures of the function.
      if (error instanceof Error && error.errCode === undefined) throw error
      return { ...error, errCode: error.errCode, errMsg: error.errMsg || error.message }
    }
  }
}

async function called (own, method, params) {
  let result, error
  try {
    if (typeof own._before === 'function') await own._before()
    result = await own[method](...params)
  } catch (thrown) {
    error = thrown
  }
  if (typeof own._after === 'function') return own._after(error, result)
  if (error !== undefined) throw error
  return result
}

/** Puts `uniCloud` where functions look for it. */
function install () {
  if (globalThis.uniCloud === undefined) globalThis.uniCloud = new UniCloud()
}

module.exports = { contextOf, install, mainOf }
