// Logs JSON and fails on purpose.
const log = (level, message, data = {}) => console.log(JSON.stringify({ level, message, ...data }))

exports.main = async (event) => {
  log('info', 'Function started', { event })
  return await someOperation() // eslint-disable-line no-undef
}
