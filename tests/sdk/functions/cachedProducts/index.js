// Keeps what it found for as long as the instance lives.
const cloud = require('wx-server-sdk')

cloud.init()
const cache = new Map()

exports.main = async ({ category }) => {
  if (cache.has(category)) return { source: 'cache', data: cache.get(category) }
  const { data } = await cloud.database().collection('products').where({ category }).limit(20).get()
  cache.set(category, data)
  return { source: 'database', data }
}
