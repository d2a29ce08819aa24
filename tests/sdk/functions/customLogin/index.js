// Checks a password and opens a session.
const cloud = require('wx-server-sdk')
const crypto = require('crypto')

cloud.init()
const db = cloud.database()

exports.main = async ({ username, password }) => {
  const { OPENID } = cloud.getWXContext()
  const { data: [user] } = await db.collection('users').where({ username }).get()
  if (!user) return { success: false, error: 'User not found' }
  const hash = crypto.createHash('sha256').update(password + user.salt).digest('hex')
  if (hash !== user.password) return { success: false, error: 'Invalid password' }
  const data = { lastLogin: db.serverDate(), ...(user.openid ? {} : { openid: OPENID }) }
  await db.collection('users').doc(user._id).update({ data })
  const token = crypto.randomBytes(32).toString('hex')
  const expiresAt = new Date(Date.now() + 7 * 24 * 3600 * 1000)
  await db.collection('sessions').add({ data: { token, userId: user._id, openid: OPENID, expiresAt } })
  return { success: true, token, expiresAt }
}
