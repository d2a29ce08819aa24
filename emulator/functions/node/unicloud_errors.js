'use strict'
// Owns the error that functions of uniCloud get and may pass on to who called them.
//
// Not here: when one is thrown (unicloud.js and its relatives). The one idea: one value has the
// names of all generations: `errCode` and `code`, `errMsg` and `message`, `errSubject` and `subject`.
//
// Facts: doc.dcloud.net.cn/uniCloud/cf-functions#uni-cloud-error, uniapp.dcloud.net.cn/tutorial/err-spec.

const CAUSES_MAX = 10

class UniCloudError extends Error {
  constructor ({ code, message, requestId, subject, detail, cause }) {
    super(message)
    this.code = this.errCode = code
    this.errMsg = message
    this.errSubject = this.subject = subject
    if (cause !== undefined) this.cause = cause
    if (requestId) this.requestId = requestId
    if (detail) this.detail = detail
  }

  /** Not a property of its own, which would be told to callers. */
  get name () {
    return 'UniCloudError'
  }

  toJson (depth = 0) {
    if (depth >= CAUSES_MAX) return undefined
    const { errCode, errMsg, errSubject, cause } = this
    return { errCode, errMsg, errSubject, cause: cause && cause.toJson ? cause.toJson(depth + 1) : cause }
  }
}

/** Returns what a failure is to functions. */
const refusedAs = (error) => error instanceof UniCloudError
  ? error
  : new UniCloudError({ code: error.code || 'SYS_ERR', message: error.message || String(error), requestId: error.requestId })

/** Returns the error that an answer of a cloud object tells; nothing where it tells none. */
function failureIn (result, requestId) {
  if (!result || !result.errCode) return undefined
  const { errCode: code, errMsg: message, errSubject: subject } = result
  return new UniCloudError({ code, message, subject, requestId, detail: result })
}

module.exports = { UniCloudError, failureIn, refusedAs }
