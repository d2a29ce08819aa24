'use strict'
// Owns how a failure of user code is told: its message, the user's own frames, file and line.
//
// Not here: what counts as a failure (worker.js). The one idea: frames of Node, of packages and of
// these scripts help nobody; what is left is named from the functions' folder on.

const { spawnSync } = require('child_process')
const path = require('path')
const { fileURLToPath } = require('url')
const util = require('util')

const CHECKS_MAX = 20
const FRAMES_MAX = 40
const CAUSES_MAX = 5
const MISSING = new Set(['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'])
const FRAME = /^\s+at (?:(.*?) \()?((?:file:\/\/)?(?:\/|[A-Za-z]:[\\/]).*?):(\d+):(\d+)\)?$/
const HEAD = /^((?:file:\/\/)?(?:\/|[A-Za-z]:[\\/]).*):(\d+)$/

/** Returns what to do about a package that is not installed; nothing for a file that is not there. */
function cure (text) {
  const found = /Cannot find (?:module|package) '([^']+)'/.exec(text)
  if (found === null || /^[./\\]|^[A-Za-z]:/.test(found[1])) return ''
  const name = found[1].split('/').slice(0, found[1].startsWith('@') ? 2 : 1).join('/')
  return `; run: cloud-emu fn install (or npm install ${name} in the folder of the function)`
}

/** Returns `Type: text` for whatever was thrown. */
function messageOf (thrown) {
  try {
    if (thrown instanceof Error || util.types.isNativeError(thrown)) {
      const text = String(thrown)
      return MISSING.has(thrown.code) ? text.split('\nRequire stack:')[0] + cure(text) : text
    }
    if (typeof thrown === 'string') return thrown
    return util.inspect(thrown, { depth: 4, breakLength: Infinity })
  } catch {
    return '(what was thrown cannot be shown)'
  }
}

/** Returns the user's frames, the innermost first, and those of what caused the failure. */
function stackOf (thrown, root) {
  const parts = []
  for (let link = thrown, depth = 0; link != null && depth < CAUSES_MAX; link = link.cause, depth++) {
    if (depth > 0) parts.push(`caused by ${messageOf(link)}`)
    const own = framesOf(link).filter((frame) => isOwn(frame.file))
    for (const frame of own.slice(0, FRAMES_MAX)) {
      const place = `${shown(frame.file, root)}:${frame.line}:${frame.column}`
      parts.push(frame.name ? `    at ${frame.name} (${place})` : `    at ${place}`)
    }
    if (own.length > FRAMES_MAX) parts.push(`    ... ${own.length - FRAMES_MAX} more frames`)
  }
  return parts.join('\n')
}

/** Returns where in the user's files loading failed, and why; `files` are those it may be in. */
function problemOf (thrown, entry, files) {
  const message = messageOf(thrown)
  const stack = textOf(thrown)
  const head = HEAD.exec(stack.split('\n', 1)[0])
  if (head !== null) return { file: fileOf(head[1]), line: Number(head[2]), message }
  const own = framesOf(thrown).find((frame) => isOwn(frame.file)) ||
    (thrown instanceof SyntaxError && misspelt(files)) || { file: entry, line: 0 }
  return { file: own.file, line: own.line, message }
}

/** Finds the module that does not parse: its error does not say where, a check of the file does. */
function misspelt (files) {
  for (const file of files.slice(0, CHECKS_MAX)) {
    if (file.endsWith('.json')) continue
    const { stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' })
    const head = HEAD.exec(String(stderr).split('\n', 1)[0])
    if (head !== null) return { file: fileOf(head[1]), line: Number(head[2]) }
  }
  return undefined
}

function framesOf (thrown) {
  return textOf(thrown).split('\n').map((line) => FRAME.exec(line)).filter(Boolean)
    .map(([, name, file, line, column]) => ({ name, file: fileOf(file), line: Number(line), column }))
}

function textOf (thrown) {
  try {
    return String(thrown.stack || '')
  } catch {
    return ''
  }
}

function fileOf (text) {
  return text.startsWith('file://') ? fileURLToPath(text) : text
}

function isOwn (file) {
  return !file.startsWith(__dirname + path.sep) && !isPackage(file)
}

function isPackage (file) {
  return file.includes(`${path.sep}node_modules${path.sep}`)
}

function shown (file, root) {
  const relative = path.relative(root, file)
  return relative.startsWith('..') ? file : relative.split(path.sep).join('/')
}

module.exports = { isPackage, messageOf, problemOf, stackOf }
