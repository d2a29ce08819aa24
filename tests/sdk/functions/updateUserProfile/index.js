// Changes only what was sent of the caller's own document.
const cloud = require('wx-server-sdk')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()

exports.main = async ({ userInfo, ...fields }) => {
  const { OPENID } = cloud.getWXContext()
  const data = { ...fields, updatedAt: db.serverDate() }
  const { stats } = await db.collection('users').where({ _openid: OPENID }).update({ data })
  return { updated: stats.updated, injected: userInfo }
}
