'use strict'
// Owns cloud objects, whose methods are called, and what any function of uniCloud hears of its caller.
//
// Not here: how other functions and objects are called (unicloud.js). The one idea: a call of a method
// is an event `{ method, params }`; what goes before, after and with it hangs on a `this` of its own.
//
// Facts: doc.dcloud.net.cn/uniCloud (cloud-obj, cf-functions#get-client-infos, cf-callfunction).

const path = require('path')

const SOURCES = { wx_http: 'http', wx_trigger: 'timing', scf: 'function', wx_client: 'client' }
const PROVIDERS = { aliyun: 'aliyun', alipay: 'alipay' }
/** What a client cannot say of itself. */
const OWN = ['clientIP', 'userAgent', 'source', 'requestId']

class Surroundings {
  /** `place` is a path below the project's `uniCloud-…`, `isObject` tells that methods are called. */
  constructor (place, isObject) {
    const [, suffix] = /[\\/]uniCloud-([a-z]+)[\\/]/i.exec(place) || []
    this.provider = PROVIDERS[suffix] || 'tencent'
    /** Where modules lie that functions share, and the settings of uni-id. */
    this.common = path.join(place.replace(/^(.*[\\/]uniCloud-[a-z]+[\\/]cloudfunctions)[\\/].*$/is, '$1'), 'common')
    this.functionType = isObject ? 'cloudobject' : 'cloudfunction'
    /** The event of the call under way. */
    this.event = undefined
  }

  get requestId () {
    return process.env.TCB_SESSIONTOKEN
  }

  cloudInfo () {
    return {
      provider: this.provider,
      spaceId: process.env.TCB_ENV,
      useOldSpaceId: false,
      functionName: process.env.SCF_FUNCTIONNAME,
      functionType: this.functionType,
      requestId: this.requestId
    }
  }

  clientInfo () {
    const event = this.event || {}
    const told = event.clientInfo !== null && typeof event.clientInfo === 'object' ? { ...event.clientInfo } : {}
    for (const name of OWN) delete told[name]
    return {
      os: '',
      platform: 'mp-weixin',
      uniPlatform: 'mp-weixin',
      appId: process.env.WX_APPID,
      locale: 'zh-Hans',
      deviceId: '',
      ...told,
      ...(typeof event.uniIdToken === 'string' ? { uniIdToken: event.uniIdToken } : {}),
      userAgent: '',
      clientIP: process.env.WX_CLIENTIP || '127.0.0.1',
      source: SOURCES[(process.env.TCB_SOURCE || '').split(',').pop()] || 'server',
      requestId: this.requestId
    }
  }

  /** Returns what a function's context has beside that of other functions. */
  context (event) {
    this.event = event !== null && typeof event === 'object' ? event : undefined
    const info = this.clientInfo()
    const { provider, spaceId, useOldSpaceId, functionName } = this.cloudInfo()
    return {
      ...info,
      OS: info.os,
      PLATFORM: info.platform,
      APPID: info.appId,
      LOCALE: info.locale,
      DEVICEID: info.deviceId,
      CLIENTIP: info.clientIP,
      CLIENTUA: info.userAgent,
      SPACEINFO: { spaceId, provider, useOldSpaceId },
      FUNCTION_NAME: functionName,
      FUNCTION_TYPE: this.functionType,
      SOURCE: info.source
    }
  }
}

/** Returns the handler that calls the methods of a cloud object. */
function mainOf (object, around) {
  return async (event, context) => {
    const asked = event || {}
    const isTimed = asked.Type === 'Timer'
    const method = isTimed ? '_timing' : asked.method || (asked.httpMethod && path.posix.basename(asked.path || ''))
    const isOpen = typeof method === 'string' && (isTimed || !method.startsWith('_')) && !(method in Object.prototype)
    if (!isOpen || typeof object[method] !== 'function') {
      return { errCode: 'METHOD_NOT_FOUND', errMsg: `the cloud object has no method ${method}` }
    }
    const params = isTimed ? [asked] : Array.isArray(asked.params) ? asked.params : []
    const own = Object.assign(Object.create(object), {
      getClientInfo: () => around.clientInfo(),
      getCloudInfo: () => around.cloudInfo(),
      getMethodName: () => method,
      getParams: () => params,
      getUniIdToken: () => asked.uniIdToken,
      getUniCloudRequestId: () => context.request_id,
      getHttpInfo: () => asked.httpMethod ? asked : undefined
    })
    try {
      return told(await called(own, method, params))
    } catch (error) {
      // What was meant for the caller has a code; all else is a failure of the function.
      if (error === null || typeof error !== 'object' || error.errCode === undefined) throw error
      return told(error)
    }
  }
}

/** Errors that are told to the caller hold what JSON would leave out of them. */
function told (value) {
  if (!(value instanceof Error)) return value
  const { errCode, errMsg = value.message, errSubject, ...rest } = value
  return { ...rest, errSubject, errCode, errMsg }
}

async function called (own, method, params) {
  let result, error
  let hasFailed = false
  try {
    if (typeof own._before === 'function') await own._before()
    result = await own[method](...params)
  } catch (thrown) {
    error = thrown
    hasFailed = true
  }
  if (typeof own._after === 'function') return own._after(error, result)
  if (hasFailed) throw error
  return result
}

module.exports = { Surroundings, mainOf }
