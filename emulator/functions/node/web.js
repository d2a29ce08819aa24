'use strict'
// Owns HTTP functions: code that listens on a port, as scf_bootstrap starts it, served by events.
//
// Not here: which requests reach it (HTTP access). The one idea: nothing is really listened to. The
// server that user code made is handed a connection for each event, and what it answers there is the
// result; so any framework works, and no port is ever taken.

const http = require('http')
const net = require('net')
const path = require('path')
const { Duplex } = require('stream')

const PORT = 9000 // the platform's
const NOT_PASSED = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'date', 'upgrade'])
const USUAL = { 'content-type': 'text/plain; charset=utf-8' } // a server need not say
const LISTENS_WITHIN_MS = 5000
const BODILESS = new Set(['GET', 'HEAD'])

/** One end of a connection within this process. */
class End extends Duplex {
  constructor () {
    super({ allowHalfOpen: false })
    this.other = null
    this.waiting = null
    this.remoteAddress = '127.0.0.1'
  }

  _read () {
    const waiting = this.waiting
    this.waiting = null
    if (waiting !== null) waiting()
  }

  _write (bytes, encoding, done) {
    if (this.other.destroyed) return done()
    if (this.other.push(bytes)) return done()
    this.other.waiting = done
  }

  _final (done) {
    if (!this.other.destroyed) this.other.push(null)
    done()
  }

  _destroy (error, done) {
    // Whoever is at the other end hears that nobody is here any more.
    process.nextTick(() => this.other.destroy())
    done(error)
  }

  setTimeout () { return this }
  setNoDelay () { return this }
  setKeepAlive () { return this }
  ref () { return this }
  unref () { return this }
}

function connection () {
  const near = new End()
  const far = new End()
  near.other = far
  far.other = near
  return [near, far]
}

/** Has servers of user code believe that they listen, and resolves with the first of them. */
function listening () {
  let heard
  const found = new Promise((resolve) => { heard = resolve })
  const listen = net.Server.prototype.listen
  net.Server.prototype.listen = function (...args) {
    if (!(this instanceof http.Server)) return listen.apply(this, args)
    const callback = args.find((item) => typeof item === 'function')
    if (callback !== undefined) this.once('listening', callback)
    const port = Number(args[0] !== null && typeof args[0] === 'object' ? args[0].port : args[0]) || PORT
    Object.defineProperty(this, 'listening', { value: true, configurable: true, writable: true })
    this.address = () => ({ address: '0.0.0.0', family: 'IPv4', port })
    process.nextTick(() => this.emit('listening'))
    heard(this)
    return this
  }
  return found
}

/** Returns the server that the program listens with; fails when it does not. */
function within (found, entry) {
  return new Promise((resolve, reject) => {
    const error = new Error(`${path.basename(entry)} listens on no port: an HTTP function does, on ${PORT}`)
    error.stack = ''
    const timer = setTimeout(reject, LISTENS_WITHIN_MS, error)
    found.then((server) => {
      clearTimeout(timer)
      resolve(server)
    })
  })
}

/** Returns the handler that has a server answer events of HTTP access; `roots` are told as `/`. */
function mainOf (server, roots) {
  return (event, context) => {
    if (event === null || typeof event !== 'object' || typeof event.httpMethod !== 'string') {
      throw new Error(`${context.function_name} is an HTTP function: send it a request, on its path of the site or at the gateway with ?webfn=true`)
    }
    const target = roots.includes(event.path) ? '/' : event.path
    const { upgrade, 'sec-websocket-key': key } = event.headers || {}
    if (key && /^websocket$/i.test(upgrade)) return placeOf(server, escaped(target) + queryOf(event))
    return answerOf(server, event, {
      target,
      mayStream: typeof context.sse === 'function'
    })
  }
}

/** Returns where connections that last are taken: a port of this machine, opened when first asked for. */
async function placeOf (server, target) {
  if (server.door === undefined) {
    const door = net.createServer((socket) => server.emit('connection', socket))
    server.door = new Promise((resolve, reject) => {
      door.once('error', reject).listen(0, '127.0.0.1', () => resolve(door.address().port))
    })
    door.unref()
  }
  return { statusCode: 200, headers: { 'x-cloud-emu-socket': `${await server.door} ${target}` } }
}

function answerOf (server, event, { target, mayStream }) {
  const body = Buffer.from(event.body || '', event.isBase64Encoded ? 'base64' : 'utf8')
  const headers = {}
  for (const [name, value] of Object.entries(event.headers || {})) {
    // As it was on its way: bytes, each a character.
    if (!NOT_PASSED.has(name)) headers[name] = Buffer.from(value).toString('latin1')
  }
  if (body.length > 0 || !BODILESS.has(event.httpMethod)) headers['content-length'] = body.length
  const [near, far] = connection()
  return new Promise((resolve, reject) => {
    const options = { method: event.httpMethod, path: escaped(target) + queryOf(event), headers, createConnection: () => near }
    const sent = http.request(options, (answer) => {
      const told = Object.entries(answer.headers).filter(([name]) => !NOT_PASSED.has(name))
      const head = { statusCode: answer.statusCode, headers: { ...USUAL, ...Object.fromEntries(told) } }
      if (mayStream && answer.headers['transfer-encoding'] === 'chunked') {
        resolve({ ...head, body: answer })
        return
      }
      const parts = []
      answer.on('data', (part) => parts.push(part)).on('error', reject).on('end', () => {
        resolve({ ...head, body: Buffer.concat(parts).toString('base64'), isBase64Encoded: true })
      })
    })
    sent.on('error', (error) => reject(new Error(`the server gave no answer: ${error.message}`)))
    server.emit('connection', far)
    sent.end(body)
  })
}

/** Returns a path as a request has it; an event has it in plain text. */
function escaped (target) {
  return encodeURI(target.toWellFormed ? target.toWellFormed() : target).replace(/[?#]/g, encodeURIComponent)
}

function queryOf ({ multiValueQueryStringParameters: all }) {
  const query = new URLSearchParams()
  for (const [name, values] of Object.entries(all || {})) {
    for (const value of values) query.append(name, value)
  }
  const text = query.toString()
  return text && `?${text}`
}

module.exports = { listening, mainOf, within }
