// Writes with the SDK's own logger.
const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async () => {
  const log = cloud.logger()
  log.info({ name: 'pay', cost: 10 })
  log.warn({ name: 'slow' })
  log.error({ name: 'lost', tries: 3 })
}
