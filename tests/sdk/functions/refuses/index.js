// Says no with a text for the user, or takes longer than it may.
exports.main = async ({ slowly }) => {
  if (slowly) await new Promise((resolve) => setTimeout(resolve, 60000))
  throw new Error('请先填写姓名')
}
