// Adds, updates or removes many documents in one call.
const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()

exports.main = async ({ action, collection, where, data }) => {
  const target = db.collection(collection)
  switch (action) {
    case 'add': return Promise.all(data.map((one) => target.add({ data: one }).then((r) => r._id)))
    case 'update': return (await target.where(where).update({ data })).stats
    case 'remove': return (await target.where(where).remove()).stats
    case 'count': return (await target.count()).total
  }
}
