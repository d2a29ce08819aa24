// Moves an amount between two accounts, or nothing at all.
const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()
const { inc } = db.command

exports.main = async ({ from, to, amount }) => {
  try {
    return await db.runTransaction(async (transaction) => {
      const accounts = transaction.collection('accounts')
      const { data } = await accounts.doc(from).get()
      await accounts.doc(from).update({ data: { balance: inc(-amount) } })
      await accounts.doc(to).update({ data: { balance: inc(amount) } })
      if (data.balance < amount) await transaction.rollback('Insufficient balance')
      return { success: true }
    })
  } catch (error) {
    return { success: false, error: String(error.message || error) }
  }
}
