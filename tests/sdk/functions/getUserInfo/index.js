// Returns the caller's own document and creates it at the first call.
const cloud = require('wx-server-sdk')

cloud.init()
const users = cloud.database().collection('users')

exports.main = async (event) => {
  const { OPENID } = cloud.getWXContext()
  try {
    const { data } = await users.where({ _openid: OPENID }).get()
    if (data.length > 0) return { success: true, data: data[0] }
    const user = {
      _openid: OPENID,
      createdAt: cloud.database().serverDate(),
      points: 0,
      nickname: event.nickname || 'New User'
    }
    const { _id } = await users.add({ data: user })
    return { success: true, data: { ...user, _id }, isNew: true }
  } catch (error) {
    return { success: false, error: error.message }
  }
}
