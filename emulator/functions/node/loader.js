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
const { extend } = require('./guide_forms')

const FILES_MAX = 2000
const AS_MODULE = new Set(['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE'])
const UNICLOUD = /[\\/]uniCloud(?:-[a-z]+)?[\\/]cloudfunctions[\\/]/i
const SOURCES = new Set(['.js', '.cjs', '.mjs', '.json'])
const WRITTEN_AS_MODULE = /^(?:Cannot use import statement|Cannot use 'import\.meta'|Unexpected token 'export'|await is only valid)/

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
      load.apply(this, arguments)
      extend(file, this.exports)
    }
  }

  /** Loads the entry and returns the first of the handlers that it exports. */
  async load ({ entry, folder, root, handlers, shared, web, home }) {
    const place = home ? path.join(home, path.basename(folder)) : entry
    const layers = UNICLOUD.test(place) ? new (require('./uni_modules').Layers)(place, (file) => this.note(file)) : null
    if (layers !== null) layers.install()
    helpWith(shared, layers)
    overlookAbove(root)
    if (shared) this.shared = pathToFileURL(path.join(shared, path.sep)).href
    process.chdir(folder)
    lookFrom(folder)
    // Of no use to others, and not for nothing.
    const isObject = entry.endsWith('.obj.js')
    const unicloud = layers === null ? null : require('./unicloud').install(place, isObject)
    if (web !== null) return this.serverOf(entry, folder, web)
    const exports = await this.exportsOf(entry, folder)
    if (unicloud !== null && isObject) {
      return { call: unicloud.mainOf(exports), self: undefined, surround: unicloud.contextOf }
    }
    const surround = unicloud && unicloud.contextOf
    for (const name of handlers) {
      for (const place of [exports, exports && exports.default]) {
        if (place != null && typeof place[name] === 'function') return { call: place[name], self: place, surround }
      }
    }
    const wanted = handlers.map((name) => `exports.${name}`).join(' or ')
    const error = new Error(`${path.basename(entry)} exports no function to call: write ${wanted}`)
    error.stack = ''
    throw error
  }

  /** Starts the program and returns the handler of what it listens with. */
  async serverOf (entry, folder, { arguments: given, roots }) {
    const { listening, mainOf, within } = require('./web')
    const found = listening()
    process.argv.splice(1, Infinity, entry, ...given)
    // A program reads more than it requires.
    this.noteFolder(folder)
    await this.exportsOf(entry, folder, true)
    return { call: mainOf(await within(found, entry), roots), self: undefined }
  }

  /** Returns what a file exports; with `isMain` it is the program itself. */
  async exportsOf (entry, folder, isMain = false) {
    if (!entry.endsWith('.mjs')) {
      try {
        return isMain ? Module._load(entry, null, true) : require(entry)
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

/** Has `require('project/x')` mean a file of the function's folder, as the platform's NODE_PATH does. */
function lookFrom (folder) {
  process.env.USER_CODE_ROOT = folder + path.sep
  process.env.NODE_PATH = [folder, path.join(folder, 'node_modules')].join(path.delimiter)
  Module._initPaths()
}

/**
 * Has what package.json files above the functions say be overlooked: they are not uploaded with them.
 *
 * "type": "module" of a whole project would make modules of functions that are none on the platform.
 */
function overlookAbove (root) {
  const load = Module._extensions['.js']
  const known = new Map()

  /** Tells whether the package.json that decides for a folder says "module", and lies above. */
  const isOverruled = (folder) => {
    if (!known.has(folder)) {
      const type = typeIn(folder)
      const above = path.dirname(folder)
      const below = path.relative(folder, root)
      const isAbove = !path.isAbsolute(below) && below.split(path.sep)[0] !== '..'
      known.set(folder, type === undefined ? above !== folder && isOverruled(above) : isAbove && type === 'module')
    }
    return known.get(folder)
  }

  Module._extensions['.js'] = function (module, file) {
    if (isPackage(file) || !isOverruled(path.dirname(file))) return load(module, file)
    try {
      module._compile(fs.readFileSync(file, 'utf8').replace(/^\ufeff/, ''), file, 'commonjs')
    } catch (error) {
      if (!(error instanceof SyntaxError && WRITTEN_AS_MODULE.test(error.message))) throw error
      load(module, file)
    }
  }
}

/** Returns the type that the package.json of a folder names; nothing where there is none. */
function typeIn (folder) {
  try {
    return String(JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).type)
  } catch {
    return undefined
  }
}

/** Has packages that are found nowhere looked for where package.json says, then in the shared place. */
function helpWith (shared, layers) {
  const resolve = Module._resolveFilename
  const plainly = (file) => resolve.call(Module, file, null, false)
  const below = (folder, request) => resolve.call(Module, request, null, false, { paths: [folder] })
  Module._resolveFilename = function (request, parent, ...rest) {
    try {
      return resolve.call(this, request, parent, ...rest)
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error
      const file = parent ? parent.filename : undefined
      try {
        const found = file && layers !== null ? layers.find(request, file, plainly) : ''
        if (found) return found
        if (isPath(request)) throw error
        const folder = file && (layers === null ? path.dirname(file) : layers.folderOf(file))
        const linked = folder ? linkedIn(folder, request) : ''
        if (linked) return (layers !== null && layers.under(linked, plainly)) || plainly(linked)
        if (folder && folder !== path.dirname(file)) return below(folder, request)
      } catch {}
      try {
        if (shared && !isPath(request)) return below(shared, request)
      } catch {}
      throw error
    }
  }
}

const isPath = (request) => /^\.|^[/\\]|^[A-Za-z]:/.test(request)

/** Returns the path of what a `file:` dependency names, which an installation would have linked. */
function linkedIn (folder, request) {
  const name = request.split('/').slice(0, request.startsWith('@') ? 2 : 1).join('/')
  for (let last = ''; folder !== last; last = folder, folder = path.dirname(folder)) {
    let found
    try {
      found = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).dependencies[name]
    } catch {
      continue
    }
    if (typeof found !== 'string' || !found.startsWith('file:')) continue
    return path.join(folder, found.slice('file:'.length), request.slice(name.length))
  }
  return ''
}

module.exports = { Loader }
