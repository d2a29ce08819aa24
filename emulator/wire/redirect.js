// Sends what a client SDK asks the cloud for to this suite instead; load it before the SDK:
//   <script src="http://127.0.0.1:8270/_emu/sdk/redirect.js"></script>
// It wraps fetch, XMLHttpRequest and WebSocket, and touches no request to any other host.
(function () {
  'use strict'
  var root = typeof globalThis === 'undefined' ? window : globalThis
  if (root.__cloudEmuRedirect) return
  var script = root.document && root.document.currentScript
  var chosen = script && new URL(script.src).searchParams.get('target')
  var target = new URL(chosen || (script ? script.src : 'http://127.0.0.1:8270')).origin
  var cloud = /(^|\.)(tcb-api\.tencentcloudapi\.com|tcb-ws\.tencentcloudapi\.com|api(\.intl)?\.tcloudbasegateway\.com)$/
  root.__cloudEmuRedirect = target

  // Ports of one host share the cookie of a paired device; other answers allow no cookies.
  function isNear(address) {
    var host = root.location && root.location.hostname
    return address.indexOf(target + '/') === 0 && new URL(target).hostname === host
  }

  function moved(address) {
    var url
    try {
      url = new URL(address, root.location && root.location.href)
    } catch (error) {
      return address
    }
    if (!cloud.test(url.hostname)) return address
    var to = new URL(target)
    var secure = to.protocol === 'https:'
    if (url.protocol === 'ws:' || url.protocol === 'wss:') to.protocol = secure ? 'wss:' : 'ws:'
    return to.protocol + '//' + to.host + url.pathname + url.search
  }

  if (root.XMLHttpRequest) {
    var open = root.XMLHttpRequest.prototype.open
    root.XMLHttpRequest.prototype.open = function (method, address) {
      var rest = Array.prototype.slice.call(arguments, 2)
      var to = moved(String(address))
      var done = open.apply(this, [method, to].concat(rest))
      if (isNear(to)) this.withCredentials = true
      return done
    }
  }

  if (root.fetch) {
    var fetched = root.fetch
    root.fetch = function (input, options) {
      var isRequest = typeof root.Request !== 'undefined' && input instanceof root.Request
      var to = moved(isRequest ? input.url : String(input))
      if (isNear(to)) options = Object.assign({}, options, { credentials: 'include' })
      if (!isRequest) return fetched.call(root, to, options)
      if (to === input.url) return fetched.call(root, input, options)
      // A request that is made of another one streams its body, which needs HTTP/2.
      var kept = { method: input.method, headers: input.headers, signal: input.signal }
      return input.clone().blob().then(function (body) {
        if (body.size) kept.body = body
        return fetched.call(root, to, Object.assign(kept, options))
      })
    }
  }

  if (root.WebSocket) {
    var Socket = root.WebSocket
    root.WebSocket = new Proxy(Socket, {
      construct: function (made, given) {
        return Reflect.construct(made, [moved(String(given[0]))].concat(given.slice(1)), made)
      }
    })
  }
})()
