'use strict'
// Owns a worker's life: it loads one function, then runs its handler, one event at a time.
//
// Not here: frames (channel.js), printing (capture.js), loading (loader.js), failures (failures.js).
// The one idea: the answer goes out the moment the handler has one; what it left behind goes on, and
// the suite is told when that has ended too. A worker whose suite is gone ends itself.

const { performance } = require('perf_hooks')

const { Capture, Request, storage } = require('./capture')
const { Channel } = require('./channel')
const { hide, show } = require('./environment')
const { messageOf, problemOf, stackOf } = require('./failures')
const { Loader } = require('./loader')
const { Outlet, ServerSentEvent, bodyOf, send: sendBody } = require('./streams')
const { stringify } = require('./text')
require('./redirect')

const LOOK_EVERY_MS = 20
const QUICK_MS = 2 // what a call may take for others to be sent along with it
const LEFT_MAX_MS = 60000 // what is open longer than this is taken for part of the module

const WEIGH_EVERY_MS = 1000
const MEGABYTE = 1024 * 1024
const LIMIT_MB = Number(/--max-old-space-size=(\d+)/.exec(process.execArgv.join(' '))?.[1])

const address = process.env.CLOUD_EMU_CHANNEL
delete process.env.CLOUD_EMU_CHANNEL

const now = performance.now.bind(performance)
const parse = JSON.parse
// Of its own, before tests that turn the clock by hand take them over.
const { nextTick } = process
const microtask = queueMicrotask
const immediate = setImmediate
const every = setInterval
const moment = Date.now
const activeResources = process.getActiveResourcesInfo
  ? () => process.getActiveResourcesInfo().length
  : () => process._getActiveHandles().length + process._getActiveRequests().length

const files = []
const own = new Map() // variables of the function, as last set
const identity = new Map() // variables of who calls, as last set
let surroundings = surroundingsOf({}, {}, [])
let applied = surroundings
let handler = null
let root = ''
let active = null
let isEnding = false
let weighedAt = -WEIGH_EVERY_MS
const queued = []
let quiet = 0
let leftSince = 0
let looking = null

const channel = new Channel(address, {
  onFrame: (kind, text) => kind in said ? said[kind](text) : frames[kind](parse(text)),
  onEnd: () => process.reallyExit(0)
})
const capture = new Capture(channel)
const loader = new Loader((file) => {
  if (files.push(file) === 1) nextTick(tellFiles)
})

const frames = {
  I: ({ port }) => {
    const inspector = require('inspector')
    if (port < 0) inspector.close()
    else if (inspector.url() === undefined) inspector.open(port, '127.0.0.1')
    channel.send('u', stringify(inspector.url() || ''))
  },
  P: (paths) => paths.forEach(preload),
  L: (wanted) => load(wanted),
  S: ({ variables, identity, tokens }) => {
    surroundings = surroundingsOf(variables || surroundings.variables, identity, tokens)
  },
  C: (call) => {
    call.surroundings = surroundings
    if (active === null && !isEnding) run(call)
    else queued.push(call)
  },
  V: () => channel.send('v', String(queued.splice(0).length)),
  E: () => process.exit(0)
}

/** What the suite says of an answer that is being sent, with the id of its call. */
const said = {
  W: (id) => active !== null && active.outlet !== null && active.outlet.hasRoom(id),
  G: (id) => active !== null && active.outlet !== null && active.outlet.close(id)
}

async function load (wanted) {
  root = wanted.root
  apply(wanted.variables, own, setVariable, unsetVariable)
  try {
    handler = await loader.load(wanted)
  } catch (error) {
    capture.flush(capture.outside)
    channel.send('n', stringify(problemOf(error, wanted.entry, [...loader.seen])))
    return
  }
  capture.flush(capture.outside)
  tellFiles()
  quiet = activeResources()
  channel.send('l', stringify(loader.loadedOf(wanted.packages)))
}

/** Loads a package before anyone asks for it; if it fails, who asks for it will hear why. */
function preload (path) {
  try {
    require(path)
  } catch {}
}

function tellFiles () {
  if (files.length > 0) channel.send('m', stringify(files.splice(0)))
}

/** Returns the variables of a call: the function's own, who calls, names that hold the call's id. */
function surroundingsOf (variables, identity, tokens) {
  const known = { ...variables, ...identity }
  for (const name of tokens) delete known[name]
  const lines = Object.entries(known).map(([name, value]) => `${name}=${value};`).join('')
  return { variables, identity, tokens, lines, json: stringify(known).slice(0, -1) }
}

function setVariable (name, value) {
  process.env[name] = value
}

function unsetVariable (name) {
  delete process.env[name]
}

/** Sets variables that differ from those last set; those that are no longer among them go. */
function apply (wanted, applied, set, unset) {
  const variables = new Map(Object.entries(wanted))
  for (const [name, value] of variables) if (applied.get(name) !== value) set(name, value)
  for (const name of applied.keys()) if (!variables.has(name)) unset(name)
  applied.clear()
  for (const [name, value] of variables) applied.set(name, value)
}

class Call {
  constructor (message) {
    this.request = new Request(message.id)
    this.event = message.event
    this.context = contextOf(message)
    if (handler.surround) Object.assign(this.context, handler.surround(this.event))
    this.since = now()
    this.isOver = false
    this.waitsForCallback = false
    this.outlet = message.stream ? new Outlet(message.id, channel) : null
    this.sse = null
    if (this.outlet !== null) this.context.sse = (options) => this.events(options)
  }

  /** Returns the stream of events that the answer is from now on; null once another has begun. */
  events (options) {
    if (this.sse === null && !this.isOver && !this.outlet.isBegun) {
      const report = (line) => capture.print(this.request, 'warn', line)
      this.sse = new ServerSentEvent(this.outlet, report, options)
    }
    return this.sse
  }

  begin () {
    let returned
    try {
      returned = handler.call.call(handler.self, this.event, this.context, (error, value) => {
        if (error == null) this.succeed(value)
        else this.fail(error)
      })
    } catch (error) {
      this.fail(error)
      return
    }
    if (returned != null && typeof returned.then === 'function') {
      returned.then((value) => this.returned(value), (error) => this.fail(error))
    } else {
      this.returned(returned)
    }
  }

  returned (value) {
    // Who declares a third argument and returns nothing answers by calling it.
    if (value !== undefined || handler.call.length < 3) {
      this.succeed(value)
    } else {
      this.waitsForCallback = true
      look()
    }
  }

  succeed (value) {
    if (this.isOver) return
    this.isOver = true
    if (this.sse !== null) {
      // Events are sent until somebody ends the stream; what the handler returned is not.
      this.outlet.over.then(() => this.answer('d', 'null'))
      return
    }
    const body = this.outlet === null ? null : bodyOf(value)
    if (body !== null) {
      sendBody(body, this.outlet).then(
        () => this.answer('d', 'null'),
        (error) => this.answer('f', stringify(failureOf(error)))
      )
      return
    }
    let text
    try {
      text = stringify(value)
    } catch (error) {
      const message = `the result cannot be written as JSON: ${messageOf(error)}`
      this.answer('f', stringify({ kind: 'result', message, stack: '' }))
      return
    }
    const isQuick = now() - this.since < QUICK_MS
    this.answer(isQuick ? 'e' : 'd', text === undefined ? 'null' : text)
  }

  fail (error) {
    if (this.isOver) return
    this.isOver = true
    const failure = failureOf(error)
    if (this.sse === null) {
      this.answer('f', stringify(failure))
      return
    }
    if (!this.sse.closed) {
      const data = failure.message
      this.sse.end({ event: 'error', data, comment: 'uncaught-exception-from-user-code' })
    }
    this.outlet.over.then(() => this.answer('f', stringify(failure)))
  }

  answer (kind, text) {
    // After all promises that are settled by now, so that what was begun and not awaited has begun.
    microtask(() => nextTick(() => this.send(kind, text)))
  }

  send (kind, text) {
    capture.flush(this.request)
    if (now() - weighedAt >= WEIGH_EVERY_MS && isTooHeavy()) return end(outOfMemory())
    capture.active = capture.outside
    active = null
    const count = activeResources()
    const isLeft = count > quiet
    quiet = Math.min(quiet, count)
    channel.send(isLeft ? kind.toUpperCase() : kind, text)
    if (isLeft) look()
    else if (queued.length === 0) immediate(lookOnce)
    if (queued.length > 0 && !isEnding) run(queued.shift())
  }
}

/** Tells whether it holds memory that the cloud would not have given: buffers are not on the heap. */
function isTooHeavy () {
  weighedAt = now()
  // Processes are not as large here as there; what is only a little more says nothing.
  return process.memoryUsage.rss() / MEGABYTE > LIMIT_MB * 1.25 + 32
}

function outOfMemory () {
  const message = `MemoryLimitReached: the function used more than ${LIMIT_MB} MB of memory; ` +
    'memorySize in its config.json allows more'
  return { kind: 'exit', message, stack: '' }
}

/** Answers the call under way and ends: nothing is known of the state it left. */
function end (failure) {
  isEnding = true
  channel.send('x', stringify(failure))
  channel.socket.end(() => process.reallyExit(1))
}

function run (message) {
  const wanted = message.surroundings
  if (wanted !== applied) {
    if (wanted.variables !== applied.variables) apply(wanted.variables, own, setVariable, unsetVariable)
    apply(wanted.identity, identity, show, hide)
    for (const name of applied.tokens) if (!wanted.tokens.includes(name)) hide(name)
    applied = wanted
  }
  for (const name of wanted.tokens) show(name, message.id)
  active = new Call(message)
  capture.active = active.request
  storage.run(active.request, () => active.begin())
}

function failureOf (error) {
  const told = { kind: 'exception', message: messageOf(error), stack: '' }
  try {
    told.stack = stackOf(error, root)
  } catch {
    // What was thrown does not let itself be looked at.
  }
  return told
}

/** Returns what a handler gets as its second argument. */
function contextOf ({ id, context, surroundings, deadline }) {
  const end = Date.now() + deadline
  let { lines, json } = surroundings
  for (const name of surroundings.tokens) {
    lines += `${name}=${id};`
    json += `,"${name}":"${id}"`
  }
  const own = {
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, end - Date.now()),
    environ: lines.slice(0, -1),
    environment: `${json}}`
  }
  return Object.assign(own, context)
}

/** Tells when what calls left behind has ended. */
function look () {
  if (looking !== null) return
  leftSince = moment()
  looking = every(lookAgain, LOOK_EVERY_MS)
  looking.unref()
}

function lookOnce () {
  if (looking === null && active === null && activeResources() > quiet) {
    channel.send('b', '{}')
    look()
  }
}

function lookAgain () {
  const isQuiet = activeResources() <= quiet
  if (active !== null) {
    // Nothing is left that could still call back.
    if (isQuiet && active.waitsForCallback) active.succeed(undefined)
    return
  }
  if (!isQuiet) {
    if (moment() - leftSince < LEFT_MAX_MS) return
    quiet = activeResources()
  }
  clearInterval(looking)
  looking = null
  channel.send('i', '{}')
}

process.on('uncaughtException', (error) => {
  if (process.listenerCount('uncaughtException') > 1) return
  isEnding = true
  const failure = failureOf(error)
  const request = capture.current()
  if (active !== null) return end(failure)
  capture.print(request, 'error', `Uncaught ${failure.message}\n${failure.stack}`)
  channel.send('x', 'null')
  channel.socket.end(() => process.reallyExit(1))
})

process.on('exit', () => {
  // Between two calls: the next one, which may be on its way, is not run any more.
  if (active === null && !isEnding) channel.send('x', 'null')
})

process.on('unhandledRejection', (reason) => {
  const { message, stack } = failureOf(reason)
  const text = `Unhandled promise rejection: ${message}${stack && '\n' + stack}`
  capture.print(capture.current(), 'error', text)
})

capture.install()
loader.install()
channel.send('r', stringify({ version: process.version }))
