'use strict'
// Owns how functions of uniCloud ask other servers: `httpclient.request` and `uniCloud.request`.
//
// Not here: what else `uniCloud` has (unicloud.js). The one idea: one plain request of Node; each of
// the two ways says what is sent and what an answer looks like.
//
// Facts: doc.dcloud.net.cn/uniCloud/cf-functions (httpclient is an instance of urllib 2).

const fs = require('fs')
const http = require('http')
const https = require('https')
const path = require('path')
const querystring = require('querystring')
const zlib = require('zlib')

const TIMEOUT_MS = 5000
const REQUEST_TIMEOUT_MS = 60000
const REDIRECTS_MAX = 10
const REDIRECTED = new Set([301, 302, 303, 307, 308])
const BOUNDARY = '----cloud-emu-file'
const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'
const CONTROLS = /[\u0000-\u001f\u007f]/g
const SAFETY = ['agent', 'auth', 'ca', 'cert', 'ciphers', 'family', 'key', 'lookup', 'passphrase', 'pfx', 'rejectUnauthorized', 'secureProtocol']
const UNPACKED = { gzip: zlib.gunzip, deflate: zlib.inflate, br: zlib.brotliDecompress }

class HttpFailure extends Error {
  constructor (name, message, told) {
    super(message)
    Object.assign(this, { name, code: name }, told)
  }
}

/** Begins a request and returns its answer as it starts to arrive. */
function open ({ url, method = 'GET', header = {}, data, stream, timeout, options = {} }) {
  const wait = [timeout].flat().pop()
  return new Promise((resolve, reject) => {
    const isSafe = url.startsWith('https:')
    const headers = data === undefined ? header : { ...header, 'content-length': Buffer.byteLength(data) }
    const own = isSafe && options.httpsAgent !== undefined ? { ...options, agent: options.httpsAgent } : options
    const sent = (isSafe ? https : http).request(url, { ...own, method, headers, timeout: wait }, resolve)
    const late = `Response timeout for ${wait}ms, ${method} ${url} -1`
    sent.on('timeout', () => sent.destroy(new HttpFailure('ResponseTimeoutError', late)))
    sent.on('error', (error) => {
      if (error instanceof HttpFailure) reject(error)
      else reject(new HttpFailure('RequestError', `${error.message}, ${method} ${url} -1`, { code: error.code }))
    })
    if (stream === undefined) sent.end(data)
    else stream.on('error', (error) => sent.destroy(error)).pipe(sent)
  })
}

/** Returns all that an answer holds. */
async function bodyOf (answer) {
  const parts = []
  for await (const part of answer) parts.push(Buffer.from(part))
  return Buffer.concat(parts)
}

/** Sends a request and returns its answer, the body as a buffer. */
async function send (asked) {
  const answer = await open(asked)
  return { statusCode: answer.statusCode, header: answer.headers, body: await bodyOf(answer) }
}

/** Returns the bytes of a buffer, a text or a stream. */
async function bytesOf (content) {
  if (content === null || typeof content.pipe !== 'function') return Buffer.from(content)
  return bodyOf(content)
}

/** Returns a form: fields, and files with the name of the field and their own. */
async function formOf (fields, files) {
  const head = (name, rest) => Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${rest}\r\n\r\n`)
  const parts = Object.entries(fields).flatMap(([name, value]) => [head(name, ''), Buffer.from(`${value}\r\n`)])
  for (const { field, name, content } of files) {
    parts.push(head(field, `; filename="${encodeURIComponent(name)}"`), await bytesOf(content), Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)])
}

const FORM_CONTENT = `multipart/form-data; boundary=${BOUNDARY}`

/** Files as `httpclient` takes them: one, a list, or by field; a text is the path of one. */
function filesOf (files) {
  const isOne = typeof files === 'string' || Buffer.isBuffer(files) || typeof files.pipe === 'function'
  const named = isOne
    ? [['file', files]]
    : Array.isArray(files) ? files.map((each, at) => [at === 0 ? 'file' : `file${at}`, each]) : Object.entries(files)
  return named.map(([field, file]) => {
    const place = typeof file === 'string' ? file : file.path
    const content = typeof file === 'string' ? fs.createReadStream(file) : file
    return { field, name: place ? path.basename(String(place)) : `bufferfile${field}`, content }
  })
}

const nameIn = (header, wanted) => Object.keys(header).find((name) => name.toLowerCase() === wanted)
const typeIn = (header) => header[nameIn(header, 'content-type')] || ''

/** `a[b]=1`, as nested values are written when asked for. */
function nested (value, prefix = '') {
  return Object.entries(value).flatMap(([name, inner]) => {
    const key = prefix ? `${prefix}[${name}]` : name
    return inner !== null && typeof inner === 'object' ? nested(inner, key) : [[key, inner]]
  })
}

function queryOf (data, isNested) {
  if (!isNested) return querystring.stringify(data)
  return nested(data).map((pair) => pair.map((each) => encodeURIComponent(each)).join('=')).join('&')
}

/** Returns what `httpclient` sends: the address, the headers and the body. */
async function sentBy (address, options, method) {
  const { data, content, contentType, files, nestedQuerystring } = options
  const header = { ...options.headers }
  const url = new URL(address)
  if (files) {
    header['content-type'] = FORM_CONTENT
    return { url: url.href, header, body: await formOf(data || {}, filesOf(files)) }
  }
  if (content !== undefined || data === undefined || data === null) return { url: url.href, header, body: content }
  const isPlain = typeof data === 'string' || Buffer.isBuffer(data)
  if (options.dataAsQueryString || ['GET', 'HEAD'].includes(method)) {
    const query = isPlain ? String(data) : queryOf(data, nestedQuerystring)
    if (query) url.search += (url.search ? '&' : '?') + query
    return { url: url.href, header, body: undefined }
  }
  if (isPlain) return { url: url.href, header, body: data }
  if (!typeIn(header)) header['Content-Type'] = contentType === 'json' ? JSON_TYPE : contentType || FORM_TYPE
  const isJson = typeIn(header).startsWith(JSON_TYPE)
  return { url: url.href, header, body: isJson ? JSON.stringify(data) : queryOf(data, nestedQuerystring) }
}

/** Follows where an answer leads, as far as is asked for. */
async function followed (asked, { followRedirect, maxRedirects = REDIRECTS_MAX, formatRedirectUrl }) {
  const urls = [asked.url]
  let answer = await open(asked)
  while (followRedirect && REDIRECTED.has(answer.statusCode) && answer.headers.location) {
    if (urls.length > maxRedirects) {
      const message = `Exceeded maxRedirects. Probably stuck in a redirect loop ${asked.url}`
      throw new HttpFailure('MaxRedirectError', message)
    }
    answer.resume()
    const { location } = answer.headers
    const url = formatRedirectUrl ? formatRedirectUrl(asked.url, location) : new URL(location, asked.url).href
    const isKept = answer.statusCode > 303 || asked.method === 'HEAD'
    asked = isKept ? { ...asked, url } : { ...asked, url, method: 'GET', data: undefined }
    urls.push(url)
    answer = await open(asked)
  }
  return { answer, urls }
}

async function unpacked (answer, isWanted) {
  const body = await bodyOf(answer)
  const unpack = isWanted && UNPACKED[answer.headers['content-encoding']]
  if (!unpack || body.length === 0) return body
  return new Promise((resolve, reject) => unpack(body, (error, whole) => error ? reject(error) : resolve(whole)))
}

function parsed (text, told, fixJSONCtlChars) {
  if (text === '') return null
  try {
    return JSON.parse(fixJSONCtlChars ? text.replace(CONTROLS, (sign) => '\\u' + sign.charCodeAt(0).toString(16).padStart(4, '0')) : text)
  } catch (error) {
    const shown = text.length > 200 ? `${text.slice(0, 100)} ... skip ... ${text.slice(-100)}` : text
    throw new HttpFailure('JSONResponseFormatError', `${error.message} (data json format: ${JSON.stringify(shown)})`, told)
  }
}

/** `httpclient.request`: the answer's `data` is a buffer unless `dataType` says text or json. */
async function request (address, options = {}) {
  const method = (options.method || options.type || (options.files ? 'POST' : 'GET')).toUpperCase()
  const { url, header, body } = await sentBy(String(address), options, method)
  if (options.gzip && !nameIn(header, 'accept-encoding')) header['accept-encoding'] = 'gzip'
  const own = Object.fromEntries(SAFETY.filter((name) => name in options).map((name) => [name, options[name]]))
  const { stream, timeout = TIMEOUT_MS } = options
  const asked = { url, method, header, data: body, stream, timeout, options: own }
  if (options.beforeRequest) options.beforeRequest(asked)
  const { answer, urls } = await followed(asked, options)
  const { statusCode: status, statusMessage, headers } = answer
  const res = { status, statusCode: status, statusMessage, headers, requestUrls: urls, aborted: false }
  if (options.streaming || options.customResponse) return { status, headers, res: Object.assign(answer, { status, requestUrls: urls }) }
  if (options.writeStream) {
    const written = new Promise((resolve, reject) => options.writeStream.on('finish', resolve).on('error', reject))
    answer.pipe(options.writeStream)
    if (options.consumeWriteStream !== false) await written
    return { status, headers, data: null, res }
  }
  const bytes = await unpacked(answer, options.gzip)
  const told = { status, headers, res: { ...res, size: bytes.length, data: bytes } }
  const { dataType } = options
  if (!dataType) return { ...told, data: bytes }
  const text = bytes.toString()
  return { ...told, data: dataType === 'json' ? parsed(text, told, options.fixJSONCtlChars) : text }
}

/** `uniCloud.request`, which is asked and answers as `uni.request` of a page does. */
async function uniRequest ({ url, data, header = {}, method = 'GET', timeout = REQUEST_TIMEOUT_MS, ...options }) {
  const isObject = data !== null && typeof data === 'object' && !Buffer.isBuffer(data) && !(data instanceof ArrayBuffer)
  const isForm = typeIn(header).startsWith(FORM_TYPE)
  const asked = { method, timeout, headers: header, rejectUnauthorized: options.sslVerify !== false }
  if (isObject) Object.assign(asked, { data, contentType: isForm ? FORM_TYPE : 'json' })
  else if (data !== undefined && data !== null) asked.content = typeof data === 'string' ? data : Buffer.from(data)
  const { status: statusCode, headers, data: bytes } = await request(url, asked)
  if (options.responseType === 'buffer' || options.responseType === 'arraybuffer') return { statusCode, header: headers, data: bytes }
  let told = bytes.toString()
  try {
    if (options.dataType === undefined || options.dataType === 'json') told = JSON.parse(told)
  } catch {
    // As in pages: what is no JSON is given as text.
  }
  return { statusCode, header: headers, data: told }
}

module.exports = { FORM_CONTENT, formOf, request, send, uniRequest }
