'use strict'
// Owns modules of uniCloud projects that lie in two places: in uni_modules the code, in the project's
// own folder of the same name what belongs to it, such as the settings of uni-config-center.
//
// Not here: how other names are found (loader.js). The one idea: HBuilderX lays both into one folder
// when it uploads. Here nothing is copied: code of uni_modules is loaded under the name that it would
// have in the project's folder, so that it looks around there, and files missing there are read here.

const fs = require('fs')
const Module = require('module')
const path = require('path')

const OWN = /^(.*[\\/]uniCloud(?:-[a-z]+)?[\\/]cloudfunctions[\\/]common[\\/])([^\\/]+)(.*)$/i
const LAID = /[\\/]uni_modules[\\/][^\\/]+[\\/]uniCloud[\\/]cloudfunctions[\\/]common[\\/]([^\\/]+)(.*)$/i

class Layers {
  /** `entry` is a file of a function; `onFile` hears the code of uni_modules that was loaded. */
  constructor (entry, onFile) {
    this.common = entry.replace(/^(.*[\\/]uniCloud(?:-[a-z]+)?[\\/]cloudfunctions[\\/]).*$/is, '$1common' + path.sep)
    const project = path.resolve(this.common, '..', '..', '..')
    this.places = [path.join(project, 'uni_modules'), path.join(project, 'src', 'uni_modules')]
    this.onFile = onFile
    /** Files by the name under which they are loaded. */
    this.read = new Map()
  }

  install () {
    for (const kind of ['.js', '.json']) {
      const load = Module._extensions[kind]
      Module._extensions[kind] = (module, file) => {
        const real = this.read.get(file)
        if (real === undefined) return load(module, file)
        this.onFile(real)
        const text = fs.readFileSync(real, 'utf8').replace(/^\uFEFF/, '')
        if (kind === '.json') module.exports = JSON.parse(text)
        else module._compile(text, file)
      }
    }
  }

  /** Returns the name to load a path under that a file asks for and that is not there, or ''. */
  find (request, file, resolve) {
    const isPath = request[0] === '.' || path.isAbsolute(request)
    return isPath ? this.under(path.resolve(path.dirname(file), request), resolve) : ''
  }

  /** Returns the name under which a module of the project or of uni_modules is loaded, or ''. */
  under (wanted, resolve) {
    const laid = LAID.exec(wanted)
    const own = laid === null ? OWN.exec(wanted) : [wanted, this.common, laid[1], laid[2]]
    if (own === null) return ''
    const [, common, name, rest] = own
    for (const folder of [path.join(common, name), ...this.foldersOf(name)]) {
      let real
      try {
        real = resolve(folder + rest)
      } catch {
        continue
      }
      const file = path.join(common, name, path.relative(folder, real))
      if (file !== real) this.read.set(file, real)
      return file
    }
    return ''
  }

  /** Returns the folders of uni_modules that hold a module. */
  foldersOf (name) {
    return this.places.flatMap((place) => {
      const all = fs.existsSync(place) ? fs.readdirSync(place) : []
      // The one that has its name comes first.
      all.sort((a, b) => Number(b === name) - Number(a === name))
      return all.map((each) => path.join(place, each, 'uniCloud', 'cloudfunctions', 'common', name))
    }).filter((folder) => fs.existsSync(folder))
  }

  /** Returns the folder that a file was read from. */
  folderOf (file) {
    return path.dirname(this.read.get(file) || file)
  }
}

module.exports = { Layers }
