// The runtime that the client SDKs are given in Node: their documented adapter over fetch and ws.
// Everything sent is kept in `sent`, so that a case can say what went over the wire.
const sent = []

class Storage {
  constructor() { this.items = new Map() }
  getItem(key) { return this.items.has(key) ? this.items.get(key) : null }
  setItem(key, value) { this.items.set(key, String(value)) }
  removeItem(key) { this.items.delete(key) }
  clear() { this.items.clear() }
}

const headersOf = (headers) => Object.fromEntries(
  Object.entries(headers || {}).filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]),
)

const bodyOf = (data, headers) => {
  if (data === undefined || typeof data === 'string') return data
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data) || data instanceof Blob || data instanceof FormData) return data
  if (!Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')) headers['content-type'] = 'application/json'
  return JSON.stringify(data)
}

async function ask(method, options) {
  const headers = headersOf(options.headers)
  const body = method === 'GET' || method === 'HEAD' ? undefined : bodyOf(options.data ?? options.body, headers)
  const url = options.url.startsWith('//') ? `http:${options.url}` : options.url
  sent.push({ method, url, body: typeof body === 'string' ? body : undefined })
  const response = await fetch(url, { method, headers, body })
  const text = options.responseType === 'blob' ? undefined : await response.text()
  let data = text
  if (text === undefined) data = await response.blob()
  else try { data = JSON.parse(text) } catch { /* it is text */ }
  return { statusCode: response.status, header: Object.fromEntries(response.headers), data }
}

class Requests {
  get(options) { return ask('GET', { ...options, url: withQuery(options.url, options.data) }) }
  post(options) { return ask('POST', options) }
  put(options) { return ask('PUT', { ...options, data: options.file ?? options.data }) }
  patch(options) { return ask('PATCH', options) }
  delete(options) { return ask('DELETE', options) }
  upload(options) {
    if ((options.method || 'post') === 'put') return this.put({ ...options, data: options.file })
    const form = new FormData()
    for (const [name, value] of Object.entries(options.data)) form.append(name, value)
    form.append('key', options.name)
    form.append('file', options.file instanceof Blob ? options.file : new Blob([options.file]), 'file')
    return ask('POST', { url: options.url, headers: options.headers, data: form })
  }
  download(options) { return ask('GET', { ...options, responseType: 'blob' }) }
  async fetch(options) {
    const headers = headersOf(options.headers)
    const method = (options.method || 'GET').toUpperCase()
    sent.push({ method, url: options.url, body: typeof options.body === 'string' ? options.body : undefined })
    const response = await fetch(options.url, { method, headers, body: options.body })
    const header = Object.fromEntries(response.headers)
    const data = JSON.parse((await response.text()) || 'null')
    if (!response.ok && options.shouldThrowOnError !== false) throw data
    return { statusCode: response.status, header, data: Promise.resolve(data) }
  }
}

const withQuery = (url, data) => {
  const query = new URLSearchParams(data || {}).toString()
  return query ? `${url}${url.includes('?') ? '&' : '?'}${query}` : url
}

const adapter = (sockets) => ({
  isMatch: () => true,
  runtime: 'web',
  genAdapter: () => ({
    root: globalThis,
    reqClass: Requests,
    wsClass: sockets,
    localStorage: new Storage(),
    sessionStorage: new Storage(),
  }),
})

module.exports = { adapter, sent, Storage }
