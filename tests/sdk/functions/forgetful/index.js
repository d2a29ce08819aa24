// Neither awaits nor returns its write, as published functions do.
const cloud = require('wx-server-sdk')

cloud.init()
const db = cloud.database()

exports.main = (event) => {
  db.collection('notes').add({ data: { text: event.text, by: cloud.getWXContext().OPENID } })
    .then(({ _id }) => console.log('written', _id.length))
}
