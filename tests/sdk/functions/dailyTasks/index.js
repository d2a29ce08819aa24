// Adds yesterday's orders up.
const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()
const _ = db.command

exports.main = async () => {
  const day = new Date()
  day.setDate(day.getDate() - 1)
  const from = new Date(day).setHours(0, 0, 0, 0)
  const to = new Date(day).setHours(23, 59, 59, 999)
  const createTime = _.gte(new Date(from)).and(_.lte(new Date(to)))
  const { data } = await db.collection('orders').where({ createTime }).get()
  const totalSales = data.reduce((sum, order) => sum + order.amount, 0)
  await db.collection('reports').add({ data: { date: day, totalSales, count: data.length } })
  return { totalSales, count: data.length, source: cloud.getWXContext().SOURCE }
}
