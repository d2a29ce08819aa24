'use strict'
// Owns the way of requests to the cloud's own hosts: they are answered by the suite instead.
//
// Not here: what is answered. The one idea: SDKs that cannot be told an address have their host
// written into them, so it is looked for where a request begins. `node --require` this file and set
// CLOUD_EMU_URL; other hosts are left alone, unless CLOUD_EMU_OFFLINE=1 refuses them. WeChat's own API
// is what the suite has of it, unless CLOUD_EMU_WECHAT_API=real.

const http = require('http')
const https = require('https')
const net = require('net')
const { syncBuiltinESMExports } = require('module')

const HOSTS = [
  /(^|\.)tcb-api\.tencentcloudapi\.com$/,
  /^tcb-(admin|open)\.(tencentcloudapi|tencentyun)\.com$/,
  /^(tcb|tcbr|scf|flexdb|lowcode)(\.[a-z-]+)?\.(internal\.)?tencentcloudapi\.com$/,
  /\.api(\.intl)?\.tcloudbasegateway\.com$/,
  /^metadata\.tencentyun\.com$/
]
const SITES = [/\.(service|app)\.tcloudbase\.com$/, /\.tcloudbaseapp\.com$/]
const WECHAT = 'api.weixin.qq.com'
/** Hosts of the suite's own bucket; its account's number is nobody's. */
const BUCKET = /^([a-z0-9-]+-1250000000)\.cos(-internal)?\.[a-z-]+\.(tencentcos\.cn|myqcloud\.com)$/
const LOCAL = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/
const request = http.request

/** Returns the address of what answers for a host; nothing for a host that is left alone. */
function standIn (host) {
  const { CLOUD_EMU_URL: api, CLOUD_EMU_SITE_URL: site, CLOUD_EMU_WECHAT_API: wechat } = process.env
  if (HOSTS.some((each) => each.test(host)) || BUCKET.test(host) || (host === WECHAT && wechat !== 'real')) return api
  return SITES.some((each) => each.test(host)) ? site : undefined
}

/** Returns a path as the suite has it: the objects of a bucket lie below its name. */
function placed (host, path) {
  const bucket = BUCKET.exec(host)
  return bucket ? `/_cos/${bucket[1]}${path}` : path
}

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
    if (!process.env.CLOUD_EMU_URL) return original.apply(this, args)
    let found
    try {
      found = understood(args, scheme)
    } catch {
      return original.apply(this, args)
    }
    const suite = standIn(found.host)
    if (suite) return toSuite(suite, found)
    return isRefused(found.host) ? refused(found) : original.apply(this, args)
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
    path: placed(host, options.path || '/'),
    timeout: options.timeout,
    signal: options.signal,
    hostname,
    port,
    headers: { ...headers, 'x-forwarded-host': host },
    // A connection of its own: one that is kept may be closed by the other side while it is reused.
    agent: false
  }, callback)
}

/** Has `fetch` go the same ways: it is no relative of `http.request`. */
function patchFetch () {
  const original = globalThis.fetch
  globalThis.fetch = async function fetch (input, init) {
    const url = process.env.CLOUD_EMU_URL && addressOf(input)
    if (!url) return original(input, init)
    const suite = standIn(url.hostname)
    if (!suite) {
      if (isRefused(url.hostname)) throw new TypeError('fetch failed', { cause: refusal(url.hostname) })
      return original(input, init)
    }
    const isRequest = typeof input === 'object' && 'headers' in input
    const headers = new Headers((init && init.headers) || (isRequest ? input.headers : undefined))
    headers.set('x-forwarded-host', url.host)
    const own = isRequest ? await partsOf(input) : {}
    return original(new URL(placed(url.hostname, url.pathname + url.search), suite), { ...own, ...init, headers })
  }
}

/** Returns what a request says beside its address and headers, the body whole: streams want more. */
async function partsOf (request) {
  const { method, redirect, signal } = request
  return { method, redirect, signal, body: request.body ? await request.arrayBuffer() : undefined }
}

/** Returns the address that the first argument of `fetch` names; null for one that is none. */
function addressOf (input) {
  try {
    return new URL(typeof input === 'object' && 'url' in input ? input.url : input)
  } catch {
    return null
  }
}

function isRefused (host) {
  return process.env.CLOUD_EMU_OFFLINE === '1' && !LOCAL.test(host)
}

function refusal (host) {
  const error = new Error(`no request leaves this machine: ${host} was refused (CLOUD_EMU_OFFLINE=1)`)
  return Object.assign(error, { code: 'ECONNREFUSED' })
}

function refused ({ host, options, callback }) {
  const error = refusal(host)
  const createConnection = () => {
    const socket = new net.Socket()
    process.nextTick(() => socket.destroy(error))
    return socket
  }
  return request({ method: options.method, path: options.path, createConnection }, callback)
}

patch(http, 'http:')
patch(https, 'https:')
if (globalThis.fetch) patchFetch()
syncBuiltinESMExports()
