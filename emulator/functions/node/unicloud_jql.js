'use strict'
// Owns `uniCloud.databaseForJQL()`: the steps of a query, and who asks.
//
// Not here: what JQL and schemas mean; the suite knows that. The one idea: nothing is understood here
// but how a step is written down; values are written by the client's own classes.
//
// Facts: doc.dcloud.net.cn/uniCloud (jql-cloud, jql), uni-id tokens (JSON Web Tokens, HS256).

const crypto = require('crypto')
const fs = require('fs')
const path = require('path')

const { UniCloudError } = require('./unicloud_errors')

const STEPS = ['field', 'orderBy', 'skip', 'limit', 'groupBy', 'groupField', 'distinct', 'foreignKey', 'parentKey']
const NOT_HERE = {
  aggregate: 'write it for uniCloud.database(): db.collection(name).aggregate()',
  geoNear: 'write it for uniCloud.database(), with db.command.geoNear',
  set: 'JQL has none: add() or update()',
  action: 'call a function, or write what it does beside the query'
}
const TOKEN_FILES = ['uni-config-center/uni-id/config.json', 'uni-id/config.json']

const VALUES_MAX = 1000
const MARKS_MAX = 1000
const MARK = /__temporary_(\d+)__/g

const said = (code, message) => new UniCloudError({ code, message })
const ok = (told) => ({ errCode: 0, errMsg: '', ...told })

/** Returns the settings of uni-id that the project keeps beside its functions; one, or one an app. */
function settingsOf (common, appId) {
  for (const name of TOKEN_FILES) {
    let text
    try {
      text = fs.readFileSync(path.join(common, name), 'utf8')
    } catch {
      continue
    }
    const found = JSON.parse(text.replace(/^\uFEFF/, '').replace(/("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[^]*?\*\//g, '$1'))
    if (!Array.isArray(found)) return found
    return found.find((each) => each.dcloudAppid === appId) || found.find((each) => each.isDefaultConfig) || found[0]
  }
  return undefined
}

/** Returns the user that a token of uni-id names. */
function userOf (token, common, appId) {
  if (!token) return {}
  const settings = settingsOf(common, appId)
  if (!settings || !settings.tokenSecret) {
    throw said('TOKEN_INVALID_WRONG_TOKEN', 'the token cannot be verified: write tokenSecret into ' +
      'cloudfunctions/common/uni-config-center/uni-id/config.json, or name the user with setUser()')
  }
  const [head, body, sign] = String(token).split('.')
  const own = crypto.createHmac('sha256', settings.tokenSecret).update(`${head}.${body}`).digest('base64')
  const plain = (text) => String(text).replace(/=+$/, '').replace(/\+/g, '-').replace(/\//g, '_')
  if (!sign || plain(sign) !== plain(own)) throw said('TOKEN_INVALID_WRONG_TOKEN', 'the token was not signed with tokenSecret')
  const { uid, role, permission, exp } = JSON.parse(Buffer.from(body, 'base64').toString())
  if (exp && exp * 1000 < Date.now()) throw said('TOKEN_INVALID_TOKEN_EXPIRED', 'the token has expired')
  return { uid, role, permission }
}

/** A collection or a table of several, with the steps called so far. */
class Query {
  constructor (jql, tables, steps = []) {
    Object.assign(this, { _jql: jql, _tables: tables, _steps: steps })
    for (const [name, instead] of Object.entries(NOT_HERE)) {
      this[name] = () => { throw said('SYNTAX_ERROR', `${name}() is not understood in JQL here: ${instead}`) }
    }
  }

  doc (id) {
    return this._with({ verb: 'doc', given: id })
  }

  where (condition) {
    if (typeof condition === 'string') return this._with({ verb: 'where', given: condition })
    return this._with({ verb: 'where', query: this._jql.conditionOf(condition) })
  }

  sort (...given) {
    return this.orderBy(...given)
  }

  /** Keeps the query for a join, or for `multiSend`. */
  getTemp () {
    return new Temporary(this)
  }

  async get (options = {}) {
    const { list, count } = await this._run('get', { options: plainly(options) })
    const data = await this._jql.decoded(list)
    const counted = count === null ? {} : { count }
    return ok({ affectedDocs: data.length, data: options.getOne ? data[0] : data, ...counted })
  }

  async count () {
    const { total } = await this._run('count')
    return ok({ affectedDocs: total, total })
  }

  async add (data) {
    const documents = [data].flat()
    const { ids } = await this._run('add', { data: await this._jql.encoded(documents) })
    const told = await this._jql.decoded(ids.map((_id) => ({ _id })))
    if (!Array.isArray(data)) return ok({ id: told[0]._id })
    return ok({ ids: told.map((each) => each._id), inserted: ids.length })
  }

  async update (data) {
    const operators = await this._jql.operatorsOf(data)
    const values = await this._jql.encoded([data]).catch(() => {
      throw said('SYNTAX_ERROR', 'update() takes values, no operators such as db.command.inc')
    })
    const { updated } = await this._run('update', { data: values, operators })
    return ok({ affectedDocs: updated, updated })
  }

  async remove () {
    const { deleted } = await this._run('remove')
    return ok({ affectedDocs: deleted, deleted })
  }

  _with (step) {
    return new Query(this._jql, this._tables, [...this._steps, step])
  }

  async _run (verb, more) {
    const steps = await Promise.all(this._steps.map((step) => this._jql.resolved(step)))
    return this._jql.run({ verb, tables: this._tables, steps, ...more })
  }
}

for (const verb of STEPS) {
  Query.prototype[verb] = function (...given) {
    // `orderBy('a', 'desc')`, and lists of fields.
    const one = given.length > 1 ? given.join(verb === 'orderBy' ? ' ' : ',') : given[0]
    return this._with({ verb, given: one === undefined ? null : one })
  }
}

/** A query that is not asked yet; in the text of a `where` it stands for the values of its one field. */
class Temporary {
  constructor (query) {
    this.query = query
  }

  toString () {
    const jql = this.query._jql
    const at = jql.marked++ % MARKS_MAX
    jql.marks[at] = this.query
    return `__temporary_${at}__`
  }

  /** Returns the values, as a list in JQL. */
  static async valuesOf (query) {
    const { given } = query._steps.find(({ verb }) => verb === 'field') || {}
    const name = typeof given === 'string' ? given.trim().split(/\s+as\s+/).pop() : ''
    if (!/^[\w.]+$/.test(name)) throw said('SYNTAX_ERROR', 'a temporary table in a where needs field() with one field')
    const { data } = await query.limit(VALUES_MAX).get()
    const values = data.map((each) => name.split('.').reduce((held, key) => held && held[key], each)).flat()
    const told = values.filter((value) => ['string', 'number', 'boolean'].includes(typeof value))
    return JSON.stringify([...new Set(told)])
  }
}

const plainly = (options) => JSON.parse(JSON.stringify(options))

/** `collection('a,b')`, `collection(temporary, 'b')`: each table with its own steps. */
function tablesOf (given) {
  const tables = given.flatMap((each) => {
    if (typeof each === 'string') return each.split(',').map((name) => ({ name: name.trim(), steps: [] }))
    if (!(each instanceof Temporary) || each.query._tables.length > 1) throw said('SYNTAX_ERROR', 'collection() takes names and temporary tables')
    const [{ name, steps }] = each.query._tables
    return [{ name, steps: [...steps, ...each.query._steps] }]
  })
  if (tables.length === 0 || tables.some(({ name }) => !name)) throw said('SYNTAX_ERROR', 'collection() takes the name of a collection')
  return tables
}

class Jql {
  /** `database` is the plain one, `ask` asks the suite, `common` is where shared modules lie. */
  constructor ({ database, ask, capture, common }, { event, context, clientInfo } = {}) {
    const info = clientInfo || context || {}
    Object.assign(this, { _plain: database, _ask: ask, _capture: capture, _common: common })
    this._token = (event && event.uniIdToken) || info.uniIdToken
    this._info = info
    this._user = undefined
    /** Temporary tables that stand in texts. */
    this.marks = []
    this.marked = 0
    this.command = database.command
    this.Geo = database.Geo
  }

  collection (...given) {
    return new Query(this, tablesOf(given))
  }

  /** Names the user as whom queries are asked from now on. */
  setUser ({ uid, role = [], permission = [] } = {}) {
    this._user = { uid, role, permission }
    return this
  }

  getCloudEnv (name) {
    const user = this._known()
    const values = { $cloudEnv_uid: user.uid, $cloudEnv_now: Date.now(), $cloudEnv_clientIP: this._ip() }
    return values[name]
  }

  async multiSend (...temporaries) {
    const refused = (error) => ({ errCode: error.errCode, errMsg: error.errMsg })
    const dataList = await Promise.all(temporaries.map(({ query }) => query.get().catch(refused)))
    return ok({ dataList })
  }

  async run (body) {
    const user = await this._permitted(this._known())
    return (await this._ask('jql.run', { ...body, user, clientIP: this._ip() })).data
  }

  /** Returns a step with the values of the temporary tables in its text. */
  async resolved (step) {
    if (typeof step.given !== 'string' || step.verb !== 'where') return step
    let { given } = step
    for (const [mark, number] of step.given.matchAll(MARK)) {
      const query = this.marks[Number(number)]
      if (query !== undefined) given = given.replace(mark, await Temporary.valuesOf(query))
    }
    return { ...step, given }
  }

  /** Returns a user with roles and permissions; those that a token does not hold are read. */
  async _permitted (user) {
    if (!user.uid || user.role || user.permission) return user
    const read = async (name, condition) => {
      const { data } = await this._plain.collection(name).where(condition).get().catch(() => ({ data: [] }))
      return data
    }
    const [{ role = [] } = {}] = await read('uni-id-users', { _id: user.uid })
    const roles = role.length ? await read('uni-id-roles', { role_id: this.command.in(role) }) : []
    this._user = { ...user, role, permission: roles.flatMap(({ permission = [] }) => permission) }
    return this._user
  }

  conditionOf (condition) {
    return this._plain.collection('any').where(condition)._asked().query
  }

  encoded (documents) {
    return this._capture('add', documents).then(({ data }) => data)
  }

  operatorsOf (data) {
    return this._capture('update', data).then((body) => body.data)
  }

  decoded (list) {
    return this._capture('get', list)
  }

  _known () {
    this._user = this._user || userOf(this._token, this._common, this._info.appId)
    return this._user
  }

  _ip () {
    return this._info.clientIP || this._info.CLIENTIP || '127.0.0.1'
  }
}

module.exports = { Jql }
