// Writes transactions and indexes as the guide does.
const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()

exports.main = async ({ from, to, amount, collection }) => {
  try {
    if (collection) return await db.collection(collection).createIndex({ owner: 1 })
    await db.collection('accounts').createIndex({ keys: { owner: 1, balance: -1 }, name: 'owner_balance' })
    return await db.runTransaction(async (transaction) => {
      const { data } = await transaction.get(db.collection('accounts').doc(from))
      if (data.balance < amount) throw new Error('Insufficient balance')
      const taken = { data: { balance: db.command.inc(-amount) } }
      await transaction.update(db.collection('accounts').doc(from), taken)
      await transaction.set(db.collection('accounts').doc(to), { data: { balance: amount } })
      return { success: true }
    })
  } catch (error) {
    return { success: false, error: error.message }
  }
}
