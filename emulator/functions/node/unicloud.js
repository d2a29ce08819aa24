'use strict'
// Owns `uniCloud`, which functions of uniCloud projects find in their global scope.
//
// Not here: queries and files as such, which are the client's own (client/wx-cloud.cjs), requests to
// other servers (unicloud_http.js), cloud objects and who calls (unicloud_objects.js). The one
// idea: what a server has differs from what a client has in three things: who asks, what results
// look like (a server has no `result` around them) and that files are buffers.
//
// Facts: doc.dcloud.net.cn/uniCloud (cf-functions, cf-database, cloud-obj).

const { cloud } = require('../../client/wx-cloud.cjs')
const { captured, databaseOf, shape } = require('./unicloud_database')
const { UniCloudError, failureIn } = require('./unicloud_errors')
const { FORM_CONTENT, formOf, request, send, uniRequest } = require('./unicloud_http')
const { Jql } = require('./unicloud_jql')
const { Surroundings, mainOf } = require('./unicloud_objects')
const { connect } = require('./unicloud_redis')

const NOT_HERE = {
  getPhoneNumber: 'take a number from the event',
  getPushManager: 'write what would be pushed to the log',
  getFacialRecognitionVerifyManager: 'let a person be taken for verified while you develop',
  getMailServer: 'write what would be sent to the log',
  httpProxyForEip: 'ask with uniCloud.httpclient.request()',
  connectSocket: "take a package such as ws: new (require('ws'))(url)",
  customAuth: 'sign in with a client of this suite'
}

const transport = {
  request: send,

  async upload ({ url, header, fields, file, name }) {
    const data = await formOf(fields, [{ field: 'file', name, content: file }])
    return send({ url, method: 'POST', header: { ...header, 'content-type': FORM_CONTENT }, data })
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
  constructor (around) {
    super(shape)
    this._api = doorOf()
    this._around = around
    this.request = uniRequest
    this.httpclient = { request, curl: request }
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
      const { result, requestId } = await this.callFunction({ name, data: { method, params } })
      const failure = failureIn(result, requestId)
      if (failure !== undefined) throw failure
      return result
    }
    // It is no promise.
    return new Proxy({}, { get: (_, method) => method === 'then' ? undefined : call(String(method)) })
  }

  database () {
    return databaseOf(super.database, this, doorOf)
  }

  /** Returns the database for texts of JQL, asked as the user of a call. */
  databaseForJQL (call) {
    const database = this.database()
    const ask = (action, body) => this._api.ask(action, body)
    const capture = (verb, given) => captured(database, verb, given)
    return new Jql({ database, ask, capture, common: this._around.common }, call)
  }

  /** Returns the connection to the suite's Redis. */
  redis () {
    this._redis = this._redis || connect(async (commands) => (await this._api.ask('redis.run', { commands })).data.answers)
    return this._redis
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

  /** A text message is not sent: what would be is in the log of the function. */
  async sendSms ({ phone, phoneList, templateId, data } = {}) {
    if (!templateId) throw new UniCloudError({ code: 'INVALID_PARAM', message: 'sendSms: templateId is missing' })
    if (!phone && !(Array.isArray(phoneList) && phoneList.length)) {
      throw new UniCloudError({ code: 'INVALID_PARAM', message: 'sendSms: phone or phoneList is missing' })
    }
    console.info(`text message, not sent: to ${phone || phoneList.join(', ')}, template ${templateId}, ${JSON.stringify(data || {})}`)
    return { code: 0, errCode: 0, errMsg: '', success: true }
  }

  getCloudInfos () {
    return [this._around.cloudInfo()]
  }

  getClientInfos () {
    return [this._around.clientInfo()]
  }

  getRequestList () {
    return [this._around.requestId]
  }
}

/** Puts `uniCloud` where functions look for it, for one that lies at a place of the project. */
function install (place, isObject) {
  const around = new Surroundings(place, isObject)
  if (globalThis.uniCloud === undefined) globalThis.uniCloud = new UniCloud(around)
  return { contextOf: (event) => around.context(event), mainOf: (object) => mainOf(object, around) }
}

module.exports = { install }
