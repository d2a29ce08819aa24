'use strict'
// Owns `uniCloud.redis()`: commands as methods, and several of them in one step with `multi()`.
//
// Not here: what commands do; the suite does that. The one idea: any name is a command, its arguments
// are texts.
//
// Facts: doc.dcloud.net.cn/uniCloud/redis.

class ReplyError extends Error {
  constructor (message) {
    super(message)
    this.name = 'ReplyError'
    this.code = this.errCode = message.split(' ', 1)[0]
    this.errMsg = message
  }
}

const NO_COMMANDS = new Set(['then', 'catch', 'finally', 'constructor', 'toJSON', 'inspect'])
const LISTENING = new Set(['on', 'once', 'off', 'removeListener', 'removeAllListeners'])

const textOf = (word) => Buffer.isBuffer(word) ? word.toString() : String(word)

/** Arguments may be lists, and objects of fields or keys. */
const wordsOf = (name, given) => [name, ...given.flat(Infinity).flatMap((each) => {
  const isPlain = each !== null && typeof each === 'object' && !Buffer.isBuffer(each) && !(each instanceof Date)
  return isPlain ? Object.entries(each).flat() : [each]
})].map(textOf)

const answerOf = (told) => told !== null && typeof told === 'object' && !Array.isArray(told) ? new ReplyError(told.error) : told

/** Returns an object on which any name is a command; `own` are other members. */
function commanding (own, send) {
  return new Proxy(own, {
    get (target, name) {
      if (typeof name !== 'string' || name in target || NO_COMMANDS.has(name)) return target[name]
      return (...given) => send(wordsOf(name.toLowerCase(), given))
    }
  })
}

/** Returns a connection; `ask` carries out commands together and returns their answers. */
function connect (ask) {
  /** Commands that wait for `exec()`, on the connection itself. */
  let queued = null
  const run = async (commands) => (await ask(commands)).map(answerOf)

  async function send (words) {
    if (queued !== null) {
      queued.push(words)
      return 'QUEUED'
    }
    const [answer] = await run([words])
    if (answer instanceof ReplyError) throw answer
    return answer
  }

  function multi () {
    const waiting = []
    const chain = commanding({
      exec: () => run(waiting.splice(0)),
      discard: async () => {
        waiting.length = 0
        return 'OK'
      },
      // Who awaits it means the connection itself.
      then (resolve) {
        queued = []
        resolve('OK')
      }
    }, (words) => {
      waiting.push(words)
      return chain
    })
    return chain
  }

  async function end (isKept) {
    if (queued === null) throw new ReplyError(`ERR ${isKept ? 'EXEC' : 'DISCARD'} without MULTI`)
    const commands = queued
    queued = null
    return isKept ? run(commands) : 'OK'
  }

  const own = {
    multi,
    exec: () => end(true),
    discard: () => end(false),
    quit: async () => 'OK',
    disconnect: () => {}
  }
  const connection = commanding(own, send)
  for (const name of LISTENING) own[name] = () => connection
  return connection
}

module.exports = { connect }
