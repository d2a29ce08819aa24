'use strict'
// Owns the way of requests to the cloud's own hosts: they are answered by the suite instead.
//
// Not here: what is answered. The one idea: SDKs that cannot be told an address have their host
// written into them, so it is looked for where a request begins. `node --require` this file and set
// CLOUD_EMU_URL; other hosts are left alone, unless CLOUD_EMU_OFFLINE=1 refuses them.

const http = require('http')
const https = require('https')
const net = require('net')
const { syncBuiltinESMExports } = require('module')

const HOSTS = [
  /(^|\.)tcb-api\.tencentcloudapi\.com$/,
  /^tcb-(admin|open)\.(tencentcloudapi|tencentyun)\.com$/,
  /\.api(\.intl)?\.tcloudbasegateway\.com$/,
  /^metadata\.tencentyun\.com$/
]
const LOCAL = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/
const request = http.request

/** Returns how the arguments of a request name its host, options and callback. */
function understood (args, scheme) {
  const [first, ...rest] = args
  let options = {}
  if (typeof first === 'string' || first instanceof URL) {
    const url = new URL(first)
    options = { hostname: url.hostname, port: url.port, path: url.pathname + url.search }
    if (url.username) options.auth = `${url.username}:${url.password}`
  } else {
    rest.unshift(first)
  }
  const callback = rest.find((item) => typeof item === 'function')
  Object.assign(options, rest.find((item) => item !== null && typeof item === 'object'))
  const host = String(options.hostname || options.host || 'localhost').replace(/:\d+$/, '')
  return { host: host.toLowerCase(), options, callback, scheme: options.protocol || scheme }
}

function patch (module, scheme) {
  const original = module.request
  module.request = function (...args) {
    const suite = process.env.CLOUD_EMU_URL
    if (!suite) return original.apply(this, args)
    let found
    try {
      found = understood(args, scheme)
    } catch {
      return original.apply(this, args)
    }
    if (HOSTS.some((host) => host.test(found.host))) return toSuite(suite, found)
    if (process.env.CLOUD_EMU_OFFLINE === '1' && !LOCAL.test(found.host)) return refused(found)
    return original.apply(this, args)
  }
  module.get = function (...args) {
    const started = module.request(...args)
    started.end()
    return started
  }
}

function toSuite (suite, { host, options, callback }) {
  const { hostname, port } = new URL(suite)
  const headers = {}
  for (const [name, value] of Object.entries(options.headers || {})) {
    if (name.toLowerCase() !== 'host') headers[name] = value
  }
  return request({
    method: options.method,
    path: options.path,
    timeout: options.timeout,
    signal: options.signal,
    hostname,
    port,
    headers: { ...headers, 'x-forwarded-host': host },
    // A connection of its own: one that is kept may be closed by the other side while it is reused.
    agent: false
  }, callback)
}

function refused ({ host, options, callback }) {
  const error = new Error(`no request leaves this machine: ${host} was refused (CLOUD_EMU_OFFLINE=1)`)
  error.code = 'ECONNREFUSED'
  const createConnection = () => {
    const socket = new net.Socket()
    process.nextTick(() => socket.destroy(error))
    return socket
  }
  return request({ method: options.method, path: options.path, createConnection }, callback)
}

patch(http, 'http:')
patch(https, 'https:')
syncBuiltinESMExports()
