'use strict'
// Owns answers that are sent while a handler makes them: bodies in pieces and server-sent events.
//
// Not here: calls (worker.js), the visitor's side (`wire.http_stream`). Behaviour is that of
// functions-framework 1.18: a stream of events stays open after the handler returned, until `end()`,
// the visitor leaves or the time-out comes. The one idea: one batch of pieces is on its way at a time;
// the suite says when it has room for the next, and when nobody reads any more.

const { EventEmitter } = require('events')

const WAITING_MAX_BYTES = 256 * 1024 // when more waits, a body waits too
const UNREAD_MAX_BYTES = 8 * 1024 * 1024 // events are not made to wait: beyond this the visitor is left
const HEARTBEAT = ': heartbeat\n\n'

/** The way of one call's answer to the suite. */
class Outlet {
  constructor (id, channel) {
    this.id = id
    this.channel = channel
    this.isBegun = this.isClosed = this.isEnded = false
    this.isOnItsWay = false
    this.waiting = []
    this.bytes = 0
    this.listeners = []
    this.over = new Promise((resolve) => { this.settle = resolve })
  }

  begin (head, { events = false, heartbeat = '' } = {}) {
    this.isBegun = true
    this.channel.send('s', JSON.stringify({ head, events, heartbeat }))
  }

  /** Sends bytes; false when so much waits that the writer should wait for `room`. */
  write (bytes) {
    if (this.isClosed || this.isEnded || bytes.length === 0) return !this.isClosed
    this.waiting.push(bytes)
    this.bytes += bytes.length
    this.flush()
    return this.bytes <= WAITING_MAX_BYTES
  }

  /** Resolves once less waits, or nobody reads. */
  room () {
    if (this.isClosed || this.bytes <= WAITING_MAX_BYTES) return Promise.resolve()
    return new Promise((resolve) => this.listeners.push(resolve))
  }

  /** Says that this is all; `over` resolves once all of it is on its way. */
  end () {
    this.isEnded = true
    this.flush()
  }

  flush () {
    if (this.isOnItsWay || this.isClosed) return
    if (this.bytes > 0) {
      this.isOnItsWay = true
      this.channel.sendBytes('w', Buffer.concat(this.waiting))
      this.waiting = []
      this.bytes = 0
      for (const resolve of this.listeners.splice(0)) resolve()
    } else if (this.isEnded) {
      this.channel.send('w', '')
      this.settle()
    }
  }

  /** What the suite says: there is room for the next batch. */
  hasRoom (id) {
    if (id !== this.id) return
    this.isOnItsWay = false
    this.flush()
  }

  /** What the suite says, or what is decided here: nobody reads any more. */
  close (id) {
    if (id !== this.id || this.isClosed) return
    this.isClosed = true
    this.waiting = []
    this.bytes = 0
    for (const resolve of this.listeners.splice(0)) resolve()
    this.settle()
  }
}

class ServerSentEvent extends EventEmitter {
  constructor (outlet, report, options = {}) {
    super()
    const own = Object.entries(options.headers || {})
      .filter(([name]) => !['content-type', 'cache-control'].includes(name.toLowerCase()))
    const headers = {
      ...Object.fromEntries(own),
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache'
    }
    const heartbeat = options.keepalive === undefined || options.keepalive ? HEARTBEAT : ''
    const hidden = { outlet, report, encoder: new TextEncoder() }
    for (const [name, value] of Object.entries(hidden)) {
      Object.defineProperty(this, name, { value, writable: true, enumerable: false })
    }
    outlet.begin({ statusCode: 200, headers }, { events: true, heartbeat })
    outlet.over.then(() => this.emit('close'))
  }

  get closed () {
    return this.outlet.isClosed || this.outlet.isEnded
  }

  setEncoder (encoder) {
    this.encoder = encoder
  }

  /** Sends events, text or buffers; true while there is room for more. */
  send (event) {
    if (this.closed) return false
    const pieces = (Array.isArray(event) ? event : [event]).flatMap(linesOf)
    const bytes = Buffer.concat(pieces.map((piece) => this.bytesOf(piece)))
    if (bytes.length === 0) return false
    if (this.outlet.bytes > UNREAD_MAX_BYTES) {
      this.report('the visitor reads more slowly than events come and was left: stop sending while ' +
        'sse.send() returns false')
      this.outlet.close(this.outlet.id)
      return false
    }
    return this.outlet.write(bytes)
  }

  end (event) {
    if (event !== undefined) this.send(event)
    if (!this.closed) this.outlet.end()
  }

  bytesOf (piece) {
    return Buffer.isBuffer(piece) ? piece : Buffer.from(this.encoder.encode(piece))
  }
}

/** Returns an event as the lines it is sent in; text and buffers are sent as they are. */
function linesOf (event) {
  if (typeof event === 'string' || Buffer.isBuffer(event)) return [event]
  if (event === null || typeof event !== 'object') return []
  const lines = []
  if ('comment' in event) lines.push(`: ${event.comment}\n`)
  for (const name of ['event', 'id', 'retry']) {
    if (name in event) lines.push(`${name}: ${event[name]}\n`)
  }
  if ('data' in event) lines.push(...dataOf(event.data))
  return lines.length > 0 ? [...lines, '\n'] : []
}

function dataOf (data) {
  if (Buffer.isBuffer(data)) return ['data: ', data, '\n']
  const text = isPlain(data) ? JSON.stringify(data) : String(data)
  return text.split(/[\r\n]+/).map((line) => `data: ${line}\n`)
}

function isPlain (value) {
  return Object.prototype.toString.call(value) === '[object Object]'
}

/** Returns the pieces that a result is or has as its body, and the head they belong to, or null. */
function bodyOf (value) {
  if (value === null || typeof value !== 'object') return null
  if (isInPieces(value)) return { head: { statusCode: 200 }, pieces: value }
  if (typeof value.statusCode !== 'number' || !isInPieces(value.body)) return null
  const { body, ...head } = value
  return { head, pieces: body }
}

function isInPieces (value) {
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return false
  return typeof value[Symbol.asyncIterator] === 'function' ||
    (typeof value.next === 'function' && typeof value[Symbol.iterator] === 'function')
}

/** Sends every piece, no faster than they are taken; when nobody takes them the source is closed. */
async function send ({ head, pieces }, outlet) {
  outlet.begin(head)
  const closing = outlet.over.then(() => {
    // A source that waits for something hears that nobody does.
    if (outlet.isClosed && typeof pieces.destroy === 'function') pieces.destroy()
  })
  try {
    for await (const piece of pieces) {
      if (!outlet.write(pieceOf(piece))) await outlet.room()
      if (outlet.isClosed) break
    }
  } catch (error) {
    if (!outlet.isClosed) throw error
  }
  if (!outlet.isClosed) outlet.end()
  await closing
}

function pieceOf (piece) {
  if (typeof piece === 'string') return Buffer.from(piece)
  if (piece instanceof Uint8Array) return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
  throw new TypeError(`a piece of the body is of type ${typeof piece}; send text or bytes`)
}

module.exports = { Outlet, ServerSentEvent, bodyOf, send }
