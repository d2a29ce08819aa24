// Answers HTTP requests.
const cloud = require('wx-server-sdk')

cloud.init()

exports.main = async ({ httpMethod, path, body }) => {
  const users = cloud.database().collection('users')
  if (httpMethod === 'GET' && path.endsWith('/users')) {
    const { data } = await users.limit(10).get()
    return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(data) }
  }
  if (httpMethod === 'POST' && path.endsWith('/users')) {
    const { name } = body ? JSON.parse(body) : {}
    if (!name) return { statusCode: 400, body: 'Name is required' }
    const { _id } = await users.add({ data: { name } })
    return { statusCode: 201, body: _id }
  }
  return { statusCode: 404, body: 'Not found' }
}
