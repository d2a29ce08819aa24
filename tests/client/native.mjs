// Runs the script where there is neither fetch nor WebSocket, only a mini program's own calls:
// `node native.mjs SCRIPT RESULT_FILE wx|my [PAIRING]`. The calls are stood in for by Node's http.
import http from 'node:http'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [, , script, resultFile, kind, pairing] = process.argv
for (const name of ['fetch', 'FormData', 'XMLHttpRequest', 'WebSocket', 'URL']) delete globalThis[name]

function send(url, { method = 'GET', headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers }, (answer) => {
      const parts = []
      answer.on('data', (part) => parts.push(part))
      answer.on('end', () =>
        resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) })
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}

function formOf(fields, path) {
  const edge = 'edge-of-a-part'
  const parts = Object.keys(fields).map(
    (name) => `--${edge}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${fields[name]}\r\n`
  )
  const head = `--${edge}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n`
  const body = Buffer.concat([Buffer.from(parts.join('') + head), readFileSync(path), Buffer.from(`\r\n--${edge}--\r\n`)])
  return { method: 'POST', headers: { 'content-type': `multipart/form-data; boundary=${edge}` }, body }
}

const isAlipay = kind === 'my'
const status = (answer) => (isAlipay ? { status: answer.status } : { statusCode: answer.status })
const calling = (work) => (options) => {
  const listeners = []
  work(options)
    .then((result) => {
      for (const listener of listeners) listener({ progress: 100, totalBytesSent: 1, totalBytesExpectedToSend: 1 })
      options.success(result)
    })
    .catch((error) => options.fail(isAlipay ? { errorMessage: error.message } : { errMsg: error.message }))
  return { abort() {}, onProgressUpdate: (listener) => listeners.push(listener) }
}
globalThis[kind] = {
  request: calling(async ({ url, method, data, header, headers }) => {
    const answer = await send(url, { method, headers: isAlipay ? headers : header, body: data })
    return { data: answer.body.toString(), [isAlipay ? 'headers' : 'header']: answer.headers, ...status(answer) }
  }),
  uploadFile: calling(async ({ url, filePath, formData, header, headers }) => {
    const form = formOf(formData, filePath)
    const own = isAlipay ? headers : header
    const answer = await send(url, { ...form, headers: { ...form.headers, ...own } })
    return { data: '', ...status(answer) }
  }),
  downloadFile: calling(async ({ url, header, headers }) => {
    const answer = await send(url, { headers: isAlipay ? headers : header })
    const path = join(mkdtempSync(join(tmpdir(), 'native-')), 'file')
    writeFileSync(path, answer.body)
    return isAlipay ? { apFilePath: path } : { tempFilePath: path, ...status(answer) }
  })
}

const told = {}
const { install } = await import(pathToFileURL(script))
install()
const { cloud } = globalThis[kind]
cloud.init({ env: 'env', pairing })
told.result = (await cloud.callFunction({ name: 'echo', data: { a: 1 } })).result.a
const orders = cloud.database().collection('orders')
const added = await orders.add({ data: { at: new Date(5), kind } })
const found = await orders.where({ kind }).get()
const [first] = isAlipay ? found : found.data
told.document = [typeof (added._id || added.id), first.at instanceof Date, first.kind]
const heard = []
const { fileID } = await new Promise((success, fail) => {
  const task = cloud.uploadFile({ cloudPath: `${kind}/own.mjs`, filePath: script, success, fail })
  task.onProgressUpdate(({ progress }) => heard.push(progress))
})
const { tempFilePath } = await cloud.downloadFile({ fileID })
told.file = [heard, readFileSync(tempFilePath, 'utf8') === readFileSync(script, 'utf8')]
told.url = (await cloud.getTempFileURL({ fileList: [fileID] })).fileList[0].status
const far = new cloud.Cloud({ emulator: 'http://127.0.0.1:9' })
await far.init()
told.unreachable = await far.callFunction({ name: 'echo' }).catch((error) => error.errCode)
writeFileSync(resultFile, JSON.stringify(told))
