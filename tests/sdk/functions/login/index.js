// Tells who calls, as every mini program's first function does.
const cloud = require('wx-server-sdk')

cloud.init()

exports.main = async () => {
  const { OPENID, APPID, UNIONID, ENV, SOURCE } = cloud.getWXContext()
  return { openid: OPENID, appid: APPID, unionid: UNIONID, env: ENV, source: SOURCE }
}
