'use strict'
// Owns what user code prints: whole lines, each with the request it belongs to.
//
// Not here: how lines travel (channel.js). The one idea: a request is carried along by
// AsyncLocalStorage, so that work which goes on after its call was answered still prints as that
// call. What one request may print is bounded, as everything is.

const { AsyncLocalStorage } = require('async_hooks')
const fs = require('fs')
const { syncBuiltinESMExports } = require('module')
const path = require('path')
const { StringDecoder } = require('string_decoder')
const { format, inspect } = require('util')

const { stringify } = require('./text')

const LINES_MAX = 10000 // of one request
const CHARACTERS_MAX = 16 * 1024 * 1024 // of one request
const LINE_CHARACTERS_MAX = 64 * 1024
const WAITING_BYTES_MAX = 8 * 1024 * 1024 // not yet taken by the suite

const HERE = path.join(__dirname, path.sep)
// From our first frame on, there is nothing but how the call came about.
const OUR_FRAMES = new RegExp(
  `\\n +at [^\\n]*${HERE.replace(/[^\w]/g, '\\$&')}[^\\n]*?:\\d+:\\d+\\)?` +
  '(?:\\n +at (?:async )?(?:[^\\n(]+\\([^\\n)]*\\)|[^\\n ]+))*', 'g'
)
const MARKS = new Set(['async_id_symbol', 'trigger_async_id_symbol', 'kResourceStore'])

const storage = new AsyncLocalStorage()

class Request {
  constructor (id) {
    this.id = id
    this.lines = 0
    this.characters = 0
    this.partial = new Map()
  }
}

class Capture {
  constructor (channel) {
    this.channel = channel
    this.outside = new Request('')
    this.decoders = { 1: new StringDecoder('utf8'), 2: new StringDecoder('utf8') }
    this.active = this.outside
    this.level = ''
  }

  install () {
    this.replace(process.stdout, 'info')
    this.replace(process.stderr, 'error')
    this.replaceWriting()
    for (const [method, level] of [['warn', 'warning'], ['trace', 'debug'], ['debug', 'debug']]) {
      const original = console[method]
      console[method] = (...values) => {
        this.level = level
        try {
          return original.apply(console, values)
        } finally {
          this.level = ''
        }
      }
    }
    this.endCircles()
    showPromisesPlainly()
    // What the cloud's own runtime offers to the loggers of the SDKs, and how it says so.
    process.env._SCF_TCB_LOG = '1'
    console.__baseLog__ = (message, level) => {
      this.level = ['error', 'warn', 'debug'].includes(level) ? level.replace('warn', 'warning') : ''
      try {
        console.log(typeof message === 'string' ? message : JSON.stringify(message))
      } finally {
        this.level = ''
      }
    }
  }

  /** Lets code send what is written to the streams to the console, which there writes to neither. */
  endCircles () {
    let isInside = false
    const levels = { log: 'info', info: 'info', warn: 'warning', debug: 'debug', error: 'error' }
    for (const [method, level] of Object.entries(levels)) {
      const original = console[method]
      console[method] = (...values) => {
        if (isInside) {
          const [text] = values // Of a stream's write: it is a line already, and a callback follows.
          const isLine = typeof text === 'string' && text.endsWith('\n')
          return this.write(level, isLine ? text : `${format(...values)}\n`)
        }
        isInside = true
        try {
          return original.apply(console, values)
        } finally {
          isInside = false
        }
      }
    }
  }

  current () {
    return storage.getStore() || this.active
  }

  /** Says whole lines of a request. */
  print (request, level, text) {
    request.characters += text.length
    if (request.lines >= LINES_MAX || request.characters > CHARACTERS_MAX ||
        this.channel.waitingBytes > WAITING_BYTES_MAX) {
      if (request.lines !== Infinity) {
        request.lines = Infinity
        this.tell(request, 'warning', 'it printed too much; further lines of this call are left out')
      }
      return
    }
    if (text.includes(HERE)) text = text.replace(OUR_FRAMES, '')
    let at = -1
    do request.lines++
    while ((at = text.indexOf('\n', at + 1)) >= 0)
    this.tell(request, level, text)
  }

  /** Says what was written without an end of line. */
  flush (request) {
    if (request.partial.size === 0) return
    for (const [level, text] of request.partial) this.print(request, level, text)
    request.partial.clear()
  }

  tell (request, level, text) {
    this.channel.send('o', stringify([request.id, level, text]))
  }

  write (level, text) {
    const request = this.current()
    const before = request.partial.get(level)
    if (before !== undefined) text = before + text
    const end = text.lastIndexOf('\n')
    if (end >= 0) {
      this.print(request, this.level || level, text.slice(0, end))
      text = text.slice(end + 1)
    }
    if (text.length > LINE_CHARACTERS_MAX) {
      this.print(request, this.level || level, text)
      text = ''
    }
    if (text !== '') request.partial.set(level, text)
    else if (before !== undefined) request.partial.delete(level)
  }

  /** Takes what loggers write to the descriptors themselves. */
  replaceWriting () {
    const { write, writeSync } = fs
    const take = (fd, data, rest) => {
      const bytes = bytesOf(data, rest)
      this.write(fd === 1 ? 'info' : 'error', this.decoders[fd].write(bytes))
      return bytes.length
    }
    const ours = {
      write: (fd, data, ...rest) => {
        const done = rest.pop()
        if ((fd !== 1 && fd !== 2) || typeof done !== 'function') return write(fd, data, ...rest, done)
        const size = take(fd, data, rest)
        process.nextTick(done, null, size, data)
      },
      writeSync: (fd, data, ...rest) => (
        fd === 1 || fd === 2 ? take(fd, data, rest) : writeSync(fd, data, ...rest)
      )
    }
    for (const name of ['write', 'writeSync']) {
      fs[name] = Object.defineProperties(ours[name], Object.getOwnPropertyDescriptors(fs[name]))
    }
    syncBuiltinESMExports()
  }

  replace (stream, level) {
    const decoder = this.decoders[stream.fd] || new StringDecoder('utf8')
    stream.write = (chunk, encoding, callback) => {
      const text = typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk))
      this.write(level, text)
      const done = typeof encoding === 'function' ? encoding : callback
      if (typeof done === 'function') process.nextTick(done)
      return true
    }
  }
}

/** Returns the bytes that the arguments of `fs.write` name. */
function bytesOf (data, [first, second]) {
  if (typeof data === 'string') return Buffer.from(data)
  const { offset = 0, length = data.byteLength - offset } =
    first !== null && typeof first === 'object' ? first : { offset: first ?? 0, length: second ?? undefined }
  return Buffer.from(data.buffer, data.byteOffset + offset, length)
}

/** Has promises shown as they are anywhere else: without what following a request leaves in them. */
function showPromisesPlainly () {
  const own = { value: undefined, configurable: true }
  const value = function (depth, options) {
    if (!Object.isExtensible(this)) return inspect(this, { ...options, customInspect: false })
    for (const mark of Object.getOwnPropertySymbols(this)) {
      if (MARKS.has(mark.description)) Object.defineProperty(this, mark, { enumerable: false })
    }
    // Nothing of its own to say this time.
    Object.defineProperty(this, inspect.custom, own)
    try {
      return inspect(this, options)
    } finally {
      delete this[inspect.custom]
    }
  }
  Object.defineProperty(Promise.prototype, inspect.custom, { value, configurable: true, writable: true })
}

module.exports = { Capture, Request, storage }
