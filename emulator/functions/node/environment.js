'use strict'
// Owns what changes in `process.env` with every call: who calls, and names that hold the call's id.
//
// Not here: which names those are (worker.js is told). The one idea: C libraries never free what a
// variable was once set to, so a process that answers a million calls must not set one for each.
// What changes is only shown; what user code sets is set as ever. Windows frees it, and has names
// without case, so there it is the real thing.

const { syncBuiltinESMExports } = require('module')
const threads = require('worker_threads')

const real = process.env
const shown = process.platform === 'win32' ? real : { ...real }

const env = shown === real ? real : new Proxy(shown, {
  set (target, name, value, receiver) {
    // What only inherits from it has variables of its own.
    if (receiver !== env) return Reflect.set(target, name, value, receiver)
    real[name] = value // it makes text of it, or refuses, as Node has it
    target[name] = real[name]
    return true
  },
  defineProperty (target, name, descriptor) {
    Object.defineProperty(real, name, descriptor)
    target[name] = real[name]
    return true
  },
  deleteProperty (target, name) {
    delete real[name]
    return delete target[name]
  },
  preventExtensions () {
    return false // as Node has it
  }
})
process.env = env

if (env !== real) {
  // A thread without an environment of its own gets a copy of the real one.
  threads.Worker = class Worker extends threads.Worker {
    constructor (file, options) {
      super(file, { ...options, env: options?.env ?? { ...process.env } })
    }
  }
  syncBuiltinESMExports()
}

/** Returns what user code looks at: its own object, should it have put one in place. */
const seen = () => process.env === env ? shown : process.env

/** Shows a variable; in one that user code has frozen it stays as it is. */
function show (name, value) {
  Reflect.set(seen(), name, value)
}

/** Shows a variable no more. */
function hide (name) {
  Reflect.deleteProperty(seen(), name)
}

module.exports = { show, hide }
