// Takes what was ordered out of stock whenever an order appears.
const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()

exports.main = async ({ dataList }) => {
  for (const { doc, docId } of dataList) {
    if (!doc || doc.status !== 'new') continue
    for (const { productId, quantity } of doc.items) {
      const data = { stock: db.command.inc(-quantity) }
      await db.collection('products').doc(productId).update({ data })
    }
    await db.collection('orders').doc(docId).update({ data: { status: 'processing' } })
  }
}
