// Calls another function, which then has no user but knows the way the call came.
const cloud = require('wx-server-sdk')

cloud.init()

exports.main = async (event) => {
  try {
    const { result } = await cloud.callFunction({ name: event.name, data: event.data || {} })
    return { result }
  } catch (error) {
    return { errCode: error.errCode, errMsg: error.errMsg }
  }
}
