'use strict'
// Owns how a function's code comes in: in place, with the packages beside it, as it lies on disk.
//
// Not here: calling it (worker.js). The one idea: Node's own module system does everything; it is
// only listened to (which files were read, and in which state) and helped where a package is found
// nowhere but in the shared installation.

const fs = require('fs')
const Module = require('module')
const path = require('path')
const { pathToFileURL } = require('url')

const { isPackage } = require('./failures')

const FILES_MAX = 2000
const AS_MODULE = new Set(['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE'])
const SOURCES = new Set(['.js', '.cjs', '.mjs', '.json'])

class Loader {
  /** `onFile` hears path, time of change and size of each of the user's own files. */
  constructor (onFile) {
    this.onFile = onFile
    this.seen = new Set()
    this.shared = ''
  }

  install () {
    const load = Module.prototype.load
    const note = (file) => this.note(file)
    Module.prototype.load = function (file) {
      note(file)
      return load.apply(this, arguments)
    }
  }

  /** Loads the entry and returns the first of the handlers that it exports. */
  async load ({ entry, folder, handlers, shared }) {
    if (shared) {
      helpWith(shared)
      this.shared = pathToFileURL(path.join(shared, path.sep)).href
    }
    process.chdir(folder)
    const exports = await this.exportsOf(entry, folder)
    for (const name of handlers) {
      for (const place of [exports, exports && exports.default]) {
        if (place != null && typeof place[name] === 'function') return { call: place[name], self: place }
      }
    }
    const wanted = handlers.map((name) => `exports.${name}`).join(' or ')
    const error = new Error(`${path.basename(entry)} exports no function to call: write ${wanted}`)
    error.stack = ''
    throw error
  }

  async exportsOf (entry, folder) {
    if (!entry.endsWith('.mjs')) {
      try {
        return require(entry)
      } catch (error) {
        if (error === null || typeof error !== 'object') throw error
        if (!AS_MODULE.has(error.code) && !(error.code === 'ERR_MODULE_NOT_FOUND' && this.shared)) throw error
      }
    }
    this.noteFolder(folder)
    // Modules are resolved by other means than `require`. Node before 18.19 has no way to help there.
    if (this.shared && Module.register) {
      Module.register(pathToFileURL(path.join(__dirname, 'shared_modules.mjs')), { data: { shared: this.shared } })
    }
    return import(pathToFileURL(entry).href)
  }

  /** Returns the files by which those of the packages begin that were loaded. */
  loadedOf (packages) {
    const files = Object.keys(require.cache)
    const marks = packages.map((name) => path.join(path.sep, 'node_modules', name, path.sep))
    // A file is known from before those it requires on: the first is where the package begins.
    return marks.map((mark) => files.find((file) => file.includes(mark))).filter(Boolean)
  }

  note (file) {
    if (this.seen.has(file) || this.seen.size >= FILES_MAX || isPackage(file)) return
    if (file.startsWith(__dirname + path.sep)) return
    this.seen.add(file)
    try {
      const status = fs.statSync(file, { bigint: true })
      this.onFile([file, String(status.mtimeNs), Number(status.size)])
    } catch {
      // Gone again, or made up by a package: nothing that a reload could wait for.
    }
  }

  /** Notes every source of a folder: which of them modules import is not told. */
  noteFolder (folder) {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
      const file = path.join(folder, entry.name)
      if (entry.isDirectory()) this.noteFolder(file)
      else if (SOURCES.has(path.extname(entry.name))) this.note(file)
    }
  }
}

/** Has packages that are found nowhere looked for in the shared installation. */
function helpWith (shared) {
  const resolve = Module._resolveFilename
  Module._resolveFilename = function (request, ...rest) {
    try {
      return resolve.call(this, request, ...rest)
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND' || /^\.|^[/\\]|^[A-Za-z]:/.test(request)) throw error
      try {
        return resolve.call(this, request, null, false, { paths: [shared] })
      } catch {
        throw error
      }
    }
  }
}

module.exports = { Loader }
