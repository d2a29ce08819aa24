'use strict'
// Owns the frames between a worker and its suite: four bytes of length, one byte of kind, a payload.
//
// Not here: what a frame means (worker.js). The one idea: a socket of its own, so that whatever user
// code does with its standard output cannot disturb what is said here.

const net = require('net')

const HEAD_BYTES = 5
const write = net.Socket.prototype.write

class Channel {
  constructor (address, { onFrame, onEnd }) {
    this.onFrame = onFrame
    this.rest = []
    this.restBytes = 0
    this.neededBytes = HEAD_BYTES
    this.socket = open(address)
    this.socket.on('data', (data) => this.take(data))
    for (const event of ['error', 'end', 'close']) this.socket.on(event, onEnd)
  }

  get waitingBytes () {
    return this.socket.writableLength
  }

  /** Sends text; what the system takes at once is out before this returns. */
  send (kind, text) {
    const size = Buffer.byteLength(text)
    const frame = Buffer.allocUnsafe(HEAD_BYTES + size)
    frame.writeUInt32BE(size, 0)
    frame[4] = kind.charCodeAt(0)
    frame.write(text, HEAD_BYTES, 'utf8')
    write.call(this.socket, frame)
  }

  /** Sends bytes as they are. */
  sendBytes (kind, bytes) {
    const head = Buffer.allocUnsafe(HEAD_BYTES)
    head.writeUInt32BE(bytes.length, 0)
    head[4] = kind.charCodeAt(0)
    write.call(this.socket, Buffer.concat([head, bytes]))
  }

  take (data) {
    if (this.restBytes > 0) {
      this.rest.push(data)
      this.restBytes += data.length
      if (this.restBytes < this.neededBytes) return
      data = Buffer.concat(this.rest)
      this.rest = []
      this.restBytes = 0
    }
    let at = 0
    this.neededBytes = HEAD_BYTES
    while (data.length - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + data.readUInt32BE(at)
      if (end > data.length) {
        this.neededBytes = end - at
        break
      }
      this.onFrame(String.fromCharCode(data[at + 4]), data.toString('utf8', at + HEAD_BYTES, end))
      at = end
    }
    if (at < data.length) {
      this.rest = [data.subarray(at)]
      this.restBytes = data.length - at
    }
  }
}

/** `fd:7` is a socket that was handed down, `tcp:port:secret` one to connect to. */
function open (address) {
  const [way, where, secret] = address.split(':')
  if (way === 'fd') return new net.Socket({ fd: Number(where), readable: true, writable: true })
  const socket = net.connect({ port: Number(where), host: '127.0.0.1' })
  socket.setNoDelay(true)
  socket.write(secret)
  return socket
}

module.exports = { Channel }
